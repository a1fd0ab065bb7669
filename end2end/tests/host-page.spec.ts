/** A host's page: its past as a picture, its tests, its settings, and the ways back. */

import { AuditPage } from '../pages/audit';
import { RollbackDialog } from '../pages/dialog';
import { HostPage } from '../pages/host';
import { LogDrawer } from '../pages/op';
import { attachPicture, fits, isAccessible, isLegible, sizes, themes } from '../support/look';
import * as plans from '../support/plans';
import { admin } from '../support/server';
import { expect, nobody, open, test } from '../support/test';

test.describe('the picture of its past', () => {
  test('its generations, their test results, and the last known working one', async ({ page, gpc0 }) => {
    const host = new HostPage(page, gpc0.name);
    await open(page, host.path);
    const picture = host.picture();
    await expect(picture).toBeVisible();
    await expect(host.picture('tall')).toBeHidden();
    const states = await picture.locator('.segment').evaluateAll((all) => all.map((one) => one.getAttribute('data-state')));
    expect(states, 'Gen 44 to 48, the last before and after its tests').toEqual(['ok', 'unknown', 'ok', 'ok', 'unknown', 'failed']);
    await expect(picture.locator('.flag')).toHaveText('Last known working');
    await expect(picture.locator('.since-text')).toHaveText('since it last worked');
    await expect(host.timeline).toContainText('Last worked on Gen 47, until');
  });

  test('an op is a mark that leads to its log, and an entry in the list', async ({ page, gpc0, fleet }) => {
    const host = new HostPage(page, gpc0.name);
    await open(page, host.path);
    await expect(host.picture().locator('a.mark')).toHaveCount(0);
    await fleet.ask('gpc0', 'test');
    const mark = host.picture().locator('a.mark');
    await expect(mark).toHaveCount(1);
    await expect(mark).toHaveAttribute('data-look', 'failed');
    await mark.locator('.disc').click();
    const drawer = new LogDrawer(page, 'Run Tests', 'gpc0');
    await expect(drawer.self).toBeVisible();
    await expect(page).toHaveURL(/\/hosts\/gpc0\?log=/);
    await drawer.close.click();

    const told = host.timeline.getByRole('link', { name: 'Tests failed (3/8) on Gen 48' });
    await expect(told.locator('..')).toContainText('by admin: 40-gpu, 50-x11, 60-audio, 70-login, 80-backup');
    await told.click();
    await expect(drawer.self).toBeVisible();
  });

  test('a rollback is visible at once, and so is its success', async ({ page, gpc0 }) => {
    await open(page, '/hosts/gpc0/here/rollback');
    await new RollbackDialog(page, gpc0.name).confirm(47).click();
    const host = new HostPage(page, gpc0.name);
    await expect(page).toHaveURL(host.path);
    await expect(host.timeline).toContainText('Works now, on Gen 47.');
    await expect(host.timeline.getByRole('link', { name: /^Rolled back to Gen 47/ })).toBeVisible();
    await expect(host.picture().locator('.segment').last()).toHaveAttribute('data-state', 'ok');
    await expect(host.picture().locator('.since')).toHaveCount(0);
  });

  test.describe('on a phone', () => {
    test.use({ viewport: sizes.phone, hasTouch: true });

    test('it is vertical, and its marks can be tapped', async ({ page, gpc0, fleet }) => {
      const host = new HostPage(page, gpc0.name);
      await fleet.ask('gpc0', 'test');
      await open(page, host.path);
      await expect(host.picture('tall')).toBeVisible();
      await expect(host.picture('wide')).toBeHidden();
      const mark = host.picture('tall').locator('a.mark');
      await expect(mark).toHaveCount(1);
      await mark.locator('.disc').tap();
      await expect(new LogDrawer(page, 'Run Tests', 'gpc0').self).toBeVisible();
    });
  });
});

