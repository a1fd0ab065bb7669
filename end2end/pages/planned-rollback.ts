/** The dialogs that roll several hosts back: the selected ones, and those that a deployment broke. */

import { type Locator, type Page, expect } from '@playwright/test';

class PlannedRollbackDialog {
  readonly self: Locator;

  constructor(page: Page, name: string) {
    this.self = page.getByRole('dialog', { name });
  }

  row(host: string): Locator {
    return this.self.locator(`li[data-host="${host}"]`);
  }

  /** The target of a host. */
  generation(host: string): Locator {
    return this.self.getByRole('combobox', { name: `Generation for ${host}`, exact: true });
  }

  /** Expects this generation to be the target of a host. */
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

  /** The same button before hydration: it cannot count the chosen hosts. */
  get confirmWithoutScript(): Locator {
    return this.self.getByRole('button', { name: 'Roll back as chosen' });
  }

  get alert(): Locator {
    return this.self.getByRole('alert');
  }
}

export class BulkRollbackDialog extends PlannedRollbackDialog {
  constructor(page: Page) {
    super(page, 'Roll back several hosts');
  }
}

export class RollBackFailedDialog extends PlannedRollbackDialog {
  constructor(page: Page) {
    super(page, 'Roll back failed hosts');
  }
}
