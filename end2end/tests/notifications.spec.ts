/** Desktop notifications for people who asked for them. */

import type { Page } from '@playwright/test';

import { RollbackDialog } from '../pages/dialog';
import { OpPage } from '../pages/op';
import { expect, open, test } from '../support/test';

test.use({ serviceWorkers: 'allow', permissions: ['notifications'] });

/** The notifications that the browser shows. */
const shown = (page: Page) => page.evaluate(async () => {
  const worker = await navigator.serviceWorker.ready;
  const notifications = await worker.getNotifications();
  return notifications.map(({ title, body, data }) => `${title}: ${body} ${data}`);
});

/** Says that the tab is in the background, as a browser does. */
const hide = (page: Page) => page.evaluate(() => {
  Object.defineProperty(document, 'hidden', { value: true, configurable: true });
  Object.defineProperty(document, 'hasFocus', { value: () => false, configurable: true });
  window.dispatchEvent(new Event('visibilitychange'));
});

test('the end of an op makes a notification, in a tab that nobody looks at', async ({ page, gpc0 }) => {
  await page.clock.install();
  await gpc0.hold();
  await open(page, `/hosts/${gpc0.name}/rollback`);
  await new RollbackDialog(page, gpc0.name).confirm(47).click();
  await page.locator('a[data-log]').first().click();
  await page.getByRole('link', { name: 'Open in full' }).click();
  await page.getByRole('button', { name: 'Tell me when this is done' }).click();
  await expect(page.getByRole('button', { name: 'You will be notified' })).toBeDisabled();
  const op = new URL(page.url()).pathname;
  await page.reload();
  await expect(page.getByRole('button', { name: 'You will be notified' }), 'also after a reload').toBeDisabled();

  await hide(page);
  // A hidden tab gives its stream back after half a minute, but not this one.
  await page.clock.runFor(40_000);
  expect(await shown(page)).toEqual([]);
  await gpc0.letGo();
  await expect.poll(() => shown(page)).toEqual([`Rollback to Gen 47 on gpc0: Succeeded ${op}`]);
  await new OpPage(page).came('succeeded');
  await expect(page.getByRole('button', { name: /notified|Tell me/ })).toHaveCount(0);
});

test('who wants to, hears whatever turns bad', async ({ page, fleet, gpc0 }) => {
  await open(page, '/');
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('checkbox', { name: 'Notify me when something turns bad' }).check();
  await page.reload();
  await page.getByRole('button', { name: /^Account of/ }).click();
  await expect(page.getByRole('checkbox', { name: 'Notify me when something turns bad' })).toBeChecked();
  await hide(page);
  await fleet.ask(gpc0.name, 'test');
  await expect.poll(() => shown(page)).toEqual([expect.stringMatching(/^gpc0: .*tests? .*\/ops\//i)]);

  await page.getByRole('checkbox', { name: 'Notify me when something turns bad' }).uncheck();
  expect(await page.evaluate(() => [localStorage.getItem('backstay.tell-bad'), document.documentElement.dataset.tell ?? null])).toEqual([null, null]);
});

test.describe('where the browser forbids it', () => {
  test.use({ permissions: [] });

  test('the button says so', async ({ page, gpc0 }) => {
    await gpc0.hold();
    await open(page, `/hosts/${gpc0.name}/rollback`);
    await page.evaluate(() => {
      Notification.requestPermission = async () => 'denied';
    });
    await new RollbackDialog(page, gpc0.name).confirm(47).click();
    await page.locator('a[data-log]').first().click();
    await page.getByRole('button', { name: 'Tell me when this is done' }).click();
    await expect(page.getByRole('button', { name: 'Notifications are blocked' })).toBeDisabled();
    await gpc0.letGo();
  });
});
