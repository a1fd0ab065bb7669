/** Several hosts are selected, and one dialog acts on all of them. */

import { Selection } from '../pages/bulk';
import { HostView, notice } from '../pages/fleet';
import { BulkRollbackDialog } from '../pages/planned-rollback';
import { RolloutDialog, RolloutPanel } from '../pages/rollout';
import type { Fleet } from '../support/fleet';
import type { Host } from '../support/host';
import { attachPicture, fits, isAccessible, sizes } from '../support/look';
import * as plans from '../support/plans';
import { expect, open, test } from '../support/test';
import { refusal } from '../support/watch';

/** Two hosts whose last switch broke them, and a healthy one between them. */
async function three(fleet: Fleet): Promise<void> {
  const { repository } = fleet;
  await fleet.add(plans.fine(repository, 'hsb0', 9));
  await fleet.add(plans.imac0(repository));
}

async function areAt(fleet: Fleet, generations: Record<string, number>): Promise<void> {
  for (const [host, number] of Object.entries(generations)) expect(await fleet.host(host).current(), host).toBe(number);
}

/** Somebody rolls gpc0 back on its own. */
async function rollBackTo46(fleet: Fleet, gpc0: Host): Promise<void> {
  const client = await fleet.client();
  const form = { host: 'gpc0', target: `46 ${await gpc0.build(46)}`, seen: `48 ${await gpc0.build(48)}`, reason: '', back: '/' };
  const answer = await client.post('/api/request_rollback', { form, headers: { accept: 'application/json' } });
  expect(answer.status()).toBe(200);
  await client.dispose();
}

test.beforeEach(async ({ fleet, gpc0 }) => {
  expect(gpc0.name).toBe('gpc0');
  await three(fleet);
});

test('hosts are selected with Shift and rolled back together, each to its last known working generation', async ({ page, another, fleet }) => {
  const other = await another();
  await open(other, '/');
  await open(page, '/?sort=name');
  const selection = new Selection(page);
  await expect(selection.bar).toBeHidden();
  await selection.box('gpc0').click();
  await selection.box('imac0').click({ modifiers: ['Shift'] });
  await selection.has('gpc0', 'hsb0', 'imac0');
  await expect(selection.all).toBeChecked();
  await selection.box('hsb0').click();
  await selection.has('gpc0', 'imac0');
  await expect(selection.all).toHaveJSProperty('indeterminate', true);

  await selection.button('Roll back').click();
  await expect(page).toHaveURL('/rollback?host=gpc0&host=imac0');
  const dialog = new BulkRollbackDialog(page);
  await expect(dialog.cancel).toBeFocused();
  await dialog.goesTo('gpc0', 47);
  await dialog.goesTo('imac0', 11);
  await expect(dialog.row('gpc0')).toContainText('Gen 48');
  await expect(dialog.row('gpc0')).toContainText('Tests: PASSED (8/8) ✓');
  await expect(dialog.row('hsb0')).toHaveCount(0);
  await isAccessible(page);
  await dialog.reason.fill('both lost their screens');
  await dialog.confirm(2).click();

  for (const view of [page, other]) {
    const panel = new RolloutPanel(view);
    await expect(panel.heading('Rollback on 2 hosts')).toBeVisible();
    await panel.isAt('done');
    await HostView.inFleet(view, 'gpc0').shows('System', 'ok', 'Rolled back to Gen 47');
    await HostView.inFleet(view, 'imac0').shows('System', 'ok', 'Rolled back to Gen 11');
  }
  await areAt(fleet, { gpc0: 47, imac0: 11 });
  expect(await fleet.host('hsb0').activations()).toEqual([]);
  await selection.has();

  await open(page, '/rollback?host=gpc0&host=nowhere');
  await expect(dialog.row('gpc0')).toContainText('Left out: It was already rolled back to Gen 47.');
  await expect(dialog.row('nowhere')).toContainText('Left out: It is no longer in the fleet.');
  await expect(dialog.self.getByRole('button', { name: 'Roll back 0 hosts' })).toBeDisabled();
  await open(page, '/audit');
  await expect(page.getByRole('main')).toContainText('both lost their screens');
});

