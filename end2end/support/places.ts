/** Paths of everything that tests start. `cargo xtask test` passes them; without it, the last build counts. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

const root = resolve(__dirname, '../..');
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');

const said = (name: string, otherwise: string): string => process.env[name] ?? otherwise;

export const server = said('BACKSTAY_SERVER', join(target, 'debug/backstay-server'));
export const agent = said('BACKSTAY_AGENT', join(target, 'debug/backstay-agent'));
export const site = said('BACKSTAY_SITE', join(target, 'site'));
export const github = said('BACKSTAY_GITHUB_STAND_IN', join(target, 'debug/backstay-github-stand-in'));
export const crowd = said('BACKSTAY_CROWD', join(target, 'debug/backstay-crowd'));
export const xtask = said('BACKSTAY_XTASK', join(target, 'debug/xtask'));
export const images = join(root, 'docs/images');
export const looks = join(target, 'looks');

export function chromium(): string {
  return process.env.BACKSTAY_CHROMIUM ?? onPath('chromium') ?? onPath('chromium-browser') ?? 'chromium';
}

/** Debian's Firefox, or none. */
export function firefox(): string | undefined {
  return process.env.BACKSTAY_FIREFOX ?? onPath('firefox-esr');
}

function onPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
