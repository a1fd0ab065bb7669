/** The other actions on a failed deployment, and roll-outs. */

import { DeploymentPanel, RevertDialog } from '../pages/deployment';
import { HostView, statusLine } from '../pages/fleet';
import { LogDrawer } from '../pages/op';
import { RollBackFailedDialog } from '../pages/planned-rollback';
import { RolloutDialog, RolloutPanel } from '../pages/rollout';
import { Crowd } from '../support/crowd';
import { looksRight, sizes } from '../support/look';
import { number, test } from '../support/story';
import { expect, open } from '../support/test';

test('View Logs leads to the output of the failing test', async ({ page, story }) => {
  await story.begin('gpc0', 'hsb0', 'imac0');
  await story.fail();
  await open(page, '/');
  const panel = new DeploymentPanel(page);
  await panel.viewLogs.click();
  await panel.log('imac0', 'tests').click();
  const drawer = new LogDrawer(page, 'Run Tests', 'imac0');
  await expect(drawer.output).toContainText('x11: cannot open display :0');
  await drawer.hasEveryLine();
});

test('of hundreds of hosts, the failed ones come first, and most are folded', async ({ page, story, fleet }, testInfo) => {
  test.setTimeout(240_000);
  await story.begin('hsb0');
  const crowd = await Crowd.join(fleet.server, 300);
  await story.fail('hsb0');
  await open(page, '/');
  const panel = new DeploymentPanel(page);
  await expect(panel.rows).toHaveCount(20);
  await expect(panel.rows.first()).toContainText('hsb0 - Switch OK, Tests FAIL (gpu)');
  await expect(panel.self).toContainText('1 failed, 300 not attempted');
  const height = async () => (await panel.self.boundingBox())?.height ?? 0;
  expect(await height()).toBeLessThan(1.5 * sizes.desktop.height);
  await looksRight(page, testInfo, 'deployment-of-300');
  await panel.self.getByText('and 281 more').click();
  await expect(panel.self.getByRole('list', { name: 'Other hosts' }).getByRole('listitem')).toHaveCount(281);

  await panel.revert.click();
  await expect(new RevertDialog(page, number).onHosts.last()).toHaveText('and 291 more');
  await page.setViewportSize(sizes.phone);
  await open(page, '/');
  expect(await height()).toBeLessThan(2.5 * sizes.phone.height);
  await looksRight(page, testInfo, 'deployment-of-300-phone');
  await crowd.end();
});

test('Continue Anyway: everybody hears of it, and the deployment continues', async ({ page, another, story }) => {
  await story.begin('gpc0', 'hsb0');
  await story.fail('hsb0');
  const other = await another();
  for (const view of [page, other]) await open(view, '/');
  await new DeploymentPanel(page).continueAnyway.click();
  for (const view of [page, other]) {
    const panel = new DeploymentPanel(view);
    await panel.isDecided('continued');
    await expect(panel.heading('Deployment of PR #42')).toBeVisible();
    await expect(panel.self).toContainText('admin continued despite failures.');
  }
  await story.rollOut(['gpc0']);
  await new DeploymentPanel(other).says('gpc0', '✓ gpc0 - Switch OK, Tests OK');
});

test('the failed hosts are rolled back in one confirmed action, each to its shown target', async ({ page, story, fleet }) => {
  await story.begin('gpc0', 'hsb0', 'imac0');
  await story.fail();
  await open(page, '/');
  const panel = new DeploymentPanel(page);
  await panel.rollBackFailed.click();
  const dialog = new RollBackFailedDialog(page);
  for (const name of ['hsb0', 'imac0']) {
    await expect(dialog.row(name)).toContainText('Gen 8');
    await expect(dialog.row(name)).toContainText('Gen 7');
    await expect(dialog.row(name)).toContainText('3/3');
  }
  await expect(dialog.row('gpc0')).toHaveCount(0);
  await dialog.reason.fill('no picture');
  await dialog.confirm(2).click();

  for (const name of ['hsb0', 'imac0']) {
    const row = HostView.inFleet(page, name);
    await row.shows('System', 'ok', 'Rolled back to Gen 7');
    await row.shows('Tests', 'ok', '3/3 passed');
    await expect(panel.now(name)).toHaveText('Rolled back to Gen 7');
    const host = fleet.host(name);
    expect(await host.running()).toBe(await host.build(7));
  }
  expect(await fleet.host('gpc0').current()).toBe(8);
  expect((await fleet.host('gpc0').activations()).length).toBe(1);
});

