/**
 * The Lambda function as it is uploaded, into dist/lambda: SDKs and all, so that what runs is what was tested. The store that is not the usual one
 * lies in later/, with its own copy of what it shares, and is read by those alone who use it. No source maps: our own names stay in the text.
 */
import path from 'node:path';

export const LAMBDA_LIMIT_BYTES = 1_000_000;

/** @param bundle build.mjs's own, with what all bundles share */
export async function bundleLambda(bundle) {
  const later = {};
  const options = { sourcemap: false };
  const main = await bundle('dist/lambda', { index: 'lambda/handler.ts' }, [putOff(later)], options);
  return { main, rest: await bundle('dist/lambda/later', later, [], options) };
}

/** Imported on demand: the store in etcd. EC2's client is too, by the daemon's needs; every run here needs it. */
const putOff = (later) => ({
  name: 'put-off-of-lambda',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /\/providers\/etcd\// }, async ({ kind, path: wanted, pluginData, ...from }) => {
      if (kind !== 'dynamic-import' || pluginData === 'asked') return undefined;
      const found = await resolve(wanted, { ...from, kind: 'import-statement', pluginData: 'asked' });
      if (found.errors.length > 0) return undefined;
      const name = `etcd-${path.basename(wanted, '.ts')}`;
      later[name] = found.path;
      return { path: `./later/${name}.mjs`, external: true };
    });
  },
});

/** What a run with DynamoDB reads: the handler, and EC2's client. */
export const readByRun = ({ metafile: { outputs } }) =>
  Object.entries(outputs)
    .filter(([file, { entryPoint }]) => file.endsWith('/index.mjs') || entryPoint === 'providers/aws/client.ts')
    .map(([file]) => file);
