/**
 * Measures Backstay's page and an empty one, and prints the figures as JSON. `cargo xtask bench` builds
 * everything and calls it.
 */

import { chromium } from 'playwright-core';

import { firstLoad, medians, networks, scrolled, underEvents } from './measure.mjs';
import { emptyPage, fleet } from './programs.mjs';

const needed = (name) => process.env[name] ?? fail(`${name} is not set; run \`cargo xtask bench\``);
const places = {
  server: needed('BACKSTAY_SERVER'),
  site: needed('BACKSTAY_SITE'),
  crowd: needed('BACKSTAY_CROWD'),
  emptyPage: needed('BACKSTAY_EMPTY_PAGE'),
  emptySite: needed('BACKSTAY_EMPTY_SITE'),
};
const plan = JSON.parse(process.env.BACKSTAY_BENCH_PLAN ?? '{}');
const { loads = 5, rate = 200, seconds = 20, fleets = [1000, 5000] } = plan;

const browser = await chromium.launch({
  executablePath: needed('BACKSTAY_CHROMIUM'),
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});

const results = { plan: { loads, rate, seconds }, pages: {} };
await measured('empty', await emptyPage(places));
for (const hosts of fleets) await measured(`${hosts} hosts`, await fleet(places, hosts));
await browser.close();
console.log(JSON.stringify(results, null, 2));

async function measured(name, page) {
  const figures = (results.pages[name] = {});
  try {
    for (const [network, conditions] of Object.entries(networks)) {
      progress(name, `first load, ${network}`);
      const runs = [];
      for (let load = 0; load < loads; load += 1) runs.push(await firstLoad(browser, page, conditions));
      figures[network] = medians(runs);
    }
    progress(name, 'changes');
    figures.events = await underEvents(browser, page, rate, seconds);
    if (page.live) {
      progress(name, 'scrolling');
      figures.scrolled = await scrolled(browser, page, 0, 5);
      figures.scrolledLive = await scrolled(browser, page, rate, 5);
    }
  } finally {
    await page.end();
  }
}

function progress(name, what) {
  console.error(`${name}: ${what}`);
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
