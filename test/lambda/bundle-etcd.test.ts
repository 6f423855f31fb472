/** The function as it is uploaded, with its leases in etcd. */
import assert from 'node:assert/strict';
import { afterEach, it } from 'node:test';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { never } from '../contract/store-world.ts';
import { describeOnEtcd } from '../etcd/ground.ts';
import { whyNoLambda } from './lambda-world.ts';
import { attributesOf, DAY_MS } from './node-rows.ts';
import { RunningFunction, SCHEDULE } from './running-function.ts';
import { CONFIG, NODES } from './small-cluster.ts';

const signal = never();

describeOnEtcd('the function with its leases in etcd', (ground) => {
  let running: RunningFunction | undefined;

  afterEach(() => running?.close());

  // The world of these tests has a table as well, of which nothing is asked.
  it('creates the routes that are missing', { skip: whyNoLambda() ?? false }, async () => {
    const { store } = ground().direct();
    const text = JSON.stringify(CONFIG);
    await store.writeConfig(text, 'absent', signal);
    for (const node of NODES) {
      const attributes = attributesOf(node);
      await store.claim(
        {
          node: attributes.weft.node,
          publicIP: attributes.publicIP,
          range: parseNetworkConfig(text).v4,
          within: [],
          previous: parseSubnet(node.lease),
          mayRenumber: false,
          attributes: () => attributes,
          ttlMs: DAY_MS,
        },
        signal,
      );
    }
    const { server, world } = ground();
    const url = `etcd://${server.endpoint}${world.prefix}`;
    running = await RunningFunction.start([], { environment: { WEFT_STORE: url } });
    assert.equal((await running.ask(SCHEDULE))['how'], 'done');
    await running.routesStand(NODES);
    assert.deepEqual(await running.world.rows('record#'), []);
  });
});
