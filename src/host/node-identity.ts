/** Which node this host is when it starts: by the operator's word, by what it was before, by its cloud's, or by its machine id. */
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RememberedState } from '../contracts/node-state.ts';
import { WeftError } from '../core/errors.ts';
import { parseNodeId, type NodeId } from '../core/node-id.ts';
import { errnoOf } from './host-errors.ts';

/** Weft's application id for machine-id(5), drawn by chance once. */
const APPLICATION = '7e699fe1a8ed4c979a3289ca272595d0';

/**
 * The machine id is not to be shown to others (machine-id(5)), and a node id is in the store for all to read. So it is what
 * sd_id128_get_machine_app_specific(3) makes of it: HMAC-SHA256 of the application's id, keyed by the machine's, cut to a version 4 UUID.
 * `systemd-id128 machine-id --app-specific=7e699fe1a8ed4c979a3289ca272595d0` prints the same.
 */
export async function machineNodeId(path: string): Promise<NodeId> {
  const hint = 'Give this host a name of its own with --node-id.';
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new WeftError('BAD_OPTION', `no node id: cannot read ${path}: ${errnoOf(error) ?? String(error)}`, {
      cause: error,
      hint,
    });
  });
  const machine = text.trim();
  // "uninitialized" stands there before the first boot of an image has ended.
  if (!/^[0-9a-f]{32}$/.test(machine) || /^0+$/.test(machine)) {
    throw new WeftError(
      'BAD_OPTION',
      `no node id: ${path} holds "${machine.slice(0, 40)}", expected 32 hexadecimal digits`,
      { hint },
    );
  }
  const id = createHmac('sha256', Buffer.from(machine, 'hex'))
    .update(Buffer.from(APPLICATION, 'hex'))
    .digest()
    .subarray(0, 16);
  id.writeUInt8((id.readUInt8(6) & 0x0f) | 0x40, 6);
  id.writeUInt8((id.readUInt8(8) & 0x3f) | 0x80, 8);
  return parseNodeId(id.toString('hex'));
}

export interface IdentitySources {
  /** `--node-id`. */
  readonly option: NodeId | undefined;
  readonly remembered: RememberedState | undefined;
  readonly machineIdPath: string;
  /** The machine's id in its cloud; absent where there is none. */
  readonly cloudNode?: () => Promise<NodeId>;
  /** Where the remembered one stands, for the message. */
  readonly stateFile: string;
}

/**
 * A node is who it was. Another name is taken only by a node that holds no subnet: else the subnet would stay behind, leased to a name that nobody has, and
 * containers that use it would be cut off. @throws WeftError BAD_OPTION
 */
export async function resolveNodeId({
  option,
  remembered,
  machineIdPath,
  cloudNode,
  stateFile,
}: IdentitySources): Promise<NodeId> {
  if (option === undefined) return remembered?.node ?? (cloudNode ?? (() => machineNodeId(machineIdPath)))();
  if (remembered?.subnet === undefined || remembered.node === option) return option;
  throw new WeftError(
    'BAD_OPTION',
    `--node-id ${option}: this host is node ${remembered.node}, which holds subnet ${remembered.subnet} (${stateFile})`,
    { hint: `Start it as ${remembered.node}, or release the subnet with "weftd drain" first.` },
  );
}
