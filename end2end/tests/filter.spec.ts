/** Finding hosts: the filter, the order, the counts that link to the hosts they count, and the command palette. */

import type { Page } from '@playwright/test';

import { HostView } from '../pages/fleet';
import * as plans from '../support/plans';
import { alive, expect, open, test } from '../support/test';

/** The alerts during an action. */
async function saidWhile(page: Page, what: () => Promise<void>): Promise<string[]> {
  await page.evaluate(() => {
    const said: string[] = [];
    const look = () => document.querySelectorAll('[role=alert]').forEach((alert) => said.push(alert.textContent ?? ''));
    const watch = new MutationObserver(look);
    watch.observe(document.body, { childList: true, subtree: true });
    Object.assign(window, { said });
  });
  await what();
  return page.evaluate(() => (window as unknown as { said: string[] }).said);
}

test.beforeEach(async ({ fleet, gpc0 }) => {
  expect(gpc0.name).toBe('gpc0');
  await fleet.add(plans.imac0(fleet.repository));
});

test('the filter narrows the page while typing, and the address keeps it', async ({ page }) => {
  await open(page, '/');
  const filter = page.getByRole('combobox', { name: 'Filter hosts' });
  const hosts = page.getByRole('row').getByRole('rowheader');
  await expect(hosts).toHaveCount(2);
  await filter.fill('platform:nixos');
  await expect(hosts).toHaveCount(1);
  await expect(page.locator('#fleet-filter-says')).toHaveText('1 of 2 hosts');
  await expect(page).toHaveURL('/?q=platform%3Anixos');
  await page.reload();
  await expect(hosts).toHaveText(/gpc0/);
  await filter.fill('status:borken');
  await expect(page.getByRole('alert')).toContainText('status:failed');
  await expect(hosts, 'what was understood last stays').toHaveText(/gpc0/);
  await page.goto('/?q=status:borken');
  await alive(page);
  await expect(page.getByRole('alert')).toContainText('status:failed');
  await expect(hosts, 'nothing is done to hosts that nobody asked for').toHaveCount(0);
  const said = await saidWhile(page, async () => {
    await filter.fill('');
    await filter.pressSequentially('status:failed');
    await expect(hosts).toHaveCount(2);
  });
  expect(said, 'while a word is being written').toEqual([]);
  await filter.fill('nowhere');
  await page.getByRole('link', { name: 'Show all' }).click();
  await expect(hosts).toHaveCount(2);
  await expect(filter).toHaveValue('');
});

test('failed hosts are first, and the head of a column sorts by it', async ({ page, fleet }) => {
  await fleet.add(plans.fine(fleet.repository, 'apple', 90));
  await open(page, '/');
  const hosts = page.getByRole('row').getByRole('rowheader');
  await expect(hosts).toHaveText([/gpc0/, /imac0/, /apple/]);
  const head = (name: string) => page.getByRole('columnheader', { name });
  await head('Host').getByRole('link').click();
  await expect(page).toHaveURL('/?sort=name');
  await expect(head('Host')).toHaveAttribute('aria-sort', 'ascending');
  await expect(hosts).toHaveText([/apple/, /gpc0/, /imac0/]);
  await head('Generation').getByRole('link').press('Enter');
  await expect(head('Generation')).toHaveAttribute('aria-sort', 'descending');
  await expect(hosts).toHaveText([/apple/, /gpc0/, /imac0/]);
  await head('Generation').getByRole('link').click();
  await expect(page).toHaveURL('/');
  await expect(hosts).toHaveText([/gpc0/, /imac0/, /apple/]);
});

test('the commits that run are filters, with the number of their hosts', async ({ page, fleet }) => {
  const { commits } = fleet.repository;
  const [head, older] = [commits.at(-1), commits.at(-3)].map((commit) => (commit ?? '').slice(0, 7));
  await fleet.add(plans.fine(fleet.repository, 'web-1', 5, commits.at(-3)));
  await open(page, '/');
  const spread = page.getByRole('region', { name: 'Which commit runs where' });
  await expect(spread.getByRole('link')).toHaveText([`${head} · 1`, `${older} · 1`].sort());
  await spread.getByRole('link', { name: older }).click();
  await expect(page).toHaveURL(`/?q=commit%3A${older}`);
  await expect(page.getByRole('row').getByRole('rowheader')).toHaveText([/web-1/]);
});

