import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { createServer, request, type RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { serveControl } from '../../src/agent/control-server.ts';
import { serve } from '../../src/agent/http-server.ts';
import { controlRoutes, flannelRoutes, json, readRoutes, type Asked, type Route } from '../../src/agent/routes.ts';
import type { Status } from '../../src/core/status.ts';

const STATUS: Status = {
  version: '0.1.0',
  node: 'a',
  instance: '00000000',
  state: 'held',
  ready: true,
  unready: [],
  network: '10.42.0.0/16',
  subnet: '10.42.1.0/24',
  address: '10.42.1.0',
  publicIP: '192.168.0.1',
  epoch: 1,
  store: { kind: 'memory', reachable: true, error: null },
  cloud: null,
  peers: [],
  pass: null,
  findings: [],
  skipped: [],
};

class FakeAgent implements Asked {
  state: Status = STATUS;
  wakes = 0;
  drained: Promise<void> = Promise.resolve();

  status(): Status {
    return this.state;
  }
  metrics(): ReturnType<Asked['metrics']> {
    return Promise.resolve(json('weft_up 1'));
  }
  explain(peer: string): ReturnType<Asked['explain']> {
    if (peer === 'bug') return Promise.reject(new Error('broken'));
    if (peer !== '10.42.2.0/24') return Promise.resolve(undefined);
    return Promise.resolve({
      node: 'b',
      subnet: peer,
      publicIP: '192.168.0.2',
      epoch: 2,
      path: 'none',
      since: '',
      before: null,
      paths: [],
      cloudRoute: null,
      mtu: null,
      probes: [],
      turns: [],
      entries: [],
    });
  }
  wake(): void {
    this.wakes += 1;
  }
  drain(): Promise<void> {
    return this.drained;
  }
}

function ask(where: RequestOptions): Promise<{ status: number; body: string; type: string | undefined }> {
  return new Promise((resolve, reject) => {
    const asking = request({ agent: false, ...where }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (body += part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, type: response.headers['content-type'] }),
      );
      response.on('error', reject);
    });
    asking.on('error', reject);
    asking.end();
  });
}

let folder = '';
before(async () => (folder = await mkdtemp(path.join(tmpdir(), 'weft-control-'))));
after(() => rm(folder, { recursive: true }));

const routesOf = (asked: Asked | readonly Route[]): readonly Route[] => ('status' in asked ? readRoutes(asked) : asked);

async function health(
  asked: Asked | readonly Route[],
  inspect: (get: (path: string, method?: string) => ReturnType<typeof ask>, port: number) => Promise<void>,
): Promise<void> {
  const end = new AbortController();
  const { port, closed } = await serve({ host: '127.0.0.1', port: 0 }, routesOf(asked), end.signal);
  try {
    await inspect((where, method = 'GET') => ask({ host: '127.0.0.1', port, path: where, method }), port);
  } finally {
    end.abort();
    await closed;
  }
}

test('tells that it runs, whether it is ready, and why not', () =>
  health(new FakeAgent(), async (get) => {
    assert.deepEqual(await get('/healthz'), {
      status: 200,
      body: 'weftd is running\n',
      type: 'text/plain; charset=utf-8',
    });
    assert.deepEqual(await get('/readyz?verbose'), {
      status: 200,
      body: 'weftd is ready\n',
      type: 'text/plain; charset=utf-8',
    });
    assert.deepEqual(JSON.parse((await get('/status')).body), STATUS);
    assert.equal((await get('/metrics')).status, 200);
  }));

test('is not ready with one reason a line', async () => {
  const agent = new FakeAgent();
  agent.state = { ...STATUS, ready: false, unready: ['no lease yet', 'the subnet file is not written'] };
  await health(agent, async (get) => {
    assert.deepEqual(await get('/readyz'), {
      status: 503,
      body: 'no lease yet\nthe subnet file is not written\n',
      type: 'text/plain; charset=utf-8',
    });
    assert.equal((await get('/healthz')).status, 200);
  });
});

test('the health server only reads: what would change something is not there', () =>
  health(new FakeAgent(), async (get) => {
    for (const [method, where, status] of [
      ['POST', '/drain', 404],
      ['POST', '/wake', 404],
      ['GET', '/explain/b', 404],
      ['GET', '/', 404],
      ['GET', '/statusx', 404],
      ['POST', '/status', 405],
      ['DELETE', '/healthz', 405],
      ['HEAD', '/healthz', 200],
    ] as const) {
      assert.equal((await get(where, method)).status, status, `${method} ${where}`);
    }
  }));

