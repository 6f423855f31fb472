/** All scenarios by name; the first is the one that `weftd lab demo` plays. */
import type { Scenario } from '../scenario.ts';
import { blackhole } from './blackhole.ts';
import { conflict } from './conflict.ts';
import { denied } from './denied.ts';
import { firstLight } from './first-light.ts';
import { reconciler } from './reconciler.ts';
import { quotaFull } from './quota-full.ts';
import { scaleIn } from './scale-in.ts';
import { slowVisibility } from './slow-visibility.ts';
import { srcDstCheck } from './src-dst-check.ts';
import { storeKilledScenario } from './store-killed.ts';
import { terminate } from './terminate.ts';
import { throttled } from './throttled.ts';

export const SCENARIOS: readonly Scenario[] = [
  blackhole,
  quotaFull,
  denied,
  throttled,
  conflict,
  srcDstCheck,
  slowVisibility,
  firstLight,
  storeKilledScenario,
  terminate,
  scaleIn,
  reconciler,
];
