/** What `cdk` runs (cdk.json). Settings come as context: docs/operating.md, "The reconciler". */
import { checkedApp } from './checked-app.ts';

try {
  checkedApp().app.synth();
} catch (error) {
  // A setting that is wrong needs no stack trace.
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
