/** What the packet filter is to do, from the options. */
import type { Instance } from '../core/instance.ts';
import type { FirewallWish } from '../datapath/datapath.ts';
import type { AgentOptions } from './agent-parts.ts';

export function firewallWish(
  { id }: Instance,
  {
    ipMasq,
    ipMasqFullyRandom,
    acceptForwarded,
  }: Pick<AgentOptions, 'ipMasq' | 'ipMasqFullyRandom' | 'acceptForwarded'>,
): FirewallWish {
  const masquerade = ipMasq ? (ipMasqFullyRandom ? 'fully-random' : 'plain') : 'off';
  return { instance: id, masquerade, acceptForwarded };
}
