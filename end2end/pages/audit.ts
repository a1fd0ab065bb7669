/** The audit log. */

import { type Locator, type Page, expect } from '@playwright/test';

export interface Entry {
  who: string;
  what: string;
  host: string;
  way: string;
  why: string;
  outcome: string | RegExp;
}

export class AuditPage {
  constructor(readonly page: Page) {}

  /** The entries of this kind, newest first. */
  entries(what: string): Locator {
    const cell = this.page.getByRole('cell', { name: what, exact: true });
    return this.page.getByRole('row').filter({ has: cell });
  }

  /** The earlier entries of the op with this entry. */
  steps(what: string): Locator {
    return this.entries(what).locator('.steps li');
  }

  /** Expects exactly one entry of its kind, with all these texts. */
  async has({ who, what, host, way, why, outcome }: Entry): Promise<void> {
    const entry = this.entries(what);
    await expect(entry).toHaveCount(1);
    // The first cell is the time.
    await expect(entry.getByRole('cell')).toHaveText([/./, who, what, host, way, why, outcome]);
  }

  get intact(): Locator {
    return this.page.getByText('Log verified');
  }
}
