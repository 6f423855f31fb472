import type { Action } from './command.ts';
import { leaseFor, operand } from './lease-operand.ts';
import { leaseJson, leaseText } from './lease-text.ts';
import { currentView, withStore } from './with-store.ts';

export const leaseShow: Action = (invocation) =>
  withStore(invocation, async ({ store }) => {
    const { io, operands, options, signal } = invocation;
    const lease = leaseFor(await currentView(store, signal), operand(operands, 0, 'the subnet'));
    io.out(options.json ? `${JSON.stringify(leaseJson(lease))}\n` : leaseText(lease));
    return 0;
  });
