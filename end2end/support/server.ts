/** A real server on a database of its own. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import * as places from './places';
import { Background, run } from './processes';
import type { Repository } from './repository';

export const admin = { name: 'admin', password: 'correct horse battery staple' };

export class Server {
  readonly #folder: string;
  readonly #options: string[];
  #process?: Background;
  /** Known once it has started; the same after a restart. */
  url = '';

  /** It reads the repository with git, unless options say otherwise. */
  constructor(folder: string, repository: Repository, options?: string[]) {
    this.#folder = folder;
    const byGit = ['--repository', repository.url, '--repository-folder', join(folder, 'head.git')];
    this.#options = options ?? byGit;
  }

  get log(): string {
    return join(this.#folder, 'server.log');
  }

  get database(): string {
    return `sqlite://${join(this.#folder, 'backstay.sqlite3')}`;
  }

  async start(): Promise<void> {
    const listen = this.url === '' ? '127.0.0.1:0' : new URL(this.url).host;
    const words = [
      ...['serve', '--listen', listen, '--database', this.database, '--site-root', places.site],
      ...this.#options,
    ];
    const passwordFile = join(this.#folder, 'admin-password');
    await writeFile(passwordFile, admin.password, { mode: 0o600 });
    const environment = { BACKSTAY_ADMIN_USER: admin.name, BACKSTAY_ADMIN_PASSWORD_FILE: passwordFile };
    this.#process = new Background(places.server, words, environment, this.log);
    const [, url] = await this.#process.said(/listening on (\S+)\n/);
    this.url = url;
  }

  /** Asks it to stop. */
  async stop(): Promise<void> {
    await this.#process?.end('SIGTERM');
  }

  /** Kills it, like a power cut. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL');
  }

  /** Pauses it, with every connection open. */
  suspend(): void {
    this.#process?.signal('SIGSTOP');
  }

  resume(): void {
    this.#process?.signal('SIGCONT');
  }

  /** A token with which one host can join. */
  async joinToken(name: string): Promise<string> {
    return (await run(places.server, ['join-token', '--database', this.database, '--name', name])).trim();
  }

  /** The server's own check of the audit log. */
  async verifyAudit(): Promise<string> {
    return run(places.server, ['verify-audit', '--database', this.database]);
  }

  /** Makes a person. */
  async addPerson(name: string, role: string, password: string): Promise<void> {
    const file = join(this.#folder, `password of ${name}`);
    await writeFile(file, password);
    await run(places.server, ['set-password', '--database', this.database, '--role', role, '--password-file', file, name]);
  }
}
