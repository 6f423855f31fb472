/** All scenarios by name; the first is the one that `weftd lab demo` plays. */
import type { Scenario } from '../scenario.ts';
import { blackhole } from './blackhole.ts';
import { firstLight } from './first-light.ts';

export const SCENARIOS: readonly Scenario[] = [blackhole, firstLight];
