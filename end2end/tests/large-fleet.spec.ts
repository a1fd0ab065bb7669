/** A fleet of 1,000 hosts: only the rows near the viewport are on the page, and nobody notices. */

import { Selection } from '../pages/bulk';
import { HostView } from '../pages/fleet';
import { RolloutDialog } from '../pages/rollout';
import { Crowd } from '../support/crowd';
import { alive, expect, open, test } from '../support/test';

/** The last host by name, and how many of the others fail at first. */
const last = 'web-0997';
const failing = 50;

test('1,000 hosts: scrolled, changed far away, filtered, sorted and selected', async ({ page, fleet }) => {
  // This many hosts take their time to join.
  test.setTimeout(300_000);
  const crowd = await Crowd.join(fleet.server, 1000);
  const rows = page.locator('tr.host');
  const failed = page.locator('[data-count=failed] dd');
  const toTheEnd = () => page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));

  await test.step('the server renders the first rows, and a link to the others', async () => {
    const client = await fleet.client();
    const html = async (path: string) => (await client.get(path)).text();
    const count = (text: string) => text.match(/<tr [^>]*data-host=/g)?.length;
    const first = await html('/');
    expect(count(first)).toBe(48);
    expect(first).toContain('href="/?show=all"');
    expect(count(await html('/?show=all'))).toBe(1000);
    await client.dispose();
  });

  await test.step('rows on the page and rows in total are announced', async () => {
    await open(page, '/?sort=name');
    await expect(page.locator('[data-count=hosts] dd')).toHaveText('1000');
    await expect(failed).toHaveText(String(failing));
    await expect(page.getByRole('table', { name: 'Hosts and their lights' })).toHaveAttribute('aria-rowcount', '1001');
    expect(await rows.count()).toBeLessThan(200);
  });

  await test.step('one line for each, and a picture of all', async () => {
    await expect(page.locator('table.fleet')).toHaveAttribute('data-density', 'compact');
    await expect(page.getByRole('group', { name: /^1000 hosts: 50 failed/ })).toBeVisible();
    await expect(page.getByRole('list', { name: 'Broken hosts' }).getByRole('link', { name: `+${failing - 5} more` })).toHaveAttribute('href', /is%3Abroken/);
  });

  await test.step('the counts, the filter and the heads stay in sight, and cover no row that has the focus', async () => {
    await toTheEnd();
    const head = page.getByRole('columnheader', { name: 'Host' });
    await expect(head).toBeInViewport();
    await expect(page.getByRole('combobox', { name: 'Filter hosts' })).toBeInViewport();
    await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight / 2));
    const covered = () => page.evaluate(() => {
      const edge = document.querySelector('table.fleet thead')?.getBoundingClientRect().bottom ?? 0;
      const first = [...document.querySelectorAll('tr.host')].find((row) => row.getBoundingClientRect().bottom < edge - 1);
      const link = first?.querySelector<HTMLElement>('th a');
      link?.focus();
      return link ? link.getBoundingClientRect().top - edge : undefined;
    });
    await expect.poll(covered).toBeGreaterThanOrEqual(0);
    await page.evaluate(() => window.scrollTo(0, 0));
  });

  await test.step('the last row appears when scrolled to, and is live', async () => {
    const row = HostView.inFleet(page, last);
    await expect(async () => {
      await toTheEnd();
      await expect(row.text).toBeInViewport({ timeout: 500 });
    }).toPass();
    await expect(row.text).toHaveAttribute('aria-rowindex', '1001');
    await row.shows('Tests', 'ok', '8/8 passed');
    await crowd.change(last);
    await row.shows('Tests', 'failed', '2 of 8 failed');
    await expect(failed).toHaveText(String(failing + 1));
    expect(await rows.count(), 'rows far away have gone').toBeLessThan(200);
  });

  await test.step('a host that is out of sight is found by its new state', async () => {
    await page.getByRole('combobox', { name: 'Filter hosts' }).fill('status:failed');
    await expect(page.locator('#fleet-filter-says')).toHaveText(`${failing + 1} of 1000 hosts`);
    await expect(rows).toHaveCount(failing + 1);
    await crowd.change(last);
    await expect(rows).toHaveCount(failing);
    await page.getByRole('combobox', { name: 'Filter hosts' }).fill('');
    await page.getByRole('combobox', { name: 'Sort' }).selectOption('status');
    await expect(rows.first().getByRole('img', { name: 'Tests: ' })).toHaveAttribute('data-state', 'failed');
    await page.getByRole('combobox', { name: 'Sort' }).selectOption('name');
  });

  await test.step('a list too long for the address is rolled out by its filter, even after a reload of the dialog', async () => {
    const [dialog, fine] = [new RolloutDialog(page), 1000 - failing];
    await page.getByRole('combobox', { name: 'Filter hosts' }).fill('-status:failed');
    await expect(page.locator('#fleet-filter-says')).toHaveText(`${fine} of 1000 hosts`);
    await page.getByRole('link', { name: 'Roll out…' }).click();
    await expect(page).toHaveURL('/rollout?q=-status%3Afailed');
    await expect(dialog.confirm('Pull and Switch', fine)).toBeEnabled();
    await page.reload();
    await alive(page);
    await expect(dialog.confirm('Pull and Switch', fine)).toBeEnabled();
    // Nothing starts on many hosts before their number is typed.
    const typed = dialog.self.getByRole('textbox', { name: `Type ${fine} to confirm` });
    await dialog.confirm('Pull and Switch', fine).click();
    await expect(typed).toBeFocused();
    await typed.fill('12');
    await dialog.confirm('Pull and Switch', fine).click();
    await expect(dialog.self).toBeVisible();
    await expect(dialog.self).toContainText(/\d+ pass(es)? all tests now, \d+ fails?\./);
    await dialog.cancel.click();
    await expect(dialog.self).toHaveCount(0);
  });

  await test.step('a menu made during scrolling is complete, by pointer and keyboard', async () => {
    await page.getByRole('combobox', { name: 'Filter hosts' }).fill('');
    await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight / 2));
    const found = await page.waitForFunction(() => {
      const row = document.elementFromPoint(window.innerWidth / 2, window.innerHeight / 2)?.closest('tr.host');
      return row?.getAttribute('data-host');
    });
    const name = (await found.jsonValue()) ?? '';
    const row = HostView.inFleet(page, name);
    const items = page.locator(`#menu-${name} .item`);
    await expect(items, 'nothing is in it before').toHaveCount(0);
    await row.menuButton.press('Enter');
    await expect(items).toHaveText(
      ['Rollback System', 'Pull and Switch', 'Pull', 'Switch', 'Run Tests', 'Refresh', 'Details'],
    );
    await expect(row.item('Rollback System')).toHaveAttribute('href', `/hosts/${name}/rollback`);
    await page.keyboard.press('Escape');
    await expect(row.menuButton).toBeFocused();
    await page.evaluate(() => window.scrollTo(0, 0));
  });

  await test.step('all are selected, and the keyboard reaches a row that is not there yet', async () => {
    const selection = new Selection(page);
    await selection.all.check();
    await expect(selection.told).toHaveText(/^1000 selected/);
    await selection.all.press('k');
    await expect(selection.box(last)).toBeFocused();
    await expect(selection.box(last)).toBeChecked();
    await page.keyboard.press('x');
    await expect(selection.told).toHaveText(/^999 selected/);
    // Rows that came near have their own heights only once they are drawn.
    await expect(async () => {
      const [before, after] = await page.evaluate(async () => {
        const height = () => document.documentElement.scrollHeight;
        const first = height();
        for (let frame = 0; frame < 10; frame++) await new Promise(requestAnimationFrame);
        return [first, height()];
      });
      expect(after).toBe(before);
    }).toPass();
    await expect(selection.box(last)).toBeInViewport();
  });

  await test.step('the dialogs list each of them, and the page stays where it was', async () => {
    const selection = new Selection(page);
    // Hosts whose tests all pass are left as they are.
    const dialogs = { 'Test': 'Run Tests on 999 hosts', 'Roll back': `Roll back ${failing} hosts` };
    for (const what of ['Test', 'Roll back'] as const) {
      await selection.button(what).click();
      const dialog = page.getByRole('dialog');
      await expect(dialog.getByRole('button', { name: dialogs[what] })).toBeEnabled();
      if (what === 'Roll back') {
        const summary = dialog.getByRole('list', { name: 'What will happen' });
        await expect(summary).toContainText(/\d+ hosts roll back to/);
        await expect(summary).toContainText('hosts are left out: All tests pass now');
      }
      await page.keyboard.press('Escape');
      await expect(dialog).toHaveCount(0);
      await expect(selection.box(last)).toBeInViewport();
    }
  });

  await test.step('the versions of their agents are counted, and lead to them', async () => {
    await open(page, '/about');
    const hosts = page.getByRole('region', { name: 'Agents' }).getByRole('link');
    await expect(hosts).toHaveText('1000 hosts');
    await hosts.click();
    await expect(page.locator('#fleet-filter-says')).toHaveText('1000 of 1000 hosts');
  });
  await crowd.end();
});
