/** What a daemon loads on demand is there at once: no turn of a test waits for a file. */
import '../../src/agent/cloud-keeper.ts';
import '../../src/reconcile/audit-log.ts';
import '../../src/reconcile/leaving.ts';
