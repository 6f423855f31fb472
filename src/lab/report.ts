/** What a scenario found: named expectations that held or did not, and what it measured. */
import type { JsonValue } from '../core/json.ts';

export interface Check {
  /** A sentence that is true when all is as it should be. */
  readonly name: string;
  readonly ok: boolean;
  /** What was seen; shown when it failed. */
  readonly seen: string;
}

export class Report {
  readonly checks: Check[] = [];
  readonly #members = new Map<string, JsonValue>();

  /** An expectation. It never throws: the scenario goes on and shows what else it can. */
  check(name: string, ok: boolean, seen: string): boolean {
    this.checks.push({ name, ok, seen });
    return ok;
  }

  /** A member of the JSON report. */
  add(name: string, value: JsonValue): void {
    this.#members.set(name, value);
  }

  get failures(): readonly Check[] {
    return this.checks.filter(({ ok }) => !ok);
  }

  /** All expectations held, and there were some. */
  get ok(): boolean {
    return this.checks.length > 0 && this.failures.length === 0;
  }

  toJson(): string {
    const failures = this.failures.map(({ name, seen }) => ({ check: name, seen }));
    return JSON.stringify({
      ok: this.ok,
      ...Object.fromEntries(this.#members),
      checks: this.checks.length,
      ...(failures.length === 0 ? {} : { failures }),
    });
  }
}
