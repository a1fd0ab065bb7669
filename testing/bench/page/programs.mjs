/** The measured programs: real ones, started again for each run. */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { request } from 'playwright-core';

const person = { name: 'admin', password: 'correct horse battery staple' };

/** A program, and its output line by line. */
export class Program {
  #child;
  #lines = [];
  #wake = () => {};

  constructor(path, words, environment = {}) {
    this.#child = spawn(path, words, { env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'ignore'] });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    this.ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.ended.then((code) => {
      this.code = code ?? -1;
      this.#wake();
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** Returns the first match in a line that was not read yet. */
  async said(pattern) {
    for (;;) {
      while (this.#lines.length > 0) {
        const match = this.#lines.shift().match(pattern);
        if (match) return match;
      }
      if (this.code !== undefined) throw new Error(`a program ended with ${this.code} before it said ${pattern}`);
      await new Promise((resolve) => (this.#wake = resolve));
    }
  }

  tell(line) {
    this.#child.stdin.write(`${line}\n`);
  }

  async end() {
    this.#child.stdin.end();
    this.#child.kill('SIGTERM');
    await this.ended;
  }
}

/** The server of an empty page. */
export async function emptyPage(places) {
  const server = new Program(places.emptyPage, [places.emptySite]);
  const [, url] = await server.said(/listening on (\S+)/);
  return { url, storage: undefined, row: '#first', live: false, end: () => server.end() };
}

/** A server with this number of hosts connected. `started` is called with the server's process number before they connect. */
export async function fleet(places, hosts, started = () => {}) {
  const folder = await mkdtemp(join(tmpdir(), 'backstay-bench-'));
  const database = `sqlite://${join(folder, 'backstay.sqlite3')}`;
  const passwordFile = join(folder, 'admin-password');
  await writeFile(passwordFile, person.password, { mode: 0o600 });
  const words = ['serve', '--listen', '127.0.0.1:0', '--database', database, '--site-root', places.site];
  const server = new Program(places.server, words, {
    BACKSTAY_ADMIN_USER: person.name,
    BACKSTAY_ADMIN_PASSWORD_FILE: passwordFile,
    RUST_LOG: 'warn',
  });
  const [, url] = await server.said(/listening on (\S+)/);
  started(server.pid);
  const crowd = new Program(places.crowd, ['--server', url, '--database', database, '--hosts', String(hosts)]);
  await crowd.said(/^ready$/);
  return {
    url,
    storage: await logIn(url),
    row: 'tr.host',
    live: true,
    pid: server.pid,
    hosts,
    /** Has the hosts report changes, and returns their number. */
    async events(rate, seconds) {
      crowd.tell(`events ${rate} ${seconds}`);
      return Number((await crowd.said(/^events (\d+)$/))[1]);
    },
    async end() {
      await crowd.end();
      await server.end();
      await rm(folder, { recursive: true });
    },
  };
}

async function logIn(url) {
  const client = await request.newContext({ baseURL: url });
  const answer = await client.post('/api/log_in', { form: { ...person, next: '/' }, maxRedirects: 0 });
  if (answer.status() >= 400) throw new Error(`nobody can log in: ${await answer.text()}`);
  const storage = await client.storageState();
  await client.dispose();
  return storage;
}
