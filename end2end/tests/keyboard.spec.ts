/** Everything works by keyboard alone, and the focus is always visible. */

import type { Locator, Page } from '@playwright/test';

import { RollbackDialog } from '../pages/dialog';
import { HostView } from '../pages/fleet';
import { badDay } from '../support/bad-day';
import { openScene, scenes } from '../support/gallery';
import { expect, open, test } from '../support/test';

const main = (page: Page): Locator => page.getByRole('main');
const palette = (page: Page): Locator => page.getByRole('dialog', { name: 'Command palette' });
const keys = (page: Page): Locator => page.getByRole('dialog', { name: 'Keyboard shortcuts' });

/** Presses Tab until this has the focus. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible();
  for (let pressed = 0; pressed < 60; pressed++) {
    await page.keyboard.press('Tab');
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`Tab does not come to ${target}`);
}

/** The focused element, and whether it is visible; nothing at the end of the page. */
async function focused(page: Page): Promise<{ what: string; kind: string; is: number; seen: boolean } | undefined> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return undefined;
    const w = window as unknown as { stops?: Element[] };
    w.stops ??= [];
    if (!w.stops.includes(element)) w.stops.push(element);
    const rings = (it: Element | null) => {
      if (!it) return false;
      const style = getComputedStyle(it);
      return style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) >= 2;
    };
    // A radio button shows the focus around its whole line, a search around its box.
    const seen = rings(element) || rings(element.closest('label')) || rings(element.closest('.log-find'));
    const box = element.getBoundingClientRect();
    const inView = box.width > 0 && box.bottom > 0 && box.top < window.innerHeight;
    const what = `${element.tagName.toLowerCase()} “${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}”`;
    const kind = `${element.tagName}.${element.getAttribute('class') ?? ''}`;
    return { what, kind, is: w.stops.indexOf(element), seen: seen && inView };
  });
}

/** What can take the focus, by element and class: the lights of a hundred hosts are of one kind. */
async function kindsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const all = document.querySelectorAll<HTMLElement>('a[href], button, input, select, textarea, summary, [tabindex]');
    const able = [...all].filter((it) => it.tabIndex >= 0 && !it.matches(':disabled') && it.checkVisibility());
    return [...new Set(able.map((it) => `${it.tagName}.${it.getAttribute('class') ?? ''}`))];
  });
}

/** Presses Tab until one of each kind, if there are `kinds`, or everything had the focus; expects each to be visible, and returns the list. */
async function isSeenEverywhere(page: Page, kinds: string[] = []): Promise<string[]> {
  const stops: string[] = [];
  const left = new Set(kinds);
  let nothing = 0;
  for (let pressed = 0; pressed < 150; pressed++) {
    await page.keyboard.press('Tab');
    const now = await focused(page);
    // Between the end of a page, or of a dialog, and its beginning the browser itself has the focus. A
    // component without controls has none to give it back.
    if (!now && stops.length < 2 && nothing++ < 5) continue;
    if (!now || now.is < stops.length) break;
    expect.soft(now.seen, `the focus is seen on ${now.what} of ${page.url()}`).toBe(true);
    stops.push(now.what);
    if (left.delete(now.kind) && left.size === 0) break;
  }
  return stops;
}

test('a rollback: from the skip link to the menu, the dialog, a choice by arrows, and back', async ({ page, gpc0 }) => {
  await open(page, '/');
  await page.keyboard.press('Tab');
  const skip = page.getByRole('link', { name: 'Skip to content' });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press('Enter');
  await expect(main(page)).toBeFocused();

  const row = HostView.inFleet(page, gpc0.name);
  await tabTo(page, row.menuButton);
  await page.keyboard.press('Enter');
  await expect(row.item('Rollback System')).toBeFocused();
  await page.keyboard.press('Enter');

  const dialog = new RollbackDialog(page, gpc0.name);
  await expect(dialog.radio(47)).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(dialog.radio(46)).toBeChecked();
  await page.keyboard.press('ArrowUp');
  await expect(dialog.radio(47)).toBeChecked();
  await tabTo(page, dialog.confirm(47));
  await page.keyboard.press('Enter');
  await expect(dialog.self).toHaveCount(0);
  await expect(row.menuButton, 'where it was').toBeFocused();
  await row.shows('System', 'ok', 'Rolled back to Gen 47');
  expect(await gpc0.current()).toBe(47);
});

