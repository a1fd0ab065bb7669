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

  /** The line of a generation to choose. */
  choice(number: number): Locator {
    return this.self.getByRole('listitem').filter({ has: this.page.getByRole('radio', { name: startingWith(number) }) });
  }

  get reason(): Locator {
    return this.self.getByRole('textbox', { name: /^Reason/ });
  }

  /** The line that says in short what changes, once the host has answered; it opens the sheet. */
  get changes(): Locator {
    return this.self.getByRole('button', { name: /^What changes: / });
  }

  /** All that changes. */
  get sheet(): Locator {
    return this.self.getByRole('group', { name: 'All changes' });
  }

  /** The field that searches a long list. */
  get find(): Locator {
    return this.self.getByRole('searchbox', { name: 'Find a generation' });
  }

  /** How long a rollback waits for an offline host. */
  get giveUpAfter(): Locator {
    return this.self.getByRole('combobox', { name: 'Give up after' });
  }

  /** What to activate of the target, if there are specialisations. */
  get specialisation(): Locator {
    return this.self.getByRole('combobox', { name: 'Specialisation' });
  }

  get cancel(): Locator {
    return this.self.getByRole('link', { name: 'Cancel' });
  }

  /** The same button while the host runs its tests. */
  confirmStopping(number: number): Locator {
    return this.self.getByRole('button', { name: `Stop the tests and roll back to Gen ${number}`, exact: true });
  }

  /** The button that goes to a newer generation. */
  goForward(number: number): Locator {
    return this.self.getByRole('button', { name: `Go forward to Gen ${number}`, exact: true });
  }

  /** The button that names the target. */
  confirm(number: number): Locator {
    return this.self.getByRole('button', { name: `Rollback to Gen ${number}`, exact: true });
  }
}

const startingWith = (number: number): RegExp => new RegExp(`^Gen ${number}\\b`);
