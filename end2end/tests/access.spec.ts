import { openAccount } from '../pages/fleet';
import { admin } from '../support/server';
import { expect, nobody, open, test } from '../support/test';

test.use({ storageState: nobody });

test('a person who is not logged in is led to the log-in, and then to their page', async ({ page, gpc0 }) => {
  await page.goto(`/hosts/${gpc0.name}/rollback`);
  await expect(page).toHaveURL('/login?next=/hosts/gpc0/rollback');
  await expect(page.locator('html')).toHaveAttribute('data-hydrated', 'true');
  await page.getByLabel('Name').fill(admin.name);
  await page.getByLabel('Password').fill(admin.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page).toHaveURL('/hosts/gpc0/rollback');
  await expect(page.getByRole('dialog', { name: 'Rollback System - gpc0' })).toBeVisible();
});

test('a wrong password is refused, and nobody learns whether there is such a person', async ({ page, watch }) => {
  watch.allow(/\b403\b/);
  await page.goto('/login');
  await expect(page.locator('html')).toHaveAttribute('data-hydrated', 'true');
  const sentences = [];
  for (const name of [admin.name, 'nobody']) {
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password').fill('not this one');
    const answered = page.waitForResponse('**/api/log_in');
    await page.getByRole('button', { name: 'Log in' }).click();
    await answered;
    await expect(page.getByRole('alert')).toBeVisible();
    sentences.push(await page.getByRole('alert').textContent());
    const password = page.getByLabel('Password');
    await expect(password, 'only typing is left').toBeFocused();
    expect(await password.evaluate((field: HTMLInputElement) => [field.selectionStart, field.selectionEnd])).toEqual([0, 12]);
  }
  expect(sentences[0]).toBe(sentences[1]);
  expect(sentences[0]).not.toBe('');
  await expect(page).toHaveURL('/login');
});

test('a log-in never leads to another site', async ({ page }) => {
  await page.goto('/login?next=//example.org/');
  await expect(page.locator('html')).toHaveAttribute('data-hydrated', 'true');
  await page.getByLabel('Name').fill(admin.name);
  await page.getByLabel('Password').fill(admin.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('heading', { name: 'Fleet', level: 1 })).toBeVisible();
  await expect(page).toHaveURL('/');
});

test('after logging out, neither the page nor the back button shows anything', async ({ another, fleet, watch }) => {
  watch.allow(/\b401\b/);
  const client = await fleet.client();
  const page = await another({ storageState: await client.storageState() });
  await open(page, '/audit');
  await openAccount(page);
  await page.getByRole('button', { name: 'Log out' }).click();
  await expect(page).toHaveURL('/login');
  await page.goto('/audit');
  await expect(page).toHaveURL('/login?next=/audit');
  const answer = await client.get('/audit', { headers: { accept: 'text/html' }, maxRedirects: 0 });
  expect(answer.status(), 'the session is gone, not only the cookie').toBe(302);
  await client.dispose();
});

test.describe('with the service worker', () => {
  test.use({ serviceWorkers: 'allow' });

  test('a link of another site puts no words on the log-in page', async ({ page }) => {
    await page.goto('/login');
    // The service worker fetches the next page, and must not make its request look like one of ours.
    await page.evaluate(async () => void (await navigator.serviceWorker.ready));
    const words = encodeURIComponent(btoa(JSON.stringify({ Said: 'Call 555' })));
    const link = new URL(`/login?__path=%2Fapi%2Flog_in&__err=${words}`, page.url()).href;
    const body = `<!DOCTYPE html><a href="${link}">Here</a>`;
    await page.route('http://other.example/', (route) => route.fulfill({ contentType: 'text/html', body }));
    await page.goto('http://other.example/');
    await page.getByRole('link', { name: 'Here' }).click();
    await expect(page.getByRole('button', { name: 'Log in' })).toBeVisible();
    await expect(page.getByRole('alert')).toHaveCount(0);
    await expect(page).toHaveURL('/login');
  });
});
