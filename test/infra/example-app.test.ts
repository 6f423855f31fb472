import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { runOffline, whyNotOffline } from './offline.ts';
import { all, inScratch, only, readTemplate } from './template.ts';

const EXAMPLE = 'examples/aws/cdk';
const tsc = path.resolve('node_modules/typescript/bin/tsc');

interface PackageJson {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** The example in a folder of its own, with weftd as npm would install it there, and all else from here. */
function install(folder: string): void {
  cpSync(EXAMPLE, folder, { recursive: true });
  const modules = path.join(folder, 'node_modules');
  const weftd = path.join(modules, 'weftd');
  mkdirSync(path.join(modules, '@types'), { recursive: true });
  for (const name of ['aws-cdk-lib', 'constructs', '@types/node'])
    symlinkSync(path.resolve('node_modules', name), path.join(modules, name));
  cpSync('package.json', path.join(weftd, 'package.json'), { recursive: true });
  for (const part of ['infra', 'lambda'])
    cpSync(path.join('dist', part), path.join(weftd, 'dist', part), { recursive: true });
  // As "npm pack" makes them.
  const declare = "import { declareInfra } from './infra/bundle.mjs'; declareInfra('.', process.argv[1])";
  succeed('.', '--input-type=module', '--eval', declare, path.join(weftd, 'dist/infra/types'));
}

function succeed(folder: string, ...words: readonly string[]): void {
  const { status, stdout } = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
}

describe('a CDK app of somebody else', { skip: whyNotOffline() ?? false }, () => {
  it('is checked by its compiler against our declarations, and synthesises our constructs without a network', () =>
    inScratch((folder) => {
      install(folder);
      succeed(folder, tsc, '-p', '.');
      const { status, stderr } = runOffline(
        folder,
        path.resolve('node_modules/.bin/cdk'),
        'synth',
        '--quiet',
        '--no-notices',
        '--no-version-reporting',
        '--build',
        'true',
      );
      assert.equal(status, 0, stderr);
      const out = path.join(folder, 'cdk.out');
      const resources = readTemplate(
        JSON.parse(readFileSync(path.join(out, 'WeftInMyVpc.template.json'), 'utf8')) as Record<string, unknown>,
      );
      const { Environment } = only(resources, 'AWS::Lambda::Function').properties as {
        readonly Environment: { readonly Variables: Readonly<Record<string, string>> };
      };
      const table = only(resources, 'AWS::DynamoDB::Table');
      assert.equal(Environment.Variables['WEFT_STORE'], `dynamodb://<${table.id}>?network=default`);
      assert.equal(Environment.Variables['WEFT_VPC'], `<${only(resources, 'AWS::EC2::VPC').id}>`);
      assert.equal(all(resources, 'AWS::AutoScaling::LifecycleHook').length, 1);
      const assets = readdirSync(out).filter((name) => name.startsWith('asset.'));
      assert.ok(assets.some((name) => readdirSync(path.join(out, name)).includes('index.mjs')));
    }));

  it('finds in the package all that it imports and uploads, and declarations that any compiler reads', () =>
    inScratch((folder) => {
      install(folder);
      const weftd = path.join(folder, 'node_modules/weftd');
      const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
        readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
      };
      const packed = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8' });
      assert.equal(packed.status, 0, packed.stderr);
      const [{ files = [] } = {}] = JSON.parse(packed.stdout) as readonly {
        readonly files?: readonly { readonly path: string }[];
      }[];
      const names = files.map((file) => file.path);
      const needed = ['cdk.json', 'dist/infra/index.mjs', 'dist/infra/plain.mjs', 'dist/lambda/index.mjs'];
      assert.deepEqual(
        needed.filter((name) => !names.includes(name)),
        [],
      );
      const { types = '', default: code = '' } = exports['./infra'] ?? {};
      assert.ok(names.includes(code.slice('./'.length)));
      assert.ok(existsSync(path.join(weftd, types)));
      const declared = path.join(weftd, 'dist/infra/types');
      const sources = readdirSync(declared, { recursive: true, encoding: 'utf8' }).filter((it) => it.endsWith('.ts'));
      assert.ok(sources.length > 10);
      for (const name of sources)
        assert.doesNotMatch(readFileSync(path.join(declared, name), 'utf8'), /from '\.[^']*\.ts'/, name);
      succeed(folder, tsc, '-p', '.', '--noEmit', '--skipLibCheck', 'false');
    }));

  it('asks for the versions that the package asks for', () => {
    const read = (file: string): PackageJson => JSON.parse(readFileSync(file, 'utf8')) as PackageJson;
    const example = read(path.join(EXAMPLE, 'package.json'));
    const own = read('package.json');
    for (const name of ['aws-cdk-lib', 'constructs'])
      assert.equal(example.dependencies?.[name], own.peerDependencies?.[name]);
    assert.equal(example.dependencies?.['weftd'], `^${own.version}`);
    assert.equal(example.devDependencies?.['aws-cdk'], own.devDependencies?.['aws-cdk']);
  });
});