test('by keyboard alone: rows, a range, all, none, and the palette', async ({ page, fleet }) => {
  await open(page, '/?sort=name');
  const selection = new Selection(page);
  await selection.all.focus();
  await page.keyboard.press('j');
  await expect(selection.box('gpc0')).toBeFocused();
  await page.keyboard.press('x');
  await selection.has('gpc0');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await expect(selection.box('imac0'), 'there is no row after the last').toBeFocused();
  await page.keyboard.press('Shift+Space');
  await selection.has('gpc0', 'hsb0', 'imac0');
  await page.keyboard.press('Escape');
  await selection.has();
  await expect(selection.told).toHaveText('Nothing selected.');
  await page.keyboard.press('Control+a');
  await selection.has('gpc0', 'hsb0', 'imac0');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Shift+ArrowUp');
  await selection.has('hsb0', 'imac0');
  await page.keyboard.press('Escape');

  await page.getByRole('combobox', { name: 'Filter hosts' }).focus();
  await page.keyboard.type('jkx');
  await selection.has();
  await page.getByRole('combobox', { name: 'Filter hosts' }).fill('');

  await selection.box('gpc0').focus();
  await page.keyboard.press('Space');
  await selection.has('gpc0');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('roll back selected');
  await page.keyboard.press('Enter');
  const dialog = new BulkRollbackDialog(page);
  await expect(dialog.cancel).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(dialog.self).toBeHidden();
  await selection.has('gpc0');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('roll back selected');
  await page.keyboard.press('Enter');
  await expect(dialog.cancel, 'the dialog takes the focus once it is modal').toBeFocused();
  await dialog.generation('gpc0').focus();
  await page.keyboard.press('ArrowDown');
  await dialog.goesTo('gpc0', 46);
  await dialog.confirm(1).focus();
  await page.keyboard.press('Enter');
  await HostView.inFleet(page, 'gpc0').shows('System', 'ok', 'Rolled back to Gen 46');
  await areAt(fleet, { gpc0: 46 });
});

