/**
 * Firefox lays pages out with an engine of its own: what people see on a bad day fits and is legible in it, and axe
 * finds nothing, too.
 */

import { badDay } from '../support/bad-day';
import { openAccount } from '../pages/fleet';
import { labelsByAttribute } from '../support/firefox';
import { attachPicture, fits, isAccessible, isLegible, sizes } from '../support/look';
import { expect, open, test } from '../support/test';

const addresses = { fleet: '/', host: '/hosts/gpc0', dialog: '/hosts/gpc0/rollback' };

test('what people see on a bad day, by day and by night, on a wide screen and on a phone', async ({ page, fleet }, testInfo) => {
  // A dozen pages.
  test.setTimeout(600_000);
  await badDay(page, fleet);
  await labelsByAttribute(page);
  for (const theme of ['Light', 'Dark']) {
    await open(page, '/');
    await openAccount(page);
    await page.getByLabel('Theme').selectOption(theme);
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme.toLowerCase());
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport);
      for (const [name, address] of Object.entries(addresses)) {
        await test.step(`${name}, ${size}, ${theme}`, async () => {
          await open(page, address);
          await attachPicture(page, testInfo, `firefox-${name}-${size}-${theme.toLowerCase()}`, true);
          await fits(page);
          await isLegible(page);
          if (size === 'desktop') await isAccessible(page);
        });
      }
    }
    await page.setViewportSize(sizes.desktop);
  }
});
