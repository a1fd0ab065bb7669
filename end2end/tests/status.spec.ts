/** The status line, the tab, and what the page says while the server does not answer. */

import type { Page } from '@playwright/test';

import { RollbackDialog } from '../pages/dialog';
import { HostView, connection, statusLine } from '../pages/fleet';
import { attachPicture, sizes, themes } from '../support/look';
import { expect, open, test } from '../support/test';

const icon = (page: Page) => page.locator('link#icon');

/** Collects what the page tells the icon of the installed app. */
async function badges(page: Page): Promise<() => Promise<unknown[]>> {
  await page.addInitScript(() => {
    const told: unknown[] = [];
    Object.assign(window, { told });
    Object.assign(navigator, {
      setAppBadge: async (count?: number) => void told.push(count ?? 'dot'),
      clearAppBadge: async () => void told.push('none'),
    });
  });
  return () => page.evaluate(() => (window as unknown as { told: unknown[] }).told);
}

test('a frozen server is noticed within seconds, on every page, and in the tab', async ({ page, fleet, gpc0 }) => {
  await page.clock.install();
  await open(page, `/hosts/${gpc0.name}`);
  fleet.server.suspend();
  try {
    await page.clock.fastForward('00:15');
    await expect(statusLine(page)).toContainText(/Reconnecting… showing the state of \d\d:\d\d:\d\d \(\d+ s ago\)/);
    await expect(statusLine(page), 'it does not know').not.toContainText('1 host');
    await expect(page).toHaveTitle(`(…) ${gpc0.name} · Backstay`);
    await expect(page.locator('html')).toHaveAttribute('data-stale');
  } finally {
    fleet.server.resume();
  }
  await expect(connection(page)).toHaveText('Live');
  await expect(statusLine(page)).toContainText('1 host · 1 failed');
  await expect(page.locator('html')).not.toHaveAttribute('data-stale');
});

test('a rollback confirmed while the server is frozen says so, and the dialog closes once it is taken', async ({ page, fleet, gpc0 }) => {
  await page.clock.install();
  await open(page, `/hosts/${gpc0.name}/rollback`);
  const dialog = new RollbackDialog(page, gpc0.name);
  fleet.server.suspend();
  try {
    await page.clock.fastForward('00:15');
    await expect(dialog.self.getByRole('status').filter({ hasText: 'Reconnecting… showing the state of' })).toBeVisible();
    const confirm = dialog.self.getByRole('button', { name: 'Rollback to Gen 47 (not connected)' });
    await confirm.click();
    await expect(confirm).toBeDisabled();
    await page.clock.fastForward('00:05');
    await expect(dialog.self).toContainText(/Sending… \d s/);
    await page.clock.fastForward('00:06');
    await expect(dialog.self).toContainText('No answer yet. It may have arrived; this page shows it as soon as that is known.');
  } finally {
    fleet.server.resume();
  }
  await expect(dialog.self).toHaveCount(0);
  await HostView.inFleet(page, gpc0.name).shows('System', 'ok', 'Rolled back to Gen 47');
});

test('a request whose answer is lost is recognised by its op', async ({ page, gpc0, watch }) => {
  watch.allow(/ERR_CONNECTION_RESET/);
  await gpc0.hold();
  await page.route('**/api/request_rollback*', async (route) => {
    await route.fetch();
    await route.abort('connectionreset');
  });
  await open(page, `/hosts/${gpc0.name}/rollback`);
  const dialog = new RollbackDialog(page, gpc0.name);
  await dialog.confirm(47).click();
  await expect(dialog.self).toHaveCount(0);
  await HostView.inFleet(page, gpc0.name).shows('System', 'working', 'Rolling back to Gen 47');
  await gpc0.letGo();
});

test('the tab counts failed hosts, in its title, its icon and the app’s', async ({ page, gpc0 }) => {
  const told = await badges(page);
  await open(page, '/');
  await expect(page).toHaveTitle('(1) ✗ Fleet · Backstay');
  await expect(icon(page)).toHaveAttribute('href', '/favicon-failed.svg');
  expect((await page.request.get('/favicon-failed.svg')).headers()['content-type']).toBe('image/svg+xml');

  await open(page, `/hosts/${gpc0.name}/rollback`);
  await new RollbackDialog(page, gpc0.name).confirm(47).click();
  await expect(statusLine(page)).toContainText('1 host · working');
  await expect(page).toHaveTitle('Fleet · Backstay');
  await expect(icon(page)).toHaveAttribute('href', '/favicon.svg');
  await expect.poll(told).toEqual([1, 'none']);
});

test('before the page is alive it says that it is not, and the rest is true', async ({ page, gpc0, watch }) => {
  watch.allow(/backstay\.wasm|Failed to fetch/);
  await page.route(/\.wasm\b/, (route) => route.abort());
  await page.goto('/ops', { waitUntil: 'domcontentloaded' });
  await expect(connection(page)).toHaveText('Not live yet');
  await expect(statusLine(page)).toContainText('1 host · ');
  await expect(page).toHaveTitle(/Ops · Backstay$/);
  // Whether its tests have failed yet decides what the server said.
  const failed = (await page.title()).startsWith('(1) ✗ ');
  await expect(icon(page)).toHaveAttribute('href', failed ? '/favicon-failed.svg' : '/favicon.svg');
  void gpc0;
});

test('header, content and footer share their edges, and the footer ends the page', async ({ page, gpc0 }) => {
  for (const width of [390, 1440, 2560]) {
    await page.setViewportSize({ width, height: 900 });
    await open(page, '/notices');
    const left = async (selector: string) => (await page.locator(selector).first().boundingBox())?.x;
    const edge = await left('.brand');
    for (const other of ['.connection', 'main h1', '.foot a']) expect(await left(other), `${other} at ${width}`).toBe(edge);
    const foot = await page.locator('.foot').boundingBox();
    expect((foot?.y ?? 0) + (foot?.height ?? 0), 'at the end').toBeCloseTo(900, 0);
  }
  void gpc0;
});

test('an address that does not exist keeps the header', async ({ page, watch }) => {
  watch.allow(/\b404\b/);
  const answer = await page.goto('/nothing/of/this/name');
  expect(answer?.status()).toBe(404);
  await expect(page.getByRole('heading', { name: 'Not found' })).toBeVisible();
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
});

for (const colorScheme of themes) {
  for (const [size, viewport] of Object.entries(sizes)) {
    test.describe(`${size}, ${colorScheme}`, () => {
      test.use({ viewport, colorScheme });

      test('the look of a page that has lost its server', async ({ page, fleet, gpc0 }, testInfo) => {
        await page.clock.install();
        await open(page, '/');
        await HostView.inFleet(page, gpc0.name).shows('Tests', 'failed', '5 of 8 failed');
        await attachPicture(page, testInfo, `status-live-${size}-${colorScheme}`);
        await page.getByRole('button', { name: /^Account of / }).click();
        await attachPicture(page, testInfo, `status-account-${size}-${colorScheme}`);
        await page.keyboard.press('Escape');
        fleet.server.suspend();
        try {
          await page.clock.fastForward('00:40');
          await expect(statusLine(page)).toContainText('Reconnecting…');
          await attachPicture(page, testInfo, `status-stale-${size}-${colorScheme}`);
        } finally {
          fleet.server.resume();
        }
      });
    });
  }
}
