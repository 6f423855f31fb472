import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { instanceIdOf } from '../../src/host/state-directory.ts';
import { Terminal } from './typed.ts';

/** What a daemon answers to each question, and what it was asked. */
class ControlSocket {
  readonly asked: string[] = [];
  readonly #server: Server;

  constructor(answers: Readonly<Record<string, { readonly status: number; readonly body: unknown }>>) {
    this.#server = createServer((request, response) => {
      const question = `${request.method} ${request.url}`;
      this.asked.push(question);
      const { status, body } = answers[question] ?? {
        status: 404,
        body: { error: { code: 'BAD_OPTION', message: `nothing at ${question}` } },
      };
      response.writeHead(status, { connection: 'close' }).end(JSON.stringify(body));
    });
  }

  listen(folder: string): Promise<void> {
    mkdirSync(folder, { recursive: true });
    return new Promise((resolve) => this.#server.listen(path.join(folder, 'control.sock'), resolve));
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

const STATUS = {
  version: '0.1.0',
  node: 'host-a',
  instance: 'aaaaaaaa',
  state: 'held',
  ready: true,
  unready: [],
  network: '10.42.0.0/16',
  subnet: '10.42.7.0/24',
  address: '10.42.7.0',
  publicIP: '192.0.2.11',
  epoch: 12,
  store: { kind: 'memory', reachable: true, error: null },
  cloud: null,
  peers: [],
  tunnel: null,
  pass: null,
  findings: [],
  skipped: [],
};

describe('commands that ask the daemon', () => {
  let stateDir: string;
  const open: ControlSocket[] = [];

  beforeEach(() => {
    stateDir = mkdtempSync(path.join(os.tmpdir(), 'weft-daemon-'));
  });

  afterEach(async () => {
    for (const socket of open.splice(0)) await socket.close();
    rmSync(stateDir, { recursive: true });
  });

  async function daemon(
    instance: string,
    answers: ConstructorParameters<typeof ControlSocket>[0],
  ): Promise<ControlSocket> {
    const socket = new ControlSocket(answers);
    await socket.listen(path.join(stateDir, instance));
    open.push(socket);
    return socket;
  }

  /** As on a host where no variable names a store. */
  const type = (line: string) => new Terminal({}).type(`${line} --state-dir ${stateDir}`);

  const status = { 'GET /status': { status: 200, body: STATUS } };

  it('find the only one, and print what it says', async () => {
    await daemon('aaaaaaaa', status);
    const { out, exit } = await type('status');
    assert.deepEqual([exit, out.split('\n')[0]], [0, 'node       host-a (instance aaaaaaaa, weftd 0.1.0)']);
    assert.deepEqual(JSON.parse((await type('status --json')).out), STATUS);
  });

  it('find the one of --store among several', async () => {
    const id = instanceIdOf(['dynamodb://weft?network=default']);
    await daemon('bbbbbbbb', status);
    await daemon(id, { 'GET /status': { status: 200, body: { ...STATUS, node: 'the one' } } });
    assert.match((await type('status --store dynamodb://weft')).out, /^node +the one /);
  });

  it('find the one of the etcd options, by flag and by variable, whichever servers they name', async () => {
    await daemon('bbbbbbbb', status);
    await daemon(instanceIdOf(['etcd:/net']), {
      'GET /status': { status: 200, body: { ...STATUS, node: 'on etcd' } },
    });
    const words = `status --etcd-endpoints=http://b:2,http://a:1 --etcd-prefix=/net/ --etcd-username u`;
    assert.match((await type(words)).out, /^node +on etcd /);
    const environment = { FLANNELD_ETCD_ENDPOINTS: 'https://c:3', FLANNELD_ETCD_PREFIX: '/net' };
    assert.match((await new Terminal(environment).type(`status --state-dir ${stateDir}`)).out, /^node +on etcd /);
  });

  it('want to know which when several run', async () => {
    await daemon('aaaaaaaa', status);
    await daemon('bbbbbbbb', status);
    const { err, exit } = await type('status');
    assert.equal(exit, 2);
    assert.equal(
      err,
      `weftd: BAD_OPTION: 2 daemons run here, in ${stateDir}/aaaaaaaa, ${stateDir}/bbbbbbbb\n  Say which by --store, or by the etcd options.\n`,
    );
  });

  it('pass over the folder of one that does not run', async () => {
    const dead = await daemon('aaaaaaaa', status);
    await daemon('bbbbbbbb', { 'GET /status': { status: 200, body: { ...STATUS, node: 'living' } } });
    open.splice(open.indexOf(dead), 1);
    await dead.close();
    assert.match((await type('status')).out, /^node +living /);
  });

  it('say that none runs', async () => {
    const dead = await daemon('aaaaaaaa', status);
    open.splice(0);
    await dead.close();
    const { err, exit } = await type('status');
    assert.deepEqual([exit, err.startsWith('weftd: NO_DAEMON: no weftd ')], [1, true]);
  });

  it('hand on what the daemon refuses, with its code', async () => {
    await daemon('aaaaaaaa', {
      'GET /explain/host-z': {
        status: 404,
        body: { error: { code: 'BAD_OPTION', message: 'no peer host-z', hint: 'weftd status lists the peers' } },
      },
    });
    assert.deepEqual(await type('explain host-z'), {
      out: '',
      err: 'weftd: BAD_OPTION: no peer host-z\n  weftd status lists the peers\n',
      exit: 2,
    });
  });

  it('ask for a peer by whatever text', async () => {
    const socket = await daemon('aaaaaaaa', {});
    await type('explain 10.42.9.0/24');
    assert.deepEqual(socket.asked, ['GET /explain/10.42.9.0%2F24']);
  });

  it('tell it to drain, and say when it has', async () => {
    const body = { routesLeftTo: null };
    const socket = await daemon('aaaaaaaa', { 'POST /drain': { status: 200, body } });
    assert.deepEqual(await type('drain'), {
      out: 'Drained: the lease is released, and the daemon ends.\n',
      err: '',
      exit: 0,
    });
    assert.deepEqual(socket.asked, ['POST /drain']);
  });

  it('say whose it is to take the cloud routes of a drained host away', async () => {
    const body = { routesLeftTo: 'reconciler' };
    await daemon('aaaaaaaa', { 'POST /drain': { status: 200, body } });
    assert.match(
      (await type('drain')).out,
      /released, its cloud routes are left to the reconciler, and the daemon ends/,
    );
  });

  it('do not take for an answer what is none', async () => {
    const server = createServer((_, response) => response.end('<html>'));
    mkdirSync(path.join(stateDir, 'aaaaaaaa'));
    await new Promise<void>((resolve) => server.listen(path.join(stateDir, 'aaaaaaaa', 'control.sock'), resolve));
    const { err, exit } = await type('status');
    server.close();
    assert.deepEqual(
      [exit, err.split('\n')[0]],
      [1, 'weftd: INTERNAL: the daemon answered with status 200 and no JSON'],
    );
  });
});
