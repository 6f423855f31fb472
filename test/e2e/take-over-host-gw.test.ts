import { takesOver } from './take-over.ts';

takesOver(import.meta.url, {
  by: 'host-gw',
  backend: { Type: 'host-gw' },
  flannel: { type: 'host-gw' },
  peers: { a2: ['10.42.12.0/24', 'direct'] },
});
