import type { Page } from '@playwright/test';

import { RollbackDialog } from '../pages/dialog';
import { HostView } from '../pages/fleet';
import { latestOps } from '../pages/host';
import { LogDrawer, OpPage } from '../pages/op';
import type { Host } from '../support/host';
import { phone, sizes } from '../support/look';
import { alive, expect, open, test } from '../support/test';
import { refusal } from '../support/watch';

/** Starts a rollback of gpc0 to Gen 47, pauses it midway, and leaves the page on the fleet. */
async function heldRollback(page: Page, gpc0: Host): Promise<HostView> {
  await gpc0.hold();
  await open(page, '/hosts/gpc0/rollback');
  await new RollbackDialog(page, 'gpc0').confirm(47).click();
  await expect.poll(() => gpc0.holding()).toBe(true);
  const row = HostView.inFleet(page, 'gpc0');
  // The host begins before the page hears of it.
  await expect(row.text).toContainText('activating');
  return row;
}

test('a log beside the page is an address: reload, back, Esc and the focus', async ({ page, gpc0 }) => {
  const row = await heldRollback(page, gpc0);
  const link = row.text.getByRole('link', { name: 'Rollback to Gen 47' });
  await link.click();
  const drawer = new LogDrawer(page, 'Rollback to Gen 47', 'gpc0');
  await drawer.came('running');
  await expect(page).toHaveURL(/\/\?log=[0-9a-f-]+$/);
  await expect(drawer.heading).toBeFocused();
  await expect(row.text, 'the page stays').toBeVisible();
  await expect(drawer.self).toContainText(/activating · \d+:\d\d/);

  await page.reload();
  await alive(page);
  await drawer.came('running');
  await expect(drawer.output).toContainText('updating GRUB 2 menu...');
  await gpc0.letGo();
  await expect(drawer.output).toContainText('activating the configuration...');
  await drawer.came('succeeded');
  await expect(drawer.self).toContainText('Rolled back to Gen 47');
  await drawer.hasEveryLine();

  await page.keyboard.press('Escape');
  await expect(drawer.self).toHaveCount(0);
  await expect(page).toHaveURL('/');
  await page.goBack();
  await expect(drawer.heading).toBeFocused();
  await page.goBack();
  await expect(drawer.self).toHaveCount(0);
});

test('the focus goes back to the link that opened the log', async ({ page, gpc0 }) => {
  const row = await heldRollback(page, gpc0);
  const link = row.text.getByRole('link', { name: 'Rollback to Gen 47' });
  const drawer = new LogDrawer(page, 'Rollback to Gen 47', 'gpc0');
  await link.focus();
  await page.keyboard.press('Enter');
  await expect(drawer.heading).toBeFocused();
  await drawer.close.click();
  await expect(link).toBeFocused();
});

test('a finished op is opened from its host’s page, and from the history', async ({ page, gpc0, fleet }) => {
  await open(page, `/hosts/${gpc0.name}`);
  await fleet.ask('gpc0', 'test');
  const latest = await latestOps(page);
  await latest.getByRole('link', { name: 'Run Tests' }).click();
  const drawer = new LogDrawer(page, 'Run Tests', 'gpc0');
  await drawer.came('failed');
  await expect(page).toHaveURL(/\/hosts\/gpc0\?log=/);
  await expect(drawer.output).toContainText(/passed after \d+ ms/);
  await drawer.hasEveryLine();
  await drawer.close.click();

  await page.getByRole('link', { name: 'All ops of this host' }).click();
  await expect(page).toHaveURL('/ops?host=gpc0');
  await page.getByRole('main').getByRole('link', { name: 'Run Tests' }).click();
  await expect(page).toHaveURL(/\/ops\?host=gpc0&log=/);
  await drawer.came('failed');
  await drawer.asPage.click();
  await new OpPage(page).came('failed');
});

test('on a phone the log is a sheet over the page', async ({ another, gpc0, fleet }) => {
  const page = await another(phone);
  await fleet.ask('gpc0', 'test');
  await open(page, '/ops');
  await page.getByRole('main').getByRole('link', { name: 'Run Tests' }).tap();
  const drawer = new LogDrawer(page, 'Run Tests', gpc0.name);
  await drawer.came('failed');
  const box = await drawer.self.boundingBox();
  expect(box).toEqual({ x: 0, y: 0, ...sizes.phone });
  await expect(page.getByRole('heading', { name: 'Ops' }), 'nothing below can be reached').toHaveCount(0);
  await drawer.close.tap();
  await expect(page.getByRole('heading', { name: 'Ops' })).toBeVisible();
});