test('a roll-out stops at the first failure, and names the hosts that it left out', async ({ page, another, story, fleet }) => {
  await story.begin();
  await story.merge();
  const other = await another();
  await open(other, '/');
  await open(page, '/');
  await new DeploymentPanel(page).pullAndSwitchAll.click();
  const dialog = new RolloutDialog(page);
  await expect(dialog.kind('Pull and Switch')).toBeChecked();
  for (const name of ['csb0', 'gpc0', 'hsb0', 'imac0']) await dialog.host(name).check();
  await dialog.atOnce.fill('1');
  await dialog.stopAtFirstFailure.check();
  await dialog.reason.fill('the weekly update');
  await dialog.confirm('Pull and Switch', 4).click();

  for (const view of [page, other]) {
    await new RolloutPanel(view).isAt('stopped');
    const panel = new DeploymentPanel(view);
    await expect(panel.heading('Deployment Failed')).toBeVisible();
    await panel.says('csb0', '✓ csb0 - Switch OK, Tests OK');
    await panel.says('gpc0', '✓ gpc0 - Switch OK, Tests OK');
    await panel.says('hsb0', '✗ hsb0 - Switch OK, Tests FAIL (gpu)');
    await panel.says('imac0', '⬜ imac0 - Not attempted');
    await expect(view).toHaveTitle(/^\(\d\) ✗ /);
    const decide = statusLine(view).getByRole('link', { name: 'Deployment of #42 failed on 1 of 4 · Decide' });
    await expect(decide).toHaveAttribute('href', /^\/deployments\//);
  }
  expect(await fleet.host('imac0').activations()).toEqual([]);
});

test('as many hosts at once as requested, and no more', async ({ page, story, fleet }) => {
  await story.begin('csb0', 'gpc0', 'imac0');
  await story.merge();
  const hosts = ['csb0', 'gpc0', 'imac0'].map((name) => fleet.host(name));
  for (const host of hosts) await host.hold();
  await open(page, '/rollout');
  const dialog = new RolloutDialog(page);
  for (const { name } of hosts) await dialog.host(name).check();
  await dialog.atOnce.fill('2');
  await dialog.confirm('Pull and Switch', 3).click();

  const [csb0, gpc0, imac0] = hosts;
  await expect.poll(() => csb0.holding() && gpc0.holding(), 'two are at work').toBe(true);
  const panel = new RolloutPanel(page);
  await panel.isAt('running');
  expect(imac0.holding(), 'the third waits for its turn').toBe(false);
  expect(await imac0.current()).toBe(7);
  await csb0.letGo();
  await expect.poll(() => imac0.holding(), 'one is through, and the third begins').toBe(true);
  expect(gpc0.holding()).toBe(true);
  for (const host of hosts) await host.letGo();
  await expect(panel.self).not.toHaveAttribute('data-state', 'running');
});

test('a roll-out that is stopped by hand starts no more hosts, and finishes those already running', async ({ page, story, fleet }) => {
  await story.begin('csb0', 'gpc0');
  await story.merge();
  const csb0 = fleet.host('csb0');
  await csb0.hold();
  await open(page, '/rollout');
  const dialog = new RolloutDialog(page);
  for (const name of ['csb0', 'gpc0']) await dialog.host(name).check();
  await dialog.atOnce.fill('1');
  await dialog.confirm('Pull and Switch', 2).click();
  await expect.poll(() => csb0.holding()).toBe(true);
  const panel = new RolloutPanel(page);
  await panel.stop.click();
  await panel.isAt('stopping');
  await csb0.letGo();
  await panel.isAt('stopped');
  await HostView.inFleet(page, 'csb0').shows('Tests', 'ok', '3/3 passed');
  expect(await fleet.host('gpc0').activations()).toEqual([]);
});

test('a roll-out pauses after the first host, and everybody sees who paused it and resumes it', async ({ page, another, story, fleet }) => {
  await story.begin('csb0', 'gpc0', 'imac0');
  await story.merge();
  const [csb0, gpc0, imac0] = ['csb0', 'gpc0', 'imac0'].map((name) => fleet.host(name));
  await gpc0.hold();
  await open(page, '/rollout');
  const dialog = new RolloutDialog(page);
  for (const name of ['csb0', 'gpc0', 'imac0']) await dialog.host(name).check();
  await dialog.atOnce.fill('1');
  await dialog.pauseAfter.fill('1');
  await dialog.confirm('Pull and Switch', 3).click();
  const panel = new RolloutPanel(page);
  await expect(panel.self).toContainText('Paused as planned since');
  expect(await csb0.activations()).not.toEqual([]);
  expect(await gpc0.activations()).toEqual([]);

  const other = await another();
  await open(other, '/');
  await new RolloutPanel(other).resume.click();
  await expect.poll(() => gpc0.holding(), 'the next host starts').toBe(true);
  await panel.pause.click();
  await expect(new RolloutPanel(other).self).toContainText(/Paused by \w+ since/);
  await gpc0.letGo();
  await HostView.inFleet(page, 'gpc0').shows('Tests', 'ok', '3/3 passed');
  expect(await imac0.activations()).toEqual([]);
  await panel.details.click();
  await expect(page).toHaveURL(/\/rollouts\/./);
  await panel.resume.click();
  await panel.isAt('done');
});

test('a roll-out has a page: a few hosts in the order of their start, whatever becomes of them', async ({ page, story, fleet }) => {
  await story.begin('csb0', 'gpc0', 'hsb0');
  await story.merge();
  const gpc0 = fleet.host('gpc0');
  await gpc0.hold();
  await open(page, '/rollout');
  const dialog = new RolloutDialog(page);
  for (const name of ['csb0', 'gpc0', 'hsb0']) await dialog.host(name).check();
  await dialog.atOnce.fill('3');
  await dialog.confirm('Pull and Switch', 3).click();
  await new DeploymentPanel(page).says('hsb0', '✗ hsb0 - Switch OK, Tests FAIL (gpu)');
  const panel = new RolloutPanel(page);
  await panel.details.click();
  await expect(page).toHaveURL(/\/rollouts\/./);
  const rows = panel.self.getByRole('list', { name: 'Hosts of the roll-out' }).getByRole('listitem');
  await expect(rows).toHaveText([/^csb0 - done/, /^gpc0 - /, /^hsb0 - failed/].map((row) => new RegExp(row.source.replace('^', '^\\s*'))));
  await gpc0.letGo();
  await panel.isAt('done');
  await expect(rows.last()).toContainText('hsb0');
});

test('a switch that does not build leaves the host as it was, and the log says why', async ({ page, story, github, fleet }) => {
  await story.begin('hsb0');
  await story.merge();
  const unknown = '0123456789abcdef0123456789abcdef01234567';
  await github.commit('Pin nixpkgs by hand', { 'flake.lock': { nixpkgs: unknown, 'home-manager': unknown } });
  await open(page, '/');
  await story.rollOut(['hsb0']);
  const panel = new DeploymentPanel(page);
  await panel.says('hsb0', '✗ hsb0 - Switch FAIL (The build ended with 1)');
  await panel.viewLogs.click();
  const drawer = new LogDrawer(page, 'Pull and Switch', 'hsb0');
  await expect(drawer.output).toContainText('does not build on hsb0');
  expect(await fleet.host('hsb0').current()).toBe(7);
});
