/** A stand-in for GitHub over a real bare repository, as a program of its own. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from '@playwright/test';

import * as places from './places';
import { Background, run } from './processes';
import type { Repository } from './repository';

/** New contents of files: a text, or the revision of each input of a `flake.lock`; null deletes the file. */
export type Files = Record<string, string | Record<string, string> | null>;

export interface NewPullRequest {
  number?: number;
  title: string;
  branch: string;
  labels?: string[];
  files: Files;
}

/** A commit, as git itself describes it. */
export interface Commit {
  sha: string;
  tree: string;
  parents: string[];
  /** The first line of its message. */
  subject: string;
  /** The rest of it. */
  body: string;
}

/** A request as it arrived. */
export interface Asked {
  method: string;
  /** Within the repository, as `pulls/42/merge`. */
  what: string;
  status: number | null;
}

export class GitHub {
  static readonly token = 'ghp_ThisTokenIsOfNoUseAtGitHubItself0000';
  static readonly repository = 'example/nixcfg';

  readonly #folder: string;
  readonly #process: Background;
  #api = '';
  #control = '';

  private constructor(folder: string) {
    this.#folder = folder;
    const words = ['--repository', this.folder, '--first-pull-request', '42', '--token', GitHub.token];
    this.#process = new Background(places.github, words, {}, this.log);
  }

  /** Starts one whose repository has no commit yet. */
  static async start(folder: string): Promise<GitHub> {
    await mkdir(folder, { recursive: true });
    const github = new GitHub(folder);
    const [, api, control] = await github.#process.said(/listening on (\S+)\ncontrol on (\S+)\n/);
    [github.#api, github.#control] = [api, control];
    await writeFile(github.#tokenFile, GitHub.token, { mode: 0o600 });
    await writeFile(github.#secretFile, secret, { mode: 0o600 });
    return github;
  }

  /** The bare repository, which hosts pull from. */
  get folder(): string {
    return join(this.#folder, 'nixcfg.git');
  }

  get log(): string {
    return join(this.#folder, 'github.log');
  }

  get #tokenFile(): string {
    return join(this.#folder, 'token');
  }

  get #secretFile(): string {
    return join(this.#folder, 'webhook-secret');
  }

  /** The server's options for it. The webhook tells the server most things; it polls the rest within a second. */
  get serverOptions(): string[] {
    return [
      ...['--github-api', this.#api, '--github-repository', GitHub.repository],
      ...['--github-token-file', this.#tokenFile, '--github-webhook-secret-file', this.#secretFile],
      ...['--poll-seconds', '1'],
    ];
  }

  async end(): Promise<void> {
    await this.#process.end('SIGTERM');
  }

  /** Sends its events to a server from now on, or to nobody. */
  async sendEventsTo(server: string | undefined): Promise<void> {
    await this.#tell('webhook', server === undefined ? null : { url: `${server}/webhooks/github`, secret });
  }

  /** Commits to a branch, as somebody who pushes; creates the branch if it does not exist. */
  async commit(message: string, files: Files, branch = 'main'): Promise<string> {
    return (await this.#tell<{ sha: string }>('commit', { branch, author: 'alice', message, files })).sha;
  }

  async openPullRequest(pullRequest: NewPullRequest): Promise<number> {
    return (await this.#tell<{ number: number }>('pull-request', pullRequest)).number;
  }

  /** Closes a pull request without merging it. */
  async close(number: number): Promise<void> {
    const headers = { authorization: `Bearer ${GitHub.token}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ state: 'closed' });
    const answer = await fetch(`${this.#api}/repos/${GitHub.repository}/pulls/${number}`, { method: 'PATCH', headers, body });
    expect(answer.ok, await answer.text()).toBe(true);
  }

  /** Adds a check run to a commit: `success`, `failure`, or null while it runs. */
  async setChecks(commit: string, checks: Record<string, string | null>): Promise<void> {
    const list = Object.entries(checks).map(([name, conclusion]) => ({ name, conclusion }));
    await this.#tell('checks', { commit, checks: list });
  }

  /** Requires a pull request for each change of `main`. */
  async protectMain(): Promise<void> {
    await this.#tell('protect', { branch: 'main', rules: { kind: 'classic' } });
  }

  /** The permission of the server's token. */
  async permit(permission: 'none' | 'read' | 'write'): Promise<void> {
    await this.#tell('permit', { token: GitHub.token, permission });
  }

  async goAway(how: 'refused' | 'bad-gateway' = 'refused'): Promise<void> {
    await this.#tell('away', { how });
  }

  async comeBack(): Promise<void> {
    await this.#tell('back', {});
  }

  /** Stops requests before or after they are carried out; `what` is within the repository, as `pulls/42/merge`. */
  async gate(moment: 'before' | 'after', method: string, what: string): Promise<Gate> {
    const { id } = await this.#tell<{ id: string }>('gates', { moment, method, what });
    return new Gate((how) => this.#tell(`gates/${id}/${how}`, {}));
  }

  /** All requests so far. */
  async requests(): Promise<Asked[]> {
    return (await (await fetch(`${this.#control}/requests`)).json()) as Asked[];
  }

  async #tell<T>(what: string, body: unknown): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${this.#control}/${what}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await answer.text();
    expect(answer.ok, `${what}: ${text}`).toBe(true);
    return JSON.parse(text) as T;
  }

  /** The output of git in the bare repository. */
  async git(...words: string[]): Promise<string> {
    return (await run('git', ['-C', this.folder, ...words])).trim();
  }

  async head(branch = 'main'): Promise<string> {
    return this.git('rev-parse', branch);
  }

  /** The commits of a branch, newest first. */
  async history(branch = 'main'): Promise<Commit[]> {
    const log = await this.git('log', '--topo-order', '--format=%H%x1f%T%x1f%P%x1f%s%x1f%b%x1e', branch);
    return log
      .split('\x1e')
      .filter((entry) => entry.trim() !== '')
      .map((entry) => {
        const [sha, tree, parents, subject, body] = entry.trim().split('\x1f');
        return { sha, tree, parents: parents.split(' ').filter(Boolean), subject, body: (body ?? '').trim() };
      });
  }

  /** The reverts on a branch. */
  async reverts(branch = 'main'): Promise<Commit[]> {
    return (await this.history(branch)).filter(({ subject }) => subject.startsWith('Revert'));
  }

  /** The names of all branches, sorted. */
  async branches(): Promise<string[]> {
    return (await this.git('for-each-ref', '--format=%(refname:short)', 'refs/heads')).split('\n').sort();
  }

  /** The repository's URL for hosts. */
  async asRepository(): Promise<Repository> {
    const commits = (await this.history()).map(({ sha }) => sha).reverse();
    return { url: this.folder, commits };
  }
}

const secret = 'a secret of the webhook';

/** A gate, at which requests wait. */
export class Gate {
  readonly #tell: (how: 'stopped' | 'hang-up' | 'open') => Promise<unknown>;

  constructor(tell: (how: 'stopped' | 'hang-up' | 'open') => Promise<unknown>) {
    this.#tell = tell;
  }

  /** Waits until a request is stopped here. */
  async stops(): Promise<void> {
    await this.#tell('stopped');
  }

  /** Waits for a request, and ends its connection without an answer. */
  async hangUp(): Promise<void> {
    await this.#tell('hang-up');
  }

  /** Removes the gate; the requests that wait there continue. */
  async open(): Promise<void> {
    await this.#tell('open');
  }
}
