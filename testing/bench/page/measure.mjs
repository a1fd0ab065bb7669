/** The measurements of one page. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const inPage = await readFile(join(import.meta.dirname, 'in-page.js'), 'utf8');

/** The networks that first loads are measured over: this machine itself, and a phone's. */
export const networks = {
  local: null,
  phone: { offline: false, latency: 40, downloadThroughput: 10e6 / 8, uploadThroughput: 5e6 / 8 },
};

/** Opens the page with an empty cache. */
async function open(browser, page, network) {
  const context = await browser.newContext({ storageState: page.storage, viewport: { width: 1440, height: 900 } });
  const tab = await context.newPage();
  await tab.addInitScript(`window.benchRow = ${JSON.stringify(page.row)};\n${inPage}`);
  const sent = await countBytes(context, tab, network);
  await tab.goto(page.url, { timeout: 120_000 });
  await tab.waitForFunction(() => bench.row > 0 && bench.hydrated !== null, undefined, { timeout: 120_000 });
  return { context, tab, sent };
}

/** Counts the bytes from the network: heads and bodies, compressed as sent. */
async function countBytes(context, tab, network) {
  const session = await context.newCDPSession(tab);
  await session.send('Network.enable');
  if (network) await session.send('Network.emulateNetworkConditions', network);
  const [kinds, sent] = [new Map(), { html: 0, css: 0, js: 0, wasm: 0, other: 0 }];
  session.on('Network.responseReceived', ({ requestId, response, type }) => {
    const end = new URL(response.url).pathname.match(/\.(css|js|wasm)$/);
    kinds.set(requestId, type === 'Document' ? 'html' : end ? end[1] : 'other');
  });
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    sent[kinds.get(requestId) ?? 'other'] += encodedDataLength;
  });
  return sent;
}

/** A first load: bytes from the network, and the times of painting and hydration. */
export async function firstLoad(browser, page, network) {
  const { context, tab, sent } = await open(browser, page, network);
  const times = await tab.evaluate(() => ({
    answered: performance.getEntriesByType('navigation')[0].responseStart,
    painted: Math.max(bench.row, performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0),
    hydrated: bench.hydrated,
    longest: Math.max(0, ...bench.long.map((task) => task.lasted)),
    shift: bench.shift,
  }));
  await context.close();
  return { ...times, ...Object.fromEntries(Object.entries(sent).map(([kind, bytes]) => [`${kind}Bytes`, bytes])) };
}

/** Long tasks and frames while hosts report changes; on a page without hosts, while nothing happens. */
export async function underEvents(browser, page, rate, seconds) {
  const { context, tab } = await open(browser, page, null);
  if (page.live) await tab.waitForSelector('html[data-live]');
  await tab.evaluate(() => {
    bench.long = [];
    bench.heard = 0;
    window.benchGoesOn = true;
    window.benchResult = benchFrames(() => benchGoesOn);
  });
  const sent = page.live ? await page.events(rate, seconds) : await new Promise((r) => setTimeout(r, seconds * 1e3, 0));
  const found = await tab.evaluate(async () => {
    window.benchGoesOn = false;
    return { frames: await benchResult, long: bench.long, heard: bench.heard };
  });
  await context.close();
  return {
    sent,
    heard: found.heard,
    longTasks: found.long.length,
    longTasksMs: sum(found.long.map((task) => task.lasted)),
    longestMs: Math.max(0, ...found.long.map((task) => task.lasted)),
    ...frameTimes(found.frames),
  };
}

/** Frame times while the page is scrolled from end to end, with or without incoming changes. */
export async function scrolled(browser, page, rate, seconds) {
  const { context, tab } = await open(browser, page, null);
  const events = rate > 0 ? page.events(rate, seconds) : undefined;
  const frames = await tab.evaluate(async (seconds) => {
    const began = performance.now();
    const [root, all] = [document.scrollingElement, document.scrollingElement.scrollHeight];
    return benchFrames(() => {
      const part = (performance.now() - began) / (seconds * 1e3);
      root.scrollTop = all * Math.min(part, 1);
      return part < 1;
    });
  }, seconds);
  await events;
  await context.close();
  return frameTimes(frames);
}

function frameTimes(frames) {
  const sorted = frames.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { frames: sorted.length, frameP50: at(0.5), frameP95: at(0.95), frameMax: at(1) };
}

const sum = (numbers) => numbers.reduce((all, number) => all + number, 0);

/** The median of each figure. */
export function medians(runs) {
  const middle = (name) => runs.map((run) => run[name]).toSorted((a, b) => a - b)[Math.floor(runs.length / 2)];
  return Object.fromEntries(Object.keys(runs[0]).map((name) => [name, middle(name)]));
}
