/** The tokens of `style/tokens.css` as numbers: their colours by day and by night, and their contrast. */

import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

export type Theme = 'light' | 'dark';
export type Colour = readonly [red: number, green: number, blue: number];

const folder = resolve(__dirname, '../../style');

/** The style sheets by name, without their comments. */
export function styleSheets(): Map<string, string> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.css'));
  const read = (name: string) => readFileSync(join(folder, name), 'utf8').replace(/\/\*[\s\S]*?\*\//g, (text) => text.replace(/[^\n]/g, ' '));
  return new Map(names.map((name) => [name, read(name)]));
}

const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i;

/** The opaque colours among the tokens. */
export class Tokens {
  readonly #values = new Map<string, string>();

  constructor(sheet = styleSheets().get('tokens.css') ?? '') {
    for (const [, name, value] of sheet.matchAll(/--([\w-]+):\s*([^;]+);/g)) this.#values.set(name, value.trim());
  }

  /** The names of all tokens that are an opaque colour. */
  get colours(): string[] {
    return [...this.#values].filter(([, value]) => value.startsWith('#') || value.startsWith('light-dark(#')).map(([name]) => name);
  }

  /** The colour of a token, or of a mix such as `failed 10% surface`. */
  colour(name: string, theme: Theme): Colour {
    const [first, share, second] = name.split(' ');
    if (!share) return this.#plain(first, theme);
    const [a, b, part] = [this.#plain(first, theme), this.#plain(second, theme), Number.parseInt(share, 10) / 100];
    return [0, 1, 2].map((i) => a[i] * part + b[i] * (1 - part)) as unknown as Colour;
  }

  #plain(name: string, theme: Theme): Colour {
    const value = this.#values.get(name);
    if (!value) throw new Error(`there is no token --${name}`);
    const both = /^light-dark\((.+?),\s*(.+)\)$/.exec(value);
    const found = hex.exec(both ? both[theme === 'light' ? 1 : 2] : value);
    if (!found) throw new Error(`--${name} is no opaque colour: ${value}`);
    return found.slice(1).map((part) => Number.parseInt(part, 16)) as unknown as Colour;
  }
}

/** Relative luminance, as WCAG 2 defines it. */
function luminance(colour: Colour): number {
  const [r, g, b] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The contrast of two colours, from 1 to 21. */
export function contrast(one: Colour, other: Colour): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}
