/** Bundles the tests (Node 20 reads no TypeScript) and runs them with Node's own runner. */

import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const out = mkdtempSync(join('node_modules', '.viewer-tests-'));
const files = readdirSync('test').filter((name) => name.endsWith('.test.ts'));
await build({
  entryPoints: files.map((name) => join('test', name)),
  outdir: out,
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  outExtension: { '.js': '.mjs' },
  sourcemap: 'inline',
  logLevel: 'warning',
});
const run = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...files.map((name) => join(out, name.replace('.ts', '.mjs')))], {
  stdio: 'inherit',
});
rmSync(out, { recursive: true });
process.exit(run.status ?? 1);
