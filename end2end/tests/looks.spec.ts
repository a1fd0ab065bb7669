import type { Page } from '@playwright/test';

import { RollbackDialog } from '../pages/dialog';
import { HostView } from '../pages/fleet';
import { LogDrawer } from '../pages/op';
import { attachPicture, fits, isAccessible, sizes } from '../support/look';
import * as plans from '../support/plans';
import { expect, nobody, open, test } from '../support/test';

/** Has every colour and style written, each on each ground. */
const colours = [
  "printf 'a \\033[4mneedle\\033[0m in the hay\\n'",
  "for style in 0 1 2 3 4 7; do for colour in 0 1 2 3 4 5 6 7; do printf \"\\033[$style;3${colour}mplain\\033[9${colour}m bright \"; done; echo; done",
  "for colour in 0 1 2 3 4 5 6 7; do printf \"\\033[4${colour}mground \\033[97mwhite \\033[31mred\\033[0m \"; done; echo",
];

/** The pages to look at, with what must be there before one looks. */
const pages: Record<string, (page: Page) => Promise<void>> = {
  fleet: async (page) => {
    await open(page, '/');
  },
  menu: async (page) => {
    await open(page, '/');
    const row = HostView.inFleet(page, 'gpc0');
    await row.menuButton.click();
    await expect(row.item('Rollback System')).toBeVisible();
  },
  dialog: async (page) => {
    await open(page, '/hosts/gpc0/rollback');
    await new RollbackDialog(page, 'gpc0').radio(44).check();
  },
  host: async (page) => {
    await open(page, '/hosts/gpc0');
  },
  op: async (page) => {
    await open(page, '/hosts/imac0');
    await page.getByRole('link', { name: /^Rollback to Gen/ }).click();
    await page.getByRole('link', { name: 'Open as page' }).click();
    await expect(page.getByRole('log', { name: 'Output' })).toContainText('Activating');
  },
  drawer: async (page) => {
    await open(page, '/');
    await HostView.inFleet(page, 'imac0').text.getByRole('link', { name: 'Run Tests' }).click();
    await expect(page.getByRole('log', { name: 'Output' })).toContainText('needle');
  },
  search: async (page) => {
    const drawer = new LogDrawer(page, 'Run Tests', 'imac0');
    await drawer.search.fill('needle');
    await expect(drawer.count).toHaveText('1 of 1');
    await drawer.button('Times').click();
  },
  'drawer of a host': async (page) => {
    await open(page, '/hosts/imac0');
    await page.getByRole('link', { name: /^Rollback to Gen/ }).click();
    await new LogDrawer(page, 'Rollback to Gen 11', 'imac0').came('succeeded');
  },
  ops: async (page) => {
    await open(page, '/ops');
    await expect(page.getByRole('progressbar', { name: 'Tests' })).toBeVisible();
  },
  'no ops': async (page) => {
    await open(page, '/ops?outcome=refused');
    await expect(page.getByRole('link', { name: 'Show all ops' })).toBeVisible();
  },
  audit: async (page) => {
    await open(page, '/audit');
  },
};

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [size, viewport] of Object.entries(sizes)) {
    test.describe(`${colorScheme}, ${size}`, () => {
      test.use({ colorScheme, viewport });

      test('every page fits, and axe finds nothing', async ({ page, gpc0, fleet }, testInfo) => {
        // Many pages, each of which axe takes seconds to look at.
        test.setTimeout(180_000);
        const imac0 = await fleet.add(plans.imac0(fleet.repository));
        await open(page, '/hosts/imac0/rollback?from=host');
        await new RollbackDialog(page, 'imac0').confirm(11).click();
        await expect(page).toHaveURL('/hosts/imac0');
        await HostView.onItsPage(page, 'imac0').shows('Tests', 'ok', '3/3 passed');
        expect(await gpc0.activations()).toEqual([]);
        await imac0.rewriteFirstTest(...colours, 'hold');
        await fleet.ask('imac0', 'test');

        for (const [name, goTo] of Object.entries(pages)) {
          await test.step(name, async () => {
            await goTo(page);
            await attachPicture(page, testInfo, `${name}-${size}-${colorScheme}`);
            await fits(page);
            await isAccessible(page);
          });
        }
      });

      test('the log-in fits, and axe finds nothing', async ({ another }, testInfo) => {
        const page = await another({ storageState: nobody });
        await page.goto('/login');
        await expect(page.locator('html')).toHaveAttribute('data-hydrated', 'true');
        await attachPicture(page, testInfo, `login-${size}-${colorScheme}`);
        await fits(page);
        await isAccessible(page);
      });
    });
  }
}

test('on a phone, the whole rollback is done by touch', async ({ another, gpc0 }) => {
  const page = await another({ viewport: sizes.phone, hasTouch: true, isMobile: true });
  await open(page, '/');
  const row = HostView.inFleet(page, 'gpc0');
  await row.menuButton.tap();
  await row.item('Rollback System').tap();
  const dialog = new RollbackDialog(page, 'gpc0');
  await dialog.choice(46).tap();
  await dialog.confirm(46).tap();
  await row.shows('System', 'ok', 'Rolled back to Gen 46');
  await row.shows('Tests', 'ok', '8/8 passed');
  expect(await gpc0.current()).toBe(46);
});

test('a theme that was chosen stays chosen', async ({ page, gpc0 }) => {
  await open(page, `/hosts/${gpc0.name}`);
  await page.getByRole('button', { name: 'Theme: system' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await open(page, '/');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await expect(page.getByRole('button', { name: 'Theme: dark' })).toBeVisible();
});
