import { WeftError } from '../core/errors.ts';
import { misfit } from '../core/lease-range.ts';
import { parseNodeId } from '../core/node-id.ts';
import { readNetworkConfig } from '../core/parse-network-config.ts';
import { reservationKey, reservationValue } from '../core/reservation.ts';
import { parseSubnet, type Subnet } from '../core/subnet.ts';
import type { Action, OpenedStore } from './command.ts';
import { operand } from './lease-operand.ts';
import { withStore } from './with-store.ts';

export const leaseReserve: Action = async (invocation) => {
  const { io, operands, options, signal } = invocation;
  const subnet = parseSubnet(operand(operands, 0, 'the subnet'));
  if (options.remove && operands.length > 1) throw new WeftError('BAD_OPTION', '--remove takes no node');
  const node = options.remove ? undefined : parseNodeId(operand(operands, 1, 'the node'));
  return withStore(invocation, async ({ store, records }) => {
    if (node === undefined) {
      await records.remove('reservation', reservationKey(subnet), undefined, signal);
      io.out(`${subnet} is not reserved any more.\n`);
      return 0;
    }
    await refuseUnfit(subnet, store, signal);
    await records.put('reservation', reservationKey(subnet), reservationValue(node), undefined, signal);
    io.out(`${subnet} is reserved for ${node}.\n`);
    return 0;
  });
};

/** A reservation that no claim can ever use is a slip. */
async function refuseUnfit(subnet: Subnet, store: OpenedStore['store'], signal: AbortSignal): Promise<void> {
  const stored = await store.config(signal);
  const config = stored === undefined ? undefined : readNetworkConfig(stored.text).config;
  const why = config === undefined ? undefined : misfit(config.v4, subnet);
  if (why !== undefined) throw new WeftError('BAD_OPTION', `${why}: nobody could lease it`);
}
