import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { APIResponse, Page } from '@playwright/test';

import { openAccount } from '../pages/fleet';
import { PersonRow } from '../pages/people';
import { Fleet, removeFolder, temporaryFolder } from '../support/fleet';
import { looksRight, sizes } from '../support/look';
import { type People, Provider, freePort } from '../support/provider';
import { admin } from '../support/server';
import { alive, expect, nobody, test as base } from '../support/test';
import { Watch } from '../support/watch';

const people: People = {
  m: { name: 'maria', groups: ['fleet-operators'] },
  l: { name: 'lin', groups: ['lab'] },
  b: { name: 'boss', groups: ['fleet-admins'] },
  s: { name: 'stranger', groups: ['accounting'] },
  a: { name: 'admin', groups: ['fleet-admins'] },
};

const roles = ['fleet-admins=admin', 'fleet-operators=operator', 'lab=operator@tag:lab'];

interface Fixtures {
  /** The provider that the server trusts, running. */
  provider: Provider;
  /** More options of the server. */
  more: string[];
}

const test = base.extend<Fixtures & { ports: [number, number] }>({
  more: [[], { option: true }],

  ports: async ({}, use) => {
    await use([await freePort(), await freePort()]);
  },

  provider: async ({ ports: [app, port] }, use, testInfo) => {
    const folder = await temporaryFolder();
    const provider = new Provider(folder, port, `http://127.0.0.1:${app}`, structuredClone(people));
    await provider.start();
    await use(provider);
    await provider.stop();
    if (testInfo.status !== testInfo.expectedStatus) {
      await testInfo.attach('provider', { path: provider.log, contentType: 'text/plain' });
    }
    await removeFolder(folder);
  },

  fleet: async ({ repository, ports: [app], provider, more }, use, testInfo) => {
    const folder = await temporaryFolder();
    const secret = join(folder, 'secret');
    await writeFile(secret, provider.secret);
    const url = `http://127.0.0.1:${app}`;
    const options = [
      ...['--public-url', url, '--oidc-issuer', provider.url, '--oidc-client-id', 'backstay'],
      ...['--oidc-client-secret-file', secret, '--oidc-name', 'Company SSO'],
      ...roles.flatMap((role) => ['--oidc-role', role]),
      ...more,
    ];
    const fleet = await Fleet.start(repository, options, url);
    await use(fleet);
    if (testInfo.status !== testInfo.expectedStatus) {
      await testInfo.attach('server', { path: fleet.server.log, contentType: 'text/plain' });
    }
    await fleet.end();
    await removeFolder(folder);
  },

  storageState: nobody,

  watch: async ({}, use) => {
    const watch = new Watch();
    // The provider's own pages.
    watch.allow(/fonts\.googleapis\.com/, /favicon\.ico/);
    await use(watch);
  },
});

/** The provider's own pages: who somebody is, and that this server may know. */
async function confirm(page: Page, id: string): Promise<void> {
  await signIn(page, id);
  await page.getByRole('button', { name: 'Continue' }).click();
}

/** The provider's log-in page. It takes any password. */
async function signIn(page: Page, id: string): Promise<void> {
  await page.getByPlaceholder('Enter any login').fill(id);
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
}

async function logIn(page: Page, id: string, path = '/login'): Promise<void> {
  await page.goto(path);
  await page.getByRole('link', { name: 'Log in with Company SSO' }).click();
  await confirm(page, id);
}

const refused = (page: Page) => page.getByRole('alert');
const account = (page: Page, name: string) => page.getByRole('button', { name: `Account of ${name}` });

