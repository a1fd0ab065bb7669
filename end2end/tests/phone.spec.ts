/** On a phone: at night, with one thumb. */

import type { Page } from '@playwright/test';

import { RollbackDialog } from '../pages/dialog';
import { HostView } from '../pages/fleet';
import { badDay } from '../support/bad-day';
import { openScene, scenes } from '../support/gallery';
import { phone, sizes } from '../support/look';
import * as plans from '../support/plans';
import { countTaps } from '../support/taps';
import { alive, expect, open, test } from '../support/test';

test('the rollback takes four taps from the fleet page, and no more', async ({ another, gpc0 }) => {
  const page = await another(phone);
  const taps = await countTaps(page);
  await open(page, '/');
  const row = HostView.inFleet(page, gpc0.name);
  await row.menuButton.tap();
  await row.item('Rollback System').tap();
  const dialog = new RollbackDialog(page, gpc0.name);
  await dialog.choice(46).tap();
  await dialog.confirm(46).tap();
  await row.shows('System', 'ok', 'Rolled back to Gen 46');
  await row.shows('Tests', 'ok', '8/8 passed');
  expect(await gpc0.current()).toBe(46);
  expect(await taps()).toBe(4);
});

test('to the last known working generation it takes three', async ({ another, gpc0 }) => {
  const page = await another(phone);
  const taps = await countTaps(page);
  await open(page, '/');
  const row = HostView.inFleet(page, gpc0.name);
  await row.menuButton.tap();
  await row.item('Rollback System').tap();
  await new RollbackDialog(page, gpc0.name).confirm(47).tap();
  await row.shows('System', 'ok', 'Rolled back to Gen 47');
  expect(await taps()).toBe(3);
});

test('from the head of the page it takes two', async ({ another, gpc0 }) => {
  const page = await another(phone);
  const taps = await countTaps(page);
  await open(page, '/');
  const wayBack = page.getByRole('link', { name: 'gpc0: Rollback to Gen 47' });
  expect((await wayBack.boundingBox())?.height).toBeGreaterThanOrEqual(44);
  await wayBack.tap();
  await new RollbackDialog(page, gpc0.name).confirm(47).tap();
  await HostView.inFleet(page, gpc0.name).shows('System', 'ok', 'Rolled back to Gen 47');
  expect(await taps()).toBe(2);
});

for (const [name, viewport] of Object.entries({ upright: sizes.phone, sideways: { width: 844, height: 390 } })) {
  test(`the first screen shows a host, ${name}`, async ({ another, fleet }) => {
    const page = await another({ ...phone, viewport });
    await fleet.add(plans.fine(fleet.repository, 'hsb0', 9));
    await open(page, '/');
    const host = HostView.inFleet(page, 'hsb0').text;
    await expect(host).toBeInViewport({ ratio: 1 });
    expect((await host.boundingBox())?.height, 'a fine host is one line').toBe(44);
  });
}

test('the filter is folded away until a person opens it', async ({ another, fleet }) => {
  const page = await another(phone);
  await fleet.add(plans.fine(fleet.repository, 'hsb0', 9));
  await open(page, '/');
  const filter = page.getByRole('combobox', { name: 'Filter hosts' });
  await expect(filter).toBeHidden();
  await page.getByRole('button', { name: 'Filter' }).tap();
  await filter.fill('nothing');
  await expect(page.getByText('No matching hosts.')).toBeVisible();
  await page.getByRole('heading', { level: 1 }).tap();
  await expect(filter).toBeHidden();
  await expect(page.getByRole('button', { name: '0 of 1 hosts' })).toBeVisible();
});

/**
 * Targets too small for a finger, by WCAG 2.2, 2.5.8: 24 by 24, or that much space around; links within a
 * sentence are exempt.
 */
