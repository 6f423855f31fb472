/** The unit of examples/reconciler, started as systemd would: its command, its variables, its socket. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../src/lab/eventually.ts';
import { checked, libc } from '../../src/native/libc.ts';
import { AF_UNIX, SOCK_DGRAM, unixAddress } from '../../src/native/unix-datagram.ts';
import { readUnit } from '../commands/systemd-unit.ts';
import { never } from '../contract/store-world.ts';
import { readDocument } from '../docs/tables.ts';
import { ownPort } from '../lab/own-port.ts';
import { whyNoDynamoDB } from './emulator.ts';
import { ReconcileWorld, VPC } from './reconcile-world.ts';

const MSG_DONTWAIT = 0x40;
const CONFIG = { Network: '10.42.0.0/16', Backend: { Type: 'auto' }, Weft: { RouteWriter: 'reconciler' } };

/** systemd's end of the socket. */
class Manager {
  readonly heard: string[] = [];
  readonly #fd: number;

  constructor(name: string) {
    const address = unixAddress(name);
    assert.ok(address !== undefined);
    this.#fd = checked('socket', libc().socket(AF_UNIX, SOCK_DGRAM, 0));
    checked('bind', libc().bind(this.#fd, address, address.length));
  }

  /** A line that has come by now. */
  has(line: RegExp): boolean {
    const bytes = Buffer.alloc(4096);
    for (;;) {
      const length = Number(libc().recv(this.#fd, bytes, bytes.length, MSG_DONTWAIT));
      if (length < 0) break;
      this.heard.push(...bytes.toString('utf8', 0, length).trim().split('\n'));
    }
    return this.heard.some((one) => line.test(one));
  }

  close(): void {
    closeSync(this.#fd);
  }
}

describe('examples/reconciler/weft-reconcile.service', { skip: whyNoDynamoDB() ?? false }, () => {
  let world: ReconcileWorld;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weft-unit-'));
  before(async () => {
    world = await ReconcileWorld.start(CONFIG);
  });
  after(async () => {
    await world.stop();
    rmSync(folder, { recursive: true });
  });

  let told = (): string => 'not yet';
  const until = (what: string, is: () => boolean | Promise<boolean>): Promise<true> =>
    eventually(what, 120_000, async () => ((await is()) ? { found: true } : { missing: told() }), never());

  it('starts, tells how it fares, answers, makes runs, and ends when it is told to', async () => {
    const { command, settings } = readUnit(readDocument('examples/reconciler/weft-reconcile.service'));
    assert.deepEqual(settings.get('Service.Type'), ['notify']);
    assert.deepEqual(settings.get('Service.RestartPreventExitStatus'), ['2']);
    const port = await ownPort();
    const [program, first, ...words] = command.map((word) => word.replace('127.0.0.1:8288', `127.0.0.1:${port}`));
    assert.deepEqual([program, first], ['/usr/local/bin/weftd', 'reconcile']);
    const socket = path.join(folder, 'notify');
    const manager = new Manager(socket);
    const a1 = await world.claim('a1', 'a', 'table-a');
    await world.claim('b1', 'b', 'table-b');
    const service = world.service('unit', words.join(' '), {
      FLANNELD_VPC: VPC,
      FLANNELD_WITHIN: '10.42.0.0/16',
      NOTIFY_SOCKET: socket,
      WATCHDOG_USEC: '180000000',
    });
    told = () => [...manager.heard, service.said].join('\n');
    await until('its start is over', () => manager.has(/^READY=1$/));
    await until('it tells how it fares', () => manager.has(/^STATUS=leading: 2 tables, 2 routes$/));
    await until('it shows signs of life', () => manager.has(/^WATCHDOG=1$/));
    assert.equal(world.routes.length, 2);

    const get = async (where: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}${where}`);
      return { status: answer.status, text: await answer.text() };
    };
    assert.deepEqual(await get('/readyz'), { status: 200, text: 'weftd reconcile is ready\n' });
    const status = JSON.parse((await get('/status')).text) as {
      readonly state: string;
      readonly runs: { readonly done: number };
    };
    assert.equal(status.state, 'leading');
    const metrics = (await get('/metrics')).text;
    for (const line of [
      /^weft_reconciler_leads 1$/m,
      /^weft_reconciler_runs_total\{how="done"\} [1-9]/m,
      /^weft_reconciler_calls_total 4$/m,
      /^weft_reconciler_table_routes\{table="rtb-[0-9a-f]+"\} [0-9]+$/m,
      /^weft_reconciler_table_quota\{table="rtb-[0-9a-f]+"\} 500$/m,
      /^weft_reconciler_good_run_age_seconds [0-9.]+$/m,
    ])
      assert.match(metrics, line);

    await world.store.store.release(a1, never());
    const runsDone = async () => (JSON.parse((await get('/status')).text) as typeof status).runs.done;
    await until(
      'a change of the leases makes a run before its time',
      async () => (await runsDone()) > status.runs.done,
    );

    // A node writes another Network into the store: the service says so, and lives on.
    const routes = world.routes;
    const writeConfig = (config: object) => world.store.store.writeConfig(JSON.stringify(config), undefined, never());
    await writeConfig({ ...CONFIG, Network: '192.168.0.0/16' });
    const says = async () => (await get('/status')).text;
    await until('it says that the config strays', async () => /CONFIG_INVALID.*lies outside/s.test(await says()));
    assert.deepEqual(world.routes, routes);
    await writeConfig(CONFIG);
    await until('it goes on once the config is right', async () => !/CONFIG_INVALID/.test(await says()));

    service.child.kill('SIGTERM');
    assert.equal(await service.ended, 0, service.said);
    await until('its end is told', () => manager.has(/^STOPPING=1$/));
    manager.close();
  });
});
