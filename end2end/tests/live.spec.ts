import type { Page } from '@playwright/test';

import { RollbackDialog } from '../pages/dialog';
import { HostView, connection, notice } from '../pages/fleet';
import { latestOps } from '../pages/host';
import { LogDrawer } from '../pages/op';
import { alive, expect, open, test } from '../support/test';
import { noServer } from '../support/watch';

/** Starts a rollback of gpc0 to Gen 47, pauses it midway, and leaves the page on the fleet. */
async function heldRollback(page: Page, gpc0: { hold(): Promise<void>; holding(): boolean }): Promise<HostView> {
  await gpc0.hold();
  await open(page, '/hosts/gpc0/rollback');
  await new RollbackDialog(page, 'gpc0').confirm(47).click();
  await expect.poll(() => gpc0.holding()).toBe(true);
  const row = HostView.inFleet(page, 'gpc0');
  await row.shows('System', 'working', 'Rolling back to Gen 47');
  return row;
}

/** Marks a page, so that a reload would show. */
const mark = (page: Page) => page.evaluate(() => document.documentElement.setAttribute('data-never-reloaded', ''));
const neverReloaded = (page: Page) => expect(page.locator('html[data-never-reloaded]')).toHaveCount(1);

test('every open browser sees the change, with no reload', async ({ page, gpc0, another }) => {
  const fleetPage = await another();
  const hostPage = await another();
  await open(fleetPage, '/');
  await open(hostPage, '/hosts/gpc0');
  await Promise.all([mark(fleetPage), mark(hostPage)]);
  const views = [HostView.inFleet(fleetPage, 'gpc0'), HostView.onItsPage(hostPage, 'gpc0')];
  for (const view of views) await view.shows('Tests', 'failed', '5 of 8 failed');

  await heldRollback(page, gpc0);
  for (const view of views) await view.shows('System', 'working', 'Rolling back to Gen 47');
  await gpc0.letGo();
  for (const view of views) {
    await view.shows('System', 'ok', 'Rolled back to Gen 47');
    await view.shows('Tests', 'ok', '8/8 passed');
    await expect(notice(view.page, 'Rolled back to Gen 47')).toBeVisible();
    await neverReloaded(view.page);
  }
});

test('output comes line by line to everybody who watches', async ({ page, gpc0 }) => {
  const row = await heldRollback(page, gpc0);
  await row.text.getByRole('link', { name: 'Rollback to Gen 47' }).click();
  const op = new LogDrawer(page, 'Rollback to Gen 47', 'gpc0');
  await op.came('running');
  await expect(op.output).toContainText('updating GRUB 2 menu...');
  await expect(op.output).not.toContainText('activating the configuration...');
  await mark(page);
  await gpc0.letGo();
  await expect(op.output).toContainText('activating the configuration...');
  await op.came('succeeded');
  await neverReloaded(page);
  await op.hasEveryLine();
});

test('a reload at any moment shows the same truth', async ({ page, gpc0 }) => {
  const row = await heldRollback(page, gpc0);
  await page.reload();
  await alive(page);
  await row.shows('System', 'working', 'Rolling back to Gen 47');
  await expect(row.text.getByRole('link', { name: 'Rollback to Gen 47' })).toBeVisible();

  await gpc0.letGo();
  await row.shows('System', 'ok', 'Rolled back to Gen 47');
  await row.shows('Tests', 'ok', '8/8 passed');
  const [generation, system] = [row.text.getByText(/^Gen 47/), row.light('System')];
  await expect(generation.first()).toBeVisible();
  await page.reload();
  await alive(page);
  await expect(generation.first()).toBeVisible();
  await expect(system).toHaveText('Rolled back to Gen 47');
  await row.shows('Tests', 'ok', '8/8 passed');
});

test('the server is restarted: the page reconnects and is correct', async ({ page, gpc0, fleet, watch }) => {
  watch.allow(noServer);
  await open(page, '/');
  await mark(page);
  await fleet.server.stop();
  await expect(connection(page)).toHaveText('Reconnecting…');
  // The host changes while nobody can hear of it.
  await gpc0.switchProfile(46);
  await fleet.server.start();
  await alive(page);
  await expect(connection(page)).toHaveText('Live');
  await HostView.inFleet(page, 'gpc0').shows('System', 'attention', 'Gen 48 runs');
  await neverReloaded(page);
});

