/** What moves on a page by itself. */

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

/** Notes from now on what moves on this page's documents, from their first paint. */
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

/** Expects that nothing has moved since the page was first painted. */
export async function nothingMoved(page: Page): Promise<void> {
  // What the last change moved is told after two more frames.
  const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  await page.evaluate(frame);
  expect.soft(await page.evaluate(() => window.shifts), `what moved on ${page.url()}`).toEqual([]);
}
