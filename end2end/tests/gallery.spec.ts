/** Every component in its states: it fits, all of it can be read, and everybody can use it. */

import { openScene, scenes } from '../support/gallery';
import { fits, looksRight, sizes } from '../support/look';
import { expect, nobody, test } from '../support/test';

// Nothing in it is secret.
test.use({ storageState: nobody });

for (const [size, viewport] of Object.entries(sizes)) {
  test.describe(size, () => {
    test.use({ viewport });

    test('every component fits and is legible, and axe finds nothing', async ({ page }, testInfo) => {
      test.setTimeout(900_000);
      for (const scene of await scenes(page)) {
        await test.step(scene, async () => {
          await openScene(page, scene);
          await looksRight(page, testInfo, `gallery-${scene}-${size}`, true);
        });
      }
    });
  });
}

test('each state of a light has a shape and words of its own, beside its colour', async ({ page }) => {
  await openScene(page, 'lights');
  const lights = await page.locator('.light').evaluateAll((all) =>
    all.map((light) => ({
      state: light.getAttribute('data-state') ?? '',
      shape: light.querySelector('use')?.getAttribute('href') ?? '',
      colour: getComputedStyle(light.querySelector('.icon') ?? light).color,
      name: light.getAttribute('aria-label') ?? '',
    })),
  );
  const states = ['ok', 'attention', 'failed', 'working', 'unknown'];
  expect([...new Set(lights.map(({ state }) => state))].sort()).toEqual([...states].sort());
  for (const state of states) {
    const shapes = new Set(lights.filter((light) => light.state === state).map(({ shape }) => shape));
    expect([...shapes], state).toEqual([`#i-${state}`]);
  }
  expect(new Set(lights.filter(({ state }) => state !== 'working').map(({ colour }) => colour)).size).toBe(4);
  for (const { name } of lights) expect(name).toMatch(/^(Agent|Git|Lock|System|Tests): \S/);
});

test('the shapes of the states are drawn differently', async ({ page }) => {
  await openScene(page, 'icons');
  const drawn = await page.locator('.sprite symbol').evaluateAll((all) => all.map((symbol) => symbol.innerHTML));
  // The end of a log and a pull have the same arrow, on purpose.
  expect(new Set(drawn).size).toBeGreaterThanOrEqual(drawn.length - 1);
  const shown = await page.locator('.gallery-icons use').evaluateAll((all) => all.map((use) => use.getAttribute('href')));
  const there = await page.locator('.sprite symbol').evaluateAll((all) => all.map((symbol) => `#${symbol.id}`));
  expect(there.filter((icon) => icon !== '#i-mark' && !shown.includes(icon)), 'icons that the gallery does not show').toEqual([]);
});

for (const width of [1440, 390, 320]) {
  test.describe(`${width} px wide`, () => {
    test.use({ viewport: { width, height: 844 } });

    test('names and lists of any length make no page wider than the screen, or much higher than others', async ({ page }) => {
      const height = (): Promise<number> => page.evaluate(() => document.documentElement.scrollHeight);
      for (const [usual, odd] of [['fleet', 'fleet-odd'], ['host', 'host-odd']]) {
        await openScene(page, usual);
        const most = 3 * (await height());
        await openScene(page, odd);
        await fits(page);
        expect(await height(), `the height of ${odd}`).toBeLessThanOrEqual(most);
      }
      const hint = page.locator('#hint-gpc0-system');
      await expect(hint).toContainText('and 317 more');
      await page.getByText('317 more', { exact: true }).click();
      await expect(page.getByText(/unit319\.service/)).toBeVisible();
      await fits(page);
    });
  });
}
