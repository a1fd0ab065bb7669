/** How pages look, and whether everybody can use them. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import AxeBuilder from '@axe-core/playwright';
import { type Page, type TestInfo, expect } from '@playwright/test';

import * as places from './places';

export const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
/** A phone as it is held, with a finger for a pointer. */
export const phone = { viewport: sizes.phone, hasTouch: true, isMobile: true };
export const themes = ['light', 'dark'] as const;

/** The only rules of axe whose answer depends on the theme. */
const rulesAboutColour = ['color-contrast', 'link-in-text-block'];

/**
 * Expects that the page fits and is legible, and that axe finds nothing in either theme. Only colours differ
 * between the themes, so the page is measured once, and axe looks in the second theme at colours alone.
 */
export async function looksRight(page: Page, testInfo: TestInfo, name: string, fullPage = false): Promise<void> {
  for (const colorScheme of themes) {
    await page.emulateMedia({ colorScheme });
    await attachPicture(page, testInfo, `${name}-${colorScheme}`, fullPage);
    if (colorScheme === themes[0]) {
      await fits(page);
      await isLegible(page);
      await isAccessible(page);
    } else {
      await isAccessible(page, rulesAboutColour);
    }
  }
  await page.emulateMedia({ colorScheme: themes[0] });
}

/** Expects axe to find no fault in the page, by WCAG 2 A and AA, or by these rules only. */
export async function isAccessible(page: Page, rules?: string[]): Promise<void> {
  // An element that is fading in is half transparent.
  await page.evaluate(() => Promise.all(document.getAnimations().filter(({ effect }) => effect?.getTiming().iterations === 1).map(({ finished }) => finished.catch(() => undefined))));
  const axe = new AxeBuilder({ page });
  const { violations } = await (rules ? axe.withRules(rules) : axe.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])).analyze();
  const found = violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.map((node) => node.html) }));
  expect.soft(found, `axe on ${page.url()}`).toEqual([]);
}

/** Expects that nobody has to scroll sideways. */
export async function fits(page: Page): Promise<void> {
  const { content, window } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    window: document.documentElement.clientWidth,
  }));
  expect.soft(content, `the width of ${page.url()}`).toBeLessThanOrEqual(window);
}

/** Expects that no text is cut off or overlaps other text. */
export async function isLegible(page: Page): Promise<void> {
  const { cut, overlapping } = await page.evaluate(findIllegible);
  expect.soft(cut, `what is cut off on ${page.url()}`).toEqual([]);
  expect.soft(overlapping, `what stands on other text on ${page.url()}`).toEqual([]);
}

/** Runs in the page. Text that can be scrolled to is not cut off; decoration may be. */
function findIllegible(): { cut: string[]; overlapping: string[] } {
  interface Piece { text: string; box: DOMRect; layer: Element | null; parent: Element }
  const pieces: Piece[] = [];
  const cut: string[] = [];
  const modal = document.querySelector('dialog:modal');
  const walker = document.createTreeWalker(modal ?? document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    const text = node.textContent?.trim() ?? '';
    if (!parent || !text || parent.closest('[aria-hidden=true], .unseen, .skip, script, noscript, [role=log], option')) continue;
    // A compact row shows what it has room for; the host's page shows everything. A note opens when it has the focus.
    const cell = parent.closest('[data-density=compact] :is(td, th)');
    const isOneLine = (cell !== null && getComputedStyle(cell).display === 'table-cell') || parent.matches('.row-note:not(:focus)');
    if (!parent.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true })) continue;
    // A layer over the page, or a bar at its edge, overlaps other text on purpose.
    let layer: Element | null = null;
    let hidden = false;
    for (let up: Element | null = parent; up && up !== document.body; up = up.parentElement) {
      const style = getComputedStyle(up);
      if (!layer && ['fixed', 'sticky'].includes(style.position)) layer = up;
      if (!layer && style.position === 'absolute' && style.zIndex !== 'auto') layer = up;
      const cuts = ['hidden', 'clip'].includes(style.overflowX) || ['hidden', 'clip'].includes(style.overflowY);
      const isTiny = up.clientWidth <= 1 && up.clientHeight <= 1;
      if (cuts && isTiny) hidden = true;
      if (cuts && !isTiny && !isOneLine && (up.scrollWidth > up.clientWidth + 1 || up.scrollHeight > up.clientHeight + 1)) cut.push(text);
    }
    if (hidden) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const whole of range.getClientRects()) {
      // Scrolled content counts only where it is in sight.
      let [left, top, right, bottom] = [whole.left, whole.top, whole.right, whole.bottom];
      for (let up: Element | null = parent; up && up !== document.body; up = up.parentElement) {
        if (getComputedStyle(up).overflowY === 'visible') continue;
        const frame = up.getBoundingClientRect();
        [left, top] = [Math.max(left, frame.left), Math.max(top, frame.top)];
        [right, bottom] = [Math.min(right, frame.right), Math.min(bottom, frame.bottom)];
      }
      const box = new DOMRect(left, top, right - left, bottom - top);
      if (box.width > 1 && box.height > 1) pieces.push({ text, box, layer, parent });
    }
  }
  const overlapping: string[] = [];
  for (const [i, one] of pieces.entries()) {
    for (const other of pieces.slice(i + 1)) {
      if (one.parent === other.parent || one.layer !== other.layer) continue;
      const width = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const height = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      // Lines may touch: letters are lower than their boxes.
      if (width > 2 && height > Math.min(one.box.height, other.box.height) * 0.45) overlapping.push(`${one.text} / ${other.text}`);
    }
  }
  return { cut: [...new Set(cut)], overlapping: [...new Set(overlapping)] };
}

/** Keeps a picture of the page for people; `target/looks` has those of the last run. */
export async function attachPicture(page: Page, testInfo: TestInfo, name: string, fullPage = false): Promise<void> {
  mkdirSync(places.looks, { recursive: true });
  const path = join(places.looks, `${name.replaceAll(' ', '-')}.png`);
  await page.screenshot({ path, fullPage, animations: 'disabled' });
  await testInfo.attach(name, { path, contentType: 'image/png' });
}