test('the server dies during a rollback: it succeeds, once, and no line is lost', async ({ page, gpc0, fleet, watch }) => {
  watch.allow(noServer);
  const row = await heldRollback(page, gpc0);
  await mark(page);
  await fleet.server.kill();
  await expect(connection(page)).toHaveText('Reconnecting…');
  await gpc0.letGo();
  await expect.poll(async () => (await gpc0.activations()).length).toBe(1);
  await fleet.server.start();

  await row.shows('System', 'ok', 'Rolled back to Gen 47');
  await row.shows('Tests', 'ok', '8/8 passed');
  await neverReloaded(page);
  expect(await gpc0.activations()).toEqual([{ verb: 'switch', build: await gpc0.build(47) }]);

  await row.text.getByRole('link', { name: 'gpc0' }).click();
  await (await latestOps(page)).getByRole('link', { name: 'Rollback to Gen 47' }).click();
  const op = new LogDrawer(page, 'Rollback to Gen 47', 'gpc0');
  await op.came('succeeded');
  await expect(op.output).toContainText('activating the configuration...');
  await op.hasEveryLine();
});

test('the agent dies during a rollback: it succeeds, once, and no line is lost', async ({ page, gpc0 }) => {
  const row = await heldRollback(page, gpc0);
  await gpc0.killAgent();
  await expect(row.text).toContainText('offline');
  await gpc0.letGo();
  await expect.poll(async () => (await gpc0.activations()).length).toBe(1);
  gpc0.startAgent();

  await row.shows('System', 'ok', 'Rolled back to Gen 47');
  await row.shows('Tests', 'ok', '8/8 passed');
  expect(await gpc0.activations()).toEqual([{ verb: 'switch', build: await gpc0.build(47) }]);
  await row.text.getByRole('link', { name: 'gpc0' }).click();
  await (await latestOps(page)).getByRole('link', { name: 'Rollback to Gen 47' }).click();
  const op = new LogDrawer(page, 'Rollback to Gen 47', 'gpc0');
  await op.came('succeeded');
  await expect(op.output).toContainText('starting the following units');
  await op.hasEveryLine();
});

test('an agent that goes and comes back is seen going and coming', async ({ page, gpc0 }) => {
  await open(page, '/');
  const row = HostView.inFleet(page, 'gpc0');
  await expect(row.text).toContainText('connected');
  await gpc0.stopAgent();
  await expect(row.text).toContainText(/offline for \d+ s/);
  // Its last lights stay, dimmed, and say that they are old.
  await row.shows('System', 'ok', 'was: Gen 48');
  gpc0.startAgent();
  await expect(row.text).not.toContainText('offline');
});

test('a server that falls silent is noticed, and when it is back all is as it is', async ({ page, fleet, gpc0 }) => {
  await page.clock.install();
  await open(page, '/');
  const row = HostView.inFleet(page, gpc0.name);
  await expect(connection(page)).toHaveAttribute('data-connection', 'live');
  fleet.server.suspend();
  try {
    // Like a pulled cable: nothing is closed, nothing arrives.
    await page.clock.fastForward('00:40');
    await expect(connection(page)).toHaveAttribute('data-connection', 'lost');
  } finally {
    fleet.server.resume();
  }
  await gpc0.switchProfile(46);
  await expect(connection(page)).toHaveAttribute('data-connection', 'live');
  await row.shows('System', 'attention', 'Gen 48 runs');
});

test('after a log-out no tab receives events', async ({ page, gpc0, watch }) => {
  watch.allow(/401/);
  await open(page, '/');
  await HostView.inFleet(page, gpc0.name).shows('Tests', 'failed', '5 of 8 failed');
  // As from another tab.
  const answer = await page.request.post('/api/log_out', { maxRedirects: 0 });
  expect(answer.status(), await answer.text()).toBeLessThan(400);
  await expect(page, 'within seconds').toHaveURL(/\/login/);
});
