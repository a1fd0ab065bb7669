/** Open pull requests on the fleet page, and the dialog that merges one. */

import type { Locator, Page } from '@playwright/test';

export class PullRequests {
  readonly self: Locator;

  constructor(readonly page: Page) {
    this.self = page.getByRole('region', { name: 'Pull requests', exact: true });
  }

  card(number: number): PullRequestCard {
    return new PullRequestCard(this.self.locator(`[data-pull-request="${number}"]`), number);
  }

  /** Faults in the configuration of the repository, each in a sentence. */
  get problems(): Locator {
    return this.self.getByRole('list', { name: 'Problems of the configuration' }).getByRole('listitem');
  }

  /** Since when the pull requests could not be read, and why. */
  get unreadable(): Locator {
    return this.self.getByText('could not be read since');
  }
}

export class PullRequestCard {
  constructor(
    readonly self: Locator,
    readonly number: number,
  ) {}

  /** The title, which links to the pull request's own page. */
  title(text: string): Locator {
    return this.self.getByRole('link', { name: text });
  }

  /** Its changes: “nixpkgs 1234567 → 89abcde”. */
  get inputs(): Locator {
    return this.self.getByRole('list', { name: 'Changed inputs' }).getByRole('listitem');
  }

  /** “Checks: 3 passed”, “Checks: 1 failed (build)”, “Checks: 2 running”, “No checks”. */
  get checks(): Locator {
    return this.self.locator('[data-checks]');
  }

  /** “Can be merged”, or the reason why not. */
  get mergeable(): Locator {
    return this.self.locator('[data-mergeable]');
  }

  /** Opens the dialog. */
  get merge(): Locator {
    return this.self.getByRole('link', { name: 'Merge PR' });
  }
}

export class MergeDialog {
  readonly self: Locator;

  constructor(
    readonly page: Page,
    readonly number: number,
  ) {
    this.self = page.getByRole('dialog', { name: `Merge PR #${number}?` });
  }

  get thenRollOut(): Locator {
    return this.self.getByRole('checkbox', { name: /^Then roll out/ });
  }

  get confirm(): Locator {
    return this.self.getByRole('button', { name: `Merge PR #${this.number}`, exact: true });
  }

  get cancel(): Locator {
    return this.self.getByRole('link', { name: 'Cancel' });
  }

  /** Why the last attempt failed, or what has changed since the dialog was opened. */
  get alert(): Locator {
    return this.self.getByRole('alert');
  }
}