test('a person of the provider comes in, with the roles of their groups, to the page that they wanted', async ({ page, another }, testInfo) => {
  await page.goto('/audit');
  for (const [name, size] of Object.entries(sizes)) {
    await page.setViewportSize(size);
    await looksRight(page, testInfo, `sso-login-${name}`, true);
  }
  await page.setViewportSize(sizes.desktop);
  await page.getByRole('link', { name: 'Log in with Company SSO' }).click();
  await confirm(page, 'm');
  await expect(page).toHaveURL('/audit');
  await expect(page.getByText('Joined through Company SSO as operator.')).toBeVisible();
  await alive(page);
  await openAccount(page);
  await expect(page.getByText('Role: operator')).toBeVisible();
  await page.goto('/account');
  await expect(page.getByText('You log in through Company SSO.')).toBeVisible();
  await expect(page.getByLabel('Current password')).toHaveCount(0);

  const boss = await another({ storageState: nobody });
  await logIn(boss, 'b', '/login?next=/people');
  const maria = new PersonRow(boss, 'maria');
  await expect(maria.self).toContainText('single sign-on');
  await maria.unfold();
  await expect(maria.self).toContainText('The groups at the single sign-on provider decide the roles');
  await expect(maria.self.getByRole('button', { name: 'Set role' })).toHaveCount(0);
  for (const [name, size] of Object.entries(sizes)) {
    await boss.setViewportSize(size);
    await looksRight(boss, testInfo, `sso-people-${name}`, true);
  }
});

test('people without a group, with the name of somebody else, or disabled stay out, and read why', async ({ page, another, watch }) => {
  watch.allow(/\b401\b/);
  await logIn(page, 's');
  await expect(refused(page)).toContainText('None of your groups may use Backstay.');
  const double = await another({ storageState: nobody });
  await logIn(double, 'a');
  await expect(refused(double)).toContainText('Somebody else has the name admin on this server.');

  const maria = await another({ storageState: nobody });
  await logIn(maria, 'm');
  await expect(account(maria, 'maria')).toBeVisible();
  const local = await another({ storageState: nobody });
  await local.goto('/login?next=/people');
  await local.getByLabel('Name').fill(admin.name);
  await local.getByLabel('Password').fill(admin.password);
  await local.getByRole('button', { name: 'Log in' }).click();
  await new PersonRow(local, 'maria').press('Disable and log out');
  await expect(maria).toHaveURL(/\/login/);
  await maria.getByRole('link', { name: 'Log in with Company SSO' }).click();
  await expect(refused(maria)).toContainText('Your account is disabled.');
});

test('other groups at the provider are other roles here at the next log-in, also with new keys', async ({ page, provider }) => {
  await logIn(page, 'm');
  await expect(account(page, 'maria')).toBeVisible();
  provider.set('m', { name: 'maria', groups: ['lab'] });
  await provider.restart();
  await logIn(page, 'm', '/login?next=/account');
  await expect(page.getByText('operator on tag:lab')).toBeVisible();
  await expect(page.getByText('viewer', { exact: true })).toBeVisible();
});

test('a log-out at the provider ends an open page at once', async ({ page, provider, another, watch }) => {
  watch.allow(/\b401\b/);
  await logIn(page, 'm');
  await alive(page);
  const other = await another({ storageState: nobody });
  await logIn(other, 'l');
  await alive(other);
  const provided = await page.context().newPage();
  await provided.goto(`${provider.url}/session/end`);
  await provided.getByRole('button', { name: 'Yes, sign me out' }).click();
  await expect(page).toHaveURL(/\/login/);
  await expect(account(other, 'lin')).toBeVisible();
});

test('while the provider is away the page says so, and afterwards the log-in works', async ({ page, provider }) => {
  await provider.stop();
  await page.goto('/login');
  await page.getByRole('link', { name: 'Log in with Company SSO' }).click();
  await expect(refused(page)).toContainText('cannot be reached');
  await provider.start();
  await expect(async () => {
    await page.getByRole('link', { name: 'Log in with Company SSO' }).click();
    await expect(page.getByPlaceholder('Enter any login')).toBeVisible({ timeout: 5_000 });
  }).toPass();
  await confirm(page, 'm');
  await expect(account(page, 'maria')).toBeVisible();
});

