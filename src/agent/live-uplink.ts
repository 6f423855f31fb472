/** The uplink in force: read again when the kernel hints at a change; while it is gone, the last one. */
import type { Clock } from '../contracts/clock.ts';
import type { HostNetwork, UplinkChoice } from '../contracts/host-network.ts';
import type { Log } from '../contracts/log.ts';
import type { Uplink } from '../core/uplink.ts';
import { Bell } from '../core/bell.ts';
import { findingOf, type Findings } from './findings.ts';

export interface UplinkParts {
  readonly host: HostNetwork;
  readonly clock: Clock;
  readonly log: Log;
  readonly findings: Findings;
  readonly choice: UplinkChoice;
  /** Another uplink is in force now. */
  readonly onChange: () => void;
}

/** One change of an address makes several hints. */
const REST_MS = 250;
/** While it is gone: a hint may have come before all of it was back. */
const RETRY_MS = 10_000;

export class LiveUplink {
  readonly #parts: UplinkParts;
  readonly #bell = new Bell();
  #uplink: Uplink;

  constructor(parts: UplinkParts, uplink: Uplink) {
    this.#parts = parts;
    this.#uplink = uplink;
  }

  get value(): Uplink {
    return this.#uplink;
  }

  look(): void {
    this.#bell.ring();
  }

  /** Runs until the signal fires (ABORTED). */
  async run(signal: AbortSignal): Promise<never> {
    const { clock } = this.#parts;
    let found = true;
    for (;;) {
      await this.#bell.wait(clock, found ? Infinity : RETRY_MS, signal);
      found = await this.#read(signal);
      await clock.sleep(REST_MS, signal);
    }
  }

  async #read(signal: AbortSignal): Promise<boolean> {
    const { host, choice, log, findings, onChange } = this.#parts;
    const { link, address } = this.#uplink;
    try {
      const uplink = await host.uplink({ ...choice, standing: address }, signal);
      findings.clear('uplink');
      if (JSON.stringify(uplink) === JSON.stringify(this.#uplink)) return true;
      this.#uplink = uplink;
      log.info(
        { link: uplink.link, address: uplink.address, publicIP: uplink.publicIP, was: `${link} ${address}` },
        'uplink changed',
      );
      onChange();
      return true;
    } catch (error) {
      if (signal.aborted) throw error;
      const { code, message } = findingOf(error);
      findings.set('uplink', [{ code, message: `${message}; the last one, ${link} with ${address}, stays in force` }]);
      return false;
    }
  }
}