test.describe('its tests', () => {
  test('each shows its runs, since when it fails, and its last output', async ({ page, gpc0, fleet }) => {
    const host = new HostPage(page, gpc0.name);
    await open(page, host.path);
    const gpu = host.test('40-gpu');
    await expect(gpu).toContainText('failing since Gen 48, ');
    await expect(gpu.getByRole('img')).toHaveAccessibleName(/^\d of its last \d runs failed; newest first: failed/);
    await expect(gpu.locator('pre'), 'the output of a failing test is open').toBeVisible();
    await expect(gpu.locator('pre')).toHaveText('40-gpu: not as it should be');
    await expect(host.tests.locator('[data-test]').first(), 'failing tests come first').toHaveAttribute('data-state', 'failed');
    await expect(host.test('10-network')).toContainText('passed on Gen 48 in');

    await fleet.ask('gpc0', 'test');
    const log = gpu.getByRole('link', { name: 'Log of the latest run of 40-gpu' });
    await log.click();
    const drawer = new LogDrawer(page, 'Run Tests', 'gpc0');
    await expect(drawer.current, 'the log is open where that test ends').toHaveText('40-gpu: FAILED after');
    await expect(drawer.search).toHaveValue('40-gpu: FAILED after');
    await host.test('10-network').getByRole('link', { name: 'Log of the latest run of 10-network' }).click();
    await expect(drawer.current, 'and so for another one').toHaveText('10-network: passed after');
  });

  test('what was folded or focused stays so when new results come', async ({ page, gpc0, fleet }) => {
    const host = new HostPage(page, gpc0.name);
    await open(page, host.path);
    const gpu = host.test('40-gpu');
    const output = gpu.locator('summary');
    await output.focus();
    await page.keyboard.press('Enter');
    await expect(gpu.locator('pre')).toBeHidden();
    await fleet.ask('gpc0', 'test');
    await expect(gpu.getByRole('link', { name: 'Log of the latest run of 40-gpu' }), 'the new run is there').toBeVisible();
    await expect(gpu.locator('pre')).toBeHidden();
    await expect(output).toBeFocused();
  });

  test('one whose result changes on one build is flaky', async ({ page, gpc0, fleet }) => {
    const host = new HostPage(page, gpc0.name);
    await open(page, host.path);
    const network = host.test('10-network');
    await expect(network).toContainText('passed');
    await expect(network).not.toContainText('flaky');
    await gpc0.rewriteFirstTest('exit 1');
    await fleet.ask('gpc0', 'test');
    await expect(network).toContainText('failing since Gen 48');
    await expect(network).not.toContainText('flaky');
    await gpc0.rewriteFirstTest('exit 0');
    await fleet.ask('gpc0', 'test');
    await expect(network).toContainText('passed');
    await expect(network.getByText('flaky')).toBeVisible();
  });
});

test.describe('its settings', () => {
  test('a test that exceeds its timeout is stopped, and the audit log knows who set the timeout', async ({ page, gpc0, fleet }) => {
    const host = new HostPage(page, gpc0.name);
    await open(page, host.path);
    await expect(host.settings).toContainText('(agent\'s setting)');
    await host.timeout.fill('1');
    await host.setTimeout.click();
    await expect(host.settings).toContainText('Limit per test: 1 s.');

    await gpc0.rewriteFirstTest('echo waiting', 'hold');
    await fleet.ask('gpc0', 'test');
    const network = host.test('10-network');
    await expect(network).toContainText('failing since Gen 48');
    await expect(network.locator('pre')).toContainText('It took longer than 1 s and was stopped.');

    await host.timeout.fill('2');
    await host.timeoutUnit.selectOption('minutes');
    await host.setTimeout.click();
    await expect(host.settings).toContainText('Limit per test: 2 min.');
    await host.timeout.fill('');
    await host.setTimeout.click();
    await expect(host.settings).toContainText('(agent\'s setting)');
    await open(page, '/audit');
    await expect(new AuditPage(page).entries('host.test-timeout').first()).toContainText('the time limit of the agent');
  });

  test('an invalid duration is refused with a reason, and nothing is changed', async ({ page, gpc0, watch }) => {
    watch.allow(/\b422\b/);
    const host = new HostPage(page, gpc0.name);
    await open(page, host.path);
    await host.timeout.fill('soon');
    await host.setTimeout.click();
    await expect(host.settings.getByRole('alert')).toContainText('“soon” is not a whole number. Nothing was changed.');
    await host.timeout.fill('31');
    await host.timeoutUnit.selectOption('minutes');
    await host.setTimeout.click();
    await expect(host.settings.getByRole('alert')).toHaveText(
      'A test may take from 1 second to 30 minutes. Nothing was changed.',
    );
    await expect(host.settings).toContainText('(agent\'s setting)');
  });

  test.describe('without JavaScript', () => {
    test.use({ javaScriptEnabled: false, storageState: nobody });

    test('the timeout is set, and an invalid one is refused', async ({ page, gpc0 }) => {
      const host = new HostPage(page, gpc0.name);
      await page.goto(host.path);
      await page.getByLabel('Name').fill(admin.name);
      await page.getByLabel('Password').fill(admin.password);
      await page.getByRole('button', { name: 'Log in' }).click();
      await expect(page).toHaveURL(host.path);
      await expect(host.picture(), 'the picture needs no script').toBeVisible();
      await host.timeout.fill('5');
      await host.timeoutUnit.selectOption('minutes');
      await host.setTimeout.click();
      await expect(host.settings).toContainText('Limit per test: 5 min.');
      await expect(host.timeout).toHaveValue('5');
      await expect(host.timeoutUnit).toHaveValue('minutes');
      await host.timeout.fill('never');
      await host.setTimeout.click();
      await expect(host.settings.getByRole('alert')).toContainText('“never” is not a whole number. Nothing was changed.');
      await expect(host.settings).toContainText('Limit per test: 5 min.');
    });
  });
});