test("answers flanneld's two questions in its words, and no others", async () => {
  let isReady = false;
  const type = 'text/plain; charset=utf-8';
  await health(
    flannelRoutes(() => isReady),
    async (get) => {
      assert.deepEqual(await get('/healthz'), { status: 200, body: 'flanneld is running', type });
      assert.deepEqual(await get('/readyz'), { status: 503, body: 'flanneld is not ready yet', type });
      isReady = true;
      assert.deepEqual(await get('/readyz'), { status: 200, body: 'flanneld is ready', type });
      for (const where of ['/status', '/metrics', '/explain/b', '/drain', '/', '/healthz/x'])
        assert.equal((await get(where)).status, 404, where);
    },
  );
});

test('refuses headers without end, and goes on', () =>
  health(new FakeAgent(), async (get, port) => {
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(`GET /healthz HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`),
      );
      socket.on('data', (part) => (text += String(part)));
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
    });
    assert.match(answer, /^HTTP\/1\.1 431 /);
    assert.equal((await get('/healthz')).status, 200);
  }));

test('the control socket is open to its owner alone, answers all, and is gone afterwards', async () => {
  const socketPath = path.join(folder, 'control.sock');
  const agent = new FakeAgent();
  const end = new AbortController();
  const { closed } = await serveControl(socketPath, controlRoutes(agent), end.signal);
  const call = (where: string, method = 'GET') => ask({ socketPath, path: where, method });
  assert.equal((await stat(socketPath)).mode & 0o777, 0o600);
  assert.equal((await call('/status')).status, 200);
  assert.equal((await call('/wake', 'POST')).status, 200);
  assert.equal(agent.wakes, 1);
  assert.equal((await call('/wake')).status, 405);
  assert.equal(JSON.parse((await call(`/explain/${encodeURIComponent('10.42.2.0/24')}`)).body).node, 'b');
  const unknown = await call('/explain/nobody');
  assert.equal(unknown.status, 404);
  assert.equal(JSON.parse(unknown.body).error.code, 'BAD_OPTION');
  assert.equal((await call('/explain/%zz')).status, 400);
  const broken = await call('/explain/bug');
  assert.deepEqual([broken.status, JSON.parse(broken.body).error.code], [500, 'INTERNAL']);
  end.abort();
  await closed;
  await assert.rejects(stat(socketPath), { code: 'ENOENT' });
});

test('an answer on its way is finished although the daemon ends', async () => {
  const socketPath = path.join(folder, 'ending.sock');
  const agent = new FakeAgent();
  let drained = (): void => undefined;
  agent.drained = new Promise((resolve) => (drained = resolve));
  const end = new AbortController();
  const { closed } = await serveControl(socketPath, controlRoutes(agent), end.signal);
  const answer = ask({ socketPath, path: '/drain', method: 'POST' });
  await ask({ socketPath, path: '/healthz' });
  drained();
  end.abort();
  assert.equal((await answer).status, 200);
  await closed;
});

test('replaces the socket of a daemon that is dead, not that of one that lives', async () => {
  const socketPath = path.join(folder, 'again.sock');
  // A process that is killed leaves its socket behind; so does a server whose socket is moved away before it closes.
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(`${socketPath}.dead`, resolve));
  await rename(`${socketPath}.dead`, socketPath);
  await new Promise((resolve) => dead.close(resolve));
  assert.ok((await stat(socketPath)).isSocket());

  const end = new AbortController();
  const { closed } = await serveControl(socketPath, controlRoutes(new FakeAgent()), end.signal);
  await assert.rejects(serveControl(socketPath, controlRoutes(new FakeAgent()), end.signal), {
    code: 'INSTANCE_RUNNING',
  });
  assert.equal((await ask({ socketPath, path: '/healthz' })).status, 200);
  end.abort();
  await closed;
});

test('a socket path that no kernel takes is a clear error', async () => {
  const long = path.join(folder, 'x'.repeat(120));
  await assert.rejects(serveControl(long, [], new AbortController().signal), {
    code: 'BAD_OPTION',
    message: /at most 107 are possible/,
  });
  await assert.rejects(serveControl(path.join(folder, 'not', 'there.sock'), [], new AbortController().signal), {
    code: 'BAD_OPTION',
    message: /cannot listen on the control socket/,
  });
});

test('a port that is taken is an error of the system', async () => {
  const end = new AbortController();
  const { port, closed } = await serve({ host: '127.0.0.1', port: 0 }, [], end.signal);
  await assert.rejects(serve({ host: '127.0.0.1', port }, [], end.signal), { code: 'EADDRINUSE' });
  end.abort();
  await closed;
});
