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