async function tooSmall(page: Page, least = 24): Promise<string[]> {
  return page.evaluate((least) => {
    const modal = document.querySelector('dialog:modal') ?? document.querySelector('dialog[open]');
    const all = [...(modal ?? document).querySelectorAll<HTMLElement>('a[href], button, input, select, textarea, summary, [role=option]')];
    const seen = all.filter((it) => it.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !it.closest('.skip, .unseen'));
    const targets = seen.map((it) => {
      // A label enlarges its field, and a link's ::after may enlarge it to its container.
      const label = it instanceof HTMLInputElement ? it.closest('label') : null;
      const after = getComputedStyle(it, '::after');
      const spread = after.position === 'absolute' && after.content !== 'none' ? it.parentElement?.closest('div, li, th') : null;
      return { it, box: (label ?? spread ?? it).getBoundingClientRect() };
    });
    const inSentence = (it: HTMLElement) =>
      it.tagName === 'A' && getComputedStyle(it).display === 'inline' &&
      [...(it.parentElement?.childNodes ?? [])].some((node) => node !== it && (node.textContent ?? '').trim().length > 1);
    const centre = (box: DOMRect) => [box.x + box.width / 2, box.y + box.height / 2] as const;
    const crowded = ({ it, box }: (typeof targets)[number]) =>
      targets.some((other) => {
        if (other.it === it || other.box.width === 0) return false;
        const [x, y] = centre(box);
        const near = [Math.max(other.box.left, Math.min(x, other.box.right)), Math.max(other.box.top, Math.min(y, other.box.bottom))];
        return Math.hypot(near[0] - x, near[1] - y) < least / 2;
      });
    return targets
      .filter(({ it, box }) => box.width > 0 && (box.width < least || box.height < least) && !inSentence(it) && crowded({ it, box }))
      .map(({ it, box }) => `${it.tagName.toLowerCase()} “${(it.getAttribute('aria-label') ?? it.textContent ?? '').trim().slice(0, 40)}” ${Math.round(box.width)}×${Math.round(box.height)}`);
  }, least);
}

test('nothing is too small for a finger', async ({ another, fleet }) => {
  const page = await another(phone);
  await badDay(page, fleet);
  for (const address of ['/', '/hosts/gpc0', '/hosts/gpc0/rollback', '/rollout', '/ops', '/audit', '/deployments', '/notices', '/about']) {
    await open(page, address);
    expect.soft(await tooSmall(page), address).toEqual([]);
  }
  for (const scene of await scenes(page)) {
    await openScene(page, scene);
    expect.soft(await tooSmall(page), scene).toEqual([]);
  }
});

test('the targets of a rollback are easy to hit', async ({ another, gpc0 }) => {
  const page = await another(phone);
  await open(page, '/');
  const row = HostView.inFleet(page, gpc0.name);
  const size = async (what: { boundingBox(): Promise<{ width: number; height: number } | null> }) => {
    const box = await what.boundingBox();
    return Math.min(box?.width ?? 0, box?.height ?? 0);
  };
  expect(await size(row.menuButton)).toBeGreaterThanOrEqual(44);
  await row.menuButton.tap();
  expect(await size(row.item('Rollback System'))).toBeGreaterThanOrEqual(44);
  await row.item('Rollback System').tap();
  const dialog = new RollbackDialog(page, gpc0.name);
  expect(await size(dialog.choice(46))).toBeGreaterThanOrEqual(44);
  expect(await size(dialog.confirm(47))).toBeGreaterThanOrEqual(44);
  expect(await size(dialog.cancel)).toBeGreaterThanOrEqual(44);
  // At the lower edge, where the thumb is.
  await expect(dialog.confirm(47)).toBeInViewport({ ratio: 1 });
});

test('sideways, the dialog opens with its title, the target and the button in view', async ({ another, gpc0 }) => {
  const page = await another({ ...phone, viewport: { width: 844, height: 390 } });
  await open(page, `/hosts/${gpc0.name}/rollback`);
  const dialog = new RollbackDialog(page, gpc0.name);
  const title = dialog.self.getByRole('heading', { level: 2 });
  await expect(dialog.radio(47)).toBeFocused();
  for (const what of [title, dialog.choice(47), dialog.confirm(47)]) await expect(what).toBeInViewport({ ratio: 1 });
  // The foot of the dialog lies over what scrolls.
  const [target, foot] = await Promise.all([dialog.choice(47).boundingBox(), dialog.self.locator('.dialog-foot').boundingBox()]);
  expect(target && foot && target.y + target.height).toBeLessThanOrEqual(foot?.y ?? 0);
});

test('nothing is below a notch or the bar of a phone', async ({ another, gpc0 }) => {
  const page = await another(phone);
  const insets = { top: 47, left: 0, bottom: 34, right: 0, topMax: 47, leftMax: 0, bottomMax: 34, rightMax: 0 };
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setSafeAreaInsetsOverride', { insets });
  await open(page, `/hosts/${gpc0.name}/rollback`);
  const dialog = new RollbackDialog(page, gpc0.name);
  const bottom = async (what: typeof dialog.cancel) => {
    const box = await what.boundingBox();
    return (box?.y ?? 0) + (box?.height ?? 0);
  };
  await expect.poll(() => bottom(dialog.confirm(47))).toBeLessThanOrEqual(sizes.phone.height - insets.bottom);
  await page.goto('/');
  await alive(page);
  const brand = await page.getByRole('link', { name: 'Backstay', exact: true }).boundingBox();
  expect(brand?.y).toBeGreaterThanOrEqual(insets.top);
});
