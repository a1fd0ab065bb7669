import { defineConfig } from '@playwright/test';

import { forDocuments } from './support/pictures';
import { chromium } from './support/places';

export default defineConfig({
  testDir: '.',
  // Pictures are taken in each run, so that what takes them works; the documents' own are written when somebody asks.
  testMatch: forDocuments ? 'pictures/*.spec.ts' : ['tests/*.spec.ts', 'pictures/*.spec.ts'],
  outputDir: 'test-results',
  snapshotPathTemplate: '{testDir}/structure/{arg}{ext}',
  // Each test has a server, hosts and a browser context of its own.
  fullyParallel: true,
  workers: 2,
  retries: 0,
  forbidOnly: true,
  // Generous, because a busy machine is no fault of the page; nothing waits longer than it must. A page has a second of a
  // processor's work to do before it is alive, which beside other work can take more than twenty.
  timeout: 180_000,
  expect: { timeout: 60_000 },
  reporter: 'list',
  use: {
    browserName: 'chromium',
    headless: true,
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    timezoneId: 'Europe/Vienna',
    actionTimeout: 60_000,
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
