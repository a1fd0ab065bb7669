/** The fleet page. */

import { type Locator, type Page, expect } from '@playwright/test';

export type LightName = 'Agent' | 'Git' | 'Lock' | 'System' | 'Tests';
export type LightState = 'ok' | 'attention' | 'failed' | 'working' | 'unknown';

/** One host of the fleet page, or of its own page: both show the same lights and the same menu. */
export class HostView {
  constructor(
    readonly page: Page,
    readonly name: string,
    private readonly self: Locator,
  ) {}

  static inFleet(page: Page, name: string): HostView {
    const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) });
    return new HostView(page, name, row);
  }

  static onItsPage(page: Page, name: string): HostView {
    return new HostView(page, name, page.getByRole('main'));
  }

  light(name: LightName): Locator {
    // A narrow page shows no light of a host that is fine.
    return this.self.getByRole('img', { name: `${name}: `, includeHidden: true });
  }

  /** Expects a light to reach this state, by its shape and its words. */
  async shows(name: LightName, state: LightState, words: string | RegExp): Promise<void> {
    await expect(this.light(name)).toHaveAttribute('data-state', state);
    await expect(this.light(name)).toHaveText(words);
  }

  get text(): Locator {
    return this.self;
  }

  get menuButton(): Locator {
    return this.self.getByRole('button', { name: `Actions for ${this.name}` });
  }

  /** The entries of its ellipsis menu; they are in the page only while the menu is open. */
  item(name: string): Locator {
    return this.self.getByRole('link', { name, exact: true }).or(this.self.getByRole('button', { name, exact: true }));
  }

  /** Chooses an entry of its ellipsis menu. */
  async choose(item: string): Promise<void> {
    await this.menuButton.click();
    await this.item(item).click();
  }
}

export const notice = (page: Page, text: string | RegExp): Locator =>
  page.getByRole('region', { name: 'Notices' }).getByText(text);

/** Opens the menu of the person who is logged in. */
export async function openAccount(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Account of / }).click();
}

/** The line below the header: whether the page is live, and the state of the fleet. */
export const statusLine = (page: Page): Locator => page.locator('.status');

export const connection = (page: Page): Locator => page.locator('[data-connection]');
