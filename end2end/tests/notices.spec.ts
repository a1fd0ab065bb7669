/** Notices read later; what runs here; a page older than the server; a hidden tab. */

import type { Page } from '@playwright/test';

import { HostView, connection, notice } from '../pages/fleet';
import { RollbackDialog } from '../pages/dialog';
import { imac0 } from '../support/plans';
import { expect, nobody, open, test } from '../support/test';

const bell = (page: Page) => page.getByRole('link', { name: /^Notices/ });

test('notices missed by the person are in the list of notices', async ({ page, gpc0, another }) => {
  await open(page, '/');
  await expect(bell(page)).toHaveAccessibleName('Notices');
  await open(page, '/hosts/gpc0/rollback');
  await new RollbackDialog(page, 'gpc0').confirm(47).click();
  await expect(notice(page, 'Rolled back to Gen 47')).toBeVisible();

  // Anyone who comes later sees that there is a notice, and finds it.
  const late = await another();
  await open(late, '/');
  await expect(bell(late)).toHaveAccessibleName(/^Notices \(\d+ new\)$/);
  await bell(late).click();
  const told = late.getByRole('main').getByRole('listitem').filter({ hasText: 'Rolled back to Gen 47' });
  await expect(told).toBeVisible();
  await expect(told.getByRole('link', { name: 'gpc0' })).toHaveAttribute('href', '/hosts/gpc0');
  await expect(bell(late)).toHaveAccessibleName('Notices');

  // The tests follow the rollback, and the list follows them.
  await expect(late.getByRole('main').getByText('All 8 tests passed on Gen 47.')).toBeVisible();
  await late.reload();
  await expect(bell(late)).toHaveAccessibleName('Notices');
  await told.getByRole('link', { name: 'Details' }).click();
  await expect(late.getByRole('heading', { name: 'Rollback to Gen 47' })).toBeVisible();
});

test('what others do is not told at once, but what turns bad is, as one, and it lies over nothing', async ({ page, fleet, gpc0 }) => {
  await fleet.add(imac0(fleet.repository));
  await open(page, '/');
  const region = page.getByRole('region', { name: 'Notices' });
  for (const name of [gpc0.name, 'imac0']) await fleet.ask(name, 'test');
  const told = notice(page, 'failed their tests');
  await expect(told).toBeVisible();
  await expect(region.getByText(/^(gpc0 and imac0|imac0 and gpc0)$/)).toBeVisible();
  await expect(region.getByRole('button', { name: 'Dismiss' })).toHaveCount(1);
  const bar = (await region.boundingBox())!;
  await page.mouse.wheel(0, 10_000);
  const foot = page.getByRole('link', { name: 'About Backstay' });
  await expect.poll(async () => { const box = (await foot.boundingBox())!; return box.y + box.height; }, 'the end of the page is above it').toBeLessThanOrEqual(bar.y);
  await expect(page.getByRole('status').filter({ hasText: 'failed their tests' }), 'spoken once').toHaveCount(1);
  await region.getByRole('button', { name: 'Dismiss' }).click();
  await expect(told).toHaveCount(0);
});

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false });

  test('the list of notices is read', async ({ page, fleet, gpc0 }) => {
    await fleet.ask(gpc0.name, 'test');
    const told = page.getByRole('main').getByText(/^Run Tests failed: 3 of 8 tests passed on Gen 48/);
    await expect(async () => {
      await page.goto('/notices');
      await expect(told).toBeVisible({ timeout: 100 });
    }).toPass();
  });
});

test.describe('nobody is logged in', () => {
  test.use({ storageState: nobody });

  test('notices and versions are for people who are logged in', async ({ page }) => {
    for (const path of ['/notices', '/about']) {
      await page.goto(path);
      await expect(page).toHaveURL(/\/login/);
    }
  });
});

test('the versions of the server and of the agents are shown', async ({ page, gpc0 }) => {
  await open(page, '/');
  await page.getByRole('link', { name: 'About Backstay' }).click();
  await expect(page.getByRole('heading', { name: /^Backstay \d+\.\d+\.\d+$/ })).toBeVisible();
  const agents = page.getByRole('row').filter({ hasText: 'same as the server' });
  await agents.getByRole('link', { name: '1 host' }).click();
  await expect(page.getByRole('rowheader', { name: gpc0.name })).toBeVisible();
});

test('a page that is older than the server says so', async ({ page, fleet, gpc0, watch }) => {
  await open(page, '/');
  await expect(page.getByText('Backstay was updated.')).toBeHidden();
  // The returning server is newer.
  await page.route('**/api/start_page*', async (route) => {
    const answer = await route.fetch();
    const start = await answer.json();
    start.snapshot.server_version = '99.0.0';
    await route.fulfill({ response: answer, json: start });
  });
  watch.allow(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE/);
  await fleet.server.stop();
  await fleet.server.start();
  await expect(page.getByText('Backstay was updated.')).toBeVisible();
  const reload = page.getByRole('link', { name: 'Reload the page' });
  await expect(reload).toHaveAttribute('href', '/');
  await reload.click();
  await HostView.inFleet(page, gpc0.name).shows('Agent', 'ok', 'Current');
});

test('a hidden tab gives its connection back, and catches up', async ({ page, fleet, gpc0 }) => {
  await page.clock.install();
  await open(page, '/');
  const row = HostView.inFleet(page, gpc0.name);
  await row.shows('Tests', 'failed', '5 of 8 failed');
  const streams: string[] = [];
  page.on('request', (request) => {
    if (request.url().includes('/events')) streams.push(request.url());
  });

  await lookedAt(page, false);
  await page.clock.fastForward('00:40');
  await expect(connection(page)).toHaveAttribute('data-connection', 'opening');
  await expect(page.locator('html')).not.toHaveAttribute('data-live');
  await gpc0.switchProfile(46);
  const client = await fleet.client();
  const elsewhere = async () => (await client.get('/')).text();
  await expect.poll(elsewhere, 'the server knows').toContain('Gen 48 runs');
  await client.dispose();
  await row.shows('System', 'ok', 'Gen 48');

  await lookedAt(page, true);
  await expect(connection(page)).toHaveAttribute('data-connection', 'live');
  await row.shows('System', 'attention', 'Gen 48 runs');
  expect(streams, 'it goes on from the last event that it heard').toHaveLength(1);
  expect(streams[0]).toMatch(/after=\d{13}/);
});

/** Makes the page believe that its tab is visible, or hidden. */
async function lookedAt(page: Page, is: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, !is);
}
