/** The page of one op. */

import { type Locator, type Page, expect } from '@playwright/test';

export class OpPage {
  constructor(readonly page: Page) {}

  /** How far it is, as its badge says: the name of the status, not its words. */
  get status(): Locator {
    return this.page.locator('.page-head [data-status]');
  }

  get output(): Locator {
    return this.page.getByRole('log', { name: 'Output' });
  }

  get cancel(): Locator {
    return this.page.getByRole('button', { name: 'Cancel this op' });
  }

  async came(to: string): Promise<void> {
    await expect(this.status).toHaveAttribute('data-status', to);
  }

  /** Expects every line from the first on, none twice, none missing. */
  async hasEveryLine(): Promise<void> {
    const numbers = await this.output.locator('[data-seq]').evaluateAll((lines) => lines.map((line) => line.getAttribute('data-seq')));
    expect(numbers.length).toBeGreaterThan(0);
    expect(numbers).toEqual(numbers.map((_, i) => String(i + 1)));
  }
}
