/** Hints of changes by another hand, from the kernel worker, which runs while somebody iterates. */
import type { HostHint } from '../contracts/host-network.ts';
import type { ForwardingEntry, Neighbour } from '../core/host-entry.ts';
import type { IpValue } from '../native/netlink/ip-value.ts';
import type { Expectations } from './kernel-batch.ts';
import { kernelFailure } from './kernel-errors.ts';
import type { KernelThread, ThreadUser } from './kernel-thread.ts';
import { ipValueOf } from './kernel-values.ts';
import type { Expected, FromWorker, WatchScope } from './worker-messages.ts';

interface OnLink {
  readonly neighbours: [IpValue, string | null][];
  readonly forwarding: [string, IpValue | null][];
}

/** Hints of one reader that waits. */
class Inbox implements ThreadUser {
  readonly hints = new Set<HostHint>();
  failure: Error | undefined;
  wake: () => void = () => {};

  onMessage(message: FromWorker): void {
    if (message.kind !== 'hints') return;
    for (const hint of message.hints) this.hints.add(hint);
    this.wake();
  }

  onFailure(error: Error): void {
    this.failure = error;
    this.wake();
  }
}

export class KernelHints implements Expectations {
  readonly #thread: KernelThread;
  readonly #expected = new Map<number, OnLink>();
  readonly #inboxes = new Set<Inbox>();
  #scope: WatchScope | undefined;
  #scopeText = '';

  constructor(thread: KernelThread) {
    this.#thread = thread;
  }

  async *hints(signal: AbortSignal): AsyncGenerator<HostHint, void, undefined> {
    if (signal.aborted) return;
    // A worker that starts says so by itself, when it listens; one that runs already has nobody who took its hints.
    const inbox = new Inbox();
    const onAbort = (): void => inbox.wake();
    signal.addEventListener('abort', onAbort);
    this.#inboxes.add(inbox);
    try {
      const wasRunning = await this.#thread.join(inbox);
      if (wasRunning) inbox.hints.add('everything');
      if (this.#scope !== undefined) this.#thread.post({ kind: 'watch', scope: this.#scope });
      // What it told while nobody read is covered by "everything".
      if (wasRunning && this.#inboxes.size === 1) this.#thread.post({ kind: 'taken' });
      while (!signal.aborted) {
        if (inbox.failure !== undefined) throw kernelFailure('wait for kernel notifications', inbox.failure);
        const hint = take(inbox.hints);
        if (hint !== undefined) {
          // The last one is out of our hands: the worker may send what came since.
          if (inbox.hints.size === 0) this.#thread.post({ kind: 'taken' });
          yield hint;
        } else await new Promise<void>((resolve) => (inbox.wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#inboxes.delete(inbox);
      this.#thread.leave(inbox);
    }
  }

  /** Something of ours that no notification tells of is another than it was. */
  nudge(): void {
    for (const inbox of this.#inboxes) {
      inbox.hints.add('everything');
      inbox.wake();
    }
  }

  /** Which notifications are about us, from now on. */
  watch(scope: WatchScope): void {
    const text = JSON.stringify(scope);
    if (text === this.#scopeText) return;
    this.#scope = scope;
    this.#scopeText = text;
    this.#thread.post({ kind: 'watch', scope });
  }

  neighbour(link: number, address: Neighbour['address'], mac: Neighbour['mac'] | undefined): void {
    if (this.#thread.isRunning) this.#on(link).neighbours.push([ipValueOf(address), mac ?? null]);
  }

  forwarding(link: number, mac: ForwardingEntry['mac'], remote: ForwardingEntry['remote'] | undefined): void {
    if (this.#thread.isRunning) this.#on(link).forwarding.push([mac, remote === undefined ? null : ipValueOf(remote)]);
  }

  send(): void {
    if (this.#expected.size === 0) return;
    const expected: Expected[] = [...this.#expected].map(([link, on]) => ({ link, ...on }));
    this.#expected.clear();
    this.#thread.postLazily({ kind: 'expect', expected });
  }

  #on(link: number): OnLink {
    let on = this.#expected.get(link);
    if (on === undefined) this.#expected.set(link, (on = { neighbours: [], forwarding: [] }));
    return on;
  }
}

/** "Everything" makes the others needless. */
function take(hints: Set<HostHint>): HostHint | undefined {
  if (hints.has('everything')) {
    hints.clear();
    return 'everything';
  }
  const [hint] = hints;
  if (hint !== undefined) hints.delete(hint);
  return hint;
}
