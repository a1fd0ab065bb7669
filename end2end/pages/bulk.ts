/** Selecting hosts on the fleet page, and the bar with the actions on them. */

import { type Locator, type Page, expect } from '@playwright/test';

export type Bulk = 'Pull' | 'Switch' | 'Pull + Switch' | 'Test' | 'Roll back';

export class Selection {
  readonly bar: Locator;

  constructor(readonly page: Page) {
    this.bar = page.getByRole('form', { name: 'Selected hosts' });
  }

  /** The checkbox of a host. */
  box(host: string): Locator {
    return this.page.getByRole('checkbox', { name: `Select ${host}`, exact: true });
  }

  get all(): Locator {
    return this.page.getByRole('checkbox', { name: 'Select all shown hosts' });
  }

  /** The announcement of the selection to screen readers. */
  get told(): Locator {
    return this.page.locator('#bulk-says');
  }

  button(name: Bulk | 'Clear' | RegExp): Locator {
    return this.bar.getByRole('button', { name, exact: true });
  }

  /** Expects exactly these of the shown hosts to be selected, and the bar to count them. */
  async has(...hosts: string[]): Promise<void> {
    const checked = this.page.locator('.fleet tbody input[name=host]:checked');
    await expect(checked).toHaveCount(hosts.length);
    for (const host of hosts) await expect(this.box(host)).toBeChecked();
    await expect(this.bar).toBeVisible({ visible: hosts.length > 0 });
    if (hosts.length > 0) await expect(this.told).toHaveText(new RegExp(`^${hosts.length} selected`));
  }
}
