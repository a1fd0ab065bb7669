/** A roll-out: its dialog, and its progress on the fleet page. */

import { type Locator, type Page, expect } from '@playwright/test';

export type Kind = 'Pull and Switch' | 'Pull' | 'Switch' | 'Run Tests';

export class RolloutDialog {
  readonly self: Locator;

  constructor(readonly page: Page) {
    this.self = page.getByRole('dialog', { name: 'Roll out' });
  }

  kind(kind: Kind): Locator {
    return this.self.getByRole('radio', { name: kind, exact: true });
  }

  host(name: string): Locator {
    return this.self.getByRole('checkbox', { name, exact: true });
  }

  /** A host's line: its lights, and what will happen to it. */
  row(name: string): Locator {
    return this.self.locator(`li[data-host="${name}"]`);
  }

  get atOnce(): Locator {
    return this.self.getByRole('spinbutton', { name: 'At once' });
  }

  get pauseAfter(): Locator {
    return this.self.getByRole('spinbutton', { name: 'Pause after' });
  }

  get stopAtFirstFailure(): Locator {
    return this.self.getByRole('checkbox', { name: 'Stop at the first failure' });
  }

  get reason(): Locator {
    return this.self.getByRole('textbox', { name: /^Reason/ });
  }

  get cancel(): Locator {
    return this.self.getByRole('link', { name: 'Cancel' });
  }

  /** “Pull and Switch 4 hosts”. */
  confirm(kind: Kind, hosts: number): Locator {
    const words = kind === 'Run Tests' ? 'Run Tests on' : kind;
    return this.self.getByRole('button', { name: `${words} ${hosts} ${hosts === 1 ? 'host' : 'hosts'}`, exact: true });
  }

  /** The same button before hydration: it cannot count the checked hosts. */
  get confirmWithoutScript(): Locator {
    return this.self.getByRole('button', { name: 'Start on the checked hosts' });
  }

  get alert(): Locator {
    return this.self.getByRole('alert');
  }
}

export class RolloutPanel {
  readonly self: Locator;

  constructor(readonly page: Page) {
    this.self = page.getByRole('main').locator('[data-rollout]');
  }

  /** “Pull and Switch on 5 hosts”. */
  heading(text: string | RegExp): Locator {
    return this.self.getByRole('heading', { name: text });
  }

  /** “3 of 5 hosts, imac0 switching…”, and at the end the result. */
  get progress(): Locator {
    return this.self.locator('.rollout-progress');
  }

  async isAt(state: 'running' | 'stopping' | 'done' | 'stopped'): Promise<void> {
    await expect(this.self).toHaveAttribute('data-state', state);
  }

  /** A host's line; once the roll-out is over, `steps` opens it. */
  row(host: string): Locator {
    return this.self.locator(`li[data-host="${host}"]`);
  }

  /** Opens the lines of a roll-out that is over. */
  get steps(): Locator {
    return this.self.getByText('Hosts', { exact: true });
  }

  /** Opens the page of the roll-out. */
  get details(): Locator {
    return this.self.getByRole('link', { name: /^(Details|Roll-out)$/ });
  }

  get pause(): Locator {
    return this.self.getByRole('button', { name: 'Pause' });
  }

  get resume(): Locator {
    return this.self.getByRole('button', { name: 'Resume' });
  }

  get stop(): Locator {
    return this.self.getByRole('button', { name: 'Stop' });
  }
}
