/**
 * The pictures of the documents. Every run of the tests takes them and keeps them in `target/looks`; on
 * request it also writes those that a document shows.
 */

import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import type { Locator, Page } from '@playwright/test';

import * as places from './places';

/** Whether to write the documents' own pictures. */
export const forDocuments = process.env.BACKSTAY_DOCS_SCREENSHOTS !== undefined;

const root = resolve(__dirname, '../..');

/** The names of the pictures in documents. */
export function shownInDocuments(): Set<string> {
  const documents = ['README.md', ...readdirSync(join(root, 'docs'), { encoding: 'utf8', recursive: true }).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
  const pictures = /\((?:docs\/|\.\.\/)?images\/([\w-]+)\.png\)|src="(?:docs\/|\.\.\/)?images\/([\w-]+)\.png"/g;
  return new Set(documents.flatMap((name) => [...readFileSync(join(root, name), 'utf8').matchAll(pictures)].map(([, one, other]) => one ?? other)));
}

/** Takes a picture of a page, or of a part of it. */
export async function picture(of: Page | Locator, name: string): Promise<void> {
  const isShown = forDocuments && shownInDocuments().has(name);
  const folder = isShown ? places.images : places.looks;
  mkdirSync(folder, { recursive: true });
  await of.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' });
}
