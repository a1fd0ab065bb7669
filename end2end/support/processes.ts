/** Programs that tests run. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { promisify } from 'node:util';

const runFile = promisify(execFile);

/** Runs a program to its end and returns its standard output; fails if it fails. */
export async function run(program: string, words: string[], environment: Record<string, string> = {}): Promise<string> {
  const { stdout } = await runFile(program, words, { env: { ...process.env, ...environment } });
  return stdout;
}

/** A program in the background, with all of its output in a file. */
export class Background {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  constructor(program: string, words: string[], environment: Record<string, string>, log: string) {
    this.#child = spawn(program, words, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', (error) => {
        appendFileSync(log, `${program}: ${error.message}\n`);
        resolve();
      });
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (data: Buffer) => appendFileSync(log, data));
    }
  }

  /** The first match in its standard output; fails if the program ends first. */
  async said(pattern: RegExp): Promise<RegExpMatchArray> {
    let text = '';
    const found = new Promise<RegExpMatchArray>((resolve) => {
      this.#child.stdout?.on('data', (data: Buffer) => {
        text += data.toString();
        const match = text.match(pattern);
        if (match) resolve(match);
      });
    });
    const ended = this.#ended.then(() => {
      throw new Error(`it ended before it said ${pattern}: ${text}`);
    });
    return Promise.race([found, ended]);
  }

  /** Sends it a signal, without waiting for the effect. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it, and waits until it is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    // A paused process would not react.
    this.#child.kill('SIGCONT');
    this.#child.kill(signal);
    await this.#ended;
  }
}
