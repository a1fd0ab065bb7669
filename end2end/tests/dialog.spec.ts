import { lstatSync } from 'node:fs';

import { RollbackDialog } from '../pages/dialog';
import { HostView } from '../pages/fleet';
import { expect, open, test } from '../support/test';

test('“Rollback System” is in the ellipsis menu of a host and opens the dialog', async ({ page, gpc0 }) => {
  await open(page, '/');
  const row = HostView.inFleet(page, 'gpc0');
  await expect(row.item('Rollback System')).toBeHidden();
  await row.choose('Rollback System');
  await expect(new RollbackDialog(page, gpc0.name).self).toBeVisible();
  await expect(page).toHaveURL('/hosts/gpc0/rollback');
  await expect(page).toHaveTitle(/Rollback System - gpc0/);
});

test('the dialog shows number, commit, time and status of each generation', async ({ page, gpc0, fleet }) => {
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  const commits = fleet.repository.commits.slice(-5);
  const tests = ['Tests: PASSED (8/8) ✓', 'Tests: not run', 'Tests: PASSED (8/8) ✓', 'Tests: PASSED (8/8) ✓'];
  for (const [i, status] of tests.entries()) {
    const choice = dialog.choice(44 + i);
    // The commit of a garbage-collected generation is unknown.
    const commit = i === 1 ? '' : ` (${commits[i].slice(0, 7)})`;
    await expect(choice).toContainText(`Gen ${44 + i}${commit}`);
    await expect(choice).toContainText(await whenMade(gpc0, 44 + i));
    await expect(choice).toContainText(status);
  }
  await expect(dialog.self.getByRole('listitem')).toHaveCount(4);
});

test('the dialog highlights current, target and last known working', async ({ page, gpc0, fleet }) => {
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, gpc0.name);
  const [, , , c47, c48] = fleet.repository.commits.slice(-5).map((commit) => commit.slice(0, 7));

  await expect(dialog.current).toContainText(`Gen 48 (${c48})`);
  await expect(dialog.current).toContainText('Tests: FAILED (3/8)');
  await expect(dialog.radio(48)).toHaveCount(0);

  await expect(dialog.choice(47)).toContainText('Last known working');
  await expect(dialog.self.getByText('Last known working')).toHaveCount(1);

  await expect(dialog.radio(47)).toBeChecked();
  await expect(dialog.radio(47)).toBeFocused();
  await expect(dialog.self).toContainText(`gpc0 goes from Gen 48 (${c48}) to Gen 47 (${c47})`);
  await expect(dialog.confirm(47)).toBeEnabled();
});

test('the button names the chosen generation', async ({ page, gpc0 }) => {
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, gpc0.name);
  await dialog.radio(46).check();
  await expect(dialog.confirm(46)).toBeVisible();
  await expect(dialog.confirm(47)).toHaveCount(0);
  await expect(dialog.self.getByText(/^gpc0 goes from/).filter({ visible: true })).toHaveText(/to Gen 46/);
});

test('a target older than 30 days, or with another kernel, carries a warning', async ({ page, gpc0 }) => {
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, gpc0.name);
  const old = dialog.self.getByText('It is more than 30 days old');
  const reboot = dialog.self.getByText('it needs a reboot to take full effect');
  await expect(old.filter({ visible: true })).toHaveCount(0);
  await expect(dialog.choice(44)).toContainText('older than 30 days');
  await expect(dialog.choice(44)).toContainText('needs a reboot');

  await dialog.radio(44).check();
  await expect(old.filter({ visible: true })).toHaveCount(1);
  await expect(reboot.filter({ visible: true })).toHaveCount(1);
  await expect(dialog.confirm(44)).toBeEnabled();
});

test('a garbage-collected generation is shown and cannot be chosen', async ({ page, gpc0 }) => {
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, gpc0.name);
  await expect(dialog.choice(45)).toContainText('garbage-collected');
  await expect(dialog.radio(45)).toBeDisabled();
});

const waysOut = {
  Cancel: (dialog: RollbackDialog) => dialog.cancel.click(),
  Esc: (dialog: RollbackDialog) => dialog.page.keyboard.press('Escape'),
  'the browser’s way back': (dialog: RollbackDialog) => dialog.page.goBack(),
};

