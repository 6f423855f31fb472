import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Supervisor, Told } from '../../src/contracts/supervisor.ts';
import { WeftError } from '../../src/core/errors.ts';
import { Cluster, CONFIG, withSubnet, type Member } from './cluster.ts';

class ListeningSupervisor implements Supervisor {
  readonly watchdogMs: number | undefined;
  readonly heard: Told[] = [];
  deaf = false;

  constructor(watchdogMs?: number) {
    this.watchdogMs = watchdogMs;
  }

  tell(what: Told): boolean {
    if (!this.deaf) this.heard.push(what);
    return !this.deaf;
  }

  /** How often it was told that the start is over. */
  get ready(): number {
    return this.heard.filter(({ ready }) => ready).length;
  }

  get alive(): number {
    return this.heard.filter(({ alive }) => alive).length;
  }

  get statuses(): string[] {
    return this.heard.flatMap(({ status }) => status ?? []);
  }
}

function supervised(supervisor: ListeningSupervisor, { hasConfig = true } = {}): { cluster: Cluster; a: Member } {
  const cluster = new Cluster();
  if (!hasConfig) cluster.network.config = undefined;
  const a = cluster.member('a', '192.168.0.1', withSubnet(1));
  a.supervisor = supervisor;
  a.start();
  return { cluster, a };
}

describe('the service manager', () => {
  it('is told once that the start is over, with subnet.env written and the data path made, and how it fares', async () => {
    const supervisor = new ListeningSupervisor();
    const { cluster } = supervised(supervisor);
    await cluster.pass(1000);
    assert.deepEqual([supervisor.ready, supervisor.alive], [1, 0]);
    assert.equal(supervisor.statuses.at(-1), 'ready: 10.42.1.0/24, 0 peers');
    const said = supervisor.heard.length;
    await cluster.pass(60_000);
    assert.equal(supervisor.heard.length, said, 'nothing has changed');
    cluster.member('b', '192.168.0.2', withSubnet(2)).start();
    await cluster.pass(2000);
    assert.equal(supervisor.statuses.at(-1), 'ready: 10.42.1.0/24, 1 peer');
    assert.equal(supervisor.ready, 1);
    await cluster.stop();
    assert.deepEqual(supervisor.heard.at(-1), { stopping: true, status: 'ending' });
  });

  it('is told what the start waits for, and not that it is over', async () => {
    const supervisor = new ListeningSupervisor();
    const { cluster } = supervised(supervisor, { hasConfig: false });
    // The first moments are silent by the time of the machine.
    while (supervisor.heard.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await cluster.pass(5000);
    assert.equal(supervisor.ready, 0);
    assert.match(
      supervisor.statuses.join('\n'),
      /^not ready: CONFIG_MISSING: the store holds no network config.* \(and 3 more: weftd status\)$/m,
    );
    await cluster.writeConfig(CONFIG);
    await cluster.pass(20_000);
    assert.equal(supervisor.ready, 1);
    await cluster.stop();
  });

  for (const kind of ['masquerade', 'accept'] as const)
    it(`is not told that the start is over before ${kind} rules that failed stand`, async () => {
      const supervisor = new ListeningSupervisor();
      const cluster = new Cluster();
      const a = cluster.member('a', '192.168.0.1', { ...withSubnet(1), ipMasq: true });
      a.supervisor = supervisor;
      a.host.dropsForwarded = true;
      a.host.failChange = (change) =>
        change.op === 'put' && change.want.kind === kind ? new WeftError('KERNEL_REFUSED', 'no') : undefined;
      a.start();
      await cluster.pass(10_000);
      assert.equal(supervisor.ready, 0);
      assert.match(supervisor.statuses.at(-1) ?? '', new RegExp(`^not ready: ${kind} .*: no$`));
      a.host.failChange = undefined;
      await cluster.pass(40_000);
      assert.equal(supervisor.ready, 1);
      await cluster.stop();
    });

  it('is told again what it could not be told', async () => {
    const supervisor = new ListeningSupervisor();
    supervisor.deaf = true;
    const { cluster } = supervised(supervisor);
    await cluster.pass(3000);
    supervisor.deaf = false;
    await cluster.pass(1000);
    assert.deepEqual([supervisor.ready, supervisor.statuses], [1, ['ready: 10.42.1.0/24, 0 peers']]);
    await cluster.stop();
  });

  it('hears a sign of life at half the time that it waits for one', async () => {
    const supervisor = new ListeningSupervisor(10_000);
    const { cluster } = supervised(supervisor);
    await cluster.pass(1000);
    const before = supervisor.alive;
    for (let second = 0; second < 100; second++) await cluster.clock.advance(1000);
    assert.ok(
      supervisor.alive - before >= 19 && supervisor.alive - before <= 21,
      `${supervisor.alive - before} in 100 s`,
    );
    await cluster.stop();
  });

  it('hears none while a pass hangs, and again when it goes on', async () => {
    const supervisor = new ListeningSupervisor(10_000);
    const { cluster, a } = supervised(supervisor);
    await cluster.pass(1000);
    let goOn = (): void => undefined;
    const observe = a.host.observe.bind(a.host);
    a.host.observe = async (scope, signal) => {
      await new Promise<void>((resolve) => (goOn = resolve));
      return observe(scope, signal);
    };
    a.agent?.wake();
    await cluster.pass(15_000);
    const before = supervisor.alive;
    await cluster.pass(60_000);
    assert.equal(supervisor.alive, before);
    a.host.observe = observe;
    goOn();
    await cluster.pass(10_000);
    assert.ok(supervisor.alive > before);
    await cluster.stop();
  });

  it('hears them while commands of a pass go on ending, however long it takes', async () => {
    const supervisor = new ListeningSupervisor(10_000);
    const { cluster, a } = supervised(supervisor);
    await cluster.pass(1000);
    const observe = a.host.observe.bind(a.host);
    let goOn = (): void => undefined;
    a.host.observe = async (scope, signal) => {
      await new Promise<void>((resolve) => (goOn = resolve));
      return observe(scope, signal);
    };
    a.agent?.wake();
    await cluster.pass(1000);
    const before = supervisor.alive;
    for (let command = 0; command < 20; command++) {
      await cluster.pass(5000);
      a.extension.commandsEnded += 1;
    }
    assert.ok(supervisor.alive - before >= 19, `${supervisor.alive - before} in 100 s`);
    await cluster.pass(15_000);
    const hanging = supervisor.alive;
    await cluster.pass(60_000);
    assert.equal(supervisor.alive, hanging, 'and none when the last one does not end');
    a.host.observe = observe;
    goOn();
    await cluster.stop();
  });
});
