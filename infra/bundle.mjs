/**
 * The CDK part in dist/infra/: `index.mjs` for other apps (`weftd/infra`), `app.mjs` for `cdk`, `plain.mjs` for `npm run synth`. CDK itself stays
 * outside: an app has one copy of it, its own.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

/** @param bundle build.mjs's own, with what all bundles share */
export const bundleInfra = (bundle) =>
  bundle('dist/infra', { index: 'infra/index.ts', app: 'infra/app.ts', plain: 'infra/plain.ts' }, [], {
    external: ['aws-cdk-lib', 'constructs', 'cdk-nag'],
    sourcemap: false,
    // Its stack traces are for who writes a CDK app.
    minifyWhitespace: false,
  });

/** Declarations for `weftd/infra`. They name each other as compilers older than ours know it: by .js. */
export function declareInfra(root, types = path.join(root, 'dist', 'infra', 'types')) {
  rmSync(types, { recursive: true, force: true });
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'infra/tsconfig.json', '--outDir', path.resolve(types)], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error('the declarations of weftd/infra cannot be made; what tsc said stands above');
  for (const file of readdirSync(types, { recursive: true }).filter((name) => name.endsWith('.d.ts'))) {
    const at = path.join(types, file);
    writeFileSync(at, readFileSync(at, 'utf8').replaceAll(/((?:from|import\() ?['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2'));
  }
}
