import { readFile } from 'node:fs/promises';

import type { Page } from '@playwright/test';

import { HostView } from '../pages/fleet';
import { LogDrawer } from '../pages/op';
import type { Fleet } from '../support/fleet';
import type { Host } from '../support/host';
import { alive, expect, open, test } from '../support/test';

/** Runs the tests of gpc0 and opens the log beside the fleet. */
async function watchTests(page: Page, fleet: Fleet): Promise<LogDrawer> {
  await fleet.ask('gpc0', 'test');
  await open(page, '/');
  await HostView.inFleet(page, 'gpc0').text.getByRole('link', { name: 'Run Tests' }).click();
  const drawer = new LogDrawer(page, 'Run Tests', 'gpc0');
  await expect(drawer.heading).toBeFocused();
  return drawer;
}

/** Opens the log of a finished test run with more lines than a page loads at first. */
async function longLog(page: Page, fleet: Fleet, gpc0: Host): Promise<LogDrawer> {
  await gpc0.rewriteFirstTest("printf '\\033[31mneedle\\033[0m in the first line\\n'", 'seq 2 3000', 'echo "a Needle" at the end', 'hold');
  const drawer = await watchTests(page, fleet);
  await expect(drawer.output).toContainText('a Needle at the end');
  await gpc0.letTestsGo();
  await drawer.came('failed');
  await page.reload();
  await alive(page);
  await expect(drawer.lines, 'the last lines come with the page').toHaveCount(2000);
  return drawer;
}

test('live output is followed; scrolling up pauses, and the button goes back to the end', async ({ page, fleet, gpc0 }) => {
  await gpc0.rewriteFirstTest('seq 1 400', 'hold', "seq -f 'more %g' 1 100", 'sleep 600');
  const log = await watchTests(page, fleet);
  await expect(log.line(400)).toBeInViewport();
  await expect(log.button('Pause')).toBeVisible();

  await log.output.hover();
  await page.mouse.wheel(0, -1200);
  await expect(log.button('Follow')).toBeVisible();
  await gpc0.letTestsGo();
  await expect(log.output).toContainText('more 100');
  expect(await log.isAtEnd(), 'what a person reads stays where it is').toBe(false);

  await log.button('Follow').click();
  await expect(log.button('Pause')).toBeVisible();
  await expect.poll(() => log.isAtEnd()).toBe(true);
  await expect(log.line(500)).toBeInViewport();
  await log.hasEveryLine();

  await log.button('Pause').click();
  await expect(log.button('Follow')).toBeVisible();
  await log.cancel.click();
  await log.came('cancelled');
});

test('earlier lines come on demand, and the lines on screen stay where they are', async ({ page, fleet, gpc0 }) => {
  const log = await longLog(page, fleet, gpc0);
  await expect(log.output).toContainText('earlier lines.');
  await log.output.evaluate((box) => box.scrollTo(0, 0));
  await expect(log.earlier).toBeInViewport();
  const first = log.lines.first();
  const number = Number(await first.getAttribute('data-seq'));
  expect(number).toBeGreaterThan(1000);
  await log.earlier.click();
  await expect(log.earlier).toHaveCount(0);
  await expect(log.line(number)).toBeInViewport();
  await log.hasEveryLine();
});

test('a search goes through all of the output, also what was not loaded', async ({ page, fleet, gpc0 }) => {
  const log = await longLog(page, fleet, gpc0);
  await log.search.fill('needle');
  await expect(log.count).toHaveText('2 of 2');
  await expect(log.current).toHaveText('Needle');
  await expect(log.current).toBeInViewport();

  await log.search.press('Enter');
  await expect(log.count).toHaveText('1 of 2');
  await expect(log.current).toHaveText('needle');
  await expect(log.current).toBeInViewport();
  await expect(log.line(1)).toHaveText('needle in the first line');
  await log.search.press('Shift+Enter');
  await expect(log.count).toHaveText('2 of 2');
  await log.button('Next match').click();
  await expect(log.current).toBeInViewport();
  await log.button('Previous match').click();
  await expect(log.count).toHaveText('2 of 2');
  await log.hasEveryLine();

  await log.search.fill('not there');
  await expect(log.count).toHaveText('No matches');
  await expect(log.button('Next match')).toBeDisabled();
  // Esc ends the search first, and only then closes the drawer.
  await log.search.press('Escape');
  await expect(log.search).toHaveValue('');
  await expect(log.self).toBeVisible();
  await log.search.press('Escape');
  await expect(log.self).toHaveCount(0);
});

