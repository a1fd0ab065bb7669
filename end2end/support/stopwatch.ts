/** When a person saw something. Times are printed and attached; no test depends on them. */

import type { TestInfo } from '@playwright/test';

export class Stopwatch {
  readonly #start = Date.now();
  readonly #seen: string[] = [];

  saw(what: string): void {
    this.#seen.push(`${((Date.now() - this.#start) / 1000).toFixed(1).padStart(6)} s  ${what}`);
  }

  /** Prints what was seen, and when. */
  async report(testInfo: TestInfo): Promise<void> {
    const body = `${testInfo.title}\n${this.#seen.join('\n')}\n`;
    console.log(body);
    await testInfo.attach('times', { body, contentType: 'text/plain' });
  }
}
