import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSubnet } from '../../src/core/subnet.ts';
import { EchoSessions } from '../../src/host/echo-sessions.ts';

const HOUR_MS = 3_600_000;
const subnet = parseSubnet('10.42.1.0/24');
const other = parseSubnet('10.42.2.0/24');

test('a peer that is asked keeps its session; one that has not been asked for an hour is forgotten', () => {
  const sessions = new EchoSessions();
  const gone = sessions.to(1, subnet, 0);
  const kept = sessions.to(2, other, 0);
  assert.equal(sessions.to(2, other, HOUR_MS / 2), kept);
  assert.equal(sessions.of(1)?.session, gone);
  assert.equal(sessions.to(2, other, HOUR_MS), kept);
  assert.equal(sessions.of(1), undefined);
  assert.notEqual(sessions.to(1, subnet, HOUR_MS), gone);
});

test('another subnet at the same base is another peer', () => {
  const sessions = new EchoSessions();
  const first = sessions.to(1, subnet, 0);
  assert.notEqual(sessions.to(1, parseSubnet('10.42.1.0/25'), 1), first);
  assert.equal(sessions.of(1)?.subnet, '10.42.1.0/25');
});
