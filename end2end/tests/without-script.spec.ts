import type { Locator, Page } from '@playwright/test';

import { RollbackDialog } from '../pages/dialog';
import { HostView, openAccount } from '../pages/fleet';
import { latestOps } from '../pages/host';
import { LogDrawer } from '../pages/op';
import { OpsPage } from '../pages/ops';
import { admin } from '../support/server';
import { alive, expect, nobody, test } from '../support/test';

/** Without script nothing updates automatically: reloads until the light is so. */
async function shownAfterLookingAgain(page: Page, light: Locator, state: string, words: string | RegExp): Promise<void> {
  await expect(async () => {
    await page.reload();
    await expect(light).toHaveAttribute('data-state', state, { timeout: 1 });
    await expect(light).toHaveText(words, { timeout: 1 });
  }).toPass();
}

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false, storageState: nobody });

  async function logIn(page: Page): Promise<void> {
    await page.getByLabel('Name').fill(admin.name);
    await page.getByLabel('Password').fill(admin.password);
    await page.getByRole('button', { name: 'Log in' }).click();
  }

  test('log in, menu, dialog, choose, confirm, result', async ({ page, gpc0 }) => {
    await page.goto('/');
    await logIn(page);
    await expect(page).toHaveURL('/');
    const row = HostView.inFleet(page, 'gpc0');
    await row.choose('Rollback System');

    const dialog = new RollbackDialog(page, 'gpc0');
    await expect(dialog.self).toBeVisible();
    await expect(dialog.confirm(47)).toBeVisible();
    await dialog.radio(46).check();
    await expect(dialog.confirm(46)).toBeVisible();
    await dialog.reason.fill('no script here');
    await dialog.confirm(46).click();

    await expect(page).toHaveURL(/\/ops\/[0-9a-f-]+$/);
    await expect(page.getByRole('heading', { name: 'Rollback to Gen 46' })).toBeVisible();
    // The page of an open op reloads itself.
    await expect(page.locator('.page-head [data-status]')).toHaveAttribute('data-status', 'succeeded', { timeout: 20_000 });
    await expect(page.locator('meta[http-equiv=refresh]')).toHaveCount(0);
    await page.getByRole('link', { name: 'Fleet' }).first().click();
    await shownAfterLookingAgain(page, row.light('System'), 'ok', 'Rolled back to Gen 46');
    await shownAfterLookingAgain(page, row.light('Tests'), 'ok', '8/8 passed');
    expect(await gpc0.current()).toBe(46);
    expect(await gpc0.activations()).toEqual([{ verb: 'switch', build: await gpc0.build(46) }]);

    await row.text.getByRole('link', { name: 'gpc0' }).click();
    await (await latestOps(page)).getByRole('link', { name: 'Rollback to Gen 46' }).click();
    const drawer = new LogDrawer(page, 'Rollback to Gen 46', 'gpc0');
    await drawer.came('succeeded');
    await expect(drawer.output).toContainText('activating the configuration...');
    await expect(drawer.button('Follow').or(drawer.button('Pause')), 'nothing that needs script').toHaveCount(0);
    await drawer.close.click();
    await expect(page).toHaveURL('/hosts/gpc0');
    await page.goBack();
    await drawer.asPage.click();
    await expect(page.getByRole('main')).toContainText('no script here');
  });

  test('a long log: its last lines, and links to all of it; the history with its filters', async ({ page, fleet, gpc0 }) => {
    await gpc0.rewriteFirstTest('seq 1 2300');
    await gpc0.letTestsGo();
    await fleet.ask('gpc0', 'test');
    await page.goto('/ops');
    await logIn(page);
    await shownAfterLookingAgain(page, page.locator('tbody .light'), 'failed', /^\d tests failed$/);

    const ops = new OpsPage(page);
    await ops.choice('Host').selectOption('gpc0');
    await ops.choice('Outcome').selectOption('Refused');
    await ops.filter.click();
    await expect(page).toHaveURL(/\/ops\?host=gpc0&kind=&outcome=refused&by=/);
    await expect(page.getByRole('main')).toContainText('The filter is: host gpc0, outcome “Refused”.');
    await ops.link('Show all ops').click();

    await ops.ops('Run Tests').getByRole('link', { name: 'Run Tests' }).click();
    const drawer = new LogDrawer(page, 'Run Tests', 'gpc0');
    await expect(drawer.lines).toHaveCount(2000);
    await expect(drawer.output).toContainText('earlier lines.');
    const whole = await drawer.self.getByRole('link', { name: 'The whole output' }).getAttribute('href');
    const text = await (await page.request.get(whole ?? '')).text();
    expect(text).toContain('1\n2\n3\n');
    const downloading = page.waitForEvent('download');
    await drawer.download.click();
    expect((await downloading).suggestedFilename()).toMatch(/^backstay-gpc0-test-[0-9a-f-]+\.txt$/);
  });

  test('a refusal is shown in the dialog, in the same words', async ({ page, gpc0 }) => {
    await page.goto('/hosts/gpc0/rollback');
    await logIn(page);
    const dialog = new RollbackDialog(page, 'gpc0');
    await expect(dialog.self).toBeVisible();
    await gpc0.switchProfile(46);
    // The server hears of it, and the page cannot.
    const looking = await page.context().newPage();
    await looking.goto('/');
    const generation = HostView.inFleet(looking, 'gpc0').text.getByText(/^Gen 46/).first();
    await expect(async () => {
      await looking.reload();
      await expect(generation).toBeVisible({ timeout: 1 });
    }).toPass();

    await dialog.confirm(47).click();
    await expect(dialog.self.getByRole('alert')).toHaveText(
      'The host is on Gen 46 now; you saw Gen 48. Nothing was changed. Check the host and choose again.',
    );
    await expect(dialog.current, 'the dialog that comes back is true').toContainText('Gen 46');
    expect(await gpc0.activations()).toEqual([]);
  });

  test('a wrong password', async ({ page }) => {
    await page.goto('/login');
    await page.getByLabel('Name').fill(admin.name);
    await page.getByLabel('Password').fill('not this one');
    await page.getByRole('button', { name: 'Log in' }).click();
    await expect(page).toHaveURL(/\/login/);
    await expect(page.getByRole('alert')).toBeVisible();
  });

  test('log out', async ({ page }) => {
    await page.goto('/audit');
    await logIn(page);
    await expect(page).toHaveURL('/audit');
    await openAccount(page);
    await page.getByRole('button', { name: 'Log out' }).click();
    await expect(page).toHaveURL('/login');
    await page.goto('/audit');
    await expect(page).toHaveURL('/login?next=/audit');
  });
});