test('Escape closes menus and dialogs one by one, and the focus is where it was', async ({ page, gpc0 }) => {
  await open(page, '/');
  const row = HostView.inFleet(page, gpc0.name);
  await row.menuButton.focus();
  await page.keyboard.press('Enter');
  await expect(row.item('Details')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(row.item('Details')).toBeHidden();
  await expect(row.menuButton).toBeFocused();

  await page.keyboard.press('Control+k');
  await expect(palette(page)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(palette(page)).toHaveCount(0);
  await expect(row.menuButton).toBeFocused();

  await page.keyboard.press('?');
  await expect(keys(page)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(keys(page)).toHaveCount(0);
  await expect(row.menuButton).toBeFocused();
});

test('a dialog keeps the focus, and what is below it cannot be reached', async ({ page, gpc0 }) => {
  await open(page, `/hosts/${gpc0.name}/rollback`);
  const dialog = new RollbackDialog(page, gpc0.name);
  await expect(dialog.radio(47)).toBeFocused();
  for (const key of ['Tab', 'Shift+Tab']) {
    for (let pressed = 0; pressed < 12; pressed++) {
      await page.keyboard.press(key);
      const outside = await page.evaluate(() => {
        const element = document.activeElement;
        // Between its end and its beginning the browser itself has the focus.
        return element !== document.body && !element?.closest('dialog');
      });
      expect(outside, `${key}, ${pressed + 1} times`).toBe(false);
    }
  }
});

test('the command palette does what its entries say', async ({ page, gpc0 }) => {
  await open(page, '/');
  await page.keyboard.press('Control+k');
  const box = page.getByRole('combobox', { name: 'Host, action or page' });
  await expect(box).toBeFocused();
  await page.keyboard.type('gpc0 roll');
  const chosen = palette(page).getByRole('option', { selected: true });
  await expect(chosen).toHaveText('gpc0: Rollback System');
  await expect(box).toHaveAttribute('aria-activedescendant', (await chosen.getAttribute('id')) ?? '');
  await page.keyboard.press('Enter');
  await expect(new RollbackDialog(page, gpc0.name).self).toBeVisible();
  await page.keyboard.press('Control+k');
  await expect(palette(page), 'a dialog has to be answered first').toHaveCount(0);
  await page.keyboard.press('Escape');

  await page.keyboard.press('Control+k');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.type('audit');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/audit');
});

test('what is typed right after Ctrl-K goes into the palette, even before the browser paints it', async ({ page, gpc0 }) => {
  await open(page, '/');
  const box = page.getByRole('checkbox', { name: `Select ${gpc0.name}`, exact: true });
  await box.focus();
  await page.evaluate(() => {
    window.requestAnimationFrame = () => 0;
  });
  await page.keyboard.press('Control+k');
  await page.keyboard.type('go to ops');
  await expect(page.locator('#palette-input')).toHaveValue('go to ops');
  await expect(box, 'the space went elsewhere').not.toBeChecked();
});

test('Esc leaves a dialog as soon as it is there, even before the browser paints it', async ({ page, gpc0 }) => {
  await open(page, '/');
  await page.evaluate(() => {
    window.requestAnimationFrame = () => 0;
  });
  const row = HostView.inFleet(page, gpc0.name);
  await row.menuButton.click();
  await row.item('Rollback System').click();
  const dialog = new RollbackDialog(page, gpc0.name);
  await expect(dialog.self).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog.self).toHaveCount(0);
  await expect(page).toHaveURL('/');
});

test('the command palette leaves the page and the focus where they were', async ({ page, gpc0 }) => {
  await page.setViewportSize({ width: 1000, height: 320 });
  await open(page, '/');
  const button = HostView.inFleet(page, gpc0.name).menuButton;
  await button.focus();
  await button.evaluate((button) => button.scrollIntoView({ block: 'center' }));
  const place = () => page.evaluate(() => window.scrollY);
  const before = await place();
  expect(before).toBeGreaterThan(0);
  await page.keyboard.press('Control+k');
  await expect(palette(page)).toBeVisible();
  await page.keyboard.press('Control+k');
  await expect(palette(page)).toHaveCount(0);
  await expect(button).toBeFocused();
  await page.keyboard.press('Control+k');
  await page.keyboard.type(`${gpc0.name} roll`);
  await page.keyboard.press('Enter');
  await expect(new RollbackDialog(page, gpc0.name).self).toBeVisible();
  expect(await place()).toBe(before);
});

test('/ leads to the filter and J into the hosts, from anywhere on the page, unless single keys are off', async ({ page, gpc0 }) => {
  await open(page, '/');
  const filter = page.getByRole('combobox', { name: 'Filter hosts' });
  await page.keyboard.press('/');
  await expect(filter).toBeFocused();
  await expect(filter).toHaveValue('');
  await page.keyboard.type('a/j');
  await expect(filter).toHaveValue('a/j');
  await filter.fill('');

  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.press('j');
  await expect(page.getByRole('checkbox', { name: gpc0.name })).toBeFocused();

  await page.keyboard.press('?');
  await keys(page).getByRole('checkbox', { name: /Single keys/ }).uncheck();
  await page.keyboard.press('Escape');
  await expect(keys(page)).toHaveCount(0);
  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.press('/');
  await page.keyboard.press('j');
  await page.keyboard.press('?');
  await expect(keys(page)).toHaveCount(0);
  await expect(main(page), 'where the click put it').toBeFocused();
});

test('the menu of a host: it opens on its first item, and arrows, Home and End move in it', async ({ page, gpc0 }) => {
  await open(page, '/');
  const row = HostView.inFleet(page, gpc0.name);
  await row.menuButton.focus();
  await page.keyboard.press('Enter');
  await expect(row.item('Rollback System')).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(row.item('Pull and Switch')).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await expect(row.item('Details')).toBeFocused();
  await page.keyboard.press('Home');
  await expect(row.item('Rollback System')).toBeFocused();
  await page.keyboard.press('End');
  await expect(row.item('Details')).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(row.menuButton).toBeFocused();
});

test('the search and the keys are found without knowing a key, on a phone too', async ({ page, gpc0 }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await open(page, '/');
  await page.getByRole('button', { name: 'Search or jump' }).click();
  await expect(palette(page)).toBeVisible();
  await page.keyboard.type(gpc0.name);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`/hosts/${gpc0.name}`);
  await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
  await expect(keys(page)).toBeVisible();
});

test('? shows the keys, unless one is typing or has turned that off', async ({ page, gpc0 }) => {
  await open(page, `/hosts/${gpc0.name}`);
  await page.getByRole('textbox').first().focus();
  await page.keyboard.type('?');
  await expect(keys(page)).toHaveCount(0);

  await open(page, '/');
  await page.keyboard.press('?');
  await expect(keys(page).getByRole('button', { name: 'Close' })).toBeFocused();
  await expect(keys(page)).toContainText('Command palette');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Space');
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await expect(keys(page)).toHaveCount(0);

  await page.keyboard.press('Control+k');
  await page.keyboard.type('shortcuts');
  await page.keyboard.press('Enter');
  await expect(keys(page)).toBeVisible();
});

test('the focus is visible everywhere', async ({ page, fleet }) => {
  test.setTimeout(600_000);
  await badDay(page, fleet);
  for (const address of ['/', '/hosts/gpc0', '/hosts/gpc0/rollback', '/rollout', '/ops', '/audit', '/deployments', '/notices', '/about']) {
    await open(page, address);
    // What changes can be opened only once the host has answered.
    await expect(page.getByText('Comparing…')).toHaveCount(0);
    const stops = await isSeenEverywhere(page);
    expect(stops.length, address).toBeGreaterThan(3);
  }
});

test('the focus is visible everywhere in each component', async ({ page }) => {
  test.setTimeout(600_000);
  for (const scene of await scenes(page)) {
    await openScene(page, scene);
    await isSeenEverywhere(page, await kindsOf(page));
  }
});
