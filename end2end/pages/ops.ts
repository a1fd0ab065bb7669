/** The history of ops. */

import type { Locator, Page } from '@playwright/test';

export class OpsPage {
  constructor(readonly page: Page) {}

  get rows(): Locator {
    return this.page.getByRole('main').locator('tbody tr[data-id]');
  }

  /** The ops with this title. */
  ops(title: string): Locator {
    return this.rows.filter({ has: this.page.getByRole('rowheader', { name: title, exact: true }) });
  }

  choice(label: 'Host' | 'Op' | 'Outcome'): Locator {
    return this.page.getByRole('main').getByRole('combobox', { name: label, exact: true });
  }

  get person(): Locator {
    return this.page.getByRole('textbox', { name: 'Person' });
  }

  get text(): Locator {
    return this.page.getByRole('searchbox', { name: 'Text' });
  }

  get filter(): Locator {
    return this.page.getByRole('button', { name: 'Filter' });
  }

  link(name: 'Older' | 'Newest' | 'Show all' | 'Show all ops'): Locator {
    return this.page.getByRole('main').getByRole('link', { name, exact: true });
  }
}
