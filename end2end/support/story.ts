/** The story of a pull request that breaks two hosts of four. */

import { join } from 'node:path';

import { type APIRequestContext, expect } from '@playwright/test';

import { removeFolder, temporaryFolder } from './fleet';
import type { Fleet } from './fleet';
import { GitHub } from './github';
import { followsMain, nixpkgs } from './plans';
import { test as base } from './test';

/** The number of the pull request. */
export const number = 42;

const homeManager = {
  before: '43c2d6cbed6c3bba1c3f9b3dd3bbb1a50c2cf0f3',
  update: 'e0f91bb7d5c84a2396af10e3c27d5b8416f7a9d2',
};

/** A `flake.lock` with the inputs before the pull request, or with the pull request's. */
export const lock = (which: 'before' | 'update'): Record<string, string> => ({
  nixpkgs: nixpkgs[which],
  'home-manager': homeManager[which],
});

interface Fixtures {
  /** A GitHub with pull request #42, which breaks imac0 and hsb0. */
  github: GitHub;
  /** That fleet, and its history. */
  story: Story;
}

export const test = base.extend<Fixtures>({
  github: async ({}, use) => {
    const folder = await temporaryFolder();
    const github = await GitHub.start(join(folder, 'github'));
    await github.commit('Start the fleet', { 'flake.nix': '{ }\n', 'flake.lock': lock('before') });
    await github.commit('Keep backups for 30 days', { 'backup.nix': '{ days = 30; }\n' });
    await github.openPullRequest({
      title: 'Update flake.lock',
      branch: 'update-flake-lock',
      labels: ['flake-update'],
      files: { 'flake.lock': lock('update') },
    });
    const passed = { 'flake-check': 'success', 'build gpc0': 'success', 'build hsb0': 'success' };
    await github.setChecks(await github.head('update-flake-lock'), passed);
    await use(github);
    await github.end();
    await removeFolder(folder);
  },

  story: async ({ fleet, github }, use) => {
    const client = await fleet.client();
    await use(new Story(fleet, github, client));
    await client.dispose();
  },
});

/** The part of a page's start that a test needs without a page. */
interface Told {
  deployment: { id: string; commit: string; decision: { decision: string } } | null;
  rollout: { id: string; state: { state: string } } | null;
  pull_requests: { open: { number: number; head: string; mergeable: { mergeable: string } }[] };
}

export interface Rollout {
  kind?: 'pull-switch' | 'pull' | 'switch' | 'test';
  parallel?: number;
  stop?: boolean;
}

/** Brings a fleet to some point of the story, without a browser. */
export class Story {
  readonly #fleet: Fleet;
  readonly #github: GitHub;
  readonly #client: APIRequestContext;

  constructor(fleet: Fleet, github: GitHub, client: APIRequestContext) {
    this.#fleet = fleet;
    this.#github = github;
    this.#client = client;
  }

  /** Adds some of the four hosts, or all if none is named. */
  async begin(...names: ('gpc0' | 'imac0' | 'hsb0' | 'csb0')[]): Promise<void> {
    const { repository } = this.#fleet;
    const plans = {
      gpc0: followsMain(repository, 'gpc0'),
      imac0: followsMain(repository, 'imac0', ['x11: cannot open display :0'], 'home-manager'),
      hsb0: followsMain(repository, 'hsb0', ['gpu: no device']),
      csb0: followsMain(repository, 'csb0'),
    };
    const all = names.length > 0 ? names : (['gpc0', 'imac0', 'hsb0', 'csb0'] as const);
    await Promise.all(all.map((name) => this.#fleet.add(plans[name])));
  }

  /** Merges the pull request. */
  async merge(): Promise<void> {
    await expect.poll(async () => (await this.#open())?.mergeable.mergeable, 'it can be merged').toBe('yes');
    const open = await this.#open();
    await this.#do('merge_pull_request', { number: String(number), seen_head: open?.head ?? '', back: '/' });
  }

  async #open(): Promise<Told['pull_requests']['open'][number] | undefined> {
    return (await this.told()).pull_requests.open.find((open) => open.number === number);
  }

  /** Rolls out, and waits until that is over. */
  async rollOut(hosts: string[], { kind = 'pull-switch', parallel = hosts.length, stop = false }: Rollout = {}): Promise<void> {
    const named = Object.fromEntries(hosts.map((host, i) => [`hosts[${i}]`, host]));
    const choices = { kind, parallel: String(parallel), stop_on_failure: String(stop), reason: '', back: '/' };
    const before = (await this.told()).rollout?.id;
    await this.#do('start_rollout', { ...choices, ...named });
    await expect
      .poll(async () => {
        const rollout = (await this.told()).rollout;
        return rollout?.id === before ? 'not begun' : rollout?.state.state;
      }, 'the roll-out is over')
      .toMatch(/^(done|stopped)$/);
  }

  /** Merges, and rolls out to all hosts but csb0: what fails there fails. */
  async fail(...hosts: string[]): Promise<void> {
    await this.merge();
    await this.rollOut(hosts.length > 0 ? hosts : ['gpc0', 'hsb0', 'imac0']);
  }

  /** The state that a page would show now. */
  async told(): Promise<Told> {
    const answer = await this.#client.post('/api/start_page', { headers: { accept: 'application/json' } });
    expect(answer.ok(), await answer.text()).toBe(true);
    return ((await answer.json()) as { snapshot: Told }).snapshot;
  }

  /** The decision about the deployment. */
  async decision(): Promise<string | undefined> {
    return (await this.told()).deployment?.decision.decision;
  }

  /** Expects that `main` has exactly one revert, that it takes back the pull request, and that nothing else is left. */
  async isRevertedOnce(): Promise<void> {
    const [revert, ...others] = await this.#github.reverts();
    expect(revert?.subject).toBe('Revert PR #42 (auto-rollback after failed deployment)');
    expect(others, 'one revert').toEqual([]);
    const merge = (await this.told()).deployment?.commit;
    expect(revert.body).toBe(`This reverts commit ${merge}.`);
    await this.leavesNoScratch();
  }

  /** Expects that no branch was left behind. */
  async leavesNoScratch(): Promise<void> {
    await expect
      .poll(async () => (await this.#github.branches()).filter((branch) => branch.includes('scratch')))
      .toEqual([]);
  }

  async #do(what: string, form: Record<string, string>): Promise<void> {
    const headers = { accept: 'application/json' };
    const answer = await this.#client.post(`/api/${what}`, { form, headers, maxRedirects: 0 });
    expect(answer.status(), await answer.text()).toBeLessThan(400);
  }
}