test('cancelling midway asks first, and the activation is not stopped half-way', async ({ page, gpc0 }) => {
  const row = await heldRollback(page, gpc0);
  await row.text.getByRole('link', { name: 'Rollback to Gen 47' }).click();
  const drawer = new LogDrawer(page, 'Rollback to Gen 47', 'gpc0');
  await expect(drawer.self).toContainText('activating');
  await drawer.cancel.click();
  await expect(drawer.confirm).toContainText(
    'gpc0 is in the middle of switching to Gen 47. The host finishes an activation that has begun.',
  );
  // Esc closes the question, and leaves the log.
  await page.keyboard.press('Escape');
  await expect(drawer.confirm).toBeHidden();
  await expect(drawer.self).toBeVisible();
  await drawer.cancel.click();
  await drawer.confirm.getByRole('button', { name: 'Keep going' }).click();
  await drawer.came('running');

  await drawer.cancel.click();
  await drawer.confirm.getByRole('button', { name: 'Cancel anyway' }).click();
  await expect(drawer.output).toContainText('not stopped half-way');
  await expect(drawer.cancel).toHaveCount(0);
  await gpc0.letGo();
  await drawer.came('succeeded');
  await expect(drawer.self).toContainText('The cancel came too late');
});

test('an open question stays open while its host changes', async ({ page, gpc0, fleet }) => {
  const row = await heldRollback(page, gpc0);
  await row.text.getByRole('button', { name: 'Cancel Rollback to Gen 47 on gpc0' }).click();
  const question = page.getByRole('dialog', { name: 'Cancel during the activation?' });
  await expect(question).toBeVisible();
  const client = await fleet.client();
  await client.post('/api/set_labels', { form: { host: 'gpc0', tags: 'desk', notes: 'Ask maria first.' } });
  await client.dispose();
  await expect(row.text).toContainText('Ask maria first.');
  await question.getByRole('button', { name: 'Keep going' }).click();
  await expect(question).toBeHidden();
  await gpc0.letGo();
});

test('the person who requested a stop is named until the op has stopped', async ({ page, gpc0 }) => {
  const row = await heldRollback(page, gpc0);
  gpc0.suspendAgent();
  await row.text.getByRole('button', { name: 'Cancel Rollback to Gen 47 on gpc0' }).click();
  await page
    .getByRole('dialog', { name: 'Cancel during the activation?' })
    .getByRole('button', { name: 'Cancel anyway' })
    .click();
  await expect(row.text).toContainText('stopping, requested by admin');
  await expect(row.text.getByRole('button', { name: /^Cancel/ })).toHaveCount(0);
  gpc0.resumeAgent();
  await gpc0.letGo();
  await expect(row.text).not.toContainText('stopping');
});

test('an op that waits for an offline host says so, and can be withdrawn in its row', async ({ page, gpc0 }) => {
  await open(page, '/');
  const row = HostView.inFleet(page, 'gpc0');
  await gpc0.stopAgent();
  await expect(row.text).toContainText('offline');
  await row.menuButton.click();
  await expect(row.text.getByText('gpc0 is offline. Ops wait until it is back.')).toBeVisible();
  await row.item('Run Tests').click();
  await expect(row.text).toContainText(/waiting for gpc0, which is offline · gives up in (23 h|1 day)/);
  await row.text.getByRole('button', { name: 'Cancel Run Tests on gpc0' }).click();
  await expect(row.text.getByRole('link', { name: 'Run Tests' })).toHaveCount(0);
  await open(page, '/ops');
  await expect(page.getByRole('main')).toContainText('Cancelled by admin before it reached the host. Nothing was changed.');
  expect(await gpc0.activations()).toEqual([]);
});

