/** One op: on a page of its own, or with its log beside another page. */

import { type Locator, type Page, expect } from '@playwright/test';

import { Log } from './log';

class ShownOp extends Log {
  constructor(
    self: Locator,
    private readonly head: string,
  ) {
    super(self);
  }

  /** Its status as in the badge's name, not its words. */
  get status(): Locator {
    return this.self.locator(`${this.head} [data-status]`);
  }

  get cancel(): Locator {
    return this.self.getByRole('button', { name: 'Cancel this op' });
  }

  get tryAgain(): Locator {
    return this.self.getByRole('button', { name: 'Try again' });
  }

  /** The question before an op is cancelled midway. */
  get confirm(): Locator {
    return this.self.getByRole('dialog', { name: 'Cancel during the activation?' });
  }

  async came(to: string): Promise<void> {
    await expect(this.status).toHaveAttribute('data-status', to);
  }
}

export class OpPage extends ShownOp {
  constructor(readonly page: Page) {
    super(page.getByRole('main'), '.page-head');
  }
}

export class LogDrawer extends ShownOp {
  constructor(
    readonly page: Page,
    readonly title: string,
    readonly host: string,
  ) {
    super(page.getByRole('dialog', { name: `${title} on ${host}` }), '.drawer-state');
  }

  get heading(): Locator {
    return this.self.getByRole('heading', { name: `${this.title} on ${this.host}` });
  }

  get close(): Locator {
    return this.self.getByRole('link', { name: 'Close the log' });
  }

  get asPage(): Locator {
    return this.self.getByRole('link', { name: 'Open in full' });
  }
}
