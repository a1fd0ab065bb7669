import { defineConfig } from '@playwright/test';

import { chromium } from './support/places';

/** Pictures for the documentation are made only when somebody asks for them, so that test runs change no file. */
const pictures = process.env.BACKSTAY_DOCS_SCREENSHOTS !== undefined;

export default defineConfig({
  testDir: '.',
  testMatch: pictures ? 'pictures/*.spec.ts' : 'tests/*.spec.ts',
  outputDir: 'test-results',
  // Each test has a server, hosts and a browser context of its own.
  fullyParallel: true,
  workers: 2,
  retries: 0,
  forbidOnly: true,
  timeout: 60_000,
  // Generous, because a busy machine is no fault of the page; nothing waits longer than it must.
  expect: { timeout: 20_000 },
  reporter: 'list',
  use: {
    browserName: 'chromium',
    headless: true,
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    timezoneId: 'Europe/Vienna',
    actionTimeout: 15_000,
    // Tests of the worker say otherwise; elsewhere it would only answer where there is no server.
    serviceWorkers: 'block',
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
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
});
