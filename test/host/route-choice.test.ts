/** Which of the routes that stand side by side the Linux kernel takes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { LinuxHost } from '../../src/host/linux-host.ts';
import {
  base,
  direct,
  forwarding,
  LINK,
  link,
  make,
  neighbour,
  puts,
  refusal,
  standby,
  tunnel,
} from '../contract/host-world.ts';
import { enterOwnNetworkNamespace } from './own-network-namespace.ts';
import { asRootOfOwnNamespace } from './own-user-namespace.ts';

const ip = (words: string): string =>
  execFileSync('ip', words.split(' '), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Traffic to peer 8 goes by the tunnel, to peer 9 directly; each could go the other way. */
const ALL = [
  refusal,
  link,
  base,
  ...[8, 9].flatMap((n) => [forwarding(n), neighbour(n)]),
  tunnel(8),
  direct(9),
  standby(direct(8)),
  standby(tunnel(9)),
];

const skip = asRootOfOwnNamespace(import.meta.filename);
if (skip !== 'done') {
  describe('the kernel of a host', { skip }, () => {
    const kernel = (title: string, body: () => void): void => {
      it(title, async () => {
        enterOwnNetworkNamespace();
        for (const words of ['link add up0 type veth peer name up1', 'address add 192.168.7.1/24 dev up0']) ip(words);
        for (const end of ['up0', 'up1']) ip(`link set ${end} up`);
        ip('route add default via 192.168.7.254');
        const host = new LinuxHost();
        try {
          await make(host, puts(...ALL));
          body();
        } finally {
          host.close();
        }
      });
    };

    kernel(
      'takes the route without a metric for traffic, and the one that stands by for who asks for its device',
      () => {
        assert.match(ip('route get 10.42.8.1'), new RegExp(`dev ${LINK} `));
        assert.match(ip('route get 10.42.8.1 oif up0'), /via 192\.168\.7\.8 dev up0 /);
        assert.match(ip('route get 10.42.9.1'), /via 192\.168\.7\.9 dev up0 /);
        assert.match(ip(`route get 10.42.9.1 oif ${LINK}`), /via 10\.42\.9\.0 dev weft\.71 /);
      },
    );

    kernel('refuses what has no route, although there is a default route', () => {
      assert.match(ip('route get 10.43.0.1'), /via 192\.168\.7\.254 /);
      assert.throws(() => ip('route get 10.42.99.1'), /No route to host/);
    });

    kernel('keeps its short way through the tables: no rule is made', () => {
      assert.deepEqual(
        [...ip('rule show').matchAll(/^(\d+):/gm)].map(([, priority]) => Number(priority)),
        [0, 32_766, 32_767],
      );
    });
  });
}