test.describe('before WebAssembly has loaded', () => {
  /** Holds WebAssembly back until it is released. */
  async function keepBack(page: Page): Promise<() => void> {
    let letThrough = () => {};
    const until = new Promise<void>((resolve) => {
      letThrough = resolve;
    });
    await page.route(/\.wasm\b/, async (route) => {
      await until;
      await route.continue();
    });
    return letThrough;
  }

  test('the dialog can be filled in, and hydration keeps the choice', async ({ page, gpc0 }) => {
    const letThrough = await keepBack(page);
    await page.goto('/', { waitUntil: 'commit' });
    await HostView.inFleet(page, 'gpc0').choose('Rollback System');
    const dialog = new RollbackDialog(page, 'gpc0');
    await dialog.radio(46).check();
    await dialog.reason.fill('written before the page was alive');
    await expect(dialog.confirm(46)).toBeVisible();
    await expect(page.locator('html')).not.toHaveAttribute('data-hydrated');

    letThrough();
    await alive(page);
    await expect(dialog.radio(46)).toBeChecked();
    await expect(dialog.reason).toHaveValue('written before the page was alive');
    await dialog.confirm(46).click();
    await HostView.inFleet(page, 'gpc0').shows('System', 'ok', 'Rolled back to Gen 46');
    expect(await gpc0.current()).toBe(46);
  });
});
