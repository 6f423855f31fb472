import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METRICS } from '../../lambda/metric-names.ts';
import { VARIABLES } from '../../lambda/settings.ts';
import { readDocument, table } from './tables.ts';

const document = readDocument('docs/reconciler.md');

test('the environment of the function is described as the function reads it', () => {
  const rows = Object.entries(VARIABLES).map(([name, variable]) => [
    `\`${name}\``,
    'fallback' in variable ? `\`${variable.fallback}\`` : '',
    variable.help,
  ]);
  const wanted = table(['variable', 'default', 'meaning'], rows);
  assert.ok(document.includes(wanted), `docs/reconciler.md needs this table:\n${wanted}`);
});

test('every metric is described', () => {
  const wanted = table(
    ['metric', 'unit', 'meaning'],
    Object.entries(METRICS).map(([name, { unit, says }]) => [`\`${name}\``, unit, says]),
  );
  assert.ok(document.includes(wanted), `docs/reconciler.md needs this table:\n${wanted}`);
});
