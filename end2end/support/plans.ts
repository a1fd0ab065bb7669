/** The hosts of the tests; see `HostPlan` in `testing/nix-host/src/plan.rs`. */

import type { Repository } from './repository';

export interface BuildPlan {
  label: string;
  commit?: string;
  kernel?: string;
  /** Units of systemd, with the contents of their files. */
  units?: Record<string, string>;
  failing_tests?: string[];
  activation?: { exit?: number; failed_units?: string[]; pace?: number };
  /** The names of its specialisations, which are like it. */
  specialisations?: string[];
}

export interface GenerationPlan extends BuildPlan {
  age_minutes?: number;
  collected?: boolean;
}

export interface HostPlan {
  name: string;
  platform: 'nixos' | 'home-manager';
  first: number;
  generations: GenerationPlan[];
  running?: number;
  booted?: number;
  ready?: BuildPlan[];
  /** Its build of any other commit, by the revision of nixpkgs that `flake.lock` locks. */
  pins?: Record<string, BuildPlan>;
  tests?: string[];
  checkout?: { upstream: string; commit: string };
}

export const day = 24 * 60;

const tests = ['10-network', '20-dns', '30-disk', '40-gpu', '50-x11', '60-audio', '70-login', '80-backup'];

const kernels = { old: '6.12.8', new: '6.18.17' };

/**
 * A machine whose last switch succeeded and left it broken: System green, Tests red.
 *
 * | Gen | made | tests | |
 * | --- | --- | --- | --- |
 * | 48 | 2 h ago | 3/8 | current, running |
 * | 47 | 1 day ago | 8/8 | last known working |
 * | 46 | 2 days ago | 8/8 | |
 * | 45 | 33 days ago | | garbage-collected |
 * | 44 | 40 days ago | 8/8 | another kernel |
 */
export function gpc0({ url, commits }: Repository): HostPlan {
  const [c44, c45, c46, c47, c48] = commits.slice(-5);
  const label = (commit: string) => `25.11.${commit.slice(0, 7)}`;
  return {
    name: 'gpc0',
    platform: 'nixos',
    first: 44,
    generations: [
      { label: label(c44), commit: c44, kernel: kernels.old, age_minutes: 40 * day },
      { label: label(c45), commit: c45, kernel: kernels.new, age_minutes: 33 * day, collected: true },
      { label: label(c46), commit: c46, kernel: kernels.new, age_minutes: 2 * day },
      { label: label(c47), commit: c47, kernel: kernels.new, age_minutes: day },
      { label: label(c48), commit: c48, kernel: kernels.new, age_minutes: 120, failing_tests: tests.slice(3) },
    ],
    tests,
    checkout: { upstream: url, commit: c48 },
  };
}

/** The same machine, whose generations 47 and 48 have a specialisation. */
export function withSpecialisation(plan: HostPlan, name: string): HostPlan {
  const generations = plan.generations.map((g, i) => (plan.first + i >= 47 ? { ...g, specialisations: [name] } : g));
  return { ...plan, generations };
}

/** The same machine, whose Gen 46 can no longer be activated properly. */
export function withFailingActivation(plan: HostPlan, activation: BuildPlan['activation']): HostPlan {
  const generations = plan.generations.map((g, i) => (plan.first + i === 46 ? { ...g, activation } : g));
  return { ...plan, generations };
}

/** A user's home: Gen 12 is current and broken, Gen 11 is the last known working one. */
export function imac0({ url, commits }: Repository): HostPlan {
  return {
    name: 'imac0',
    platform: 'home-manager',
    first: 10,
    generations: [
      { label: '25.05', age_minutes: 9 * day },
      { label: '25.11', age_minutes: 3 * day },
      { label: '26.05-pre', age_minutes: 60, failing_tests: ['20-editor'] },
    ],
    tests: ['10-shell', '20-editor', '30-mail'],
    checkout: { upstream: url, commit: commits[commits.length - 1] },
  };
}

/** A healthy machine; built from the head of `main`, or from another commit. */
export function fine({ url, commits }: Repository, name: string, first: number, commit = commits[commits.length - 1]): HostPlan {
  const label = `25.11.${commit.slice(0, 7)}`;
  return {
    name,
    platform: 'nixos',
    first,
    generations: [
      { label: `25.11.${commits[0].slice(0, 7)}`, commit: commits[0], kernel: kernels.new, age_minutes: 5 * day },
      { label, commit, kernel: kernels.new, age_minutes: day },
    ],
    tests: tests.slice(0, 3),
    checkout: { upstream: url, commit },
  };
}

/** The revisions of nixpkgs that the pull request of these hosts changes. */
export const nixpkgs = {
  before: '5ae3b07d8d6527c42f17c876e404993199144b6a',
  update: '8f1c2d3b9a7e46f0c5d41a6be2907f3358cd6a14',
};

/**
 * A host that builds its checkout, and whose tests all pass on its running generation: Gen 7, built from the
 * head of `main`. Built from the pull request, these tests fail.
 */
export function followsMain(
  { url, commits }: Repository,
  name: string,
  broken: string[] = [],
  platform: HostPlan['platform'] = 'nixos',
): HostPlan {
  const [before, head] = commits.slice(-2);
  const build = (revision: string, failing_tests: string[] = []): BuildPlan => ({
    label: `25.11.${revision.slice(0, 7)}`,
    kernel: kernels.new,
    failing_tests,
  });
  const built = build(nixpkgs.before);
  return {
    name,
    platform,
    first: 6,
    generations: [
      { ...built, commit: before, age_minutes: 5 * day },
      { ...built, commit: head, age_minutes: day },
    ],
    pins: { [nixpkgs.before]: built, [nixpkgs.update]: build(nixpkgs.update, broken) },
    tests: ['network', 'gpu', 'x11'],
    checkout: { upstream: url, commit: head },
  };
}
