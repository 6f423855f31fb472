/** What a daemon made of a host's kernel, as sorted lines of text: to see that nothing, or just the right thing, has changed. */
import type { LabHost } from './lab-host.ts';

/**
 * Tunnel devices, addresses, our routes, rules, neighbours and forwarding entries. Without indexes and counters, and without what the kernel learns by
 * itself.
 */
export async function kernelState(host: LabHost): Promise<readonly string[]> {
  const [links, addresses, routes, rules, neighbours, forwarding] = await Promise.all([
    host.run(['ip', '-o', '-d', 'link', 'show', 'type', 'vxlan']),
    host.run(['ip', '-4', '-o', 'address', 'show']),
    host.run(['ip', '-4', 'route', 'show', 'table', 'all', 'proto', '87']),
    host.run(['ip', '-4', 'rule', 'show']),
    host.run(['ip', '-4', 'neighbour', 'show', 'nud', 'permanent']),
    host.run(['bridge', 'fdb', 'show']),
  ]);
  const withoutIndex = (line: string): string => line.replace(/^\d+: /, '');
  return [
    ...linesOf(links).map((line) => `link ${withoutIndex(line)}`),
    ...linesOf(addresses).map((line) => `address ${withoutIndex(line)}`),
    ...linesOf(routes).map((line) => `route ${line}`),
    ...linesOf(rules).map((line) => `rule ${line}`),
    ...linesOf(neighbours).map((line) => `neighbour ${line}`),
    // A bridge's own entries, learnt from traffic, have no destination.
    ...linesOf(forwarding)
      .filter((line) => line.includes(' dst '))
      .map((line) => `fdb ${line}`),
  ].toSorted();
}

/** `- line` for what is gone, `+ line` for what is new. */
export function difference(before: readonly string[], after: readonly string[]): readonly string[] {
  return [
    ...before.filter((line) => !after.includes(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
  ];
}

/** Without what only aligns them. */
export const linesOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    .filter((line) => line !== '');
