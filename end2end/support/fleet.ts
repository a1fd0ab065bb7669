/** A server with its hosts. */

import { appendFile, chmod, lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type APIRequestContext, expect, request } from '@playwright/test';

import { Host } from './host';
import type { HostPlan } from './plans';
import type { Repository } from './repository';
import { Server, admin } from './server';

export class Fleet {
  readonly server: Server;
  readonly repository: Repository;
  readonly #folder: string;
  readonly #hosts: Host[] = [];

  private constructor(folder: string, repository: Repository, options?: string[]) {
    this.#folder = folder;
    this.repository = repository;
    this.server = new Server(folder, repository, options);
  }

  /** The server reads the repository with git, unless options say otherwise. Without an address, it takes a free port. */
  static async start(repository: Repository, options?: string[], url = ''): Promise<Fleet> {
    const fleet = new Fleet(await temporaryFolder(), repository, options);
    fleet.server.url = url;
    await fleet.server.start();
    return fleet;
  }

  /** A logged-in client, for requests that need no browser. */
  async client(person = admin): Promise<APIRequestContext> {
    // By default it has the cookies of the test's page, and its log-in would replace the session of that page.
    const client = await request.newContext({ baseURL: this.server.url, storageState: { cookies: [], origins: [] } });
    const form = { name: person.name, password: person.password, next: '/' };
    const answer = await client.post('/api/log_in', { form, maxRedirects: 0 });
    expect(answer.status(), await answer.text()).toBeLessThan(400);
    return client;
  }

  /** Requests an op without parameters, without a browser. */
  async ask(host: string, kind: 'pull' | 'switch' | 'test' | 'refresh'): Promise<void> {
    const client = await this.client();
    const answer = await client.post('/api/request_op', { form: { host, kind } });
    expect(answer.ok(), await answer.text()).toBe(true);
    await client.dispose();
  }

  /** Makes a host whose generations have been tested, and waits until the server knows it. */
  async add(plan: HostPlan): Promise<Host> {
    const host = await this.prepare(plan);
    await this.connect(host);
    return host;
  }

  /** Makes a host that the server does not know yet. */
  async prepare(plan: HostPlan): Promise<Host> {
    const host = await Host.make(join(this.#folder, plan.name), plan);
    this.#hosts.push(host);
    await host.configure(this.server.url, await this.server.joinToken(plan.name));
    await host.testEachGeneration();
    return host;
  }

  /** Starts a host's agent, and waits until the server knows its generations. */
  async connect(host: Host): Promise<void> {
    host.startAgent();
    const client = await this.client();
    const dialog = async () => (await client.get(`/hosts/${host.name}/rollback`)).text();
    await expect.poll(dialog, `${host.name} has reported`).toContain('Current Generation:');
    await client.dispose();
  }

  /** A host that was added. */
  host(name: string): Host {
    const found = this.#hosts.find((host) => host.name === name);
    if (!found) throw new Error(`no host ${name} was added`);
    return found;
  }

  /** The logs of the server and the agents. */
  logs(): Map<string, string> {
    const hosts = this.#hosts.map((host) => [`agent of ${host.name}`, host.log] as const);
    return new Map([['server', this.server.log], ...hosts]);
  }

  async end(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.end()));
    await this.server.stop();
    await removeFolder(this.#folder);
  }
}

/** Makes sure that a log can be attached even if nothing was written. */
export async function touch(file: string): Promise<void> {
  await appendFile(file, '');
}

export async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'backstay-'));
}

/** Removes a folder with a Nix store, whose folders are read-only. */
export async function removeFolder(folder: string): Promise<void> {
  await allowWriting(folder);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function allowWriting(folder: string): Promise<void> {
  if (!(await lstat(folder)).isDirectory()) return;
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await allowWriting(join(folder, entry.name));
  }
}
