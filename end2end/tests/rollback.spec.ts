import { AuditPage } from '../pages/audit';
import { RollbackDialog } from '../pages/dialog';
import { HostView, notice } from '../pages/fleet';
import { latestOps } from '../pages/host';
import { LogDrawer, OpPage } from '../pages/op';
import * as plans from '../support/plans';
import { expect, open, test } from '../support/test';

test('a switch that succeeded and broke the host shows System green, Tests red', async ({ page, gpc0, fleet }) => {
  await open(page, '/');
  const row = HostView.inFleet(page, gpc0.name);
  const head = fleet.repository.commits[fleet.repository.commits.length - 1].slice(0, 7);
  await row.shows('Agent', 'ok', 'Current');
  await row.shows('Git', 'ok', `At ${head}`);
  await row.shows('Lock', 'ok', 'Up to date');
  await row.shows('System', 'ok', 'Gen 48');
  await row.shows('Tests', 'failed', '5 of 8 failed');
});

test('rollback to the last known working generation: System and Tests recover, tests re-run automatically', async ({
  page,
  gpc0,
}) => {
  await open(page, '/');
  const row = HostView.inFleet(page, 'gpc0');
  const dialog = new RollbackDialog(page, 'gpc0');
  await gpc0.hold();
  await gpc0.holdTests();
  await row.choose('Rollback System');
  await dialog.confirm(47).click();

  await expect(dialog.self).toHaveCount(0);
  await row.shows('System', 'working', 'Rolling back to Gen 47');
  await expect.poll(() => gpc0.holding()).toBe(true);
  expect(await gpc0.activations(), 'nothing is activated before it is let go').toEqual([]);

  await gpc0.letGo();
  await row.shows('System', 'ok', 'Rolled back to Gen 47');
  await expect(notice(page, 'Rolled back to Gen 47')).toBeVisible();
  await row.shows('Tests', 'working', 'Running 0/8');

  await gpc0.letTestsGo();
  await row.shows('Tests', 'ok', '8/8 passed');
  await row.shows('Agent', 'ok', 'Current');

  expect(await gpc0.listGenerations()).toMatch(/^\s*47 .*\(current\)/m);
  expect(await gpc0.running()).toBe(await gpc0.build(47));
  expect(await gpc0.activations()).toEqual([{ verb: 'switch', build: await gpc0.build(47) }]);
});

test('who rolled back, from where, to where and why are in the audit log', async ({ page, gpc0, fleet }) => {
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, gpc0.name);
  await dialog.reason.fill('  X11 won’t start  ');
  await dialog.confirm(47).click();
  await HostView.inFleet(page, 'gpc0').shows('Tests', 'ok', '8/8 passed');

  await page.getByRole('link', { name: 'Audit' }).click();
  const audit = new AuditPage(page);
  const way = { who: 'admin', host: 'gpc0', way: 'Gen 48 → Gen 47', why: 'X11 won’t start' };
  await audit.has({ ...way, what: 'rollback.succeeded', outcome: 'Rolled back to Gen 47' });
  await expect(audit.steps('rollback.succeeded'), 'one row from request to result').toHaveText(/rollback\.requested Requested\.$/);
  const test = { who: 'auto-test', host: 'gpc0', way: '', why: '' };
  await audit.has({ ...test, what: 'test.succeeded', outcome: /8/ });
  await expect(audit.intact).toBeVisible();
  expect(await fleet.server.verifyAudit()).toContain('intact');
});

