/** The page of all people, and the account page. */

import { type Locator, type Page } from '@playwright/test';

/** A person's row on the page of all people. */
export class PersonRow {
  readonly self: Locator;
  readonly #name: string;

  constructor(page: Page, name: string) {
    this.#name = name;
    this.self = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: false }) });
  }

  /** Unfolds the forms of the row. */
  async unfold(): Promise<void> {
    await this.self.getByText('Change', { exact: true }).click();
  }

  async setRole(role: string): Promise<void> {
    await this.unfold();
    await this.self.getByLabel('Role').selectOption(role);
    await this.self.getByRole('button', { name: 'Set role' }).click();
  }

  async press(button: 'Disable and log out' | 'Enable' | 'Delete'): Promise<void> {
    await this.unfold();
    await this.self.getByRole('button', { name: `${button} ${this.#name}` }).click();
  }
}

/** Invites a person on the page of all people, and returns the link. */
export async function invite(page: Page, name: string, role: string): Promise<string> {
  const form = page.getByRole('region', { name: 'Invite a person' });
  await form.getByLabel('Name').fill(name);
  await form.getByLabel('Role').selectOption(role);
  await form.getByRole('button', { name: 'Create link' }).click();
  return page.getByRole('status').locator('code').innerText();
}

/** Chooses a password on the page of an invitation. */
export async function accept(page: Page, password: string): Promise<void> {
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByLabel('Password again').fill(password);
  await page.getByRole('button', { name: 'Join' }).click();
}
