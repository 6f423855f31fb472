/** Who a host is, for ever: an operator's word, a cloud's instance id or the machine id. Never an IP address. */
import { WeftError } from './errors.ts';

declare const nodeIdBrand: unique symbol;
export type NodeId = string & { readonly [nodeIdBrand]: true };

const FORM = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export function tryNodeId(text: string): NodeId | undefined {
  return FORM.test(text) ? (text as NodeId) : undefined;
}

/** @throws WeftError BAD_OPTION */
export function parseNodeId(text: string): NodeId {
  const node = tryNodeId(text);
  if (node === undefined)
    throw new WeftError(
      'BAD_OPTION',
      `node id "${text}": expected 1 to 128 letters, digits, dots, dashes or underscores, the first a letter or digit`,
    );
  return node;
}