test('a count leads to the hosts that it counts, and a dialog leaves the list as it was', async ({ page, fleet }) => {
  await fleet.add(plans.fine(fleet.repository, 'hsb0', 9));
  await open(page, '/');
  await page.getByRole('link', { name: /^Failed:/ }).click();
  const hosts = page.getByRole('row').getByRole('rowheader');
  await expect(hosts).toHaveText([/gpc0/, /imac0/]);
  await HostView.inFleet(page, 'gpc0').choose('Rollback System');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.getByRole('link', { name: 'Cancel' }).click();
  await expect(page).toHaveURL('/?q=status%3Afailed');
  await expect(hosts).toHaveCount(2);
});

test('a filtered list stays current: a host comes and goes with its lights', async ({ page, gpc0 }) => {
  await open(page, '/?q=status:offline');
  await expect(page.getByText('No matching hosts.')).toBeVisible();
  await gpc0.stopAgent();
  await expect(page.getByRole('row').getByRole('rowheader')).toHaveText([/gpc0/]);
});

test('Ctrl-K finds a host and its actions, by keyboard alone', async ({ page }) => {
  await open(page, '/ops');
  await page.keyboard.press('Control+k');
  const palette = page.getByRole('dialog', { name: 'Command palette' });
  await expect(palette.getByRole('combobox')).toBeFocused();
  await page.keyboard.type('gpc roll');
  await expect(palette.getByRole('option').first()).toHaveText('gpc0: Rollback System');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Rollback System - gpc0' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page).toHaveURL('/');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('gpc refresh');
  await page.keyboard.press('Enter');
  await expect(palette).toBeHidden();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('nothing like that');
  await expect(palette.getByText('No results.')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(palette).toBeHidden();
});

test('tags and notes are kept for a host, and a tag leads to the hosts that share it', async ({ page, watch }) => {
  watch.allow(/422/);
  await open(page, '/hosts/gpc0');
  await page.getByLabel('Tags').fill('Cloud, vienna');
  await page.getByLabel('Notes').fill('Rack 4');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved.')).toBeVisible();
  await expect(page.getByLabel('Tags')).toHaveValue('cloud vienna');
  await page.getByLabel('Tags').fill('a:b');
  await page.getByLabel('Notes').fill('Rack 5');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('alert')).toContainText('“a:b” is not a valid tag. The tags were not changed.');
  await expect(page.getByText('Someone else changed this')).toHaveCount(0);
  await page.reload();
  await expect(page.getByLabel('Notes'), 'the notes were saved').toHaveValue('Rack 5');
  await expect(page.getByLabel('Tags')).toHaveValue('cloud vienna');
  await page.getByLabel('Tags').fill('cloud Büro قاعدة');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved.')).toBeVisible();
  await open(page, '/');
  await HostView.inFleet(page, 'gpc0').text.getByRole('link', { name: 'cloud', exact: true }).click();
  await expect(page.getByRole('row').getByRole('rowheader')).toHaveText([/gpc0/]);
  await expect(page.getByRole('combobox', { name: 'Filter hosts' })).toHaveValue('tag:cloud');
  await open(page, '/hosts/gpc0');
  await expect(page.getByLabel('Notes')).toHaveValue('Rack 5');
});

test('a draft stays while others save', async ({ page, fleet }) => {
  await open(page, '/hosts/gpc0');
  const notes = page.getByLabel('Notes');
  await notes.fill('a long story');
  const client = await fleet.client();
  const answer = await client.post('/api/set_labels', { form: { host: 'gpc0', tags: 'cloud', notes: 'short' } });
  expect(answer.ok()).toBe(true);
  await client.dispose();
  await expect(page.getByText('Someone else changed this while you were editing.')).toBeVisible();
  await expect(notes).toHaveValue('a long story');
  const save = page.getByRole('button', { name: 'Save' });
  await save.press('Enter');
  await expect(page.getByText('Saved.')).toBeVisible();
  await expect(save, 'the focus stays').toBeFocused();
  await expect(page.getByText('Someone else changed this while you were editing.')).toHaveCount(0);
  await open(page, '/hosts/gpc0');
  await expect(notes).toHaveValue('a long story');
});
