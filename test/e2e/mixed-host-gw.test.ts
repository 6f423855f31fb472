import { both, mixedCluster } from './mixed-cluster.ts';

mixedCluster(import.meta.url, {
  by: 'host-gw',
  backend: { Type: 'host-gw' },
  flannel: { type: 'host-gw' },
  // Nothing of it crosses a router.
  pairs: [...both('a1', 'a2', 'direct'), ...both('b1', 'b2', 'direct')],
});