test('the host’s own page shows the rollback and leads to its output', async ({ page, gpc0, fleet }) => {
  await open(page, '/hosts/gpc0');
  const host = HostView.onItsPage(page, gpc0.name);
  await host.shows('Tests', 'failed', '5 of 8 failed');
  await page.getByRole('link', { name: 'Rollback System' }).first().click();
  const dialog = new RollbackDialog(page, 'gpc0');
  await dialog.reason.fill('no picture');
  await dialog.confirm(47).click();

  await expect(page).toHaveURL('/hosts/gpc0');
  await host.shows('System', 'ok', 'Rolled back to Gen 47');
  await host.shows('Tests', 'ok', '8/8 passed');
  const c47 = fleet.repository.commits[fleet.repository.commits.length - 2].slice(0, 7);
  await expect(page.getByRole('region', { name: 'Current generation' })).toContainText(`Gen 47 (${c47})`);

  const ops = await latestOps(page);
  await ops.getByRole('link', { name: 'Rollback to Gen 47' }).click();
  await new LogDrawer(page, 'Rollback to Gen 47', 'gpc0').asPage.click();
  const op = new OpPage(page);
  await op.came('succeeded');
  await expect(page.getByRole('main')).toContainText('Gen 48 → Gen 47');
  await expect(page.getByRole('main')).toContainText('no picture');
  await expect(op.output).toContainText('activating the configuration...');
  await op.hasEveryLine();
});

test('the op of a rollback leads back, and the next dialog says how long it usually takes', async ({ page, gpc0 }) => {
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  await expect(dialog.self).not.toContainText('usually');
  await dialog.confirm(47).click();
  await HostView.inFleet(page, 'gpc0').shows('Tests', 'ok', '8/8 passed');
  await open(page, '/ops');
  await page.getByRole('link', { name: 'Rollback to Gen 47' }).click();
  await new LogDrawer(page, 'Rollback to Gen 47', 'gpc0').self.getByRole('link', { name: 'Go back to Gen 48…' }).click();
  await expect(dialog.radio(48)).toBeChecked();
  await expect(dialog.self.getByText(/^gpc0 goes from/).filter({ visible: true })).toHaveText(/, usually in \d+ s/);
});

test('rollback beyond Nix’s previous generation reaches exactly the chosen one', async ({ page, gpc0 }) => {
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  await dialog.radio(44).check();
  await dialog.confirm(44).click();
  const row = HostView.inFleet(page, 'gpc0');
  // Its kernel is not the booted one, so it runs fully only after a reboot, and says so.
  await row.shows('System', 'attention', 'Reboot needed');
  await row.shows('Tests', 'ok', '8/8 passed');
  await expect(notice(page, 'Rolled back to Gen 44')).toBeVisible();
  expect(await gpc0.current()).toBe(44);
  expect(await gpc0.running()).toBe(await gpc0.build(44));
  expect(await gpc0.activations()).toEqual([{ verb: 'switch', build: await gpc0.build(44) }]);
});

test('with auto-test off, Tests says after a rollback that a run is due', async ({ page, gpc0 }) => {
  await open(page, '/hosts/gpc0');
  const host = HostView.onItsPage(page, gpc0.name);
  await page.getByRole('button', { name: 'Turn auto-test off' }).click();
  await expect(page.getByRole('button', { name: 'Turn auto-test on' })).toBeVisible();
  await page.getByRole('link', { name: 'Rollback System' }).first().click();
  await new RollbackDialog(page, 'gpc0').confirm(47).click();
  await host.shows('System', 'ok', 'Rolled back to Gen 47');
  await host.shows('Tests', 'attention', 'Run again');

  await host.choose('Run Tests');
  await host.shows('Tests', 'ok', '8/8 passed');
});

test('back and forth: a host that was rolled back can be brought forward again', async ({ page, gpc0 }) => {
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  const row = HostView.inFleet(page, 'gpc0');
  await dialog.confirm(47).click();
  await row.shows('Tests', 'ok', '8/8 passed');

  await row.choose('Rollback System');
  await expect(dialog.current).toContainText('Gen 47');
  await dialog.radio(48).check();
  await dialog.goForward(48).click();
  await row.shows('System', 'ok', 'Went forward to Gen 48');
  await expect(notice(page, 'Went forward to Gen 48')).toBeVisible();
  await row.shows('Tests', 'failed', '5 of 8 failed');
  expect(await gpc0.current()).toBe(48);
  expect((await gpc0.activations()).map(({ build }) => build)).toEqual([await gpc0.build(47), await gpc0.build(48)]);
});

