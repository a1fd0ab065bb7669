/** Somebody who has never seen Backstay is woken by an alert, and goes by what they can read. */

import type { Page, TestInfo } from '@playwright/test';

import type { Host } from '../support/host';
import { phone } from '../support/look';
import * as plans from '../support/plans';
import { Stopwatch } from '../support/stopwatch';
import { countTaps } from '../support/taps';
import { alive, expect, test } from '../support/test';

/** From the fleet page, which the alert links to, until every host works. */
async function goByTheWords(page: Page, host: Host, testInfo: TestInfo): Promise<number> {
  await host.hold();
  const taps = await countTaps(page);
  const watch = new Stopwatch();
  await page.goto('/');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('1 of 2 hosts is broken');
  watch.saw('“1 of 2 hosts is broken”');
  // Before that, a confirmed rollback leads to the page of its op.
  await alive(page);
  await page.getByRole('link', { name: 'Rollback to Gen 47' }).click();
  const dialog = page.getByRole('dialog', { name: 'Rollback System - gpc0' });
  await expect(dialog.getByText('Last known working')).toBeVisible();
  watch.saw('“Last known working”');
  await dialog.getByRole('button', { name: 'Rollback to Gen 47' }).click();
  await expect(page.getByRole('main').getByText('Rolling back to Gen 47').first()).toBeVisible();
  watch.saw('“Rolling back to Gen 47”');
  await host.letGo();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('All 2 hosts work');
  watch.saw('“All 2 hosts work”: rolled back, and all tests pass');
  await watch.report(testInfo);
  return taps();
}

test.beforeEach(async ({ fleet }) => {
  await fleet.add(plans.gpc0(fleet.repository));
  await fleet.add(plans.fine(fleet.repository, 'hsb0', 9));
});

test('from an alert to green lights: two clicks', async ({ page, fleet }, testInfo) => {
  expect(await goByTheWords(page, fleet.host('gpc0'), testInfo)).toBe(2);
  expect(await fleet.host('gpc0').current()).toBe(47);
});

test('from an alert to green lights on a phone: two taps', async ({ another, fleet }, testInfo) => {
  expect(await goByTheWords(await another(phone), fleet.host('gpc0'), testInfo)).toBe(2);
  expect(await fleet.host('gpc0').current()).toBe(47);
});
