/** The suite looks at every page. Needs no browser. */

import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { expect, test } from '@playwright/test';

import { shownInDocuments } from '../support/pictures';
import { images } from '../support/places';
import { ofFleet, ofStory, outside } from '../support/views';

const root = resolve(__dirname, '../..');

test('the views are exactly the addresses of the app and of the server’s own pages', () => {
  const app = readFileSync(join(root, 'app/src/app.rs'), 'utf8');
  // A route inside another one continues its path.
  const around: string[] = [];
  const addresses: string[] = [];
  for (const [tag, kind, path] of app.matchAll(/<(\/?ParentRoute|Route)\b(?:\s+path=path!\("([^"]*)"\))?/g)) {
    if (kind === '/ParentRoute') around.pop();
    else if (kind === 'ParentRoute') around.push(path);
    else if (path !== undefined) addresses.push(around.join('') + path);
    else throw new Error(`${tag} has no path`);
  }
  // Pages that the server writes beside the app.
  const server = readFileSync(join(root, 'server/src/routes/mod.rs'), 'utf8');
  const pages = [...server.matchAll(/let (\w+) = get\(\w+::page\)/g)].map(([, page]) => page);
  const routes = [...server.matchAll(/\("([^"]+)", Access::\w+, (\w+)\)/g)].filter(([, , handler]) => pages.includes(handler));
  const beside = routes.map(([, path]) => path.replace(/\{(\w+)\}/g, ':$1'));
  expect(beside).not.toEqual([]);
  addresses.push(...beside);
  expect(addresses.length).toBeGreaterThan(12);
  const looked = [ofFleet, ofStory, outside].flatMap((views) => Object.values(views as Record<string, { route: string }>)).map(({ route }) => route);
  expect([...new Set(looked)].sort()).toEqual([...new Set(addresses)].sort());
});

test('every picture of the documents exists, and the suite makes it', () => {
  const shown = [...shownInDocuments()];
  const there = readdirSync(images).filter((name) => name.endsWith('.png')).map((name) => name.replace(/\.png$/, ''));
  expect(shown.length).toBeGreaterThan(3);
  expect(shown.filter((name) => !there.includes(name)), 'shown, but not there').toEqual([]);
  expect(there.filter((name) => !shown.includes(name)), 'there, but shown nowhere').toEqual([]);
  // Pictures of an earlier run are there as well, hence by name.
  const specs = readdirSync(join(root, 'end2end/pictures')).map((name) => readFileSync(join(root, 'end2end/pictures', name), 'utf8')).join('\n');
  const isMade = (name: string) => {
    const [, kind, theme] = /^(.*)-(light|dark)$/.exec(name) ?? [];
    const scene = /^component-(.*)$/.exec(kind ?? '')?.[1];
    return theme !== undefined && (scene ? specs.includes(`'${scene}'`) : specs.includes(`\`${kind}-\${colorScheme}\``));
  };
  expect(there.filter((name) => !isMade(name)), 'there, but made by no test').toEqual([]);
});
