import { both, mixedCluster } from './mixed-cluster.ts';

mixedCluster(import.meta.url, {
  by: 'vxlan',
  backend: { Type: 'vxlan' },
  flannel: { type: 'vxlan' },
  pairs: [
    both('a1', 'a2', 'vxlan'),
    both('a1', 'b1', 'vxlan'),
    both('a1', 'b2', 'vxlan'),
    both('a2', 'b1', 'vxlan'),
    both('a2', 'b2', 'vxlan'),
    both('b1', 'b2', 'vxlan'),
  ].flat(),
});
