/** A host leaves the fleet. */

import { readFile } from 'node:fs/promises';

import { HostView, notice } from '../pages/fleet';
import { expect, open, test } from '../support/test';

test('an administrator removes a host, and every page hears of it', async ({ page, another, gpc0, watch }) => {
  watch.allow(/\b422\b/);
  const [fleetPage, hostPage] = [await another(), await another()];
  await open(fleetPage, '/');
  await open(hostPage, '/hosts/gpc0');
  await open(page, '/hosts/gpc0');
  const form = page.getByRole('group').filter({ hasText: 'Remove from the fleet' });
  await form.getByText('Remove from the fleet').click();
  const [name, remove] = [form.getByRole('textbox', { name: 'Type gpc0 to confirm' }), form.getByRole('button')];

  await name.fill('gpc1');
  await remove.click();
  await expect(form.getByRole('alert')).toHaveText('Nothing was changed. Type gpc0 to remove it.');
  await expect(HostView.inFleet(fleetPage, 'gpc0').text).toBeVisible();

  await name.fill('gpc0');
  await remove.click();
  await expect(page).toHaveURL('/');
  await expect(page.getByRole('heading', { name: 'No host yet' })).toBeVisible();
  await expect(fleetPage.getByRole('heading', { name: 'No host yet' })).toBeVisible();
  await expect(notice(fleetPage, 'gpc0 was removed from the fleet by admin')).toBeVisible();
  await expect(hostPage.getByText('gpc0 was removed from the fleet. This page shows')).toBeVisible();

  // Its history stays, and the host is not let in again.
  await open(page, '/audit');
  await expect(page.getByRole('row').filter({ hasText: 'host.removed' })).toContainText('gpc0');
  await expect.poll(() => readFile(gpc0.log, 'utf8')).toContain('the server answered 401');
});

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false });

  test('a host is removed', async ({ page, gpc0 }) => {
    await page.goto(`/hosts/${gpc0.name}`);
    await page.getByText('Remove from the fleet').click();
    await page.getByRole('textbox', { name: 'Type gpc0 to confirm' }).fill('gpc0');
    await page.getByRole('button', { name: 'Remove gpc0' }).click();
    await expect(page).toHaveURL('/');
    await expect(page.getByRole('heading', { name: 'No host yet' })).toBeVisible();
  });
});
