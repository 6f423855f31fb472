/** A process that opens a state directory, says what it got, and keeps it until its input ends or it is killed. */
import { tryNodeId } from '../../src/core/node-id.ts';
import { asWeftError } from '../../src/core/errors.ts';
import { openStateDirectory } from '../../src/host/state-directory.ts';

const [directory = '', machineIdPath = '', node = '', ...keys] = process.argv.slice(2);
const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
for (const key of keys) {
  try {
    const state = await openStateDirectory({ directory, instanceKey: [key], nodeId: tryNodeId(node), machineIdPath });
    say({ key, ...state.instance, ...state.remembered });
  } catch (error) {
    say({ key, code: asWeftError(error).code, message: asWeftError(error).message });
  }
}
process.stdin.resume();
