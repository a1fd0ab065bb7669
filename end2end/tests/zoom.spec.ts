/** Larger letters, narrower windows, less motion, other colours: none of them loses anything. */

import type { Page } from '@playwright/test';

import { RollbackDialog } from '../pages/dialog';
import { badDay } from '../support/bad-day';
import { openScene, scenes } from '../support/gallery';
import { attachPicture, fits, isLegible } from '../support/look';
import { expect, open, test } from '../support/test';

const addresses = ['/', '/hosts/gpc0', '/hosts/gpc0/rollback', '/rollout', '/ops', '/audit', '/deployments', '/notices', '/about'];

/** The conditions of a page. */
const zooms: Record<string, { viewport: { width: number; height: number }; text?: string }> = {
  '200 percent of 1280 by 800': { viewport: { width: 640, height: 400 } },
  // WCAG 2.1, 1.4.10: 400 % of 1280 by 1024.
  '320 wide': { viewport: { width: 320, height: 256 } },
  // WCAG 2.1, 1.4.4: larger text only.
  'letters at 200 percent': { viewport: { width: 1280, height: 800 }, text: '200%' },
};

/** Like a browser in which somebody chose larger text. */
async function enlarge(page: Page, text?: string): Promise<void> {
  if (text) await page.evaluate((size) => { document.documentElement.style.fontSize = size; }, text);
}

for (const [name, { viewport, text }] of Object.entries(zooms)) {
  test.describe(name, () => {
    test.use({ viewport });

    test('nothing of the pages is lost', async ({ page, fleet }, testInfo) => {
      await badDay(page, fleet);
      for (const address of addresses) {
        await test.step(address, async () => {
          await open(page, address);
          await enlarge(page, text);
          await attachPicture(page, testInfo, `zoom-${name}-${address === '/' ? 'fleet' : address.slice(1).replaceAll('/', '-')}`);
          await fits(page);
          await isLegible(page);
        });
      }
      // The two ways out of a dialog are always in sight.
      await open(page, '/hosts/gpc0/rollback');
      await enlarge(page, text);
      const dialog = new RollbackDialog(page, 'gpc0');
      await expect(dialog.confirm(47)).toBeInViewport({ ratio: 1 });
      await expect(dialog.cancel).toBeInViewport({ ratio: 1 });
    });

    test('nothing of the components is lost', async ({ page }) => {
      for (const scene of await scenes(page)) {
        await openScene(page, scene);
        await enlarge(page, text);
        await fits(page);
        await isLegible(page);
      }
    });
  });
}

/** The elements of a page that are animated, or change gradually. */
async function moving(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const named = (element: Element) => `${element.tagName.toLowerCase()}.${element.getAttribute('class') ?? ''}`;
    const runs = document.getAnimations().filter((animation) => animation.playState === 'running');
    const takesTime = [...document.querySelectorAll('*')].filter((element) =>
      [undefined, '::before', '::after', '::-webkit-progress-value'].some((part) => {
        const style = getComputedStyle(element, part);
        return `${style.transitionDuration}, ${style.animationDuration}`.split(', ').some((time) => Number.parseFloat(time) > 0);
      }),
    );
    const animated = runs.map((animation) => named((animation.effect as KeyframeEffect).target ?? document.body));
    return [...new Set([...animated, ...takesTime.map(named)])];
  });
}

test('with reduced motion there is none', async ({ page }) => {
  const all = await scenes(page);
  await openScene(page, 'lights');
  expect(await moving(page), 'otherwise, what works turns').not.toEqual([]);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const scene of all) {
    await openScene(page, scene);
    expect.soft(await moving(page), scene).toEqual([]);
  }
});

/** Text in the colour of its own background. */
async function unseen(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const ground = (element: Element | null): string => {
      for (let up = element; up; up = up.parentElement) {
        const { backgroundColor } = getComputedStyle(up);
        if (!/, 0\)$|transparent/.test(backgroundColor)) return backgroundColor;
      }
      return '';
    };
    const written = [...document.querySelectorAll('body *')].filter((element) =>
      [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim()) && element.checkVisibility(),
    );
    return written.filter((element) => getComputedStyle(element).color === ground(element)).map((element) => element.outerHTML.slice(0, 120));
  });
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`where the system says which colours there are, states are still told apart, ${colorScheme}`, async ({ page }, testInfo) => {
    await page.emulateMedia({ forcedColors: 'active', colorScheme });
    for (const scene of ['lights', 'fleet', 'buttons', 'messages', 'log', 'deployment-failed', 'rollback', 'palette']) {
      await openScene(page, scene);
      await attachPicture(page, testInfo, `forced-${scene}-${colorScheme}`, true);
      await fits(page);
      await isLegible(page);
      expect.soft(await unseen(page), scene).toEqual([]);
    }
    await openScene(page, 'lights');
    const icons = await page.locator('.light .icon').evaluateAll((all) =>
      all.map((icon) => {
        const inside = getComputedStyle(icon).getPropertyValue('--on-light').trim();
        return { shape: icon.querySelector('use')?.getAttribute('href'), seen: icon.checkVisibility(), inside };
      }),
    );
    expect(new Set(icons.map(({ shape }) => shape)).size).toBe(5);
    // A drawing inside a shape has the background's colour, or tick, cross and mark would vanish in it.
    for (const { seen, inside } of icons) expect({ seen, inside }).toEqual({ seen: true, inside: 'Canvas' });

    await openScene(page, 'buttons');
    const pressed = page.getByRole('button', { name: 'Times', pressed: true });
    const released = page.getByRole('button', { name: 'Times', pressed: false });
    const look = (button: typeof pressed) => button.evaluate((it) => {
      const { backgroundColor, borderTopWidth, outlineStyle } = getComputedStyle(it);
      return { backgroundColor, borderTopWidth, outlineStyle };
    });
    expect(await look(pressed)).not.toEqual(await look(released));
    await pressed.focus();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Tab');
    expect((await look(pressed)).outlineStyle).toBe('solid');
  });
}
