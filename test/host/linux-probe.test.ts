import { pathProbeContract } from '../contract/path-probe.ts';
import { enclosed } from '../lab/enclosed.ts';
import { AT_ONCE, probeHosts } from './probe-hosts.ts';

enclosed(import.meta.url, () => pathProbeContract('Linux', () => probeHosts(), AT_ONCE));