test('a selection survives filters, orders and live changes, and counts the hosts out of sight', async ({ page, fleet, gpc0 }) => {
  await open(page, '/');
  const selection = new Selection(page);
  await selection.all.click();
  await selection.has('gpc0', 'hsb0', 'imac0');
  const filter = page.getByRole('combobox', { name: 'Filter hosts' });
  await filter.fill('platform:nixos');
  await expect(selection.told).toHaveText('3 selected, 1 not shown');
  await expect(selection.all).toBeChecked();
  await gpc0.stopAgent();
  await expect(HostView.inFleet(page, 'gpc0').text).toHaveClass(/offline/);
  await selection.box('gpc0').click();
  await expect(selection.told).toHaveText('2 selected, 1 not shown');
  await filter.fill('');
  await selection.has('hsb0', 'imac0');

  await selection.button('Test').click();
  const dialog = new RolloutDialog(page);
  await expect(dialog.kind('Run Tests')).toBeChecked();
  await expect(dialog.row('hsb0')).toContainText('Will run its tests on Gen 10');
  await expect(dialog.host('hsb0')).toBeChecked();
  await expect(dialog.host('gpc0'), 'others are folded away').toBeHidden();
  await dialog.self.getByText('Other hosts').click();
  await expect(dialog.host('gpc0')).not.toBeChecked();
  await expect(dialog.row('gpc0')).toContainText('Offline: waits for the host to connect.');
  await dialog.confirm('Run Tests', 2).click();
  await new RolloutPanel(page).isAt('done');
  await selection.has();
  expect(await fleet.host('hsb0').activations()).toEqual([]);

  await open(page, '/ops');
  const row = page.getByRole('main').locator('tr[data-rollout]');
  await expect(row, 'one row for both').toHaveText(/hsb0, imac0.*succeeded.*Roll-out/);
  await row.getByRole('link', { name: 'Run Tests' }).click();
  await expect(page).toHaveURL(/\/rollouts\//);
});

test('each host shows the commits before and after, or that nothing changes', async ({ page, fleet }) => {
  const { commits } = fleet.repository;
  const [old, before, head] = [commits[0], commits[commits.length - 2], commits[commits.length - 1]].map((it) => it.slice(0, 7));
  await fleet.add(plans.fine(fleet.repository, 'csb0', 3, commits[commits.length - 2]));
  await open(page, '/');
  const selection = new Selection(page);
  for (const host of ['csb0', 'hsb0']) await selection.box(host).click();
  await selection.button('Pull + Switch').click();
  const dialog = new RolloutDialog(page);
  await expect(dialog.kind('Pull and Switch')).toBeChecked();
  await expect(dialog.row('csb0')).toContainText(`Will pull and switch: Gen 4 (${before}) → ${head}.`);
  await expect(dialog.row('hsb0')).toContainText(`Already runs the branch (${head}): nothing to switch.`);
  await dialog.kind('Pull').check();
  await expect(dialog.row('csb0')).toContainText(`Will pull: ${before} → ${head}.`);
  await expect(dialog.row('hsb0')).toContainText(`Up to date (${head}): nothing to pull.`);
  await dialog.cancel.click();
  await selection.has('csb0', 'hsb0');
  await expect(page.getByRole('main')).not.toContainText(old);
});

test('a host that has become busy is named, and nothing is started on any host', async ({ page, fleet, gpc0, watch }) => {
  watch.allow(refusal);
  await open(page, '/');
  const selection = new Selection(page);
  await selection.all.click();
  await selection.button('Roll back').click();
  const dialog = new BulkRollbackDialog(page);
  await dialog.goesTo('imac0', 11);
  // It must be busy, but not have moved yet.
  gpc0.suspendAgent();
  await rollBackTo46(fleet, gpc0);
  await expect(dialog.row('hsb0')).toContainText('Left out: All its tests pass now.');
  await dialog.confirm(2).click();
  const refused = dialog.alert.filter({ hasText: 'gpc0 is busy (Rollback to Gen 46, requested by admin).' });
  await expect(refused).toContainText('No host was rolled back.');
  await open(page, '/rollback?host=gpc0&host=imac0');
  await expect(dialog.row('gpc0')).toContainText('Left out: It is busy (Rollback to Gen 46, requested by admin).');
  await expect(dialog.generation('gpc0')).toHaveCount(0);
  await expect(dialog.confirm(1)).toBeEnabled();
  for (const host of ['hsb0', 'imac0']) expect(await fleet.host(host).activations()).toEqual([]);
  gpc0.resumeAgent();
});

test('the dialog of a lost selection says so', async ({ page }) => {
  await open(page, '/rollback?hosts=selected');
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('Select the hosts again.');
  await open(page, '/rollout?hosts=selected&kind=test');
  await expect(new RolloutDialog(page).alert).toContainText('Select the hosts again.');
  await expect(new RolloutDialog(page).confirm('Run Tests', 0)).toBeDisabled();
});

test.describe('on a phone', () => {
  test.use({ viewport: sizes.phone, hasTouch: true });

  test('cards are selected, and the bar hides neither the last of them nor notices', async ({ page, fleet }) => {
    await open(page, '/');
    const selection = new Selection(page);
    await selection.box('gpc0').tap();
    await selection.button(/^Select all/).tap();
    await selection.has('gpc0', 'hsb0', 'imac0');
    await selection.box('hsb0').tap();
    await page.mouse.wheel(0, 10_000);
    const bar = (await selection.bar.boundingBox())!;
    const card = HostView.inFleet(page, 'imac0').text;
    await expect.poll(async () => { const box = (await card.boundingBox())!; return box.y + box.height; }).toBeLessThanOrEqual(bar.y);
    expect(bar.y + bar.height).toBeLessThanOrEqual(sizes.phone.height);
    const title = (await card.getByRole('link', { name: 'imac0', exact: true }).boundingBox())!;
    const box = (await selection.box('imac0').boundingBox())!;
    expect(box.x + box.width, 'the box stands beside the name').toBeLessThanOrEqual(title.x);
    await fleet.ask('hsb0', 'test');
    const told = notice(page, /passed/).locator('xpath=ancestor::*[contains(@class, "toast")]');
    await expect(told).toBeVisible();
    await expect.poll(async () => { const toast = (await told.boundingBox())!; return toast.y + toast.height; }).toBeLessThanOrEqual(bar.y);
    await fits(page);
    await isAccessible(page);

    await selection.button('Roll back').tap();
    const dialog = new BulkRollbackDialog(page);
    await dialog.cancel.tap();
    await expect(selection.button('Roll back'), 'the focus is where it was').toBeFocused();
    await selection.button('Roll back').tap();
    await expect.poll(async () => (await dialog.generation('gpc0').boundingBox())!.x + (await dialog.generation('gpc0').boundingBox())!.width).toBeLessThan(sizes.phone.width);
    await fits(page);
    await isAccessible(page);
    await dialog.confirm(2).tap();
    await new RolloutPanel(page).isAt('done');
    await areAt(fleet, { gpc0: 47, imac0: 11 });
  });
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('boxes are checked, the bar appears, and each host goes where its list says', async ({ page, fleet }) => {
    await page.goto('/?sort=name');
    const selection = new Selection(page);
    await expect(selection.bar).toBeHidden();
    await expect(selection.all).toBeHidden();
    for (const host of ['gpc0', 'hsb0', 'imac0']) await selection.box(host).check();
    await expect(selection.bar).toBeVisible();
    await selection.button('Roll back').click();
    await expect(page).toHaveURL('/rollback?host=gpc0&host=hsb0&host=imac0');
    const dialog = new BulkRollbackDialog(page);
    await dialog.goesTo('imac0', 11);
    await dialog.generation('gpc0').selectOption({ label: 'Skip this host' });
    await dialog.generation('hsb0').selectOption({ label: 'Skip this host' });
    await dialog.reason.fill('no script here');
    await dialog.confirmWithoutScript.click();
    await expect(page).toHaveURL('/?begun');
    await expect(page.getByText('The request was accepted. This page shows its progress.')).toBeVisible();
    await expect.poll(() => fleet.host('imac0').current()).toBe(11);
    await areAt(fleet, { gpc0: 48, hsb0: 10 });
    await expect(async () => {
      await page.reload();
      await expect(new RolloutPanel(page).self).toHaveAttribute('data-state', 'done', { timeout: 1 });
    }).toPass();

    await selection.box('hsb0').check();
    await selection.button('Test').click();
    await expect(new RolloutDialog(page).kind('Run Tests')).toBeChecked();
    await expect(new RolloutDialog(page).host('hsb0')).toBeChecked();
  });
});

for (const [size, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test.describe(`${size}, ${colorScheme}`, () => {
      test.use({ viewport, colorScheme });

      test('the look of a selection and its dialogs', async ({ page }, testInfo) => {
        await open(page, '/');
        const selection = new Selection(page);
        for (const host of ['gpc0', 'imac0']) await selection.box(host).click();
        await attachPicture(page, testInfo, `selected hosts, ${size}, ${colorScheme}`);
        await isAccessible(page);
        await fits(page);
        await selection.button('Roll back').click();
        await new BulkRollbackDialog(page).goesTo('gpc0', 47);
        await attachPicture(page, testInfo, `rollback of several, ${size}, ${colorScheme}`);
        await isAccessible(page);
        await open(page, '/rollout?kind=pull-switch&host=gpc0&host=hsb0');
        await expect(new RolloutDialog(page).row('hsb0')).toBeVisible();
        await attachPicture(page, testInfo, `roll-out of several, ${size}, ${colorScheme}`);
        await isAccessible(page);
      });
    });
  }
}
