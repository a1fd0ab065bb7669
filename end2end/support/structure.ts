/** The structure of a page, as screen readers hear it. */

import { type Page, expect } from '@playwright/test';

/** Everything that differs from run to run, with its replacement. */
const varying: [RegExp, string][] = [
  [/^.*\/url:.*\n/gm, ''],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'ID'],
  [/\b[0-9a-f]{40}\b/g, 'COMMIT'],
  [/\b[0-9a-f]{7}\b/g, 'COMMIT'],
  [/\b\d{1,2} [A-Z][a-z]{2,3}(?: \d{4})?, \d{2}:\d{2}(?: UTC)?/g, 'TIME'],
  [/\b(?:\d+:)?\d+:\d{2}\b/g, 'CLOCK'],
  [/\bjust now\b/g, 'LENGTH ago'],
  [/less than 1 s\b|\b\d+ (?:s|min|h|days?|months?|years?)\b/g, 'LENGTH'],
  [/127\.0\.0\.1:\d+/g, 'SERVER'],
];

/** The whole structure of a page or of a part of it, or of the dialog over it. */
export async function heard(page: Page, part = 'body'): Promise<string> {
  const dialog = page.locator('dialog:modal');
  const of = (await dialog.count()) > 0 ? dialog : page.locator(part);
  const all = await of.ariaSnapshot();
  return varying.reduce((text, [pattern, stands]) => text.replace(pattern, stands), `${all}\n`);
}

/** The roles of a page's outline. Progress depends on the speed of the machine, and is not structure. */
const roles = 'banner|navigation|main|region|contentinfo|dialog|heading|table|columnheader|rowheader|log|button|textbox|searchbox|combobox|checkbox|radio|spinbutton|alert|img';

/** The head of a day in a table: how many days there are depends on when the test runs. */
const day = /rowheader "[A-Z][a-z]+day, \d{1,2} [A-Z][a-z]+ \d{4}"/;

/** The outline: landmarks, headings, inputs and actions, without the sentences between them. */
export async function outline(page: Page): Promise<string> {
  // Names with a colon in them are in quotes.
  const plain = (line: string) => line.replace(/^(\s*- )'(.*)'(?=:|$)/, '$1$2').replace(/(["\]]):(?: .*)?$/, '$1');
  // A button only once the host has answered.
  await expect(page.getByText('Comparing…')).toHaveCount(0);
  const lines = (await heard(page)).split('\n').map(plain).filter((line) => new RegExp(`^\\s*- (?:${roles})\\b`).test(line) && !day.test(line));
  return `${lines.join('\n')}\n`;
}

/** Expects the structure that is recorded under this name. */
export function isAsWritten(structure: string, name: string): void {
  expect.soft(structure, name).toMatchSnapshot(`${name.replaceAll(' ', '-')}.txt`);
}
