/** Colours are defined in one file, and text in them is legible with low vision. Needs no browser. */

import { expect, test } from '@playwright/test';

import { Tokens, contrast, styleSheets } from '../support/tokens';

const tokens = new Tokens();

/** Text colours, and their backgrounds; `failed 10% surface` is a mix of two tokens. */
const written: Record<string, string[]> = {
  ink: ['paper', 'surface', 'raised', 'hover', 'sea 14% surface', 'failed 10% surface', 'attention 12% surface', 'ok 9% surface', 'edge 13% surface'],
  soft: ['paper', 'surface', 'raised', 'hover'],
  sea: ['paper', 'surface', 'raised', 'hover', 'sea 13% surface', 'sea 13% raised', 'failed 10% surface', 'attention 12% surface'],
  'on-sea': ['sea', 'sea 88% ink'],
  ok: ['paper', 'surface', 'raised', 'hover', 'ok 10% surface', 'ok 10% raised'],
  attention: ['paper', 'surface', 'raised', 'hover'],
  failed: ['paper', 'surface', 'raised', 'hover'],
  'on-light': ['ok', 'failed', 'unknown', 'failed 88% ink'],
  paper: ['ink'],
  'log-ink': ['log-paper', 'log-raised'],
  'log-soft': ['log-paper'],
  'log-link': ['log-paper'],
  'log-agent': ['log-paper'],
  'log-stderr': ['log-paper'],
  'log-on-found': ['log-found'],
  'log-on-found-now': ['log-found-now'],
  ...Object.fromEntries(Array.from({ length: 16 }, (_, number) => [`ansi-${number}`, ['log-paper']])),
};

/** Drawn things that carry meaning. */
const drawn: Record<string, string[]> = {
  ok: ['paper', 'surface', 'raised'],
  'attention-mark': ['paper', 'surface', 'raised'],
  failed: ['paper', 'surface', 'raised'],
  unknown: ['paper', 'surface', 'raised'],
  'on-light': ['attention-mark'],
  sea: ['paper', 'surface', 'raised', 'hover'],
  edge: ['paper', 'surface', 'raised'],
  stay: ['surface', 'raised'],
  'log-agent-mark': ['log-paper'],
  'log-stderr-mark': ['log-paper'],
};

/** Mere separators. */
const decoration = ['line', 'log-line', 'log-edge'];

for (const theme of ['light', 'dark'] as const) {
  for (const [what, pairs, least] of [['written', written, 4.5], ['drawn', drawn, 3]] as const) {
    test(`what is ${what} stands out, ${theme}`, () => {
      for (const [name, grounds] of Object.entries(pairs)) {
        for (const ground of grounds) {
          const found = contrast(tokens.colour(name, theme), tokens.colour(ground, theme));
          expect.soft(found, `--${name} on ${ground}`).toBeGreaterThanOrEqual(least);
        }
      }
    });
  }
}

test('every colour contrasts with its background', () => {
  const sides = [written, drawn].flatMap((pairs) => [...Object.keys(pairs), ...Object.values(pairs).flat()]);
  const looked = new Set([...sides.flatMap((side) => side.split(' ')), ...decoration]);
  expect(tokens.colours.filter((name) => !looked.has(name))).toEqual([]);
});

test('no colour is defined outside tokens.css', () => {
  const literal = /#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch)\(|(?<=[:\s,(])(?:white|black|red|green|blue|gr[ae]y|yellow|orange|navy|silver)(?=[\s;,)])/gi;
  const found = [...styleSheets()].filter(([name]) => name !== 'tokens.css').flatMap(([name, text]) =>
    text.split('\n').flatMap((line, at) => (line.match(literal) ?? []).map((colour) => `${name}:${at + 1}: ${colour}`)),
  );
  expect(found).toEqual([]);
});

test('every used token exists, and every token is used', () => {
  const all = [...styleSheets().values()].join('\n');
  const defined = new Set([...all.matchAll(/(?<=[\s{;])--([\w-]+)\s*:/g)].map(([, name]) => name));
  const used = new Set([...all.matchAll(/var\(--([\w-]+)/g)].map(([, name]) => name));
  // The sprite uses some as well.
  for (const name of ['stay', 'on-light']) used.add(name);
  expect([...used].filter((name) => !defined.has(name)), 'used, but nowhere defined').toEqual([]);
  expect([...defined].filter((name) => !used.has(name)), 'defined, but nowhere used').toEqual([]);
});

test('sizes of letters follow the size that a person chose', () => {
  // The letters in the picture of a host's past are part of a drawing; the list below it says the same.
  const found = [...styleSheets()].filter(([name]) => name !== 'timeline.css').flatMap(([name, text]) =>
    text.split('\n').flatMap((line, at) => (/^\s*font(-size)?:.*\d(px|pt)/.test(line) ? [`${name}:${at + 1}: ${line.trim()}`] : [])),
  );
  expect(found).toEqual([]);
});
