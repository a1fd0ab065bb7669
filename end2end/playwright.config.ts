import { availableParallelism } from 'node:os';

import { defineConfig } from '@playwright/test';

import { answerForFirefox } from './support/firefox';
import { forDocuments } from './support/pictures';
import { chromium, firefox } from './support/places';

answerForFirefox();

const inFirefox = {
  name: 'firefox',
  testMatch: ['firefox', 'first-time', 'rollback', 'revert-pr'].map((name) => `tests/${name}.spec.ts`),
  use: {
    browserName: 'firefox',
    // The installed one, not a build of Playwright's own.
    channel: 'moz-firefox',
    launchOptions: { executablePath: firefox() },
  },
} as const;

const inChromium = {
  name: 'chromium',
  testIgnore: 'tests/firefox.spec.ts',
  use: {
    browserName: 'chromium',
    launchOptions: {
      executablePath: chromium(),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
} as const;

export default defineConfig({
  testDir: '.',
  // Every run takes the pictures, so that the code that takes them works; it overwrites those in the
  // documents only on request.
  testMatch: forDocuments ? 'pictures/*.spec.ts' : ['tests/*.spec.ts', 'pictures/*.spec.ts'],
  outputDir: 'test-results',
  snapshotPathTemplate: '{testDir}/structure/{arg}{ext}',
  // Each test has a server, hosts and a browser context of its own.
  fullyParallel: true,
  // One for each core: a browser's own processes, the server and the hosts take turns with the test.
  workers: availableParallelism(),
  retries: 0,
  forbidOnly: true,
  // Generous, because a busy machine is not the page's fault; no test waits longer than it must. Hydration
  // takes a second of CPU time, which on a busy machine can take more than twenty.
  timeout: 180_000,
  expect: { timeout: 60_000 },
  reporter: 'list',
  projects: firefox() && !forDocuments ? [inChromium, inFirefox] : [inChromium],
  use: {
    headless: true,
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    timezoneId: 'Europe/Vienna',
    actionTimeout: 60_000,
    // Tests of the worker override this; elsewhere it would only answer if there is no server.
    serviceWorkers: 'block',
    // Steps, requests and the console of a test that fails. Pictures of each step cost three tenths of the
    // processor time of all tests: `--trace on` takes them.
    trace: { mode: 'retain-on-failure', screenshots: false, snapshots: false },
    screenshot: 'only-on-failure',
  },
});
