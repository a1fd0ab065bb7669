/** A page's first load: what is painted before WebAssembly has loaded, what moves, and what is fetched. */

import type { Page, Response } from '@playwright/test';

import { Selection } from '../pages/bulk';
import { HostView } from '../pages/fleet';
import { watchShifts, nothingMoved } from '../support/shifts';
import { sizes } from '../support/look';
import { test } from '../support/story';
import { alive, expect } from '../support/test';

/** Holds the WebAssembly back, and returns a function that releases it. */
async function withoutWasm(page: Page): Promise<() => void> {
  let letCome = () => {};
  const may = new Promise<void>((resolve) => (letCome = resolve));
  await page.route(/\.wasm(\?|$)/, async (route) => {
    await may;
    await route.continue();
  });
  return letCome;
}

/** Waits for the first paint. */
async function painted(page: Page): Promise<void> {
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
}

/** Stops the page's clock: otherwise “59 s ago” would sometimes become “1 min ago”. */
async function stopClock(page: Page): Promise<void> {
  await page.addInitScript((now) => {
    const Running = Date;
    window.Date = class extends Running {
      constructor(...words: unknown[]) {
        super(...((words.length > 0 ? words : [now]) as [number]));
      }

      static override now(): number {
        return now;
      }
    } as DateConstructor;
  }, Date.now());
}

test('the grid is painted from the server’s HTML, before WebAssembly has loaded', async ({ page, story }) => {
  await story.begin('gpc0', 'hsb0');
  const letCome = await withoutWasm(page);
  await page.goto('/', { waitUntil: 'commit' });
  const row = HostView.inFleet(page, 'gpc0');
  await expect(row.light('System')).toBeVisible();
  await expect(row.text).toContainText('Gen 7');
  await painted(page);
  await expect(page.locator('html')).not.toHaveAttribute('data-hydrated');
  await row.text.getByRole('link', { name: 'gpc0', exact: true }).click();
  await expect(page, 'links work before hydration').toHaveURL('/hosts/gpc0');
  letCome();
  await alive(page);
});

test('a request made before hydration is not lost', async ({ page, story }) => {
  await story.begin('gpc0', 'hsb0');
  const letCome = await withoutWasm(page);
  await page.goto('/', { waitUntil: 'commit' });
  const filter = page.getByRole('combobox', { name: 'Filter hosts' });
  await filter.fill('hsb');
  await page.getByRole('combobox', { name: 'Sort' }).selectOption('status');
  const selection = new Selection(page);
  await selection.box('hsb0').check();
  await page.getByRole('button', { name: 'View', exact: true }).click();
  const view = page.getByRole('dialog', { name: 'View' });
  await view.getByLabel('Agent').uncheck();
  await view.getByLabel('Compact').check();
  const saved = page.waitForResponse(/set_view/);
  letCome();
  await alive(page);
  expect((await saved).ok()).toBe(true);
  await expect(view.getByLabel('Agent')).not.toBeChecked();
  await expect(view.getByLabel('Compact')).toBeChecked();
  await expect(page.getByRole('columnheader', { name: 'Agent' })).toHaveCount(0);
  await page.keyboard.press('Escape');
  await expect(page).toHaveURL('/?q=hsb&sort=status');
  await expect(filter).toHaveValue('hsb');
  await expect(page.getByRole('row').getByRole('rowheader')).toHaveText([/hsb0/]);
  await selection.has('hsb0');
});

test('text typed before hydration is not lost', async ({ page, story }) => {
  await story.begin('gpc0');
  const letCome = await withoutWasm(page);
  await page.goto('/hosts/gpc0', { waitUntil: 'commit' });
  const fields = ['Tags (words to find the host by, e.g. cloud vienna)', 'Notes', 'Test timeout'];
  const field = (name: string) => page.getByRole('textbox', { name, exact: true });
  for (const name of fields) await field(name).fill('7');
  letCome();
  await alive(page);
  for (const name of fields) await expect(field(name)).toHaveValue('7');
});

for (const [size, viewport] of Object.entries(sizes)) {
  test.describe(size, () => {
    test.use({ viewport });

    test('nothing moves from the first paint until hydration', async ({ page, story }) => {
      await story.begin('gpc0', 'hsb0');
      await story.fail('hsb0');
      await watchShifts(page);
      await stopClock(page);
      for (const path of ['/', '/hosts/gpc0', '/hosts/hsb0', '/ops', '/deployments', '/audit']) {
        await test.step(path, async () => {
          const letCome = await withoutWasm(page);
          await page.goto(path, { waitUntil: 'commit' });
          await painted(page);
          letCome();
          await alive(page);
          await nothingMoved(page);
          await page.unrouteAll();
        });
      }
    });
  });
}

test('a page’s files come from the server alone, and stay cached until they change', async ({ page, story, fleet }) => {
  await story.begin('gpc0');
  const answers: Response[] = [];
  page.on('response', (response) => answers.push(response));
  await page.goto('/');
  await alive(page);
  const elsewhere = answers.map((answer) => new URL(answer.url())).filter(({ origin }) => origin !== fleet.server.url);
  expect(elsewhere.map(String), 'what comes from elsewhere').toEqual([]);
  const files = answers.filter((answer) => new URL(answer.url()).pathname.startsWith('/pkg/'));
  expect(files.map((file) => new URL(file.url()).pathname.split('.').pop()).toSorted()).toEqual(['css', 'js', 'wasm']);
  for (const file of files) {
    expect(file.headers()['cache-control'], file.url()).toBe('public, max-age=31536000, immutable');
  }
  await page.goto('/audit');
  await alive(page);
  const sent = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      // A development build is too large for the cache of a browser that keeps nothing on disk.
      .filter(({ name }) => name.includes('/pkg/') && !name.includes('.wasm'))
      .map((file) => (file as PerformanceResourceTiming).transferSize),
  );
  expect(sent, 'bytes that the second page fetches of them').toEqual([0, 0]);
});
