/** A server with many made-up hosts: see `testing/bench/crowd`. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import * as places from './places';
import type { Server } from './server';

export class Crowd {
  readonly #child: ChildProcess;
  readonly #said: string[] = [];
  #wake = (): void => {};

  private constructor(server: Server, hosts: number) {
    const words = ['--server', server.url, '--database', server.database, '--hosts', String(hosts)];
    this.#child = spawn(places.crowd, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#child.stdout) {
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        this.#said.push(line);
        this.#wake();
      });
    }
    this.#child.once('exit', () => this.#wake());
  }

  /** Lets this many hosts join, and waits until all have. */
  static async join(server: Server, hosts: number): Promise<Crowd> {
    const crowd = new Crowd(server, hosts);
    await crowd.#says('ready');
    return crowd;
  }

  /** Has one host's tests fail, or pass again. */
  async change(name: string): Promise<void> {
    this.#child.stdin?.write(`change ${name}\n`);
    await this.#says(`change ${name}`);
  }

  /** Ends all hosts. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill();
    await ended;
  }

  async #says(wanted: string): Promise<void> {
    for (;;) {
      const at = this.#said.indexOf(wanted);
      if (at >= 0) {
        this.#said.splice(0, at + 1);
        return;
      }
      if (this.#child.exitCode !== null) throw new Error(`the crowd ended before it said ${wanted}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
