/** A host in a folder: a real Nix store and profile, and the real agent. */

import { existsSync } from 'node:fs';
import { mkdir, readFile, readlink, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { configuration } from './agent';
import * as places from './places';
import type { HostPlan } from './plans';
import { Background, run } from './processes';

/** The description that `xtask host` prints of a host. */
export interface Description {
  name: string;
  platform: HostPlan['platform'];
  folder: string;
  environment: Record<string, string>;
  profile: string;
  running: string;
  booted: string;
  checkout: string;
  tests: string;
  activations: string;
}

/** One line of the host's log of activations. */
export interface Activation {
  verb: string;
  build: string;
}

export class Host {
  readonly #at: Description;
  readonly #plan: HostPlan;
  #agent?: Background;

  private constructor(at: Description, plan: HostPlan) {
    this.#at = at;
    this.#plan = plan;
  }

  /** Makes a host that no server knows yet. */
  static async make(folder: string, plan: HostPlan): Promise<Host> {
    await mkdir(folder, { recursive: true });
    const file = join(folder, 'plan.json');
    await writeFile(file, JSON.stringify(plan));
    const description = await run(places.xtask, ['host', file, '--into', join(folder, 'host')]);
    return new Host(JSON.parse(description) as Description, plan);
  }

  get name(): string {
    return this.#at.name;
  }

  get log(): string {
    return join(this.#at.folder, '..', 'agent.log');
  }

  get #configuration(): string {
    return join(this.#at.folder, '..', 'agent.toml');
  }

  /** Configures its agent: the server, and the join token. */
  async configure(server: string, joinToken: string): Promise<void> {
    const folder = join(this.#at.folder, '..');
    const places = { server, joinToken: join(folder, 'join-token'), state: join(folder, 'state') };
    await writeFile(places.joinToken, joinToken, { mode: 0o600 });
    await writeFile(this.#configuration, configuration(this.#at, places));
  }

  /** Runs its tests on each generation that exists, the current one last, dated to when the generation was new. */
  async testEachGeneration(): Promise<void> {
    const now = await realpath(this.#at.running);
    const present = this.#plan.generations.flatMap((g, i) => (g.collected ? [] : [this.#plan.first + i]));
    for (const number of present) {
      const build = await this.build(number);
      if (build === now) continue;
      await this.#point(build);
      await this.#runTests();
    }
    await this.#point(now);
    await this.#runTests();
  }

  async #runTests(): Promise<void> {
    // Its exit status says whether the tests passed, and some should not.
    await run(places.agent, ['test', '--config', this.#configuration], this.#at.environment).catch(() => undefined);
  }

  async #point(build: string): Promise<void> {
    await rm(this.#at.running, { force: true });
    await symlink(build, this.#at.running);
  }

  startAgent(): void {
    this.#agent = new Background(places.agent, ['run', '--config', this.#configuration], this.#at.environment, this.log);
  }

  async stopAgent(): Promise<void> {
    await this.#agent?.end('SIGTERM');
  }

  async killAgent(): Promise<void> {
    await this.#agent?.end('SIGKILL');
  }

  /** Pauses its agent, with the connection open. */
  suspendAgent(): void {
    this.#agent?.signal('SIGSTOP');
  }

  resumeAgent(): void {
    this.#agent?.signal('SIGCONT');
  }

  /** The generations that Nix itself lists. */
  async listGenerations(): Promise<string> {
    return run('nix-env', ['--profile', this.#at.profile, '--list-generations'], this.#at.environment);
  }

  /** The current generation, as Nix itself says. */
  async current(): Promise<number> {
    const match = (await this.listGenerations()).match(/^\s*(\d+) .*\(current\)/m);
    return Number(match?.[1]);
  }

  /** Activates a specialisation of a generation by hand, as `nixos-rebuild test --specialisation` does. */
  async specialise(number: number, name: string): Promise<void> {
    const program = join(await this.build(number, name), 'bin', 'switch-to-configuration');
    await run(program, ['test'], this.#at.environment);
  }

  /** Points the profile elsewhere behind Backstay's back. */
  async switchProfile(number: number): Promise<void> {
    const words = ['--profile', this.#at.profile, '--switch-generation', String(number)];
    await run('nix-env', words, this.#at.environment);
  }

  /** The link of a generation, which carries its date. */
  link(number: number): string {
    return `${this.#at.profile}-${number}-link`;
  }

  /** The store path of a generation, or of one of its specialisations. */
  async build(number: number, specialisation?: string): Promise<string> {
    const generation = await readlink(this.link(number));
    return specialisation === undefined ? generation : readlink(join(generation, 'specialisation', specialisation));
  }

  /** The running store path. */
  async running(): Promise<string> {
    return readlink(this.#at.running);
  }

  /** Every activation since the host was made. */
  async activations(): Promise<Activation[]> {
    const log = existsSync(this.#at.activations) ? await readFile(this.#at.activations, 'utf8') : '';
    return log.split('\n').flatMap((line) => {
      const [, verb, build] = line.split(' ');
      return build ? [{ verb, build }] : [];
    });
  }

  /** Pauses the next activations midway. */
  async hold(): Promise<void> {
    await writeFile(join(this.#at.folder, 'hold'), '');
  }

  /** Whether an activation is paused. */
  holding(): boolean {
    return existsSync(join(this.#at.folder, 'holding'));
  }

  async letGo(): Promise<void> {
    await rm(join(this.#at.folder, 'hold'), { force: true });
  }

  /** Pauses the next test run in its first test. */
  async holdTests(): Promise<void> {
    const [name] = this.#plan.tests ?? [];
    const file = join(this.#at.tests, name);
    const script = await readFile(file, 'utf8');
    const hold = join(this.#at.folder, 'hold-tests');
    await writeFile(hold, '');
    await writeFile(file, script.replace('\n', `\nwhile [ -e '${hold}' ]; do sleep 0.05; done\n`));
  }

  /** Replaces its first test with a shell script. `hold` pauses until {@link letTestsGo}. */
  async rewriteFirstTest(...lines: string[]): Promise<void> {
    const [name] = this.#plan.tests ?? [];
    const file = join(this.#at.tests, name);
    const [shell] = (await readFile(file, 'utf8')).split('\n');
    const until = join(this.#at.folder, 'hold-tests');
    await writeFile(until, '');
    const hold = `hold() { while [ -e '${until}' ]; do sleep 0.05; done; }`;
    await writeFile(file, `${[shell, hold, ...lines].join('\n')}\n`);
  }

  async letTestsGo(): Promise<void> {
    await rm(join(this.#at.folder, 'hold-tests'), { force: true });
  }

  /** Ends everything that runs on it. */
  async end(): Promise<void> {
    await this.letGo();
    await this.letTestsGo();
    await this.stopAgent();
  }
}
