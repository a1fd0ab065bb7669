import { AuditPage } from '../pages/audit';
import { RollbackDialog } from '../pages/dialog';
import { HostView, notice } from '../pages/fleet';
import { latestOps } from '../pages/host';
import { LogDrawer, OpPage } from '../pages/op';
import * as plans from '../support/plans';
import { alive, expect, open, test } from '../support/test';
import { refusal } from '../support/watch';

test('a forged request for a garbage-collected generation is refused in words', async ({ page, gpc0, watch }) => {
  watch.allow(refusal);
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  // Forged: the page itself does not offer it.
  await dialog.radio(45).evaluate((radio: HTMLInputElement) => {
    radio.disabled = false;
    radio.click();
  });
  await dialog.confirm(45).click();
  await expect(dialog.self.getByRole('alert')).toHaveText(
    'Gen 45 was garbage-collected. Nothing was changed. Choose another generation.',
  );
  expect(await gpc0.activations()).toEqual([]);
  expect(await gpc0.current()).toBe(48);

  await open(page, '/audit');
  await expect(new AuditPage(page).entries('rollback.blocked')).toContainText('Gen 45 was garbage-collected.');
});

test('the profile was switched behind Backstay’s back: the host refuses, and nothing is switched', async ({
  page,
  gpc0,
}) => {
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  // The agent is paused, so that neither server nor page can know when the person confirms.
  gpc0.suspendAgent();
  await gpc0.switchProfile(46);
  await dialog.confirm(47).click();
  const row = HostView.inFleet(page, 'gpc0');
  await expect(row.text).toContainText('sent');
  gpc0.resumeAgent();

  const sentence = 'The host is on Gen 46 now; you saw Gen 48. Nothing was changed. Check the host and choose again.';
  await expect(notice(page, sentence)).toBeVisible();
  expect(await gpc0.current()).toBe(46);
  expect(await gpc0.activations()).toEqual([]);
  expect(await gpc0.running()).toBe(await gpc0.build(48));
  // The running generation is not the profile's, and the light says so; a refusal does not turn it red.
  await row.shows('System', 'attention', 'Gen 48 runs');

  await notice(page, sentence).locator('..').getByRole('link', { name: 'Details' }).click();
  await expect(page.getByRole('main')).toContainText(sentence);
  await new OpPage(page).came('failed');
  await open(page, '/audit');
  await expect(new AuditPage(page).entries('rollback.refused')).toContainText(sentence);
});

test('an open dialog says that the host has moved on, and nobody can confirm what is outdated', async ({
  page,
  gpc0,
}) => {
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  await gpc0.switchProfile(46);
  await expect(dialog.self.getByRole('alert')).toContainText('gpc0 moved to Gen 46 while this was open. No request was sent.');
  await expect(dialog.confirm(47)).toBeDisabled();
  await dialog.self.getByRole('link', { name: 'Reload' }).click();
  await expect(dialog.current).toContainText('Gen 46');
  await expect(dialog.self.getByRole('alert')).toHaveCount(0);
  // Gen 48 still runs, so the first offer is to go where the profile points.
  await expect(dialog.confirm(46)).toBeEnabled();
  expect(await gpc0.activations()).toEqual([]);
});

test('a second op on a busy host is refused with the name of the first', async ({ page, gpc0, another, watch }) => {
  watch.allow(refusal);
  await gpc0.hold();
  const elsewhere = await another();
  await open(elsewhere, '/hosts/gpc0/rollback');
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  await dialog.radio(46).check();
  await dialog.confirm(46).click();
  await expect.poll(() => gpc0.holding()).toBe(true);

  // In the dialog that somebody else has open, the button disappears before it can be pressed.
  const theirs = new RollbackDialog(elsewhere, 'gpc0');
  await expect(theirs.self).toContainText('gpc0 is busy (Rollback to Gen 46, requested by admin).');
  await expect(theirs.confirm(47)).toBeDisabled();

  // The menu offers nothing, and says why.
  await open(elsewhere, '/');
  const row = HostView.inFleet(elsewhere, 'gpc0');
  await row.menuButton.click();
  await expect(row.text.getByText('Busy: Rollback to Gen 46. Wait for it, or cancel it.')).toBeVisible();
  await expect(row.item('Run Tests')).toBeDisabled();

  // If requested anyway, it is refused, and the op that holds the host is one click away.
  await row.item('Run Tests').evaluate((button: HTMLButtonElement) => {
    button.disabled = false;
    button.click();
  });
  const alert = elsewhere.getByRole('alert');
  await expect(alert).toContainText(
    'gpc0 is busy (Rollback to Gen 46, requested by admin). Nothing was changed. Wait for it, or cancel it.',
  );
  await alert.getByRole('link', { name: 'Show its log' }).click();
  await new LogDrawer(elsewhere, 'Rollback to Gen 46', 'gpc0').came('running');

  await gpc0.letGo();
  await HostView.inFleet(page, 'gpc0').shows('Tests', 'ok', '8/8 passed');
  expect(await gpc0.activations()).toEqual([{ verb: 'switch', build: await gpc0.build(46) }]);
});

