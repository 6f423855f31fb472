/** What daemons tell of their troubles, and what a story comes to, for people. */
import type { ErrorCode } from '../../core/errors.ts';
import type { PathName } from '../../core/path.ts';
import type { LabHost } from '../lab-host.ts';
import type { Stage } from '../scenario.ts';

const WITHIN_MS = 30_000;
const COLUMNS = 72;

/** Waits until the host says so; what it says. */
export async function awaitFinding(host: LabHost, code: ErrorCode, signal: AbortSignal): Promise<string> {
  const found = ({ findings }: { readonly findings: readonly { code: ErrorCode; message: string }[] }) =>
    findings.find((finding) => finding.code === code)?.message;
  return await host.await(`says ${code}`, found, signal, WITHIN_MS);
}

/** Waits until it has no trouble with its cloud any more. */
export async function awaitNoFinding(host: LabHost, code: ErrorCode, signal: AbortSignal): Promise<void> {
  await host.await(
    `says ${code} no more`,
    ({ findings }) => (findings.some((finding) => finding.code === code) ? undefined : true),
    signal,
    WITHIN_MS,
  );
}

/** Why the host does not send to that peer by this path; empty when it does. */
export async function refusal(from: LabHost, to: LabHost, path: PathName): Promise<string> {
  const peer = (await from.status())?.peers.find(({ subnet }) => subnet === to.container.subnet);
  return peer?.refused.find((refused) => refused.path === path)?.why ?? '';
}

/** `weftd status` of one host, as far as it matters. */
export function quote({ screen }: Stage, who: string, text: string): void {
  screen.line(`    ${screen.paint('dim', who)}`);
  screen.lines(folded(text).map((line) => `      ${screen.paint('yellow', line)}`));
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export interface Story {
  readonly broken: string;
  readonly weft: string;
  readonly lost: string;
}

/** The whole in three sentences. */
export function tell({ screen }: Stage, { broken, weft, lost }: Story): void {
  screen.line();
  for (const [title, text] of [
    ['broken', broken],
    ['Weft', weft],
    ['lost', lost],
  ] as const) {
    const [first = '', ...rest] = folded(text);
    screen.line(`  ${screen.paint('bold', title.padEnd(8))}${first}`);
    screen.lines(rest.map((line) => `          ${line}`));
  }
}

/** Broken between words. */
function folded(text: string): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > COLUMNS) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
