/** A host's past, and the changes between two generations. */

import { RollbackDialog } from '../pages/dialog';
import { expect, open, test } from '../support/test';

test('a host’s page says when it last worked, and what ran since', async ({ page, gpc0 }) => {
  await open(page, `/hosts/${gpc0.name}`);
  const timeline = page.getByRole('region', { name: 'Timeline' });
  await expect(timeline.getByText(/Last worked on Gen 47, until /)).toBeVisible();
  const newest = timeline.getByRole('listitem').first();
  await expect(newest).toContainText('Gen 48');
  await expect(newest).toContainText('FAILED (3/8)');
  await expect(newest).toContainText('until now');
  await expect(timeline, 'the axis says what it is').toContainText('The scale is logarithmic');
  await expect(timeline.locator('.timeline b').getByText('Gen 46', { exact: true }), 'each generation is there once').toHaveCount(1);
});

test('the page says since when the host works, and what people noted', async ({ page, gpc0, fleet }) => {
  const client = await fleet.client();
  const labels = { host: gpc0.name, tags: 'cloud', notes: 'Never below Gen 45' };
  await client.post('/api/set_labels', { form: labels, headers: { accept: 'application/json' } });
  await client.dispose();
  await open(page, `/hosts/${gpc0.name}`);
  const now = page.getByRole('region', { name: 'Current generation' });
  await expect(now).toContainText('tests fail since');
  await expect(now).toContainText('Never below Gen 45');
  await expect(now.getByRole('link', { name: 'cloud' })).toHaveAttribute('href', /q=tag:cloud/);
  for (const anchor of ['agent', 'git', 'lock', 'system', 'tests']) {
    await expect(page.locator(`[id="${anchor}"]`)).toHaveCount(1);
  }
});

test('nothing is said to work while the system changes', async ({ page, gpc0 }) => {
  await open(page, `/hosts/${gpc0.name}/rollback?from=host`);
  await new RollbackDialog(page, gpc0.name).confirm(47).click();
  const timeline = page.getByRole('region', { name: 'Timeline' });
  await expect(timeline).toContainText('Works now, on Gen 47.');
  await gpc0.hold();
  await open(page, `/hosts/${gpc0.name}/rollback?from=host`);
  await new RollbackDialog(page, gpc0.name).radio(46).check();
  await new RollbackDialog(page, gpc0.name).confirm(46).click();
  await expect(timeline).toContainText('Worked on Gen 47. Now: Rollback to Gen 46.');
  await expect(timeline).not.toContainText('Works now');
  await gpc0.letGo();
  await expect(timeline).toContainText('Works now, on Gen 46.');
});

test('the dialog shows the changes between the two generations on request', async ({ page, gpc0 }) => {
  await open(page, `/hosts/${gpc0.name}/rollback`);
  const rollback = new RollbackDialog(page, gpc0.name);
  const dialog = rollback.self;
  await dialog.getByText('What changes').click();
  await expect(dialog.getByText(/Undoes 1 commit/)).toBeVisible();
  await expect(dialog.getByText(/^Packages: |^No package changes/)).toBeVisible();
  await rollback.radio(46).check();
  await expect(dialog.getByText(/Undoes 2 commits/)).toBeVisible();
});