test('the row shows how far the tests are', async ({ page, gpc0, fleet }) => {
  await gpc0.rewriteFirstTest('hold');
  await fleet.ask('gpc0', 'test');
  await open(page, '/');
  const row = HostView.inFleet(page, 'gpc0');
  await expect(row.text).toContainText(/tests 0\/8 · \d+:\d\d/);
  await expect(row.text.getByRole('progressbar', { name: 'Tests' })).toHaveAttribute('max', '8');
  await gpc0.letTestsGo();
  await expect(row.text.getByRole('progressbar')).toHaveCount(0);
  await row.shows('Tests', 'failed', '5 of 8 failed');
});

test('a failed op is retried, and both ops link to each other', async ({ page, gpc0, fleet }) => {
  await gpc0.rewriteFirstTest('hold');
  await fleet.ask('gpc0', 'test');
  await open(page, '/');
  await HostView.inFleet(page, 'gpc0').text.getByRole('link', { name: 'Run Tests' }).click();
  const drawer = new LogDrawer(page, 'Run Tests', 'gpc0');
  await drawer.cancel.click();
  await drawer.came('cancelled');
  const first = page.url();

  await gpc0.letTestsGo();
  await drawer.tryAgain.click();
  await expect(page).not.toHaveURL(first);
  await expect(drawer.self).toContainText('This is a retry of an earlier op.');
  await drawer.came('failed');
  const second = page.url();
  await drawer.self.getByRole('link', { name: 'an earlier op' }).click();
  await expect(page).toHaveURL(first);
  await drawer.came('cancelled');
  await drawer.self.getByRole('link', { name: 'a newer op' }).click();
  await expect(page).toHaveURL(second);
});

test('a viewer sees why, in words', async ({ fleet, gpc0, another }) => {
  const viewer = { name: 'visitor', password: 'a password to look with' };
  await fleet.server.addPerson(viewer.name, 'viewer', viewer.password);
  const client = await fleet.client(viewer);
  const page = await another({ storageState: await client.storageState() });
  await client.dispose();
  await gpc0.rewriteFirstTest('hold');
  await fleet.ask('gpc0', 'test');
  await open(page, '/');
  const row = HostView.inFleet(page, 'gpc0');
  await row.menuButton.click();
  await expect(row.text.getByText('You have read-only access to this host. Ops require the responder role.')).toBeVisible();
  await page.keyboard.press('Escape');
  await row.text.getByRole('link', { name: 'Run Tests' }).click();
  const drawer = new LogDrawer(page, 'Run Tests', 'gpc0');
  await expect(drawer.self).toContainText('Cancelling requires the responder role.');
  await expect(drawer.cancel).toHaveCount(0);
});

test('a request that comes too late is refused, with a link to the op that holds the host', async ({ page, gpc0, fleet, watch }) => {
  watch.allow(refusal);
  await open(page, '/hosts/gpc0');
  const host = HostView.onItsPage(page, 'gpc0');
  await gpc0.rewriteFirstTest('hold');
  await host.menuButton.click();
  // Somebody else is faster.
  await fleet.ask('gpc0', 'test');
  await host.item('Refresh').evaluate((button: HTMLButtonElement) => {
    button.disabled = false;
    button.click();
  });
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('gpc0 is busy (Run Tests, requested by admin). Nothing was changed.');
  await alert.getByRole('link', { name: 'Show its log' }).click();
  await new LogDrawer(page, 'Run Tests', 'gpc0').came('running');
  await expect(page).toHaveURL(/\/hosts\/gpc0\?log=/);
});

test('an address that names no op says so', async ({ page, gpc0 }) => {
  await open(page, `/hosts/${gpc0.name}?log=nothing`);
  await expect(page.getByRole('alert')).toHaveText('There is no op at this address.');
  await page.getByRole('link', { name: 'Close the log' }).click();
  await expect(page).toHaveURL('/hosts/gpc0');
});

test('the page keeps its place while the log lies over it', async ({ another, fleet, gpc0 }) => {
  const page = await another({ viewport: { width: 1440, height: 900 } });
  await fleet.ask(gpc0.name, 'test');
  await open(page, '/ops');
  const link = page.getByRole('main').getByRole('link', { name: 'Run Tests' });
  const before = await link.boundingBox();
  await link.click();
  await expect(new LogDrawer(page, 'Run Tests', 'gpc0').heading).toBeFocused();
  expect(await link.boundingBox()).toEqual(before);
  await expect(link).toBeInViewport();
});
