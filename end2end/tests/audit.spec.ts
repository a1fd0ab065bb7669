/** The audit log: filtered by what, host and person, and exported. */

import { AuditPage } from '../pages/audit';
import { expect, open, test } from '../support/test';

test('entries are found by what was done and to which host, and the address keeps it', async ({ page, gpc0, fleet }) => {
  await fleet.ask(gpc0.name, 'refresh');
  await open(page, '/audit');
  const audit = new AuditPage(page);
  await expect(audit.entries('refresh.succeeded')).toHaveCount(1);
  await expect(audit.entries('host.enrolled')).toHaveCount(1);
  await page.getByLabel('What').selectOption('Refreshes');
  await page.getByRole('button', { name: 'Filter' }).click();
  await expect(audit.entries('host.enrolled')).toHaveCount(0);
  await expect(audit.entries('refresh.succeeded')).toHaveCount(1);
  await expect(page).toHaveURL(/kind=refresh/);
  await page.reload();
  await expect(audit.entries('host.enrolled')).toHaveCount(0);
  const host = page.getByRole('textbox', { name: 'Host' });
  await host.fill('nowhere');
  await page.getByRole('button', { name: 'Filter' }).click();
  await expect(page.getByText('No matching entries.')).toBeVisible();
  await page.goBack();
  await expect(audit.entries('refresh.succeeded')).toHaveCount(1);
  await expect(host, 'as the address says').toHaveValue('');
});

test('the log is exported as a table and as JSON, filtered as shown', async ({ page, gpc0, fleet }) => {
  await fleet.ask(gpc0.name, 'refresh');
  await open(page, '/audit?kind=refresh');
  const file = page.waitForEvent('download');
  await page.getByRole('link', { name: 'CSV' }).click();
  const text = await (await (await file).createReadStream()).toArray();
  const lines = Buffer.concat(text).toString().trim().split('\n');
  expect(lines[0]).toBe('"number","time","who","what","host","from generation","to generation","why","outcome","op","hash"');
  expect(lines.length).toBeGreaterThan(1);
  expect(lines.slice(1).every((line) => line.includes('refresh.'))).toBe(true);

  const client = await fleet.client();
  const entries = await (await client.get('/audit.json?host=GPC0')).json();
  expect(entries.map((entry: { host_name: string }) => entry.host_name)).toContain('gpc0');
  await client.dispose();

  // Not with a client of Playwright's, which would be logged in like the browser.
  for (const path of ['/audit.csv', '/audit.json']) {
    expect((await fetch(`${fleet.server.url}${path}`)).status, path).toBe(401);
  }
});

test('log-ins are folded away, and text and days find entries, in the export too', async ({ page, gpc0, fleet }) => {
  await fleet.ask(gpc0.name, 'refresh');
  const client = await fleet.client();
  await open(page, '/audit');
  const audit = new AuditPage(page);
  await expect(audit.entries('refresh.succeeded')).toHaveCount(1);
  await expect(audit.entries('login')).toHaveCount(0);
  await page.getByLabel('What').selectOption('Everything');
  await page.getByRole('button', { name: 'Filter' }).click();
  await expect(audit.entries('login').first()).toBeVisible();
  await page.getByRole('searchbox', { name: 'Text' }).fill('ENROLLED');
  await page.getByRole('button', { name: 'Filter' }).click();
  await expect(audit.entries('host.enrolled')).toHaveCount(1);
  await expect(audit.entries('refresh.succeeded')).toHaveCount(0);
  const found = await (await client.get('/audit.json?text=enrolled')).json();
  expect(found.map((entry: { action: string }) => entry.action)).toEqual(['host.enrolled']);
  await page.getByLabel('To', { exact: true }).fill('2001-01-01');
  await page.getByRole('button', { name: 'Filter' }).click();
  await expect(page).toHaveURL(/to=2001-01-01/);
  await expect(page.getByText('No matching entries.')).toBeVisible();
  await client.dispose();
});

test('an entry has an address, under the heading of its day', async ({ page, gpc0, fleet }) => {
  await fleet.ask(gpc0.name, 'refresh');
  await open(page, '/audit');
  const audit = new AuditPage(page);
  await expect(page.getByRole('rowheader').first()).toHaveText(/^\w+day,? \d+ \w+ \d{4}$/);
  const row = audit.entries('host.enrolled');
  const seq = await row.getAttribute('data-seq');
  await row.locator('.permalink').click();
  await expect(page).toHaveURL(`/audit?kind=everything&before=${Number(seq) + 1}#entry-${seq}`);
  await page.reload();
  await expect(page.locator('[data-seq]').first()).toHaveAttribute('data-seq', String(seq));
});

test('on paper there is the log alone', async ({ page, gpc0, fleet }) => {
  await fleet.ask(gpc0.name, 'refresh');
  await open(page, '/audit');
  await page.emulateMedia({ media: 'print' });
  await expect(new AuditPage(page).entries('host.enrolled')).toBeVisible();
  const others = [page.getByRole('banner'), page.getByRole('contentinfo'), page.locator('form.filters')];
  for (const other of others) await expect(other).toBeHidden();
});
