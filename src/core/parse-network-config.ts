/** From the text of the network config to a value that is right. */
import { assemble, checkTogether } from './assemble-config.ts';
import { readBackend } from './backend-config.ts';
import type { ConfigProblem } from './config-problem.ts';
import { readAddress, readRange } from './config-values.ts';
import { WeftError } from './errors.ts';
import { fieldReader, foldedFields, foldName } from './json-fields.ts';
import { describeNode, parseJsonText, type JsonNode, type JsonObjectNode } from './json-text.ts';
import { rangeOf } from './lease-range.ts';
import type { NetworkConfig } from './network-config.ts';
import { readWeft } from './weft-config.ts';

/** flannel's members (pkg/subnet/config.go, type Config). */
export const FLANNEL_KEYS = [
  'EnableIPv4',
  'EnableIPv6',
  'EnableNFTables',
  'Network',
  'IPv6Network',
  'SubnetMin',
  'SubnetMax',
  'IPv6SubnetMin',
  'IPv6SubnetMax',
  'SubnetLen',
  'IPv6SubnetLen',
  'Backend',
] as const;

/** What etcd takes in one request at most is 1.5 MiB, a DynamoDB item 400 KiB; a config of this size is a mistake. */
const MAX_CONFIG_LENGTH = 256 * 1024;

export interface ConfigReading {
  /** Undefined exactly when there are problems. */
  readonly config: NetworkConfig | undefined;
  readonly problems: readonly ConfigProblem[];
  /** The text's own structure, when it is a JSON object. */
  readonly root: JsonObjectNode | undefined;
}

/** @throws WeftError CONFIG_NOT_JSON, CONFIG_INVALID, CONFIG_UNKNOWN_KEY or UNSUPPORTED: the first thing that is wrong */
export function parseNetworkConfig(text: string): NetworkConfig {
  const { config, problems } = readNetworkConfig(text);
  const [first] = problems;
  if (config !== undefined && first === undefined) return config;
  throw new WeftError(
    first?.code ?? 'INTERNAL',
    first?.message ?? 'network config could not be read',
    first === undefined ? {} : { hint: first.fix },
  );
}

export function readNetworkConfig(text: string): ConfigReading {
  const failed = (problem: ConfigProblem): ConfigReading => ({
    config: undefined,
    problems: [problem],
    root: undefined,
  });
  if (text.length > MAX_CONFIG_LENGTH) {
    return failed({
      code: 'CONFIG_INVALID',
      key: '',
      message: `the network config has ${text.length} characters: at most ${MAX_CONFIG_LENGTH} are read`,
      fix: 'Is this the right file?',
    });
  }
  let node: JsonNode;
  try {
    node = parseJsonText(text);
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    return failed({
      code: error.code,
      key: '',
      message: `the network config is not JSON: ${error.message}`,
      fix: error.hint ?? 'Write one JSON object, like {"Network": "10.42.0.0/16"}',
    });
  }
  // null into a Go struct changes nothing, so flannel goes on to complain of the missing Network.
  if (node.kind === 'null') node = { kind: 'object', raw: '{}', members: [] };
  if (node.kind !== 'object') {
    return failed({
      code: 'CONFIG_INVALID',
      key: '',
      message: `the network config is ${describeNode(node)}: expected an object`,
      fix: 'Write one JSON object, like {"Network": "10.42.0.0/16"}',
    });
  }
  const problems: ConfigProblem[] = [];
  const config = readObject(node, problems);
  return { config: problems.length === 0 ? config : undefined, problems, root: node };
}

function readObject(root: JsonObjectNode, problems: ConfigProblem[]): NetworkConfig | undefined {
  const fields = foldedFields(root, FLANNEL_KEYS);
  const reader = fieldReader(fields, '', '', problems);
  const enableIPv4 = reader.boolean('EnableIPv4') ?? true;
  const enableIPv6 = reader.boolean('EnableIPv6') ?? false;
  const enableNFTables = reader.boolean('EnableNFTables') ?? false;
  const wish = {
    network: readRange(fields, 'Network', 4, problems),
    subnetLength: reader.unsigned('SubnetLen'),
    min: readAddress(fields, 'SubnetMin', 4, problems),
    max: readAddress(fields, 'SubnetMax', 4, problems),
  };
  // What is not used is decoded all the same, as Go does: a wrong type is an error whether IPv6 is on or off.
  readRange(fields, 'IPv6Network', 6, problems);
  reader.unsigned('IPv6SubnetLen');
  readAddress(fields, 'IPv6SubnetMin', 6, problems);
  readAddress(fields, 'IPv6SubnetMax', 6, problems);

  const decoded = problems.length;
  const backend = readBackend(fields.get('Backend'), problems);
  const v4 = enableIPv4 && decoded === 0 ? rangeOf(4, wish, problems) : undefined;
  if (enableIPv6) {
    problems.push({
      code: 'CONFIG_INVALID',
      key: 'EnableIPv6',
      message: 'EnableIPv6 is true: IPv6 is not carried by Weft yet',
      fix: 'Set "EnableIPv6" to false, or stay with flanneld for IPv6',
    });
  } else if (!enableIPv4) {
    problems.push({
      code: 'CONFIG_INVALID',
      key: 'EnableIPv4',
      message: 'none defined stack',
      fix: 'Remove "EnableIPv4": false: without it there is no address family left',
    });
  }
  const weft = readWeft(weftMember(root, problems), v4, problems);
  if (v4 === undefined) return undefined;
  const config = assemble(backend, weft, { v4, enableNFTables });
  checkTogether(config, weft, backend, problems);
  return config;
}

/** `Weft` is exact. Written in another case it is a slip that nothing else would ever report. */
function weftMember(root: JsonObjectNode, problems: ConfigProblem[]): JsonNode | undefined {
  const members = root.members.filter(({ name }) => foldName(name) === 'weft');
  for (const { name } of members) {
    if (name !== 'Weft')
      problems.push({
        code: 'CONFIG_UNKNOWN_KEY',
        key: name,
        message: `unknown key "${name}"; the nearest known one is "Weft"`,
        fix: 'Write it "Weft"',
      });
  }
  if (members.length > 1)
    problems.push({
      code: 'CONFIG_INVALID',
      key: 'Weft',
      message: 'Weft is given twice',
      fix: 'Make one object of them',
    });
  return members.find(({ name }) => name === 'Weft')?.node;
}