test('a host that is offline: the op waits, and can be cancelled', async ({ page, gpc0 }) => {
  await gpc0.stopAgent();
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  await expect(dialog.self).toContainText('gpc0 is offline. The rollback runs when it connects, and can be cancelled until then.');
  await expect(dialog.giveUpAfter).toHaveValue('60');
  await dialog.giveUpAfter.selectOption('15 min');
  await dialog.confirm(47).click();
  const row = HostView.inFleet(page, 'gpc0');
  await expect(row.text).toContainText(/waiting for gpc0, which is offline · gives up in 1[45] min/);
  await row.shows('System', 'ok', 'was: Gen 48');

  await row.text.getByRole('link', { name: 'Rollback to Gen 47' }).click();
  const op = new LogDrawer(page, 'Rollback to Gen 47', 'gpc0');
  await op.came('queued');
  await op.cancel.click();
  await op.came('cancelled');
  await expect(op.self).toContainText('Cancelled by admin before it reached the host. Nothing was changed.');

  // The host comes back and is left in peace.
  gpc0.startAgent();
  await page.getByRole('link', { name: 'Fleet' }).first().click();
  await expect(row.text).toContainText('connected');
  await row.choose('Refresh');
  await expect(row.text).toContainText('connected');
  expect(await gpc0.activations()).toEqual([]);
  expect(await gpc0.current()).toBe(48);
});

test('a host that is offline: the op is sent when it comes back', async ({ page, gpc0 }) => {
  await gpc0.stopAgent();
  await open(page, '/hosts/gpc0/rollback');
  await new RollbackDialog(page, 'gpc0').confirm(47).click();
  const row = HostView.inFleet(page, 'gpc0');
  await expect(row.text).toContainText('waiting for gpc0, which is offline');
  gpc0.startAgent();
  await row.shows('System', 'ok', 'Rolled back to Gen 47');
  await row.shows('Tests', 'ok', '8/8 passed');
  expect(await gpc0.activations()).toEqual([{ verb: 'switch', build: await gpc0.build(47) }]);
});

test('an activation whose units fail is a failed rollback: System red, its output on the op’s page', async ({
  page,
  fleet,
}) => {
  const units = ['display-manager.service', 'gpu.service'];
  const plan = plans.withFailingActivation(plans.gpc0(fleet.repository), { exit: 4, failed_units: units });
  const gpc0 = await fleet.add(plan);
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  await dialog.radio(46).check();
  await dialog.confirm(46).click();
  const row = HostView.inFleet(page, 'gpc0');
  await row.shows('System', 'failed', 'Rollback failed');
  expect(await gpc0.current()).toBe(46);

  await notice(page, /^Rollback to Gen 46 failed/).locator('..').getByRole('link', { name: 'Details' }).click();
  const op = new OpPage(page);
  await op.came('failed');
  await expect(op.output).toContainText('warning: the following units failed: display-manager.service, gpu.service');
  await expect(page.getByRole('main')).toContainText('Exit code4');
  await op.hasEveryLine();
});

test('a boot loader that cannot be installed: nothing was activated, and System says that the rollback failed', async ({
  page,
  fleet,
}) => {
  const gpc0 = await fleet.add(plans.withFailingActivation(plans.gpc0(fleet.repository), { exit: 1 }));
  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  await dialog.radio(46).check();
  await dialog.confirm(46).click();
  const row = HostView.inFleet(page, 'gpc0');
  await row.shows('System', 'failed', 'Rollback failed');
  expect(await gpc0.activations()).toEqual([]);
  expect(await gpc0.running()).toBe(await gpc0.build(48));

  await row.text.getByRole('link', { name: 'gpc0' }).click();
  await (await latestOps(page)).getByRole('link', { name: 'Rollback to Gen 46' }).click();
  const op = new LogDrawer(page, 'Rollback to Gen 46', 'gpc0');
  await op.came('failed');
  await expect(op.output).toContainText('Failed to install bootloader');
});

test('a proxy that answers for a server that is away: the page claims neither that the request was carried out, nor that it was not', async ({
  page,
  gpc0,
  watch,
}) => {
  watch.allow(/\b502\b/);
  await open(page, '/hosts/gpc0/rollback');
  // As nginx 1.22 answers while nothing listens behind it.
  const body = '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n';
  await page.route('**/api/request_rollback', (route) => route.fulfill({ status: 502, contentType: 'text/html', body }));
  const dialog = new RollbackDialog(page, 'gpc0');
  await dialog.confirm(47).click();
  const said = dialog.self.getByRole('alert');
  await expect(said).toContainText('The server did not answer, so the request may or may not have been carried out.');
  await expect(said).toContainText('HTTP 502');
  await expect(dialog.confirm(47), 'it can be tried again').toBeEnabled();
  expect(await gpc0.activations()).toEqual([]);
});

test('a viewer cannot roll back, whatever their browser sends', async ({ fleet, gpc0, another, watch }) => {
  const viewer = { name: 'visitor', password: 'a password to look with' };
  await fleet.server.addPerson(viewer.name, 'viewer', viewer.password);
  const client = await fleet.client(viewer);
  const page = await another({ storageState: await client.storageState() });
  await client.dispose();
  watch.allow(/\b403\b/);

  await open(page, '/hosts/gpc0/rollback');
  const dialog = new RollbackDialog(page, 'gpc0');
  await expect(dialog.self).toContainText('Rolling back requires the responder role.');
  await expect(dialog.confirm(47)).toBeDisabled();
  await dialog.confirm(47).evaluate((button: HTMLButtonElement) => {
    button.closest('form')?.querySelector('fieldset')?.removeAttribute('disabled');
    button.disabled = false;
    button.click();
  });
  await expect(dialog.self.getByRole('alert')).toHaveText(
    'This requires the responder role. Nothing was changed.',
  );
  expect(await gpc0.activations()).toEqual([]);
  await alive(page);
});