test('an answer that was forged, denied or used before logs nobody in', async ({ page, provider }) => {
  const words = 'This log-in has expired, or began in another window.';
  await page.goto('/sso/callback?state=forged&code=forged');
  await expect(refused(page)).toContainText(words);
  await expect(page).toHaveURL('/login');

  // The provider's answer, which the browser does not follow yet.
  await page.getByRole('link', { name: 'Log in with Company SSO' }).click();
  await signIn(page, 'm');
  const consent = page.locator('form').filter({ has: page.getByRole('button', { name: 'Continue' }) });
  let answer = await consent.getAttribute('action');
  const led = async (response: Promise<APIResponse>) => new URL((await response).headers().location, provider.url).href;
  answer = await led(page.request.post(answer ?? '', { form: { prompt: 'consent' }, maxRedirects: 0 }));
  answer = await led(page.request.get(answer, { maxRedirects: 0 }));
  expect(answer).toContain('/sso/callback?code=');
  const cookies = await page.context().cookies();

  const forged = new URL(answer);
  forged.searchParams.set('state', 'forged');
  await page.goto(forged.href);
  await expect(refused(page)).toContainText(words);
  await page.context().addCookies(cookies);
  await page.goto(answer);
  await expect(account(page, 'maria')).toBeVisible();
  // The page that is logged in must not ask for anything without its session.
  await page.goto('about:blank');
  await page.context().clearCookies();
  await page.context().addCookies(cookies);
  await page.goto(answer);
  await expect(refused(page), 'the provider takes no code twice').toContainText('is not valid');

  // Who says no at the provider is back, without a word of the provider's.
  await page.goto('/login');
  await page.getByRole('link', { name: 'Log in with Company SSO' }).click();
  await page.getByRole('link', { name: 'Cancel' }).click();
  await expect(refused(page)).toContainText('did not confirm the log-in');
  await expect(page).toHaveURL('/login');
});

test.describe('with a proof now and then', () => {
  test.use({ more: ['--step-up-after', '1'] });

  test('the provider asks again who somebody is', async ({ page }) => {
    await logIn(page, 'b');
    await expect(account(page, 'boss')).toBeVisible();
    const confirmed = async (id: string) => {
      await page.goto('/confirm/%2Fpeople');
      await page.getByRole('link', { name: 'Confirm with Company SSO' }).click();
      await signIn(page, id);
    };
    await confirmed('b');
    await expect(page).toHaveURL('/people');
    await confirmed('m');
    await page.getByRole('button', { name: 'Continue' }).click();
    await expect(refused(page), 'somebody else').toContainText('did not confirm that it is you');
  });
});

test.describe('with passwords for administrators alone', () => {
  test.use({ more: ['--password-log-in', 'administrators'] });

  test('the form is folded, and an administrator gets in loudly', async ({ page, fleet }, testInfo) => {
    await fleet.server.addPerson('otto', 'operator', 'quarry mint banjo eleven');
    await page.goto('/login?next=/audit');
    await expect(page.getByLabel('Password')).toBeHidden();
    for (const [name, size] of Object.entries(sizes)) {
      await page.setViewportSize(size);
      await looksRight(page, testInfo, `sso-login-folded-${name}`, true);
    }
    await page.getByText('Administrators: log in with a password').click();
    const form = async (name: string, password: string) => {
      await page.getByLabel('Name').fill(name);
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Log in' }).click();
    };
    await form(admin.name, admin.password);
    await expect(page).toHaveURL('/audit');
    await expect(page.getByText('Logged in with a password, past single sign-on.')).toBeVisible();
  });
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('a person of the provider comes in', async ({ page }) => {
    await logIn(page, 'm', '/login?next=/audit');
    await expect(page).toHaveURL('/audit');
    await expect(page.getByText('Joined through Company SSO as operator.')).toBeVisible();
  });
});
