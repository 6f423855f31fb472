import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings, type Environment } from '../../lambda/settings.ts';

const LEAST: Environment = {
  WEFT_STORE: 'dynamodb://weft',
  WEFT_VPC: 'vpc-0123456789abcdef0',
  AWS_REGION: 'eu-central-1',
};

const wrong = (more: Environment): string => {
  try {
    readSettings({ ...LEAST, ...more });
    return 'ok';
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error && error.code === 'BAD_OPTION');
    return error.message;
  }
};

test('store and VPC are enough', () => {
  assert.deepEqual(readSettings({ ...LEAST, AWS_LAMBDA_FUNCTION_NAME: 'weft-routes', PATH: '/bin' }), {
    store: 'dynamodb://weft',
    networks: ['vpc-0123456789abcdef0'],
    within: undefined,
    nodeTag: 'weft:node',
    hook: 'weft-drain',
    logLevel: 'info',
    rate: { perSecond: 4, burst: 40 },
    metricsNamespace: 'Weft',
    etcdPassword: undefined,
    region: 'eu-central-1',
    functionName: 'weft-routes',
  });
});

test('all of it can be said, and empty means unsaid', () => {
  const settings = readSettings({
    ...LEAST,
    WEFT_STORE: 'etcd://10.0.0.1:2379',
    WEFT_VPC: 'vpc-01234567, vpc-89abcdef',
    WEFT_WITHIN: ' 10.42.3.4/16',
    WEFT_NODE_TAG: 'none',
    WEFT_LIFECYCLE_HOOK: 'net/leave_1',
    WEFT_LOG_LEVEL: 'debug',
    WEFT_CALLS_PER_SECOND: '0.5',
    WEFT_METRICS_NAMESPACE: 'Nets/Weft',
    WEFT_ETCD_PASSWORD: 'p',
    AWS_LAMBDA_FUNCTION_NAME: '',
  });
  assert.deepEqual(settings.networks, ['vpc-01234567', 'vpc-89abcdef']);
  assert.equal(settings.within, '10.42.0.0/16');
  assert.equal(settings.nodeTag, undefined);
  assert.equal(settings.hook, 'net/leave_1');
  assert.equal(settings.logLevel, 'debug');
  assert.deepEqual(settings.rate, { perSecond: 0.5, burst: 5 });
  assert.equal(settings.metricsNamespace, 'Nets/Weft');
  assert.equal(settings.etcdPassword, 'p');
  assert.equal(settings.functionName, 'lambda');
  assert.equal(readSettings({ ...LEAST, WEFT_NODE_TAG: 'team=a=b' }).nodeTag, 'team=a=b');
});

test('everything that is missing is said at once', () => {
  assert.equal(
    wrong({ WEFT_STORE: '', WEFT_VPC: undefined, AWS_REGION: undefined }),
    'WEFT_STORE is missing: expected dynamodb://TABLE or etcd://HOST; ' +
      'WEFT_VPC is missing: expected ids of VPCs (vpc-...), each once, with commas between them; AWS_REGION is missing: Lambda sets it',
  );
});

test('each malformed setting is named with what was expected', () => {
  for (const [name, value] of [
    ['WEFT_STORE', 'mysql://x'],
    ['WEFT_STORE', 'dynamodb://'],
    ['WEFT_VPC', 'subnet-01234567'],
    ['WEFT_LIFECYCLE_HOOK', 'weft drain'],
    ['WEFT_LIFECYCLE_HOOK', 'x'.repeat(256)],
    ['WEFT_VPC', 'vpc-01234567,'],
    ['WEFT_VPC', 'vpc-01234567,vpc-01234567'],
    ['WEFT_NODE_TAG', '=x'],
    ['WEFT_LOG_LEVEL', 'INFO!'],
    ['WEFT_CALLS_PER_SECOND', '0'],
    ['WEFT_CALLS_PER_SECOND', '1e9'],
    ['WEFT_CALLS_PER_SECOND', 'NaN'],
    ['WEFT_METRICS_NAMESPACE', 'AWS:x'],
  ] as const)
    assert.match(wrong({ [name]: value }), new RegExp(`^${name} ".*": expected `), `${name}=${value}`);
});

test('a password in a malformed URL is not repeated', () => {
  assert.doesNotMatch(wrong({ WEFT_STORE: 'etc://user:geheim@host' }), /geheim/);
});

test('settings that contradict each other, and ones that nobody knows, are refused', () => {
  assert.equal(wrong({ WEFT_ETCD_PASSWORD: 'geheim' }), 'WEFT_ETCD_PASSWORD is given, and WEFT_STORE is no etcd');
  assert.equal(wrong({ WEFT_VPCS: 'x' }), 'WEFT_VPCS is not known; did you mean WEFT_VPC?');
});
