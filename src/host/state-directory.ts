/**
 * What a daemon keeps on its host:
 *
 *     <state-dir>/claims.json, claims.lock     which instance has which device and subnet file
 *     <state-dir>/<instance>/lock              held for as long as the daemon lives
 *     <state-dir>/<instance>/state.json        what it must know of itself after a restart
 */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { NodeState, RememberedChanges, RememberedState } from '../contracts/node-state.ts';
import { WeftError } from '../core/errors.ts';
import type { Instance } from '../core/instance.ts';
import type { NodeId } from '../core/node-id.ts';
import type { FileLock } from '../native/file-lock.ts';
import { lockAt } from './claims-lock.ts';
import { Claims } from './claims.ts';
import { fileError } from './host-errors.ts';
import { resolveNodeId } from './node-identity.ts';
import { newProbeKey } from './probe-keys.ts';
import { readRemembered, stateOf, writeRemembered } from './remembered-state.ts';

export interface StateOptions {
  /** `--state-dir`. */
  readonly directory: string;
  /** What tells this daemon from others on the host: store URL, prefix or table, network id. */
  readonly instanceKey: readonly string[];
  /** `--node-id`. */
  readonly nodeId: NodeId | undefined;
  /** /etc/machine-id. */
  readonly machineIdPath: string;
  /** The machine's id in its cloud, which goes before the machine id. */
  readonly cloudNode?: () => Promise<NodeId>;
}

/** Eight hexadecimal digits. Secrets in a URL do not count: a changed password makes no other daemon. */
export function instanceIdOf(key: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify(key.map(withoutSecrets)))
    .digest('hex')
    .slice(0, 8);
}

function withoutSecrets(part: string): string {
  if (!part.includes('://') || !URL.canParse(part)) return part;
  const url = new URL(part);
  url.username = '';
  url.password = '';
  url.hash = '';
  const secret = [...url.searchParams.keys()].filter((name) => /pass|secret|token|credential/i.test(name));
  for (const name of secret) url.searchParams.delete(name);
  return url.href;
}

/** The state of one instance, ours as long as it is open: the lock goes with the process, however that ends. */
export class StateDirectory implements NodeState {
  readonly instance: Instance;
  readonly claims: Claims;
  /** The instance's own folder: room for its control socket. */
  readonly directory: string;
  readonly #lock: FileLock;
  #remembered: RememberedState;
  #writing: Promise<void> = Promise.resolve();

  constructor(instance: Instance, directory: string, lock: FileLock, remembered: RememberedState) {
    this.instance = instance;
    this.claims = new Claims(dirname(directory), instance.id);
    this.directory = directory;
    this.#lock = lock;
    this.#remembered = remembered;
  }

  get remembered(): RememberedState {
    return this.#remembered;
  }

  /** One write after the other, each upon what the one before made of it; none where nothing changes. */
  remember(changes: RememberedChanges): Promise<void> {
    const written = this.#writing.then(() => this.#write(changes));
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #write(changes: RememberedChanges): Promise<void> {
    const all = { ...this.#remembered, ...changes };
    const { network, previousNetworks, subnet, vtepMac, node, incarnation, probeKey } = all;
    const next = stateOf({ node, incarnation, network, previousNetworks, subnet, vtepMac, probeKey });
    if (JSON.stringify(next) === JSON.stringify(this.#remembered)) return;
    await writeRemembered(stateFile(this.directory), next);
    this.#remembered = next;
  }

  /** After the writes under way. Another daemon may open it then. */
  async close(): Promise<void> {
    await this.#writing;
    this.#lock.release();
  }
}

const stateFile = (directory: string): string => join(directory, 'state.json');

/**
 * Opens the state for the daemon itself: locked, and with the next incarnation on disk.
 * INSTANCE_RUNNING names the process that has it. STATE_UNREADABLE, NOT_PERMITTED, BAD_OPTION (node id).
 */
export async function openStateDirectory(options: StateOptions): Promise<StateDirectory> {
  const id = instanceIdOf(options.instanceKey);
  const directory = join(options.directory, id);
  await makePrivate(directory);
  const lock = await lockInstance(directory);
  try {
    const before = await readRemembered(stateFile(directory));
    const node = await resolveNodeId({
      ...options,
      option: options.nodeId,
      remembered: before,
      stateFile: stateFile(directory),
    });
    // Kept over restarts: peers go on to understand us before they have read our lease.
    const probeKey = before?.probeKey ?? newProbeKey();
    const remembered: RememberedState = { ...before, node, incarnation: (before?.incarnation ?? 0) + 1, probeKey };
    // On disk before anybody hears of it: an incarnation is never used twice.
    await writeRemembered(stateFile(directory), remembered);
    return new StateDirectory({ id }, directory, lock, remembered);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function makePrivate(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await chmod(directory, 0o700);
  } catch (error) {
    throw fileError(`cannot make state directory ${directory}`, error, 'STATE_UNREADABLE');
  }
}

async function lockInstance(directory: string): Promise<FileLock> {
  const path = join(directory, 'lock');
  const lock = lockAt(path);
  if (lock !== undefined) return lock;
  const pid = (await readFile(path, 'utf8')).trim();
  throw new WeftError(
    'INSTANCE_RUNNING',
    `a daemon with this store and network runs already${pid === '' ? '' : `, as process ${pid}`} (${path})`,
    {
      hint: 'One daemon a network is enough; another network needs another --etcd-prefix (whatever its servers), table or network id.',
    },
  );
}

export interface KnownState {
  readonly instance: Instance;
  readonly directory: string;
  readonly remembered: RememberedState;
}

/** What is on disk, for commands beside the daemon: no lock, nothing written. Undefined when such a daemon never ran here. */
export async function readState(
  options: Pick<StateOptions, 'directory' | 'instanceKey'>,
): Promise<KnownState | undefined> {
  const id = instanceIdOf(options.instanceKey);
  const directory = join(options.directory, id);
  const remembered = await readRemembered(stateFile(directory));
  return remembered === undefined ? undefined : { instance: { id }, directory, remembered };
}
