/** The page as an app on a phone: it can be installed, and says so if there is no connection. */

import { expect, open, test } from '../support/test';

test.use({ serviceWorkers: 'allow' });

test('the manifest names icons that are there', async ({ page, fleet }) => {
  await open(page, '/');
  await expect(page.locator('link[rel=manifest]')).toHaveAttribute('href', '/manifest.webmanifest');
  const client = await fleet.client();
  const manifest = await (await client.get('/manifest.webmanifest')).json();
  expect(manifest).toMatchObject({ name: 'Backstay', start_url: '/', display: 'standalone' });
  for (const icon of manifest.icons) {
    const answer = await client.get(icon.src);
    expect(answer.status(), icon.src).toBe(200);
    expect(answer.headers()['content-type'], icon.src).toBe(icon.type);
  }
  await client.dispose();
});

test('if the server is unreachable, the page says so, and tries again until it is back', async ({ page, fleet, watch }) => {
  watch.allow(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|Failed to fetch|net::ERR/);
  await open(page, '/');
  await page.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready;
    if (active?.state === 'activated') return;
    await new Promise((resolve) => active?.addEventListener('statechange', resolve, { once: true }));
  });
  await fleet.server.kill();
  await page.goto('/ops');
  await expect(page.getByRole('heading', { name: 'Backstay cannot be reached' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Try again' })).toBeVisible();
  await fleet.server.start();
  await expect(page.getByRole('heading', { name: 'Ops', exact: true })).toBeVisible();
});
