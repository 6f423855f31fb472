/** A story that the lab plays and judges. One file each in scenarios/, and a line in its list. */
import type { JsonObject } from '../core/json.ts';
import type { Lab } from './lab.ts';
import type { Report } from './report.ts';
import type { Screen } from './screen.ts';
import type { Topology } from './topology.ts';

export interface Stage {
  readonly lab: Lab;
  readonly screen: Screen;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface Scenario {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  readonly topology: Topology;
  /** What an operator writes before the first host starts. */
  readonly config: JsonObject;
  /** Its instances are looked at by the gate before DynamoDB too (lab.ts). */
  readonly policed?: boolean;
  /** Rejects when it cannot go on; expectations that do not hold are noted in the report. */
  play(stage: Stage): Promise<void>;
}
