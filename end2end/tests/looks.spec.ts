import { badDay } from '../support/bad-day';
import { openAccount } from '../pages/fleet';
import { looksRight, sizes } from '../support/look';
import { expect, nobody, open, test } from '../support/test';
import { ofFleet, outside } from '../support/views';

for (const [size, viewport] of Object.entries(sizes)) {
  test.describe(size, () => {
    test.use({ viewport });

    test('every page fits and is legible, and axe finds nothing', async ({ page, fleet, watch }, testInfo) => {
      // Many pages, and axe takes seconds for each.
      test.setTimeout(900_000);
      // One of them is of a missing host.
      watch.allow(/\b404\b/);
      await badDay(page, fleet);
      for (const [name, { goTo }] of Object.entries(ofFleet)) {
        await test.step(name, async () => {
          await goTo(page, undefined);
          await looksRight(page, testInfo, `${name}-${size}`);
        });
      }
    });

    test('so do the pages for people who are not logged in, and a fleet without hosts', async ({ page, another, watch }, testInfo) => {
      watch.allow(/\b404\b/);
      const stranger = await another({ storageState: nobody, viewport });
      const empty = { goTo: () => open(page, '/'), on: page };
      const steps = Object.entries(outside).map(([name, { goTo }]) => [name, { goTo: () => goTo(stranger, undefined), on: stranger }] as const);
      for (const [name, { goTo, on }] of [...steps, ['empty fleet', empty] as const]) {
        await test.step(name, async () => {
          await goTo();
          await looksRight(on, testInfo, `${name}-${size}`);
        });
      }
    });
  });
}

test('a chosen theme stays', async ({ page, gpc0 }) => {
  await open(page, `/hosts/${gpc0.name}`);
  await openAccount(page);
  await page.getByLabel('Theme').selectOption('Dark');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await open(page, '/');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await openAccount(page);
  await expect(page.getByLabel('Theme')).toHaveValue('dark');
});
