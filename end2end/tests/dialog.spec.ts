import { lstatSync } from 'node:fs';

import { RollbackDialog } from '../pages/dialog';
import { HostView } from '../pages/fleet';
import * as plans from '../support/plans';
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
  await expect(row.item('Rollback System')).toBeFocused();
  await page.keyboard.press('Enter');
  const dialog = new RollbackDialog(page, 'gpc0');
  await expect(dialog.radio(47)).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(dialog.radio(46)).toBeChecked();
  await expect(dialog.changes).toContainText('2 commits');
  await page.keyboard.press('Tab');
  await page.keyboard.type('with no mouse at hand');
  await page.keyboard.press('Tab');
  await expect(dialog.changes).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(dialog.cancel).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(dialog.confirm(46)).toBeFocused();
  await page.keyboard.press('Enter');
  await row.shows('System', 'ok', 'Rolled back to Gen 46');
  expect(await gpc0.current()).toBe(46);
});

for (const way of ['Cancel', 'Esc'] as const) {
  test(`over a host’s page the dialog gives back the place and the focus: ${way}`, async ({ page, gpc0 }) => {
    await page.setViewportSize({ width: 1280, height: 600 });
    await open(page, `/hosts/${gpc0.name}`);
    const link = page.getByRole('link', { name: 'Roll back to Gen 46' });
    await link.scrollIntoViewIfNeeded();
    const scrolled = await page.evaluate(() => scrollY);
    expect(scrolled).toBeGreaterThan(0);
    await link.click();
    const dialog = new RollbackDialog(page, gpc0.name);
    await expect(dialog.radio(46)).toBeFocused();
    await expect(page.locator('#timeline'), 'the host’s page is below').toHaveCount(1);
    await waysOut[way](dialog);
    await expect(dialog.self).toHaveCount(0);
    await expect(page).toHaveURL('/hosts/gpc0');
    await expect(link).toBeFocused();
    expect(await page.evaluate(() => scrollY)).toBe(scrolled);
  });
}

test('a long list is searched by number, commit, date or result', async ({ page, fleet }) => {
  const plan = plans.gpc0(fleet.repository);
  const older = Array.from({ length: 6 }, (_, i) => ({ ...plan.generations[2], label: `25.11.older${i}`, age_minutes: (50 + i) * plans.day }));
  await fleet.add({ ...plan, first: 38, generations: [...older, ...plan.generations] });
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  const shown = dialog.self.getByRole('listitem').filter({ visible: true });
  await expect(shown).toHaveCount(10);
  await dialog.find.fill('47');
  await expect(shown).toHaveCount(1);
  await expect(shown).toContainText('Gen 47');
  await dialog.find.fill(fleet.repository.commits.slice(-2)[0].slice(0, 6));
  await expect(shown).toContainText('Gen 47');
  await dialog.find.fill('not run');
  await expect(shown).toContainText(['Gen 45']);
  await dialog.find.fill('nothing like this');
  await expect(shown).toHaveCount(0);
  await expect(dialog.self).toContainText('No matching generations.');
  await dialog.find.press('Enter');
  await expect(dialog.self, 'Enter does not roll back').toBeVisible();
  await dialog.find.fill('');
  await expect(shown).toHaveCount(10);
});

test('a target of the same commit is pointed out, and the host’s notes are in sight', async ({ page, fleet }) => {
  const plan = plans.gpc0(fleet.repository);
  plan.generations[3].commit = plan.generations[4].commit;
  await fleet.add(plan);
  await open(page, '/hosts/gpc0');
  await page.getByLabel('Notes').fill('NEVER below Gen 45: postgres 17, https://wiki.example/pg17');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved.')).toBeVisible();
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  await expect(dialog.choice(47)).toContainText('same commit as the current one');
  await expect(dialog.choice(46)).not.toContainText('same commit');
  await expect(dialog.self).toContainText('NEVER below Gen 45: postgres 17');
  await expect(dialog.self.getByRole('link', { name: 'https://wiki.example/pg17' })).toHaveAttribute('rel', 'noreferrer');
});

test('a typed reason outlives the dialog, until it is sent', async ({ page, gpc0 }) => {
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  const row = HostView.inFleet(page, 'gpc0');
  await dialog.reason.fill('X11 is dead\nsee https://forum.example/t/1');
  await page.keyboard.press('Escape');
  await expect(dialog.self).toHaveCount(0);
  await row.choose('Rollback System');
  await expect(dialog.reason).toHaveValue('X11 is dead\nsee https://forum.example/t/1');
  await dialog.confirm(47).click();
  await row.shows('System', 'ok', 'Rolled back to Gen 47');
  await row.choose('Rollback System');
  await expect(dialog.reason).toHaveValue('');
  await open(page, '/ops');
  const link = page.getByRole('link', { name: 'https://forum.example/t/1' }).first();
  await expect(link).toHaveAttribute('rel', 'noreferrer');
});

/** The date of a generation in the browser's own form and time zone. */
async function whenMade(gpc0: { link(number: number): string }, number: number): Promise<string> {
  const made = lstatSync(gpc0.link(number)).mtime;
  const of = (options: Intl.DateTimeFormatOptions, date = made) => new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Vienna', ...options }).format(date);
  const isThisYear = of({ year: 'numeric' }) === of({ year: 'numeric' }, new Date());
  return of({ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', ...(isThisYear ? {} : { year: 'numeric' }) });
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
