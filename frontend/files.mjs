// Puts together the folder that the server sends to browsers: the page's WebAssembly and JavaScript, one style sheet, the
// assets. With --release all of it is small, and lies beside itself compressed.
//
// `cargo xtask` calls this. The folder is replaced at once, when everything is there.

import { cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import browserslist from 'browserslist';
import { transformSync } from 'esbuild';
import { browserslistToTargets, bundle } from 'lightningcss';

const text = { type: 'string' };
const { values: options } = parseArgs({
  options: {
    name: text,
    made: text,
    style: text,
    browsers: text,
    assets: text,
    site: text,
    pkg: text,
    release: { type: 'boolean', default: false },
  },
});

/** The style sheet with all that it imports, in words that these browsers know. */
function styleSheet() {
  const { code } = bundle({
    filename: options.style,
    minify: options.release,
    targets: browserslistToTargets(browserslist(options.browsers)),
  });
  return code;
}

function javaScript() {
  const written = readFileSync(join(options.made, `${options.name}.js`), 'utf8');
  return options.release ? transformSync(written, { minify: true, format: 'esm', target: 'es2022' }).code : written;
}

/** Writes each file once more as gzip and once as Brotli, as small as they go. */
function compress(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const bytes = readFileSync(file);
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
    writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }));
  }
}

const unfinished = `${options.site}.unfinished`;
const pkg = join(unfinished, options.pkg);
rmSync(unfinished, { recursive: true, force: true });
mkdirSync(pkg, { recursive: true });
if (options.assets) cpSync(options.assets, unfinished, { recursive: true });
cpSync(join(options.made, `${options.name}.wasm`), join(pkg, `${options.name}.wasm`));
writeFileSync(join(pkg, `${options.name}.js`), javaScript());
writeFileSync(join(pkg, `${options.name}.css`), styleSheet());
if (options.release) compress(unfinished);
rmSync(options.site, { recursive: true, force: true });
renameSync(unfinished, options.site);
