/**
 * Network namespaces by name. Names stand in /run/netns, as `ip netns` has them, on a tmpfs that only the lab's own mount
 * namespace sees: they collide with nobody's and go away with the lab.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { inNetworkNamespace } from '../native/network-namespace.ts';
import { WeftError } from '../core/errors.ts';
import { attempt, run, type ProgramOptions, type ProgramResult } from './program.ts';

export const namespacePath = (name: string): string => `/run/netns/${name}`;

/** A command that runs inside: `ip netns exec` would mount a new /sys, which a user namespace may not. nsenter then becomes that command: same pid. */
export function insideOf(namespace: string, command: readonly string[]): readonly [string, ...string[]] {
  return ['nsenter', `--net=${namespacePath(namespace)}`, '--', ...command];
}

export async function runIn(
  namespace: string,
  command: readonly string[],
  options: ProgramOptions = {},
): Promise<string> {
  const [program, ...args] = insideOf(namespace, command);
  return await run(program, args, options);
}

/** The same, whatever comes of it. */
export async function tryIn(
  namespace: string,
  command: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const [program, ...args] = insideOf(namespace, command);
  return await attempt(program, args, options);
}

/** `ip` commands in one process: in the lab's own namespace, or inside a named one. Rejects naming the line that failed. */
export async function ip(lines: readonly string[], namespace?: string): Promise<void> {
  if (lines.length === 0) return;
  const command = ['ip', '-batch', '-'];
  const [program, ...args] = namespace === undefined ? command : insideOf(namespace, command);
  const { code, stderr } = await attempt(program ?? 'ip', args, { input: `${lines.join('\n')}\n` });
  if (code === 0) return;
  const number = Number(/Command failed -:(\d+)/.exec(stderr)?.[1]);
  const line = lines[number - 1] ?? lines.join('; ');
  const where = namespace === undefined ? '' : ` in ${namespace}`;
  throw new WeftError('LAB_FAILED', `"ip ${line}"${where} failed: ${stderr.split('\n')[0] ?? ''}`);
}

/** Settings below /proc/sys/net belong to the namespace of the thread that opens them. */
export function writeSysctl(namespace: string, key: string, value: string): void {
  inNetworkNamespace(namespacePath(namespace), () => writeFileSync(sysctlFile(key), value));
}

export function readSysctl(namespace: string, key: string): string {
  return inNetworkNamespace(namespacePath(namespace), () => readFileSync(sysctlFile(key), 'utf8').trim());
}

const sysctlFile = (key: string): string => `/proc/sys/${key.replaceAll('.', '/')}`;

/** Does anything listen on this TCP port? By the kernel's own table (proc(5)): state 0A is LISTEN, the port is in hexadecimal. */
export function listens(namespace: string, port: number): boolean {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const files = ['/proc/thread-self/net/tcp', '/proc/thread-self/net/tcp6'].filter((file) => existsSync(file));
  const tables = inNetworkNamespace(namespacePath(namespace), () => files.map((file) => readFileSync(file, 'utf8')));
  return tables.some((table) => new RegExp(`:${wanted} [0-9A-F]+:0000 0A `).test(table));
}