test('a home-manager host rolls back by its own activation script', async ({ page, fleet }) => {
  const imac0 = await fleet.add(plans.imac0(fleet.repository));
  await open(page, '/');
  const row = HostView.inFleet(page, 'imac0');
  await row.shows('Tests', 'failed', '1 of 3 failed');
  await row.choose('Rollback System');
  const dialog = new RollbackDialog(page, 'imac0');
  await expect(dialog.choice(11)).toContainText('Last known working');
  await dialog.confirm(11).click();
  await row.shows('System', 'ok', 'Rolled back to Gen 11');
  await row.shows('Tests', 'ok', '3/3 passed');

  expect(await imac0.current()).toBe(11);
  expect(await imac0.running()).toBe(await imac0.build(11));
  expect(await imac0.activations()).toEqual([{ verb: 'activate', build: await imac0.build(11) }]);
  expect(await imac0.listGenerations(), 'no generation was added').not.toMatch(/^\s*13 /m);
});

test('running tests do not block a rollback: one click stops them and keeps the reason', async ({
  page,
  gpc0,
  fleet,
}) => {
  await gpc0.holdTests();
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  await dialog.reason.fill('the screen is black');
  await expect(dialog.confirm(47)).toBeEnabled();
  await fleet.ask('gpc0', 'test');
  await expect(dialog.confirmStopping(47)).toBeEnabled();
  await expect(dialog.self).toContainText('gpc0 is running its tests');
  await dialog.confirmStopping(47).click();
  await expect(dialog.self).toHaveCount(0);
  const row = HostView.inFleet(page, 'gpc0');
  await row.shows('System', 'ok', 'Rolled back to Gen 47');
  await gpc0.letTestsGo();
  await row.shows('Tests', 'ok', '8/8 passed');
  await open(page, '/audit');
  await expect(page.getByRole('main')).toContainText('the screen is black');
});

test('a generation that somebody left is a way forward that names the person, and is not preselected', async ({ page, gpc0 }) => {
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  await dialog.reason.fill('X11 is dead');
  await dialog.confirm(47).click();
  const row = HostView.inFleet(page, gpc0.name);
  await row.shows('Tests', 'ok', '8/8 passed');
  await open(page, '/hosts/gpc0/rollback');
  await expect(dialog.radio(46)).toBeChecked();
  await expect(dialog.choice(48)).toContainText(/You left this one, .*: X11 is dead/);
  await dialog.radio(48).check();
  await expect(dialog.goForward(48)).toBeEnabled();
  await expect(dialog.self).toContainText('this goes forward, not back');
});

test('a rollback keeps the specialisation that runs, unless another one is chosen or the target has it not', async ({ page, fleet }) => {
  const gpc0 = await fleet.add(plans.withSpecialisation(plans.gpc0(fleet.repository), 'gaming'));
  await open(page, '/');
  const row = HostView.inFleet(page, gpc0.name);
  await row.shows('Tests', 'failed', '5 of 8 failed');
  await gpc0.specialise(48, 'gaming');
  await row.shows('System', 'ok', 'Gen 48 (gaming)');

  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  await expect(dialog.specialisation.locator('option')).toHaveText(['gaming (as now)', 'none']);
  await expect(dialog.choice(46)).toContainText('without gaming');
  await dialog.radio(46).check();
  await expect(dialog.self).toContainText('“gaming” is active now. Gen 46 has no such specialisation, so Gen 46 itself runs.');
  await dialog.radio(47).check();
  await dialog.confirm(47).click();
  await row.shows('System', 'ok', 'Rolled back to Gen 47 (gaming)');
  expect(await gpc0.running()).toBe(await gpc0.build(47, 'gaming'));
  await row.shows('Tests', 'ok', '8/8 passed');

  await open(page, '/hosts/gpc0/rollback');
  await dialog.radio(48).check();
  await dialog.specialisation.selectOption('none');
  await dialog.goForward(48).click();
  await row.shows('System', 'ok', 'Went forward to Gen 48');
  expect(await gpc0.running()).toBe(await gpc0.build(48));
});
