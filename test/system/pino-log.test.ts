import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WeftError } from '../../src/core/errors.ts';
import { PinoLog, type LogLevel } from '../../src/system/pino-log.ts';

interface Logged {
  readonly log: PinoLog;
  lines(): readonly Readonly<Record<string, unknown>>[];
}

function logInto(level: LogLevel): Logged {
  const written: string[] = [];
  const log = new PinoLog(level, { write: (line) => void written.push(line) });
  return { log, lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('the log', () => {
  it('writes one JSON line with level, time, message and fields', async () => {
    const { log, lines } = logInto('info');
    log.info({ peer: 'node-b', path: 'vxlan' }, 'path taken');
    await log.flush();
    const [line] = lines();
    assert.deepEqual(
      { ...line, time: typeof line?.['time'], pid: typeof line?.['pid'] },
      { level: 'info', time: 'string', pid: 'number', peer: 'node-b', path: 'vxlan', msg: 'path taken' },
    );
  });

  it('keeps the order and the time of lines that came before it was loaded', async () => {
    const { log, lines } = logInto('info');
    log.info({ count: 1 }, 'first');
    log.warn({ count: 2 }, 'second');
    assert.deepEqual(lines(), []);
    await log.flush();
    log.error({ count: 3 }, 'third');
    assert.deepEqual(
      lines().map((line) => [line['level'], line['count']]),
      [
        ['info', 1],
        ['warn', 2],
        ['error', 3],
      ],
    );
    const times = lines().map((line) => String(line['time']));
    assert.deepEqual(times, times.toSorted());
  });

  it('leaves out what is below its level', async () => {
    const { log, lines } = logInto('warn');
    log.debug({}, 'no');
    log.info({}, 'no');
    log.warn({}, 'yes');
    log.error({}, 'yes');
    await log.flush();
    assert.deepEqual(
      lines().map((line) => line['msg']),
      ['yes', 'yes'],
    );
  });

  it('hides secrets, also one level down', async () => {
    const { log, lines } = logInto('info');
    log.info({ password: 'hunter2', store: { token: 'hunter2', table: 'weft' } }, 'connected');
    await log.flush();
    assert.equal(JSON.stringify(lines()).includes('hunter2'), false);
    assert.deepEqual(lines()[0]?.['store'], { token: '[hidden]', table: 'weft' });
  });

  it('writes our errors by code, words, hint and cause, without a stack', async () => {
    const { log, lines } = logInto('info');
    const error = new WeftError('STORE_UNREACHABLE', 'no answer', {
      hint: 'Look at the network.',
      cause: new Error('ECONNREFUSED\nx-amz-security-token:hunter2'),
    });
    log.warn({ error }, 'store away');
    await log.flush();
    assert.deepEqual(lines()[0]?.['error'], {
      code: 'STORE_UNREACHABLE',
      message: 'no answer',
      hint: 'Look at the network.',
      cause: 'ECONNREFUSED',
    });
  });

  it('writes the stack of an error that nobody foresaw', async () => {
    const { log, lines } = logInto('info');
    log.error({ error: new TypeError('x is undefined') }, 'pass failed');
    await log.flush();
    assert.match(JSON.stringify(lines()[0]?.['error']), /"stack":"TypeError: x is undefined/);
  });
});
