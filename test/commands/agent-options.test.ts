import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AgentOptions } from '../../src/agent/agent-parts.ts';
import { agentOptions } from '../../src/commands/agent-options.ts';
import { readOptions, splitArguments } from '../../src/commands/read-arguments.ts';

const found = {
  stateFolder: '/s/aaaaaaaa',
  storeKind: 'etcd',
  drainWaitMs: 1,
  subnetFromFile: undefined,
  version: '1',
};
const told = (...argv: string[]): AgentOptions => agentOptions(readOptions('run', splitArguments(argv), {}), found);

describe('what the daemon is told', () => {
  it('is what flanneld does, when nothing is said', () => {
    const { ipMasq, ipMasqFullyRandom, acceptForwarded, firewallResyncMs, flannelHealth, renewMarginMs } = told();
    assert.deepEqual(
      { ipMasq, ipMasqFullyRandom, acceptForwarded, firewallResyncMs, flannelHealth, renewMarginMs },
      {
        ipMasq: false,
        ipMasqFullyRandom: true,
        acceptForwarded: true,
        firewallResyncMs: 5000,
        flannelHealth: undefined,
        renewMarginMs: 3_600_000,
      },
    );
  });

  it("is what flannel's options say", () => {
    const options = told(
      '-ip-masq',
      '-ip-masq-fully-random-disable',
      '-iptables-forward-rules=false',
      '-iptables-resync=30',
      '-healthz-ip=127.0.0.1',
      '-healthz-port=8081',
      '-subnet-lease-renew-margin=90',
    );
    assert.deepEqual([options.ipMasq, options.ipMasqFullyRandom, options.acceptForwarded], [true, false, false]);
    assert.deepEqual([options.firewallResyncMs, options.renewMarginMs], [30_000, 5_400_000]);
    assert.deepEqual(options.flannelHealth, { host: '127.0.0.1', port: 8081 });
    assert.equal(told('-healthz-ip=127.0.0.1').flannelHealth, undefined, 'an address alone opens nothing');
  });
});
