/** Times: pinned down to the second, in the browser's form and zone, or in UTC. */

import { HostPage } from '../pages/host';
import { expect, open, test } from '../support/test';

test('a moment says in its title which it is, and the page can show UTC', async ({ page, gpc0 }) => {
  const host = new HostPage(page, gpc0.name);
  await open(page, host.path);
  const made = page.getByRole('region', { name: 'Current generation' }).locator('time').last();
  await expect(made).toHaveText(/^\d{1,2} \w{3,4}, \d{2}:\d{2}$/);
  await expect(made).toHaveAttribute('title', /^\w{3}, \d{1,2} \w{3,4} \d{4}, \d{2}:\d{2}:\d{2} \(Europe\/Vienna\) · .*\d{2}:\d{2}:\d{2} UTC$/);
  const title = host.picture().locator('.segment title').last();
  await expect(title, 'and so in the picture').not.toContainText('Z');

  const zone = page.getByRole('contentinfo').getByRole('button', { name: /^Times in/ });
  await expect(zone).toHaveText('Times in Europe/Vienna');
  const local = await made.textContent();
  await zone.click();
  await expect(zone).toHaveText('Times in UTC');
  await expect(made).toHaveText(/ UTC$/);
  await page.reload();
  await expect(made, 'the browser keeps the choice').toHaveText(/ UTC$/);
  await zone.click();
  await expect(made).toHaveText(String(local));
});

test.describe('in another language', () => {
  test.use({ locale: 'de-AT' });

  test('dates have its form', async ({ page, gpc0 }) => {
    await open(page, `/hosts/${gpc0.name}`);
    const made = page.getByRole('region', { name: 'Current generation' }).locator('time').last();
    await expect(made).toHaveText(/^\d{1,2}\. /);
  });
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('times are in UTC, and the page says so', async ({ page, gpc0 }) => {
    await page.goto(`/hosts/${gpc0.name}`);
    const made = page.getByRole('region', { name: 'Current generation' }).locator('time').last();
    await expect(made).toHaveText(/ UTC$/);
    await expect(made).toHaveAttribute('title', /^\w{3} \d{1,2} \w{3} \d{4}, \d{2}:\d{2}:\d{2} UTC$/);
    await expect(page.getByRole('contentinfo')).toContainText('Times in UTC');
  });
});
