/** The page of one host. */

import type { Locator, Page } from '@playwright/test';

/** Opens the list of a host's latest ops, which is folded at first, and returns it. */
export async function latestOps(page: Page): Promise<Locator> {
  const ops = page.locator('.latest-ops');
  await ops.getByText('Latest ops').click();
  return ops;
}

export class HostPage {
  constructor(
    readonly page: Page,
    readonly name: string,
  ) {}

  get path(): string {
    return `/hosts/${this.name}`;
  }

  region(name: string): Locator {
    return this.page.getByRole('region', { name, exact: true });
  }

  get timeline(): Locator {
    return this.region('Timeline');
  }

  /** The picture of its past, horizontal or vertical. */
  picture(which: 'wide' | 'tall' = 'wide'): Locator {
    return this.timeline.locator(`.timeline-picture.${which}`);
  }

  /** Marks of this kind in the picture. */
  marks(look: string, which: 'wide' | 'tall' = 'wide'): Locator {
    return this.picture(which).locator(`.mark[data-look="${look}"]`);
  }

  get tests(): Locator {
    return this.region('Tests');
  }

  /** One of its tests. */
  test(name: string): Locator {
    return this.tests.locator(`[data-test="${name}"]`);
  }

  get settings(): Locator {
    return this.region('Settings');
  }

  get timeout(): Locator {
    return this.settings.getByRole('textbox', { name: 'Test timeout' });
  }

  get timeoutUnit(): Locator {
    return this.settings.getByRole('combobox', { name: 'Unit' });
  }

  get setTimeout(): Locator {
    return this.settings.getByRole('button', { name: 'Set timeout' });
  }

  /** The link to the rollback to a generation. */
  rollbackTo(number: number): Locator {
    return this.timeline.getByRole('link', { name: `Roll back to Gen ${number}`, exact: true });
  }
}
