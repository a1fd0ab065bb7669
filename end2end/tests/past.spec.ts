/** A host's past, and the changes between two generations. */

import { Selection } from '../pages/bulk';
import { RollbackDialog } from '../pages/dialog';
import { sizes } from '../support/look';
import * as plans from '../support/plans';
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
  await open(page, `/hosts/${gpc0.name}/here/rollback`);
  await new RollbackDialog(page, gpc0.name).confirm(47).click();
  const timeline = page.getByRole('region', { name: 'Timeline' });
  await expect(timeline).toContainText('Works now, on Gen 47.');
  await gpc0.hold();
  await open(page, `/hosts/${gpc0.name}/here/rollback`);
  await new RollbackDialog(page, gpc0.name).radio(46).check();
  await new RollbackDialog(page, gpc0.name).confirm(46).click();
  await expect(timeline).toContainText('Worked on Gen 47. Now: Rollback to Gen 46.');
  await expect(timeline).not.toContainText('Works now');
  await gpc0.letGo();
  await expect(timeline).toContainText('Works now, on Gen 46.');
});

test('the dialog says in one line what changes, and all of it in a sheet', async ({ page, gpc0 }) => {
  await open(page, `/hosts/${gpc0.name}/rollback`);
  const dialog = new RollbackDialog(page, gpc0.name);
  await expect(dialog.changes).toContainText(/\b1 commit\b/);
  await dialog.changes.click();
  await expect(dialog.sheet.getByText(/Undoes 1 commit/)).toBeVisible();
  await expect(dialog.sheet.getByText(/^Packages: |^No package changes/)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog.sheet).toBeHidden();
  await expect(dialog.self, 'Esc closes the sheet alone').toBeVisible();
  await dialog.radio(46).check();
  await expect(dialog.changes).toContainText(/\b2 commits\b/);
});

test('a needed reboot is said beside the button, as soon as the target is chosen', async ({ page, gpc0 }) => {
  await open(page, `/hosts/${gpc0.name}/rollback`);
  const dialog = new RollbackDialog(page, gpc0.name);
  await expect(dialog.changes).not.toContainText('reboot');
  await dialog.radio(44).check();
  await expect(dialog.changes).toContainText('reboot needed');
});

test.describe('on a phone', () => {
  test.use({ viewport: sizes.phone, hasTouch: true });

  test('the sheet is in sight, and nothing lies over it', async ({ page, gpc0 }) => {
    await open(page, `/hosts/${gpc0.name}/rollback`);
    const dialog = new RollbackDialog(page, gpc0.name);
    await expect(dialog.changes, 'the line is').toBeInViewport({ ratio: 1 });
    await dialog.changes.tap();
    const undoes = dialog.sheet.getByText(/Undoes 1 commit/);
    await expect(undoes).toBeInViewport({ ratio: 1 });
    const isOnTop = await undoes.evaluate((it) => {
      const box = it.getBoundingClientRect();
      return it.contains(document.elementFromPoint(box.x + 4, box.y + box.height / 2));
    });
    expect(isOnTop).toBe(true);
    await dialog.sheet.getByRole('button', { name: 'Close' }).tap();
    await expect(dialog.sheet).toBeHidden();
  });
});

test('“What changed” leads to the answer, and from there to others', async ({ page, gpc0 }) => {
  await open(page, `/hosts/${gpc0.name}`);
  await page.getByRole('link', { name: 'What changed since Gen 47' }).click();
  await expect(page).toHaveURL('/hosts/gpc0/compare/47..48');
  await expect(page).toHaveTitle(/Gen 47 → Gen 48 - gpc0/);
  const main = page.getByRole('main');
  await expect(main.getByText(/^Adds 1 commit/)).toBeVisible();
  await main.getByRole('link', { name: 'Swap' }).click();
  await expect(page).toHaveURL('/hosts/gpc0/compare/48..47');
  await expect(main.getByText(/^Undoes 1 commit/)).toBeVisible();
  await main.getByText('Other generations').click();
  await main.getByRole('link', { name: 'Gen 44 as the second' }).click();
  await expect(page).toHaveURL('/hosts/gpc0/compare/48..44');
  await expect(main.getByText('reboot needed')).toBeVisible();
  await main.getByRole('link', { name: 'Rollback to Gen 44…' }).click();
  await expect(new RollbackDialog(page, gpc0.name).radio(44)).toBeChecked();
});

test('a comparison needs no script', async ({ another, gpc0 }) => {
  const page = await another({ javaScriptEnabled: false });
  await page.goto(`/hosts/${gpc0.name}/rollback`);
  await page.getByRole('link', { name: 'What changes' }).click();
  await expect(page).toHaveURL('/hosts/gpc0/compare/48..47');
  await expect(page.getByText(/^Undoes 1 commit/)).toBeVisible();
});

test('a host that is offline cannot compare, and the page says so', async ({ page, gpc0 }) => {
  await gpc0.stopAgent();
  await open(page, `/hosts/${gpc0.name}/compare/47..48`);
  await expect(page.getByRole('main')).toContainText('gpc0 is not connected, so it cannot be asked what would change.');
});

test('a host is compared with another from its own page and from the selection', async ({ page, gpc0, fleet }) => {
  await fleet.add(plans.imac0(fleet.repository));
  await open(page, `/hosts/${gpc0.name}`);
  await page.getByRole('link', { name: 'Compare with another host' }).click();
  await page.getByRole('main').getByRole('link', { name: 'imac0', exact: true }).click();
  await expect(page).toHaveURL('/compare/gpc0..imac0');
  await open(page, '/');
  const selection = new Selection(page);
  const compare = selection.bar.getByRole('link', { name: 'Compare' });
  await selection.box('gpc0').check();
  await expect(compare).toHaveCount(0);
  await selection.box('imac0').check();
  await compare.click();
  await expect(page).toHaveURL('/compare/gpc0..imac0');
  await expect(page.getByRole('main')).toContainText('What they run');
});

test('what two hosts run is compared by what they reported', async ({ page, gpc0, fleet }) => {
  await fleet.add(plans.imac0(fleet.repository));
  await open(page, `/compare/${gpc0.name}..imac0`);
  const main = page.getByRole('main');
  await expect(main.getByRole('row', { name: /^Generation/ })).toHaveText(/Gen 48.*Gen 12/);
  await expect(main).toContainText('Packages and units are not compared');
  await main.getByRole('link', { name: 'Swap' }).click();
  await expect(page).toHaveURL('/compare/imac0..gpc0');
});
