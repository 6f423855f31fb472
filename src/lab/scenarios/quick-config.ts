/** What stories about one fault are played with: the default paths, probes that nobody has to wait long for. */
import type { JsonObject } from '../../core/json.ts';

export const QUICK: JsonObject = { Network: '10.42.0.0/16', Weft: { Probe: { Interval: '500ms', Hold: '3s' } } };
