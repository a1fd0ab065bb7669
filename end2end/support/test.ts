/** `test` with a fleet of its own for each test, and browsers that fail it if something goes wrong in them. */

import { readFile } from 'node:fs/promises';

import { type BrowserContextOptions, type Page, expect, test as base } from '@playwright/test';

import { Fleet, removeFolder, temporaryFolder, touch } from './fleet';
import type { Host } from './host';
import type { GitHub } from './github';
import * as plans from './plans';
import { type Repository, makeRepository } from './repository';
import { Watch } from './watch';

export { expect };

interface Fixtures {
  /** The server's GitHub; none, unless a test brings one (see `story.ts`). */
  github: GitHub | undefined;
  /** A server without hosts, for this test alone. */
  fleet: Fleet;
  /** The host of {@link plans.gpc0} in that fleet, connected. */
  gpc0: Host;
  /** The errors in this test's browsers. */
  watch: Watch;
  /** Opens another browser, with a person logged in. */
  another: (options?: BrowserContextOptions) => Promise<Page>;
}

interface WorkerFixtures {
  repository: Repository;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  repository: [
    async ({}, use) => {
      const folder = await temporaryFolder();
      await use(await makeRepository(folder, 6));
      await removeFolder(folder);
    },
    { scope: 'worker' },
  ],

  github: async ({}, use) => {
    await use(undefined);
  },

  fleet: async ({ repository, github }, use, testInfo) => {
    const fleet = await Fleet.start(github ? await github.asRepository() : repository, github?.serverOptions);
    await github?.sendEventsTo(fleet.server.url);
    await use(fleet);
    const panicked = await panics(fleet.logs());
    if (testInfo.status !== testInfo.expectedStatus || panicked.length > 0) {
      const logs = github ? fleet.logs().set('github', github.log) : fleet.logs();
      for (const [name, path] of logs) {
        await touch(path);
        await testInfo.attach(name, { path, contentType: 'text/plain' });
      }
    }
    await fleet.end();
    expect(panicked, 'where the server and the agents panicked').toEqual([]);
  },

  gpc0: async ({ fleet }, use) => {
    await use(await fleet.add(plans.gpc0(fleet.repository)));
  },

  baseURL: async ({ fleet }, use) => {
    await use(fleet.server.url);
  },

  // Every browser starts logged in; tests of the log-in override this.
  storageState: async ({ fleet }, use) => {
    const client = await fleet.client();
    await use(await client.storageState());
    await client.dispose();
  },

  watch: async ({}, use) => {
    await use(new Watch());
  },

  context: async ({ context, watch, javaScriptEnabled }, use) => {
    watch.over(context, javaScriptEnabled === false);
    await use(context);
    watch.check();
  },

  another: async ({ browser, watch }, use) => {
    const contexts: Awaited<ReturnType<typeof browser.newContext>>[] = [];
    await use(async (options) => {
      const context = await browser.newContext(options);
      contexts.push(context);
      watch.over(context);
      return context.newPage();
    });
    watch.check();
    await Promise.all(contexts.map((context) => context.close()));
  },
});

/** The log lines that report a panic, each with the next one: the reason. */
async function panics(logs: Map<string, string>): Promise<string[]> {
  const found = [...logs].map(async ([name, path]) => {
    await touch(path);
    const lines = (await readFile(path, 'utf8')).split('\n');
    return lines.flatMap((line, at) => (line.includes('panicked at') ? [`${name}: ${line} ${lines[at + 1]}`] : []));
  });
  return (await Promise.all(found)).flat();
}

/** A browser in which nobody is logged in. */
export const nobody = { cookies: [], origins: [] };

/** Waits until a page is hydrated and hears events. */
export async function alive(page: Page): Promise<void> {
  const root = page.locator('html');
  await expect(root).toHaveAttribute('data-hydrated', 'true');
  await expect(root).toHaveAttribute('data-live', 'true');
}

/** Opens an address and waits until the page is hydrated. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await alive(page);
}
