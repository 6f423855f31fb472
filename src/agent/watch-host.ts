/** Tells of each hint of the kernel, and begins again when there are none to be had: until then passes are made by the clock alone. */
import type { HostHint, HostNetwork } from '../contracts/host-network.ts';
import { WeftError } from '../core/errors.ts';
import { patiently, type Patience } from './patiently.ts';

/** Routes too: the default route chooses the device, and with it another one may come back that nobody watches meanwhile. */
const OF_UPLINK: ReadonlySet<HostHint> = new Set(['links', 'addresses', 'routes', 'everything']);

/** @param onHint told once more at each beginning: what happened before is unknown */
export function watchHost(
  host: Pick<HostNetwork, 'hints'>,
  onHint: (of: 'uplink' | 'firewall' | 'other') => void,
  patience: Patience,
  signal: AbortSignal,
): Promise<never> {
  const follow = async (): Promise<never> => {
    onHint('other');
    for await (const hint of host.hints(signal)) {
      patience.findings.clear('hints');
      onHint(hint === 'firewall' ? hint : OF_UPLINK.has(hint) ? 'uplink' : 'other');
    }
    throw new WeftError(
      signal.aborted ? 'ABORTED' : 'KERNEL_REFUSED',
      'the kernel gives no hints of changes; passes are made by the clock alone',
    );
  };
  return patiently('hints', follow, patience, signal, () => !signal.aborted);
}
