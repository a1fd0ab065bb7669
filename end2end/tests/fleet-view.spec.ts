/** Ways to look at many hosts: groups, compact rows, hidden columns; and how the fleet grows. */

import type { Page } from '@playwright/test';

import { Selection } from '../pages/bulk';
import { RollbackDialog } from '../pages/dialog';
import { HostView } from '../pages/fleet';
import { fits, isAccessible, sizes } from '../support/look';
import * as plans from '../support/plans';
import { alive, expect, nobody, open, test } from '../support/test';
import { admin } from '../support/server';
import { noServer } from '../support/watch';

const hosts = (page: Page) => page.locator('tr.host').getByRole('rowheader');
const group = (page: Page, name: string) => page.locator('tbody', { has: page.locator('.group-name', { hasText: name }) });
const columns = (page: Page) => page.getByRole('columnheader');
const everyColumn = ['Host', 'Agent', 'Git', 'Lock', 'System', 'Tests', 'Generation', 'Now', 'Actions'];

test.describe('with hosts', () => {
  test.beforeEach(async ({ fleet, gpc0 }) => {
    expect(gpc0.name).toBe('gpc0');
    await fleet.add(plans.imac0(fleet.repository));
    const client = await fleet.client();
    for (const [host, tags] of [['gpc0', 'vienna desk']]) {
      const answer = await client.post('/api/set_labels', { form: { host, tags, notes: '' } });
      expect(answer.ok(), await answer.text()).toBe(true);
    }
    await client.dispose();
  });

  test('hosts are grouped under headings that sum them up, and the address keeps it', async ({ page, gpc0 }) => {
    await open(page, '/');
    await page.getByLabel('Group by').selectOption('Tag');
    await expect(page).toHaveURL('/?group=tag');
    await expect(page.locator('.group-name')).toHaveText(['desk', 'No tag']);
    await expect(group(page, 'desk').locator('.group-head')).toContainText('1 host, needs attention');
    await expect(group(page, 'desk').locator('.group-head')).toContainText('1 failed');
    await page.reload();
    await alive(page);
    await expect(group(page, 'No tag').locator('tr.host')).toHaveText([/imac0/]);

    await page.getByLabel('Group by').selectOption('Status');
    await expect(page.locator('.group-name')).toHaveText(['Failed']);
    await gpc0.stopAgent();
    await expect(page.locator('.group-name'), 'a host changes its group as it happens').toHaveText(['Failed', 'Offline']);
    await expect(group(page, 'Offline').locator('tr.host')).toHaveText([/gpc0/]);

    await page.getByLabel('Group by').selectOption('Platform');
    await expect(page.locator('.group-name')).toHaveText(['NixOS', 'home-manager']);
    await isAccessible(page);
  });

  test('a group is selected with one box, also while it is folded', async ({ page }) => {
    await open(page, '/?group=platform');
    const selection = new Selection(page);
    const box = page.getByRole('checkbox', { name: 'Select hosts of NixOS' });
    await box.check();
    await selection.has('gpc0');
    await selection.box('gpc0').uncheck();
    await expect(box).not.toBeChecked();
    await page.getByRole('button', { name: 'Hosts of NixOS' }).click();
    await box.check();
    await expect(selection.told).toHaveText('1 selected, 1 not shown');
    await box.uncheck();
    await expect(selection.bar).toBeHidden();
  });

  test('the page stays where it is under a dialog, and after it', async ({ page, gpc0 }) => {
    await page.setViewportSize({ width: 1000, height: 320 });
    await open(page, '/');
    const host = HostView.inFleet(page, gpc0.name);
    const dialog = new RollbackDialog(page, gpc0.name);
    const place = () => page.evaluate(() => window.scrollY);
    await host.text.evaluate((row) => row.scrollIntoView({ block: 'center' }));
    let before = 0;
    const opens = async () => {
      await host.menuButton.click();
      await host.item('Rollback System').hover();
      before = await place();
      expect(before).toBeGreaterThan(0);
      await host.item('Rollback System').click();
      await expect(dialog.confirm(47)).toBeEnabled();
      expect(await place(), 'below the dialog').toBe(before);
    };

    await opens();
    await dialog.cancel.click();
    await expect(dialog.self).toHaveCount(0);
    expect(await place(), 'after Cancel').toBe(before);
    await opens();
    await page.keyboard.press('Escape');
    await expect(dialog.self).toHaveCount(0);
    expect(await place(), 'after Esc').toBe(before);
    await opens();
    await dialog.confirm(47).click();
    await host.shows('System', 'ok', 'Rolled back to Gen 47');
    // A host that works again leaves the list of the broken ones, which is above.
    expect(await place(), 'after the rollback').toBeGreaterThan(0);
    await page.getByRole('link', { name: gpc0.name, exact: true }).click();
    await expect(page.getByRole('heading', { name: gpc0.name })).toBeInViewport();
    expect(await place(), 'on another page').toBe(0);
  });

  test('the page begins with the answer: which hosts are broken, why, and the way back', async ({ page, gpc0 }) => {
    await open(page, '/');
    const answer = page.getByRole('heading', { level: 1 });
    const broken = page.getByRole('list', { name: 'Broken hosts' }).getByRole('listitem');
    await expect(answer).toHaveText('All 2 hosts are broken');
    await expect(broken).toHaveText([/^gpc0 40-gpu, 50-x11, 60-audio and 2 more failed since Gen 48, 2 h ago/, /^imac0 20-editor failed/]);
    await expect(broken.first()).toContainText('worked until');
    const wayBack = page.getByRole('link', { name: 'gpc0: Rollback to Gen 47' });
    await wayBack.click();
    const dialog = new RollbackDialog(page, gpc0.name);
    await expect(page).toHaveURL('/hosts/gpc0/rollback?to=47');
    await dialog.confirm(47).click();
    await expect(wayBack, 'it is not offered while it is taken').toHaveCount(0);
    await expect(answer).toHaveText('1 of 2 hosts is broken');
    await expect(broken).toHaveText([/^imac0/]);
    await broken.getByRole('link', { name: 'imac0: Rollback to Gen 11' }).click();
    await new RollbackDialog(page, 'imac0').confirm(11).click();
    await expect(answer, 'it follows').toHaveText('All 2 hosts work');
    await expect(broken).toHaveCount(0);
  });

  test('a light leads to its section, and its hint is for everybody', async ({ page, gpc0 }) => {
    await page.setViewportSize({ width: 1280, height: 420 });
    await open(page, '/');
    const row = HostView.inFleet(page, gpc0.name);
    const light = row.text.getByRole('link', { name: 'Tests: 5 of 8 failed' });
    const hint = row.text.getByRole('tooltip', { includeHidden: true }).filter({ hasText: 'Failed on Gen 48' });
    await expect(hint).toBeHidden();
    await light.focus();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Tab');
    await expect(hint, 'on focus').toBeVisible();
    await page.keyboard.press('Escape');
    await expect(hint, 'until Escape').toBeHidden();
    await light.hover();
    await expect(hint, 'on hover').toBeVisible();
    await hint.hover();
    await expect(hint, 'the pointer may move onto it').toBeVisible();
    await light.evaluate((it) => it.scrollIntoView({ block: 'end' }));
    await page.mouse.move(0, 0);
    await light.hover();
    await expect(hint, 'inside the window').toBeInViewport({ ratio: 1 });
    await light.click();
    await expect(page).toHaveURL('/hosts/gpc0#tests');
    await expect(page.locator('#tests')).toBeInViewport();
  });

  test('a row keeps its height when an op begins and ends', async ({ page, gpc0, fleet }) => {
    await open(page, '/');
    const row = HostView.inFleet(page, gpc0.name);
    const height = async () => (await row.text.boundingBox())?.height;
    const before = await height();
    await gpc0.rewriteFirstTest('hold');
    await fleet.ask('gpc0', 'test');
    await row.shows('Tests', 'working', /Running/);
    expect(await height()).toBe(before);
    await row.text.getByRole('button', { name: /^Cancel/ }).click();
    await expect(row.text.locator('.op')).toHaveCount(0);
    expect(await height()).toBe(before);
  });

  test('a group is folded by keyboard, and stays so for the visit', async ({ page }) => {
    await open(page, '/?group=platform');
    const fold = page.getByRole('button', { name: 'Hosts of NixOS' });
    await expect(fold).toHaveAttribute('aria-expanded', 'true');
    await fold.focus();
    await page.keyboard.press('Enter');
    await expect(fold).toHaveAttribute('aria-expanded', 'false');
    await expect(hosts(page)).toHaveText([/imac0/]);
    await expect(group(page, 'NixOS').locator('.group-head'), 'it still says how its hosts are').toContainText('1 host, needs attention');
    await page.reload();
    await alive(page);
    await expect(fold).toHaveAttribute('aria-expanded', 'false');
    await page.getByRole('link', { name: 'Ops', exact: true }).click();
    await open(page, '/?group=platform');
    await expect(hosts(page)).toHaveCount(1);
    await fold.click();
    await expect(hosts(page)).toHaveCount(2);
  });

  test('columns and density change at once, and are kept in every browser', async ({ page, another, fleet }) => {
    await open(page, '/');
    await page.getByRole('button', { name: 'View', exact: true }).click();
    const menu = page.getByRole('dialog', { name: 'View' });
    const comfortable = await HostView.inFleet(page, 'imac0').text.boundingBox();
    const saved = () => page.waitForResponse(/set_view/);
    for (const column of ['Agent', 'Lock', 'Now']) {
      const answer = saved();
      await menu.getByLabel(column).uncheck();
      await answer;
    }
    const answer = saved();
    await menu.getByLabel('Compact').check();
    await answer;
    const kept = everyColumn.filter((column) => !['Agent', 'Lock', 'Now'].includes(column));
    await expect(columns(page)).toHaveText(kept);
    const compact = await HostView.inFleet(page, 'imac0').text.boundingBox();
    expect(compact?.height).toBeLessThan((comfortable?.height ?? 0) * 0.8);
    await expect(HostView.inFleet(page, 'gpc0').light('Tests'), 'lights keep their words').toHaveText('5 of 8 failed');

    await page.reload();
    await alive(page);
    await expect(columns(page)).toHaveText(kept);
    const client = await fleet.client();
    const elsewhere = await another({ storageState: await client.storageState(), viewport: sizes.phone });
    await client.dispose();
    await open(elsewhere, '/');
    const card = elsewhere.locator('tr.host').first();
    await expect(card.locator('[data-column=git]')).toBeVisible();
    await expect(card.locator('[data-column=lock]')).toBeHidden();
    await fits(elsewhere);
    await isAccessible(elsewhere);
  });

  test('the View menu opens to the side with room for it', async ({ page }) => {
    await page.setViewportSize({ width: 1280, height: 700 });
    await open(page, '/');
    const button = page.getByRole('button', { name: 'View', exact: true });
    const menu = page.getByRole('dialog', { name: 'View' });
    await page.evaluate(() => (document.body.style.paddingTop = '400px'));
    await button.click();
    const [from, box] = [await button.boundingBox(), await menu.boundingBox()];
    expect(box?.height, `of the menu, below a button at ${from?.y}`).toBeGreaterThan(300);
  });

  test('a view that cannot be saved is as it was, and says so', async ({ page, watch }) => {
    await open(page, '/');
    await page.route('**/api/set_view*', (route) => route.abort());
    watch.allow(/set_view|ERR_FAILED|Failed to (load|fetch)/);
    await page.getByRole('button', { name: 'View', exact: true }).click();
    const box = page.getByRole('dialog', { name: 'View' }).getByLabel('Git');
    await box.click();
    await expect(page.getByRole('alert')).toContainText('did not answer');
    await expect(box).toBeChecked();
    await expect(columns(page)).toHaveText(everyColumn);
  });

  test('a count says that its hosts are shown, and keeps groups and order', async ({ page }) => {
    await open(page, '/?group=platform&sort=status');
    const all = page.getByRole('link', { name: 'Hosts: 2' });
    const failed = page.getByRole('link', { name: 'Failed: 2' });
    await expect(all).toHaveAttribute('aria-current', 'true');
    await failed.click();
    await expect(page).toHaveURL('/?q=status%3Afailed&sort=status&group=platform');
    await expect(failed).toHaveAttribute('aria-current', 'true');
    await expect(all).not.toHaveAttribute('aria-current');
    await page.getByRole('link', { name: 'Pending' }).click();
    await expect(page.getByText('No matching hosts.')).toBeVisible();
    await page.getByRole('link', { name: 'Show all' }).click();
    await expect(page).toHaveURL('/?sort=status&group=platform');
    await expect(hosts(page)).toHaveCount(2);
  });

  test('a host that differs from most says so, and is found by it', async ({ page, fleet }) => {
    const { commits } = fleet.repository;
    await fleet.add(plans.fine(fleet.repository, 'hsb0', 7));
    await open(page, '/');
    const mark = HostView.inFleet(page, 'web-1').text.getByRole('link', { name: /differs/ });
    await expect(page.getByRole('link', { name: /differs/ })).toHaveCount(0);
    await fleet.add(plans.fine(fleet.repository, 'web-1', 5, commits[2]));
    await expect(mark).toHaveAccessibleName(`differs from most: ${commits.slice(-1)[0].slice(0, 7)} on 2 of 3`);
    await mark.click();
    await expect(page).toHaveURL('/?q=is%3Adrifted');
    await expect(hosts(page)).toHaveText([/web-1/]);
    await expect(page.locator('#fleet-filter-says')).toHaveText('1 of 4 hosts');
  });

  test('a host that is offline says since when, and that its lights are old', async ({ page, gpc0 }) => {
    await open(page, '/');
    const row = HostView.inFleet(page, 'gpc0');
    await gpc0.stopAgent();
    await expect(row.text).toContainText(/offline for \d+ s/);
    await row.shows('Tests', 'failed', 'was: 5 of 8 failed');
    const said = (await row.text.locator('.seen').textContent()) ?? '';
    await expect(row.text.locator('.seen'), 'it ticks').not.toHaveText(said);
  });

  test('another host is added from the page', async ({ page }) => {
    await open(page, '/');
    await page.getByRole('link', { name: 'Add a host' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a host' });
    await expect(page).toHaveURL('/add-host');
    await dialog.getByLabel('Host name').fill('gpc0');
    await isAccessible(page);
    await page.keyboard.press('Escape');
    await expect(page).toHaveURL('/');
  });

  test.describe('without JavaScript', () => {
    test.use({ javaScriptEnabled: false });

    test('groups, columns and density', async ({ page }) => {
      await page.goto('/');
      await page.getByLabel('Group by').selectOption('Platform');
      await page.getByRole('button', { name: 'Show', exact: true }).click();
      await expect(page.locator('.group-name')).toHaveText(['NixOS', 'home-manager']);
      await expect(page.getByRole('button', { name: /Hosts of/ }), 'nothing that needs script').toHaveCount(0);
      await page.getByRole('button', { name: 'View', exact: true }).click();
      const menu = page.getByRole('dialog', { name: 'View' });
      await menu.getByLabel('Git').uncheck();
      await menu.getByLabel('Compact').check();
      await menu.getByRole('button', { name: 'Save', exact: true }).click();
      await expect(columns(page)).toHaveText(everyColumn.filter((column) => column !== 'Git'));
      await expect(page.locator('table.fleet')).toHaveAttribute('data-density', 'compact');
      await expect(page, 'one is led back to where one was').toHaveURL(/group=platform/);
    });

    test('the page explains how to add a host, with this server’s address', async ({ page, fleet }) => {
      await page.goto('/add-host');
      const dialog = page.getByRole('dialog', { name: 'Add a host' });
      await expect(dialog).toContainText(`server = "${fleet.server.url}"`);
      await expect(dialog.getByRole('button')).toHaveCount(0);
      await dialog.getByRole('link', { name: 'Close' }).click();
      await expect(page).toHaveURL('/');
    });
  });
});

test('an empty fleet leads to its first host: name, token, configuration, and there it is', async ({ page, fleet, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const host = await fleet.prepare(plans.fine(fleet.repository, 'hsb0', 9));
  await open(page, '/');
  const first = page.getByRole('region', { name: 'No host yet' });
  await expect(first, 'no block to copy names a host that nobody named').toContainText('backstay-server join-token --name NAME');
  await first.getByLabel('Host name').fill('hsb0');
  await expect(first).toContainText('backstay-server join-token --name hsb0');
  await expect(first).toContainText(`server = "${fleet.server.url}"`);
  await isAccessible(page);

  await first.getByRole('button', { name: 'Copy the agent’s configuration' }).click();
  await expect(first.getByText('Copied').first()).toBeVisible();
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  expect(await copied()).toContain(`server = "${fleet.server.url}"\nname = "hsb0"\n`);

  await first.getByRole('button', { name: 'Create a token for hsb0' }).click();
  await first.getByRole('button', { name: 'Copy the join token' }).click();
  await expect.poll(copied).toMatch(/^\S{20,}$/);
  await host.configure(fleet.server.url, await copied());
  host.startAgent();
  await expect(hosts(page)).toHaveText([/hsb0/]);
  await expect(first).toHaveCount(0);

  await open(page, '/audit');
  await expect(page.getByRole('row').filter({ hasText: 'For hsb0, valid for 24 h.' }).filter({ hasText: admin.name })).toHaveCount(1);
});

test('only an administrator makes a token', async ({ another, fleet, watch }) => {
  await fleet.server.addPerson('maria', 'operator', 'a password of maria');
  const client = await fleet.client({ name: 'maria', password: 'a password of maria' });
  const answer = await client.post('/api/make_join_token', { form: { host: 'gpc0' } });
  expect(answer.status()).toBe(403);
  expect(await answer.text()).toContain('This requires the admin role. Nothing was changed.');
  const page = await another({ storageState: await client.storageState() });
  await client.dispose();
  watch.allow(/403/);
  await open(page, '/');
  await expect(page.getByText('backstay-server join-token')).toBeVisible();
  await expect(page.getByRole('button', { name: /Create a token/ })).toHaveCount(0);
  const stranger = await another({ storageState: nobody });
  expect((await stranger.request.post(`${fleet.server.url}/api/make_join_token`, { form: { host: 'x' } })).status()).toBe(401);
});

test('a page that has lost its server says that what it shows is old', async ({ page, fleet, gpc0, watch }) => {
  watch.allow(noServer);
  await open(page, '/');
  expect(gpc0.name).toBe('gpc0');
  const old = page.getByText('showing the state of');
  await fleet.server.kill();
  await expect(old).toBeVisible();
  await fleet.server.start();
  await expect(old).toBeHidden();
});
