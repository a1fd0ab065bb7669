import type { Page } from '@playwright/test';

import { openAccount } from '../pages/fleet';
import { PersonRow, accept, invite } from '../pages/people';
import { looksRight, sizes } from '../support/look';
import { admin } from '../support/server';
import { alive, expect, nobody, open, test } from '../support/test';

const password = 'quarry mint banjo eleven';

/** Invites maria and accepts in another browser. */
async function joined(page: Page, another: () => Promise<Page>, role: string): Promise<Page> {
  await open(page, '/people');
  const link = await invite(page, 'maria', role);
  const maria = await another();
  await maria.goto(link);
  await accept(maria, password);
  await expect(maria.getByRole('button', { name: 'Account of maria' })).toBeVisible();
  return maria;
}

const refused = (page: Page) => page.getByRole('alert');
const said = (page: Page) => page.locator('.said');

test('a person is invited, joins in another browser, and the link is used up', async ({ page, another, watch }, testInfo) => {
  watch.allow(/\b404\b/);
  await open(page, '/people');
  const link = await invite(page, 'maria', 'operator');
  await expect(page.getByRole('heading', { name: 'Open invitations' })).toBeVisible();
  for (const [name, size] of Object.entries(sizes)) {
    await page.setViewportSize(size);
    await looksRight(page, testInfo, `people-invited-${name}`, true);
  }
  await page.reload();
  await expect(page.getByText(link)).toHaveCount(0);

  const maria = await another({ storageState: nobody });
  await maria.goto(link);
  for (const [name, size] of Object.entries(sizes)) {
    await maria.setViewportSize(size);
    await looksRight(maria, testInfo, `invitation-${name}`, true);
  }
  await accept(maria, 'maria-maria-maria');
  await expect(refused(maria)).toContainText('easy to guess');
  await accept(maria, password);
  await expect(maria.getByRole('button', { name: 'Account of maria' })).toBeVisible();
  await maria.goto(link);
  await expect(maria.getByText('This invitation is no longer valid.')).toBeVisible();

  await page.reload();
  await expect(new PersonRow(page, 'maria').self).toContainText('operator');
  await expect(page.getByRole('heading', { name: 'Open invitations' })).toHaveCount(0);
});

test('an invitation is revoked', async ({ page, another, watch }) => {
  watch.allow(/\b404\b/);
  await open(page, '/people');
  const link = await invite(page, 'maria', 'viewer');
  await page.getByRole('button', { name: 'Revoke the invitation of maria' }).click();
  await expect(said(page)).toHaveText('The invitation is revoked.');
  const maria = await another({ storageState: nobody });
  await maria.goto(link);
  await expect(maria.getByText('This invitation is no longer valid.')).toBeVisible();
});

test('another role counts at once on an open page, and a disabled person is out at once', async ({ page, another, gpc0, watch }) => {
  watch.allow(/\b401\b/);
  const maria = await joined(page, () => another({ storageState: nobody }), 'operator');
  await alive(maria);
  await openAccount(maria);
  await expect(maria.getByText('Role: operator')).toBeVisible();
  await open(page, '/people');
  await new PersonRow(page, 'maria').setRole('viewer');
  await expect(said(page)).toHaveText('maria is now viewer.');
  await expect(maria.getByText('Role: viewer')).toBeVisible();

  await new PersonRow(page, 'maria').press('Disable and log out');
  await expect(said(page)).toHaveText('maria is disabled and logged out everywhere.');
  await expect(maria).toHaveURL(/\/login/);
  await expect(new PersonRow(page, 'maria').self).toContainText('disabled');
  await new PersonRow(page, 'maria').press('Enable');
  await expect(said(page)).toHaveText('maria can log in again.');
  await new PersonRow(page, 'maria').press('Delete');
  await expect(new PersonRow(page, 'maria').self).toHaveCount(0);
  await page.goto('/audit');
  await expect(page.getByText('maria was deleted.')).toBeVisible();
});

test('the last administrator stays', async ({ page }, testInfo) => {
  await open(page, '/people');
  await new PersonRow(page, admin.name).unfold();
  for (const [name, size] of Object.entries(sizes)) {
    await page.setViewportSize(size);
    await looksRight(page, testInfo, `people-change-${name}`, true);
  }
  await page.setViewportSize(sizes.desktop);
  await page.reload();
  const words = 'admin is the last administrator who can log in. Nothing was changed.';
  await new PersonRow(page, admin.name).setRole('viewer');
  await expect(refused(page)).toContainText(words);
  await new PersonRow(page, admin.name).press('Disable and log out');
  await expect(refused(page)).toContainText(words);
  await new PersonRow(page, admin.name).press('Delete');
  await expect(refused(page)).toContainText(words);
});

test('a person changes their password and ends their other sessions', async ({ page, another, fleet, watch }, testInfo) => {
  watch.allow(/\b401\b/);
  const client = await fleet.client();
  const elsewhere = await another({ storageState: await client.storageState() });
  await open(elsewhere, '/');
  await open(page, '/');
  await openAccount(page);
  await page.getByRole('link', { name: 'Account and sessions' }).click();
  await expect(page.getByText('this session')).toBeVisible();
  for (const [name, size] of Object.entries(sizes)) {
    await page.setViewportSize(size);
    await looksRight(page, testInfo, `account-${name}`, true);
  }
  await page.setViewportSize(sizes.desktop);
  await page.getByRole('button', { name: 'End all other sessions' }).click();
  await expect(said(page)).toContainText('ended.');
  await expect(elsewhere).toHaveURL(/\/login/);

  const change = async (current: string, fresh: string, again = fresh) => {
    await page.getByLabel('Current password').fill(current);
    await page.getByLabel('New password', { exact: true }).fill(fresh);
    await page.getByLabel('New password again').fill(again);
    await page.getByRole('button', { name: 'Change password' }).click();
  };
  await change(admin.password, password, `${password}!`);
  await expect(refused(page)).toContainText('The two new passwords differ. Nothing was changed.');
  await change('not this one', password);
  await expect(refused(page)).toContainText('The current password is wrong. Nothing was changed.');
  await change(admin.password, password);
  await expect(said(page)).toHaveText('Your password is changed. Your other sessions are ended.');
  const again = await fleet.client({ ...admin, password });
  await again.dispose();
  await client.dispose();
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('people are managed', async ({ page }) => {
    await page.goto('/people');
    await invite(page, 'maria', 'viewer');
    await page.getByRole('button', { name: 'Revoke the invitation of maria' }).click();
    await expect(said(page)).toHaveText('The invitation is revoked.');
  });
});
