import { takesOver } from './take-over.ts';

takesOver(import.meta.url, {
  by: 'vxlan with DirectRouting',
  backend: { Type: 'vxlan', DirectRouting: true },
  flannel: { type: 'vxlan', directRouting: true },
  peers: { a2: ['10.42.12.0/24', 'direct'], b1: ['10.42.21.0/24', 'vxlan'] },
});
