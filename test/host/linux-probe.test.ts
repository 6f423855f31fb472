import { pathProbeContract } from '../contract/path-probe.ts';
import { enclosed } from '../lab/enclosed.ts';
import { probeHosts } from './probe-hosts.ts';

enclosed(import.meta.url, () => pathProbeContract('Linux', () => probeHosts()));
