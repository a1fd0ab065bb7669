/** The configuration repository that hosts are built from. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { run } from './processes';

export interface Repository {
  url: string;
  /** Oldest first; the last one is the head of `main`. */
  commits: string[];
}

const nobodysSettings = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'Fleet',
  GIT_AUTHOR_EMAIL: 'fleet@example.org',
  GIT_COMMITTER_NAME: 'Fleet',
  GIT_COMMITTER_EMAIL: 'fleet@example.org',
};

/** Makes a repository with a few commits, each with another revision of nixpkgs. */
export async function makeRepository(folder: string, commits: number): Promise<Repository> {
  await mkdir(folder, { recursive: true });
  const git = (...words: string[]) => run('git', ['-C', folder, ...words], nobodysSettings);
  await git('init', '--quiet', '--initial-branch=main');
  const made: string[] = [];
  for (let i = 0; i < commits; i += 1) {
    await writeFile(join(folder, 'flake.nix'), `{ outputs = _: { }; } # ${i}\n`);
    await writeFile(join(folder, 'flake.lock'), `{ "nodes": { }, "root": "${i}", "version": 7 }\n`);
    await git('add', '--all');
    await git('commit', '--quiet', '--message', `Update flake.lock, ${i}`);
    made.push((await git('rev-parse', 'HEAD')).trim());
  }
  return { url: folder, commits: made };
}
