/** The store that the lab's hosts share, whatever its kind. */
import type { LabProcess } from './lab-process.ts';

export interface LabStore {
  readonly kind: string;
  /** For people: which program stands in for it. */
  readonly title: string;
  /** What hosts give to `--store`. */
  readonly uri: string;
  /** How hosts find and are let into it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly process: LabProcess;
}
