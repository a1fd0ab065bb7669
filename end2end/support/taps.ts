/** Counts what a person does. */

import type { Page } from '@playwright/test';

/** Counts taps and clicks from now on, across page loads. */
export async function countTaps(page: Page): Promise<() => Promise<number>> {
  await page.addInitScript(() => {
    window.addEventListener('pointerdown', () => {
      sessionStorage.setItem('taps', String(Number(sessionStorage.getItem('taps') ?? '0') + 1));
    }, { capture: true });
  });
  return () => page.evaluate(() => Number(sessionStorage.getItem('taps') ?? '0'));
}
