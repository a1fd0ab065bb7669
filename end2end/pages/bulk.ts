/** Selecting hosts on the fleet page, the bar with what can be done to them, and the dialog that rolls them back. */

import { type Locator, type Page, expect } from '@playwright/test';

export type Bulk = 'Pull' | 'Switch' | 'Pull + Switch' | 'Test' | 'Roll back';

export class Selection {
  readonly bar: Locator;

  constructor(readonly page: Page) {
    this.bar = page.getByRole('form', { name: 'Selected hosts' });
  }

  /** The box of a host. */
  box(host: string): Locator {
    return this.page.getByRole('checkbox', { name: `Select ${host}`, exact: true });
  }

  get all(): Locator {
    return this.page.getByRole('checkbox', { name: 'Select all hosts that are shown' });
  }

  /** What is told of the selection to those who do not see it. */
  get told(): Locator {
    return this.page.locator('#bulk-says');
  }

  button(name: Bulk | 'Clear' | RegExp): Locator {
    return this.bar.getByRole('button', { name, exact: true });
  }

  /** Expects these hosts to be selected, of those that are shown, and the bar to say how many. */
  async has(...hosts: string[]): Promise<void> {
    const checked = this.page.locator('.fleet tbody input[name=host]:checked');
    await expect(checked).toHaveCount(hosts.length);
    for (const host of hosts) await expect(this.box(host)).toBeChecked();
    await expect(this.bar).toBeVisible({ visible: hosts.length > 0 });
    if (hosts.length > 0) await expect(this.told).toHaveText(new RegExp(`^${hosts.length} selected`));
  }
}

export class BulkRollbackDialog {
  readonly self: Locator;

  constructor(readonly page: Page) {
    this.self = page.getByRole('dialog', { name: 'Roll back several hosts' });
  }

  row(host: string): Locator {
    return this.self.locator(`li[data-host="${host}"]`);
  }

  /** Where a host goes. */
  generation(host: string): Locator {
    return this.self.getByRole('combobox', { name: `Generation for ${host}`, exact: true });
  }

  /** Expects a host to go to this generation. */
  async goesTo(host: string, number: number): Promise<void> {
    await expect(this.generation(host).locator('option:checked')).toHaveText(new RegExp(`^Gen ${number}\\b`));
  }

  get reason(): Locator {
    return this.self.getByRole('textbox', { name: /^Reason/ });
  }

  get cancel(): Locator {
    return this.self.getByRole('link', { name: 'Cancel' });
  }

  confirm(hosts: number): Locator {
    return this.self.getByRole('button', { name: `Roll back ${hosts} ${hosts === 1 ? 'host' : 'hosts'}`, exact: true });
  }

  /** The same button before the page is alive: it cannot count what is chosen. */
  get confirmWithoutScript(): Locator {
    return this.self.getByRole('button', { name: 'Roll back as chosen' });
  }

  get alert(): Locator {
    return this.self.getByRole('alert');
  }
}
