/** Layout shifts: what moves on a page unasked. */

import { type Page, expect } from '@playwright/test';

interface Shift {
  value: number;
  moved: string[];
}

declare global {
  interface Window {
    shifts: Shift[];
  }
}

/** Records layout shifts of this page's documents from now on, from their first paint. */
export async function watchShifts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    window.shifts = [];
    const describe = (node: Node | null): string =>
      node instanceof Element ? node.outerHTML.slice(0, 120) : (node?.textContent?.slice(0, 60) ?? 'something that is gone');
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { value, hadRecentInput, sources } = entry as PerformanceEntry & {
          value: number;
          hadRecentInput: boolean;
          sources: { node: Node | null }[];
        };
        if (!hadRecentInput) window.shifts.push({ value, moved: sources.map(({ node }) => describe(node)) });
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
}

/** The layout shifts since the page was first painted. */
export async function shifted(page: Page): Promise<Shift[]> {
  // The browser reports the shifts of the last change two frames later.
  const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  await page.evaluate(frame);
  return page.evaluate(() => window.shifts);
}

/** Starts again. */
export async function forgetShifts(page: Page): Promise<void> {
  await shifted(page);
  await page.evaluate(() => {
    window.shifts = [];
  });
}

/** Expects no layout shift since the page was first painted. */
export async function nothingMoved(page: Page): Promise<void> {
  expect.soft(await shifted(page), `what moved on ${page.url()}`).toEqual([]);
}
