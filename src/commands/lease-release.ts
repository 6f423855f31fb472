import { WeftError } from '../core/errors.ts';
import type { Action } from './command.ts';
import { leaseFor, operand } from './lease-operand.ts';
import { currentView, withStore } from './with-store.ts';

export const leaseRelease: Action = (invocation) =>
  withStore(invocation, async ({ store }) => {
    const { io, operands, options, signal } = invocation;
    const view = await currentView(store, signal);
    const lease = leaseFor(view, operand(operands, 0, 'the subnet'));
    const owner = lease.attributes.weft?.node ?? `the flanneld at ${lease.attributes.publicIP}`;
    if (!options.yes && !view.expired.has(lease.key)) {
      throw new WeftError('SUBNET_IN_USE', `${lease.subnet.v4} is leased by ${owner}, which may be alive`, {
        hint: 'If it is gone for good, say so with --yes. If it runs, let it leave by itself: weftd drain, on that host.',
      });
    }
    await store.release(lease, signal);
    io.out(`${lease.subnet.v4} of ${owner} is released; for 15 minutes no other node gets it.\n`);
    return 0;
  });
