/** A seam with a tap on each of its calls: to count them, to fail one, to pause one caller among many. */

/** `work` makes the call; `what` is "putRoute rtb-a": the method and its first words. */
export type Tap = (what: string, work: () => Promise<unknown>) => Promise<unknown>;

/** What it is told of while a `watch` cannot go on, as the contracts have it. */
type Trouble = (error: unknown) => void;

export function tapped<T extends object>(target: T, tap: Tap): T {
  return new Proxy(target, {
    get(of, name): unknown {
      const found: unknown = Reflect.get(of, name, of);
      if (typeof found !== 'function') return found;
      return (...given: readonly unknown[]): unknown => {
        const words = given.filter((word) => typeof word === 'string' && word.length < 60).slice(0, 2);
        const what = [String(name), ...words].join(' ');
        const call = (): unknown => Reflect.apply(found, of, given);
        if (name !== 'watch') return tap(what, async () => call());
        const trouble = given.find((one): one is Trouble => typeof one === 'function');
        return watched(call, what, tap, trouble);
      };
    },
  });
}

/** A watch never fails: what goes wrong is told, and it goes on. Of a process that is dead it ends. */
async function* watched(call: () => unknown, what: string, tap: Tap, trouble: Trouble | undefined): AsyncGenerator {
  const made = call();
  if (!isIterable(made)) throw new Error(`${what} is no watch`);
  const steps = made[Symbol.asyncIterator]();
  try {
    for (;;) {
      let step: IteratorResult<unknown> | undefined;
      try {
        await tap(what, async () => (step = await steps.next()));
      } catch (error) {
        if (isDeath(error)) return;
        trouble?.(error);
        step ??= await steps.next();
        trouble?.(undefined);
      }
      if (step === undefined || step.done === true) return;
      yield step.value;
    }
  } finally {
    await steps.return?.();
  }
}

const isIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

const isDeath = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ABORTED';
