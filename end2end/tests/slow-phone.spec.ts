/** The rollback on a phone with next to no network: nothing waits for the page's script. */

import type { Page } from '@playwright/test';

import { RollbackDialog } from '../pages/dialog';
import { HostView } from '../pages/fleet';
import { OpPage } from '../pages/op';
import { phone } from '../support/look';
import { Stopwatch } from '../support/stopwatch';
import { countTaps } from '../support/taps';
import { expect, test } from '../support/test';

/** 400 kbit/s, 400 ms for each way there and back, and a quarter of this machine's processor. */
async function slowDown(page: Page): Promise<() => Promise<void>> {
  const session = await page.context().newCDPSession(page);
  const bytes = 400_000 / 8;
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', { offline: false, latency: 400, downloadThroughput: bytes, uploadThroughput: bytes });
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  return async () => {
    await session.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
    await session.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  };
}

test('over 400 kbit/s, from the link of an alert to the rollback', async ({ another, gpc0 }, testInfo) => {
  const page = await another(phone);
  const taps = await countTaps(page);
  const letGo = await slowDown(page);
  await gpc0.hold();
  const watch = new Stopwatch();

  await page.goto('/hosts/gpc0', { waitUntil: 'commit' });
  const main = page.getByRole('main');
  await expect(main.getByRole('heading', { level: 1 })).toHaveText('gpc0');
  await HostView.onItsPage(page, 'gpc0').shows('Tests', 'failed', '5 of 8 failed');
  await expect(main).toContainText('Last worked on Gen 47');
  watch.saw('“5 of 8 failed”, “Last worked on Gen 47”');

  await main.getByRole('link', { name: 'Rollback System' }).first().tap();
  const dialog = new RollbackDialog(page, 'gpc0');
  await expect(dialog.choice(47)).toContainText('Last known working');
  await expect(dialog.self).toContainText(/gpc0 goes from Gen 48 .*to Gen 47/);
  await expect(dialog.confirm(47)).toBeInViewport({ ratio: 1 });
  watch.saw('“gpc0 goes from Gen 48 to Gen 47”');

  await dialog.confirm(47).tap();
  // The form was posted plainly, which leads to the page of the op.
  await expect(main.getByRole('heading', { level: 1 })).toHaveText('Rollback to Gen 47');
  await expect(main).toContainText('Gen 48 → Gen 47');
  await new OpPage(page).came('running');
  watch.saw('“Rollback to Gen 47”, “Running”');
  expect(await taps()).toBe(2);

  await expect.poll(() => gpc0.holding()).toBe(true);
  await letGo();
  await gpc0.letGo();
  await new OpPage(page).came('succeeded');
  watch.saw('“Succeeded”');
  await watch.report(testInfo);
});