for (const [name, leave] of Object.entries(waysOut)) {
  test(`nothing happens without the button: leaving by ${name}`, async ({ page, gpc0 }) => {
    await open(page, '/');
    const row = HostView.inFleet(page, 'gpc0');
    await row.choose('Rollback System');
    const dialog = new RollbackDialog(page, 'gpc0');
    await dialog.radio(46).check();
    await dialog.reason.fill('never mind');
    await leave(dialog);

    await expect(dialog.self).toHaveCount(0);
    await expect(page).toHaveURL('/');
    await expect(row.menuButton).toBeFocused();
    await row.shows('System', 'ok', 'Gen 48');
    expect(await gpc0.activations()).toEqual([]);
    expect(await gpc0.current()).toBe(48);
    await open(page, '/audit');
    await expect(page.getByRole('cell', { name: /^rollback\./ })).toHaveCount(0);
  });
}

test('the dialog holds the keyboard’s focus, and all of it can be done with the keyboard', async ({ page, gpc0 }) => {
  await open(page, '/');
  const row = HostView.inFleet(page, 'gpc0');
  await row.menuButton.focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await expect(row.item('Rollback System')).toBeFocused();
  await page.keyboard.press('Enter');
  const dialog = new RollbackDialog(page, 'gpc0');
  await expect(dialog.radio(47)).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(dialog.radio(46)).toBeChecked();
  await page.keyboard.press('Tab');
  await page.keyboard.type('with no mouse at hand');
  await page.keyboard.press('Tab');
  await expect(dialog.self.getByText('What changes')).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(dialog.cancel).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(dialog.confirm(46)).toBeFocused();
  await page.keyboard.press('Enter');
  await row.shows('System', 'ok', 'Rolled back to Gen 46');
  expect(await gpc0.current()).toBe(46);
});

/** The date of a generation in the time zone of the browser. */
async function whenMade(gpc0: { link(number: number): string }, number: number): Promise<string> {
  const made = lstatSync(gpc0.link(number)).mtime;
  const zone = { timeZone: 'Europe/Vienna' };
  const part = (options: Intl.DateTimeFormatOptions, date = made) =>
    new Intl.DateTimeFormat('en-US', { ...zone, ...options }).format(date);
  const year = part({ year: 'numeric' });
  const shownYear = year === part({ year: 'numeric' }, new Date()) ? '' : ` ${year}`;
  const time = part({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  return `${part({ month: 'short', day: 'numeric' })}${shownYear}, ${time}`;
}

test('the back button does not return to a dialog that was left', async ({ page, gpc0 }) => {
  const dialog = new RollbackDialog(page, gpc0.name);
  await open(page, '/audit');
  await page.getByRole('link', { name: 'Fleet', exact: true }).click();
  const back = async () => {
    await expect(dialog.self).toHaveCount(0);
    await page.goBack();
    await expect(dialog.self).toHaveCount(0);
    await page.goForward();
    await expect(page).toHaveURL('/');
  };
  await HostView.inFleet(page, gpc0.name).choose('Rollback System');
  await expect(dialog.self).toBeVisible();
  await page.keyboard.press('Escape');
  await back();
  await HostView.inFleet(page, gpc0.name).choose('Rollback System');
  await dialog.confirm(47).click();
  await HostView.inFleet(page, gpc0.name).shows('System', 'ok', 'Rolled back to Gen 47');
  await back();
});

test('a refusal is seen where the button is, and leads to the log-in', async ({ page, gpc0, watch }) => {
  watch.allow(/401/);
  await page.setViewportSize({ width: 390, height: 600 });
  await open(page, `/hosts/${gpc0.name}/rollback`);
  const dialog = new RollbackDialog(page, gpc0.name);
  await page.context().clearCookies();
  await dialog.confirm(47).click();
  const refusal = dialog.self.getByRole('alert').filter({ hasText: 'You are not logged in' });
  await expect(refusal).toBeInViewport({ ratio: 1 });
  const isCovered = await refusal.evaluate((said) => {
    const box = said.getBoundingClientRect();
    return !said.contains(document.elementFromPoint(box.x + box.width / 2, box.bottom - 4));
  });
  expect(isCovered, 'by what stands at the edge of the dialog').toBe(false);
  await refusal.getByRole('link', { name: 'Log in' }).click();
  await expect(page, 'and back again').toHaveURL(/\/login\?next=\/hosts\/gpc0\/rollback/);
});
