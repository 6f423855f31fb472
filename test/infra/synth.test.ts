import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { runOffline, whyNotOffline } from './offline.ts';
import { all, inScratch, only, readTemplate, VPC } from './template.ts';

type Json = Readonly<Record<string, unknown>>;

const NODES = ['-c', 'weft:nodes=2', '-c', 'weft:nodeSubnets=subnet-0123456789abcdef0'];
const readJson = (...parts: readonly string[]): Json => JSON.parse(readFileSync(path.join(...parts), 'utf8')) as Json;

/** Everything in these folders comes from `node build.mjs`, which runs before the tests; cdk.json would build again. */
const cdk = (...words: readonly string[]): ReturnType<typeof runOffline> =>
  runOffline('.', 'node_modules/.bin/cdk', 'synth', '--quiet', '--build', 'true', ...words);

describe('synthesis without a network', { skip: whyNotOffline() ?? false }, () => {
  it('npx cdk synth makes the stack, and takes the function as the build left it', () =>
    inScratch((folder) => {
      const { status, stderr } = cdk('--output', folder, '-c', `weft:vpc=${VPC}`);
      assert.equal(status, 0, stderr);
      const resources = readTemplate(readJson(folder, 'Weft.template.json'));
      assert.equal(only(resources, 'AWS::Lambda::Function').properties['Runtime'], 'nodejs24.x');
      assert.equal(all(resources, 'AWS::AutoScaling::AutoScalingGroup').length, 0);
      const [asset = ''] = readdirSync(folder).filter((name) => name.startsWith('asset.'));
      const files = (at: string): string[] => readdirSync(at, { recursive: true, encoding: 'utf8' }).toSorted();
      assert.deepEqual(files(path.join(folder, asset)), files('dist/lambda'));
      assert.deepEqual(readFileSync(path.join(folder, asset, 'index.mjs')), readFileSync('dist/lambda/index.mjs'));
    }));

  it('npx cdk synth ends with what is wrong about a setting', () =>
    inScratch((folder) => {
      const { status, stderr } = cdk('--output', folder, '-c', 'weft:vcp=vpc-1');
      assert.notEqual(status, 0);
      assert.match(stderr, /"weft:vcp" is no setting; did you mean "weft:vpc"\?/);
    }));

  it('npm run synth prints CloudFormation that needs no CDK: parameters for what is not known, nothing of a bootstrap', () => {
    const { status, stdout, stderr } = runOffline('.', process.execPath, 'dist/infra/plain.mjs', ...NODES);
    assert.notEqual(status, 0, 'nodes need the Network');
    assert.match(stderr, /"weft:nodes" needs "weft:containerNetwork"/);
    assert.equal(stdout, '');

    const full = [...NODES, '-c', 'weft:containerNetwork=10.42.0.0/16'];
    const plain = runOffline('.', process.execPath, 'dist/infra/plain.mjs', ...full);
    assert.equal(plain.status, 0, plain.stderr);
    const template = JSON.parse(plain.stdout) as Json;
    const parameters = Object.keys(template['Parameters'] as Json).filter((name) => !name.startsWith('SsmParameter'));
    assert.deepEqual(parameters.toSorted(), ['AlarmTopicArn', 'CodeBucket', 'CodeKey', 'NetworkId', 'VpcId']);
    assert.doesNotMatch(plain.stdout, /bootstrap|hnb659fds|cdk-|CDKMetadata|asset/i);
    const { properties } = only(readTemplate(template), 'AWS::Lambda::Function');
    assert.deepEqual(properties['Code'], { S3Bucket: '<CodeBucket>', S3Key: '<CodeKey>' });
  });

  it('package.json runs it so', () => {
    const { scripts } = readJson('package.json') as { readonly scripts: Json };
    assert.equal(scripts['synth'], 'node build.mjs --quiet && node dist/infra/plain.mjs');
    assert.equal(readJson('cdk.json')['app'], 'node dist/infra/app.mjs');
  });
});