test('download and copy give all of the output, without escapes', async ({ page, fleet, gpc0, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const log = await longLog(page, fleet, gpc0);
  const downloading = page.waitForEvent('download');
  await log.download.click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/^backstay-gpc0-test-[0-9a-f-]+\.txt$/);
  const text = await readFile(await download.path(), 'utf8');
  const lines = text.split('\n');
  expect(lines[0]).toBe('needle in the first line');
  expect(lines.slice(1, 3000)).toEqual(Array.from({ length: 2999 }, (_, i) => String(i + 2)));
  expect(lines[3000]).toBe('a Needle at the end');

  await log.button('Copy').click();
  await expect(log.button('Copied')).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(text);
  const shown = await log.lines.allTextContents();
  expect(`${shown.join('\n')}\n`).toBe(text);
});

test('without access to the clipboard, the text is copied all the same', async ({ page, fleet, gpc0, context }) => {
  await context.grantPermissions(['clipboard-read']);
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await gpc0.rewriteFirstTest('echo one', 'sleep 600');
  const log = await watchTests(page, fleet);
  await expect(log.output).toContainText('one');
  await page.evaluate(() => {
    document.addEventListener('copy', () => document.documentElement.setAttribute('data-copied', String(document.getSelection())));
  });
  await log.button('Copy').click();
  await expect(log.button('Copied')).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('data-copied', /one/);
  await log.cancel.click();
  await log.came('cancelled');
});

test('colours become classes, other escapes disappear, and each line shows its source', async ({ page, fleet, gpc0 }) => {
  await gpc0.rewriteFirstTest(
    "printf '\\033[1;31merror:\\033[0m \\033[38;5;46mgreen\\033[0m \\033[48;2;0;0;255mblue\\033[0m\\n'",
    "printf '\\033]8;;https://example.org\\033\\\\<b>link</b>\\033]8;;\\033\\\\\\033[2K\\n'",
    'echo trouble >&2',
  );
  await gpc0.letTestsGo();
  await fleet.ask('gpc0', 'test');
  await open(page, '/ops');
  await page.getByRole('main').getByRole('link', { name: 'Run Tests' }).click();
  const drawer = new LogDrawer(page, 'Run Tests', 'gpc0');
  await drawer.came('failed');
  await expect(drawer.output.getByText('error:', { exact: true })).toHaveClass('fg-1 bold');
  await expect(drawer.output.getByText('green', { exact: true })).toHaveClass('fg-10');
  await expect(drawer.output.getByText('blue', { exact: true })).toHaveClass('bg-12');
  // Lines written to two streams at the same moment arrive in either order.
  await expect(drawer.output.getByText('link')).toHaveText('<b>link</b>');
  await expect(drawer.output.locator('[style]'), 'nothing that the policy forbids').toHaveCount(0);
  await expect(drawer.output.getByText('trouble')).toHaveAttribute('data-stream', 'stderr');
  await expect(drawer.output.getByText(/passed after/).first()).toHaveAttribute('data-stream', 'agent');

  await expect(drawer.line(1)).not.toHaveAttribute('data-at');
  await drawer.button('Times').click();
  await expect(drawer.line(1)).toHaveAttribute('data-at', /^\d\d:\d\d:\d\d$/);
});

test('a line has an address, lines need not wrap, and stderr can be shown alone', async ({ page, fleet, gpc0 }) => {
  await gpc0.rewriteFirstTest('seq 1 2500', 'echo trouble >&2', `printf '%0300d\\n' 1`);
  await fleet.ask('gpc0', 'test');
  await open(page, '/ops');
  await page.getByRole('main').getByRole('link', { name: 'Run Tests' }).click();
  const log = new LogDrawer(page, 'Run Tests', 'gpc0');
  await log.came('failed');
  await expect(log.button('Pause'), 'nothing comes any more').toHaveCount(0);
  const address = page.url();
  await open(page, `${address}#L120`);
  await expect(log.line(120), 'also a line that the page did not load at first').toBeInViewport();
  await expect(log.line(120)).toHaveAttribute('data-linked', '');
  await log.line(121).locator('.n').click();
  await expect(page).toHaveURL(`${address}#L121`);
  await expect(log.line(121)).toHaveAttribute('data-linked', '');

  const wide = log.lines.filter({ hasText: /0{200}/ });
  const height = async () => (await wide.boundingBox())?.height ?? 0;
  const wrapped = await height();
  await log.self.getByLabel('Wrap').uncheck();
  expect(await height()).toBeLessThan(wrapped);
  await log.self.getByLabel('Only stderr').check();
  await expect(log.lines.filter({ hasText: 'trouble' })).toBeVisible();
  await expect(log.output.locator('.line:not([data-stream="stderr"])').filter({ visible: true })).toHaveCount(0);
});
