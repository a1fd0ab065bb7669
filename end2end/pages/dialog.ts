/** The rollback dialog of one host. */

import type { Locator, Page } from '@playwright/test';

export class RollbackDialog {
  readonly self: Locator;

  constructor(
    readonly page: Page,
    readonly host: string,
  ) {
    this.self = page.getByRole('dialog', { name: `Rollback System - ${host}` });
  }

  get current(): Locator {
    return this.self.getByRole('region', { name: 'Current Generation:' });
  }

  radio(number: number): Locator {
    return this.self.getByRole('radio', { name: startingWith(number) });
  }

  /** The line of a generation that can be chosen. */
  choice(number: number): Locator {
    return this.self.getByRole('listitem').filter({ has: this.page.getByRole('radio', { name: startingWith(number) }) });
  }

  get reason(): Locator {
    return this.self.getByRole('textbox', { name: /^Reason/ });
  }

  get cancel(): Locator {
    return this.self.getByRole('link', { name: 'Cancel' });
  }

  /** The button that names the target. */
  confirm(number: number): Locator {
    return this.self.getByRole('button', { name: `Rollback to Gen ${number}`, exact: true });
  }
}

const startingWith = (number: number): RegExp => new RegExp(`^Gen ${number}\\b`);
