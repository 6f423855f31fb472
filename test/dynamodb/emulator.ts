/** A DynamoDB for one test file: the emulator from npm, or what WEFT_TEST_DYNAMODB=local names (`npm run test:dynamodb-local`). */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ownPort } from '../lab/own-port.ts';

export interface TestDynamoDB {
  readonly kind: 'emulator' | 'local';
  readonly endpoint: string;
  stop(): void;
}

/** Without it the SDK asks profiles and metadata servers for credentials. */
const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
};

/** Why no DynamoDB can be had here; undefined when one can. */
export function whyNoDynamoDB(): string | undefined {
  if (process.env['WEFT_TEST_DYNAMODB'] === 'local') return undefined;
  return program() === undefined
    ? 'the emulator @dynoxide/linux-x64 is not installed: it is made for Linux on x64; npm run test:dynamodb-local runs these tests with Java'
    : undefined;
}

export async function startDynamoDB(): Promise<TestDynamoDB> {
  Object.assign(process.env, CREDENTIALS);
  if (process.env['WEFT_TEST_DYNAMODB'] === 'local') {
    const endpoint = process.env['WEFT_TEST_DYNAMODB_URL'];
    if (endpoint === undefined) throw new Error('WEFT_TEST_DYNAMODB=local needs WEFT_TEST_DYNAMODB_URL');
    return { kind: 'local', endpoint, stop: () => undefined };
  }
  const executable = program();
  if (executable === undefined) throw new Error(whyNoDynamoDB());
  const port = await ownPort();
  // It ends with us, also where a test file that hangs is ended by a signal.
  const words = ['--pdeathsig', 'KILL', executable, '--host', '127.0.0.1', '-p', String(port)];
  const child = spawn('setpriv', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`the emulator ended: ${said}`)));
    // It says so when it listens. Read on for ever: a closed pipe would end it.
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('listening')) resolve();
    });
  });
  const stop = (): void => {
    process.removeListener('exit', kill);
    kill();
  };
  return { kind: 'emulator', endpoint: `http://127.0.0.1:${port}`, stop };
}

function program(): string | undefined {
  try {
    return path.join(
      path.dirname(createRequire(import.meta.url).resolve('@dynoxide/linux-x64/package.json')),
      'dynoxide',
    );
  } catch {
    return undefined;
  }
}
