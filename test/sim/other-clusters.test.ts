import { liveThrough } from './cluster.ts';

liveThrough(2);
