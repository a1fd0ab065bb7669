/** No page is forgotten by those who look at all of them. No browser is needed for it. */

import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { expect, test } from '@playwright/test';

import { images } from '../support/places';
import { ofFleet, ofStory, outside } from '../support/views';

const root = resolve(__dirname, '../..');

test('every address of the app is among what is looked at, and nothing else is', () => {
  const app = readFileSync(join(root, 'app/src/app.rs'), 'utf8');
  const addresses = [...app.matchAll(/<(?:Route|ProtectedRoute)\s+path=path!\("([^"]+)"\)/g)].map(([, path]) => path);
  expect(addresses.length).toBeGreaterThan(12);
  const looked = [ofFleet, ofStory, outside].flatMap((views) => Object.values(views as Record<string, { route: string }>)).map(({ route }) => route);
  expect([...new Set(looked)].sort()).toEqual([...new Set(addresses)].sort());
});

test('every picture of the documents is there, made by the suite, and shown', () => {
  const shown = ['README.md', ...readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)]
    .flatMap((name) => [...readFileSync(join(root, name), 'utf8').matchAll(/\]\((?:docs\/)?images\/([\w-]+)\.png\)/g)].map(([, picture]) => picture));
  const there = readdirSync(images).filter((name) => name.endsWith('.png')).map((name) => name.replace(/\.png$/, ''));
  const made = readdirSync(join(root, 'end2end/pictures')).filter((name) => name.endsWith('.spec.ts'))
    .flatMap((name) => [...readFileSync(join(root, 'end2end/pictures', name), 'utf8').matchAll(/picture\(page, [`']([\w$-]+(?:\{colorScheme\})?)[`']/g)])
    .flatMap(([, name]) => (name.includes('${') ? ['light', 'dark'].map((theme) => name.replace('${colorScheme}', theme)) : [name]));
  expect([...new Set(shown)].filter((name) => !there.includes(name)), 'shown, but not there').toEqual([]);
  expect(there.filter((name) => !made.includes(name)), 'there, but made by no test').toEqual([]);
  expect(there.filter((name) => !shown.includes(name)), 'there, but shown nowhere').toEqual([]);
});