test.describe('from any generation', () => {
  for (const [size, viewport] of Object.entries(sizes)) {
    test.describe(size, () => {
      test.use({ viewport });

      test('each available generation leads to the dialog with it chosen', async ({ page, gpc0 }) => {
        const host = new HostPage(page, gpc0.name);
        for (const number of [47, 46, 44]) {
          await open(page, host.path);
          await host.rollbackTo(number).click();
          const dialog = new RollbackDialog(page, gpc0.name);
          await expect(dialog.radio(number)).toBeChecked();
          await expect(dialog.confirm(number)).toBeVisible();
          await dialog.cancel.click();
          await expect(page).toHaveURL(host.path);
        }
        await expect(host.rollbackTo(45), 'it was garbage-collected').toHaveCount(0);
        await expect(host.rollbackTo(48), 'it is the current one').toHaveCount(0);
      });
    });
  }
});

test('the booted generation is shown beside the running one', async ({ page, fleet }) => {
  const plan = { ...plans.gpc0(fleet.repository), booted: 44 };
  await fleet.add(plan);
  const host = new HostPage(page, plan.name);
  await open(page, host.path);
  const facts = host.region('Facts');
  await expect(facts).toContainText('Gen 44, kernel 6.12.8; the current one needs a reboot');
  await expect(facts).toContainText(/Nix 2\.\d+/);
});

test('the dialog shows whether a reboot is needed and which units change', async ({ page, fleet }) => {
  const plan = plans.gpc0(fleet.repository);
  const unit = (path: string) => `[Service]\nExecStart=${path}\n`;
  plan.generations[3].units = { 'nginx.service': unit('1'), 'sshd.service': unit('1'), 'cups.socket': 'x' };
  plan.generations[4].units = { 'nginx.service': unit('2'), 'sshd.service': unit('1'), 'backup.timer': 'x' };
  await fleet.add(plan);
  await open(page, '/hosts/gpc0/rollback');
  const rollback = new RollbackDialog(page, 'gpc0');
  const dialog = rollback.sheet;
  await expect(rollback.changes).toHaveText(/ 3 units/);
  await rollback.changes.click();
  await expect(dialog.getByText('No reboot is needed: kernel, initrd and kernel modules are the booted ones.')).toBeVisible();
  await expect(dialog.getByText('3 units differ: 1 changed, 1 added, 1 removed')).toBeVisible();
  const units = dialog.locator('.changes-units');
  await expect(units).toHaveText('changednginx.serviceaddedcups.socketremovedbackup.timer');

  await dialog.getByRole('button', { name: 'Close' }).click();
  await rollback.radio(44).check();
  await expect(rollback.changes).toContainText('reboot needed');
  await rollback.changes.click();
  await expect(dialog.getByText('Kernel 6.18.17 → 6.12.8: takes effect after a reboot.')).toBeVisible();
});

for (const theme of themes) {
  for (const [size, viewport] of Object.entries(sizes)) {
    test.describe(`${theme}, ${size}`, () => {
      test.use({ colorScheme: theme, viewport });

      test('the page fits, can be read, and axe finds nothing', async ({ page, gpc0, fleet }, testInfo) => {
        const host = new HostPage(page, gpc0.name);
        await open(page, host.path);
        await fleet.ask('gpc0', 'test');
        // Its notice lies over the page, and axe measures what is left of the links behind it.
        await page.getByRole('region', { name: 'Notices' }).getByRole('button', { name: 'Dismiss' }).click();
        const which = size === 'phone' ? 'tall' : 'wide';
        await expect(host.picture(which).locator('a.mark')).toHaveCount(1);
        await isAccessible(page);
        await fits(page);
        await isLegible(page);
        await attachPicture(page, testInfo, `host page ${theme} ${size}`, true);
      });
    });
  }
}
