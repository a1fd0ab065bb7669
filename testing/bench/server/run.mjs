/**
 * Measures what the server costs: its memory and writes while hosts do nothing, and its work for a roll-out. Prints tables.
 * `cargo xtask bench server` builds everything and calls it.
 */

import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

import { Program, fleet } from '../page/programs.mjs';

const places = {
  server: process.env.BACKSTAY_SERVER,
  site: process.env.BACKSTAY_SITE,
  crowd: process.env.BACKSTAY_CROWD,
  bareSocket: process.env.BACKSTAY_BARE_SOCKET,
};
const { idle = 1000, rollouts = [100, 300, 1000] } = JSON.parse(process.env.BACKSTAY_BENCH_PLAN ?? '{}');
const MINUTE = 60_000;
/** How long a program may take to give back what it needed for the start, in milliseconds. */
const SETTLED = 5_000;

console.log(await measuredIdle(idle));
console.log(await measuredRollouts(rollouts));

/** A number from one of a process's files in /proc. */
function read(pid, file, pattern) {
  return Number(readFileSync(`/proc/${pid}/${file}`, 'utf8').match(pattern)[1]);
}

/** The memory of a process, in kB. */
const memory = (pid) => read(pid, 'status', /VmRSS:\s+(\d+)/);
/** What a process has had written to the disk, in bytes. */
const written = (pid) => read(pid, 'io', /^write_bytes: (\d+)/m);

/** The processor time of a process, in ms: fields 14 and 15 of its status, in hundredths of a second. */
function worked(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function bare(hosts) {
  const socket = new Program(places.bareSocket, []);
  const [, url] = await socket.said(/listening on (\S+)/);
  const before = memory(socket.pid);
  const crowd = new Program(places.crowd, ['--server', url, '--hosts', String(hosts)]);
  await crowd.said(/^ready$/);
  await pause(SETTLED);
  const after = memory(socket.pid);
  await crowd.end();
  await socket.end();
  return (after - before) / hosts;
}

async function measuredIdle(hosts) {
  progress(`${hosts} idle hosts, at a bare socket`);
  const alone = await bare(hosts);
  progress(`${hosts} idle hosts`);
  let before;
  const server = await fleet(places, hosts, (pid) => (before = memory(pid)));
  await pause(SETTLED);
  const each = (memory(server.pid) - before) / hosts;
  const from = { written: written(server.pid), worked: worked(server.pid), memory: memory(server.pid) };
  await pause(2 * MINUTE);
  const perMinute = (before, after) => (after - before) / 2;
  const bytes = perMinute(from.written, written(server.pid));
  const time = perMinute(from.worked, worked(server.pid));
  const growth = perMinute(from.memory, memory(server.pid));
  await server.end();
  return [
    `| ${hosts} idle hosts | |`,
    '| --- | ---: |',
    `| Memory for each | ${each.toFixed(1)} kB |`,
    `| … at a bare socket | ${alone.toFixed(1)} kB |`,
    `| … ratio | ${(each / alone).toFixed(1)} |`,
    `| Written in a minute | ${(bytes / 1000).toFixed(0)} kB |`,
    `| Processor time in a minute | ${time.toFixed(0)} ms |`,
    `| Memory more after a minute | ${growth.toFixed(0)} kB |`,
    '',
  ].join('\n');
}

async function measuredRollouts(sizes) {
  const lines = ['| Roll-out of Switch | sent to a page, for each host | processor time, for each host |', '| --- | ---: | ---: |'];
  for (const size of sizes) {
    progress(`a roll-out on ${size} hosts`);
    const { bytes, time } = await rolledOut(size);
    lines.push(`| ${size} hosts | ${(bytes / size / 1000).toFixed(1)} kB | ${(time / size).toFixed(1)} ms |`);
  }
  return lines.join('\n');
}

/** Rolls Switch out on all hosts that are connected, with one page open. */
async function rolledOut(size) {
  const server = await fleet(places, size);
  const headers = { cookie: server.storage.cookies.map(({ name, value }) => `${name}=${value}`).join('; ') };
  const call = async (name, fields) => {
    const answer = await fetch(`${server.url}/api/${name}`, { method: 'POST', headers, body: new URLSearchParams(fields) });
    if (!answer.ok) throw new Error(`${name}: ${await answer.text()}`);
    return answer.json();
  };
  const { snapshot } = await call('start_page', []);
  const names = snapshot.hosts.filter((host) => host.online).map((host) => host.name);
  const page = await fetch(`${server.url}/events?after=${snapshot.last_event}`, { headers });
  const before = worked(server.pid);
  const hosts = names.map((name, place) => [`hosts[${place}]`, name]);
  const fields = [['kind', 'switch'], ['parallel', '20'], ['typed', String(names.length)]];
  const heard = untilDone(page.body);
  await call('start_rollout', [...hosts, ...fields]);
  const bytes = await heard;
  const time = worked(server.pid) - before;
  await server.end();
  return { bytes, time };
}

/** Reads events until the roll-out is done, and returns their bytes. */
async function untilDone(body) {
  const decoder = new TextDecoder();
  let [bytes, rest] = [0, ''];
  for await (const chunk of body) {
    bytes += chunk.length;
    const events = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = events.pop();
    for (const event of events) {
      if (!/^event: ?rollout$/m.test(event)) continue;
      const { state } = JSON.parse(event.match(/^data: ?(.*)$/m)[1]).rollout.state;
      if (state === 'done') return bytes;
      if (state !== 'running') throw new Error(`the roll-out is ${state}`);
    }
  }
  throw new Error('the stream ended before the roll-out');
}

function progress(what) {
  console.error(what);
}
