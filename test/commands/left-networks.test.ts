import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { leftNetworks } from '../../src/commands/left-networks.ts';
import { parseSubnet } from '../../src/core/subnet.ts';

const [first, second, third] = ['10.42.0.0/16', '10.43.0.0/16', '10.44.0.0/16'].map(parseSubnet);

describe('networks that an ended daemon has left routes of', () => {
  it('are the one it had and those before', () => {
    assert.deepEqual(leftNetworks({ network: first, previousNetworks: second && [second] }, []), [first, second]);
    assert.deepEqual(leftNetworks({}, []), []);
  });

  it('are not those that a daemon which runs now has taken over, in whole or in part', () => {
    const others = [{ network: parseSubnet('10.42.128.0/17') }, { network: parseSubnet('10.43.0.0/16') }];
    assert.deepEqual(leftNetworks({ network: first, previousNetworks: second && third && [second, third] }, others), [
      third,
    ]);
  });
});
