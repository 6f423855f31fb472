import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { believe, type BeliefFacts } from '../../src/core/lease-belief.ts';
import type { Lease } from '../../src/core/lease.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { CONFIG, hostLease } from '../reconcile/cloud-cluster.ts';

const honest = hostLease({ number: 1, subnet: 'subnet-a', table: 'rtb-a' });

const FACTS: BeliefFacts = {
  range: parseNetworkConfig(JSON.stringify(CONFIG)).v4,
  provider: 'aws',
  networks: ['vpc-1'],
  nodeTag: 'weft:node',
  interfaces: new Map([['eni-1', { instance: 'node-1', network: 'vpc-1', subnet: 'subnet-a' }]]),
  instances: new Map([['node-1', { state: 'running', tags: new Map([['weft:node', 'yes']]) }]]),
  leaving: new Map(),
};

/** "believed", or why not. */
function verdict(facts: Partial<BeliefFacts>, lease: Lease = honest): string {
  const { believed, doubted } = believe([lease], { ...FACTS, ...facts });
  return doubted[0]?.why ?? (believed.length === 1 ? 'believed' : 'neither');
}

const machine = (state: string, tags: readonly (readonly [string, string])[] = [['weft:node', 'yes']]) => ({
  instances: new Map([['node-1', { state, tags: new Map(tags) }]]),
});
const at = (instance: string | undefined, network = 'vpc-1', subnet = 'subnet-a') => ({
  interfaces: new Map([['eni-1', { instance, network, subnet }]]),
});

describe('a lease is believed', () => {
  it('when the cloud shows its machine, running, tagged, with that interface in that place', () => {
    assert.equal(verdict({}), 'believed');
    assert.equal(verdict(machine('pending')), 'believed');
    assert.equal(verdict({ nodeTag: 'weft:node=yes' }), 'believed');
    assert.equal(verdict({ ...machine('running', []), nodeTag: undefined }), 'believed');
  });

  it('never when it claims what is no subnet of the Network', () => {
    const range = parseNetworkConfig(JSON.stringify({ ...CONFIG, SubnetLen: 25 })).v4;
    assert.equal(verdict({ range }), '10.42.1.0/24 is no /25 of Network 10.42.0.0/16');
    const other = parseNetworkConfig(JSON.stringify({ ...CONFIG, Network: '10.43.0.0/16' })).v4;
    assert.equal(verdict({ range: other }), '10.42.1.0/24 is no /24 of Network 10.43.0.0/16');
  });

  it('never for an interface that is not there, not in its place, or not its own', () => {
    assert.equal(verdict({ interfaces: new Map() }), 'the cloud knows no interface eni-1');
    assert.equal(verdict(at(undefined)), 'interface eni-1 is attached to nothing');
    assert.equal(verdict(at('node-2')), 'interface eni-1 belongs to node-2, and not to node-1');
    assert.equal(verdict(at('node-1', 'vpc-2')), 'interface eni-1 is in vpc-2, and not in vpc-1');
    assert.equal(verdict(at('node-1', 'vpc-1', 'subnet-b')), 'interface eni-1 is in subnet-b, and not in subnet-a');
    assert.equal(verdict({ networks: ['vpc-2'] }), 'tables of vpc-1 are not kept here');
    assert.equal(verdict({ provider: 'gce' }), 'tables of aws are not kept here');
  });

  it('never of a machine that is not there, ends, is none of ours, or leaves', () => {
    for (const state of ['stopping', 'stopped', 'shutting-down', 'terminated', 'unknown'])
      assert.equal(verdict(machine(state)), `instance node-1 is ${state}`);
    assert.equal(verdict({ instances: new Map() }), 'instance node-1 is unknown');
    assert.equal(verdict(machine('running', [['Name', 'web']])), 'instance node-1 does not carry tag weft:node');
    assert.equal(verdict({ nodeTag: 'weft:node=no' }), 'instance node-1 does not carry tag weft:node=no');
    assert.equal(verdict({ leaving: new Map([['node-1', 'spot']]) }), 'instance node-1 is leaving: spot');
  });

  it('but once for each machine: the one that stood first', () => {
    const taken = hostLease({ number: 2, subnet: 'subnet-a', table: 'rtb-a', target: 'eni-1' });
    const weft = honest.attributes.weft;
    assert.ok(weft !== undefined);
    const stolen: Lease = { ...taken, attributes: { ...taken.attributes, weft } };
    const { believed, doubted } = believe([stolen, honest], FACTS);
    assert.deepEqual(
      [believed.map(({ key }) => key), doubted.map(({ why }) => why)],
      [[honest.key], ['instance node-1 has 10.42.1.0/24 already']],
    );
  });

  it('and asks for nothing when it names no cloud', () => {
    assert.equal(verdict({}, { ...honest, attributes: { publicIP: honest.attributes.publicIP } }), 'neither');
  });
});
