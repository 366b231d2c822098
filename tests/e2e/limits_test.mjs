// Accounts that cool under load, and what idle connections cost.
import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import {setTimeout as delay} from 'node:timers/promises';
import {authority} from './authority.mjs';
import {
  account, ask, atEnd, eventually, run, startBoth, startGateway, startMock,
} from './harness.mjs';
import {eventuallyStored} from './store.mjs';
import {RawClient, rawClient, requestText} from './wire.mjs';

const CHAT = '/v1/chat/completions';
const BODY = JSON.stringify(ask());
const BIG_BODY = JSON.stringify(ask({messages: [{role: 'user', content: 'x'.repeat(60_000)}]}));

// `work` with each of `list`, so many at a time.
async function eachOf(list, atOnce, work) {
  let next = 0;
  const worker = async () => {
    while (next < list.length) await work(list[next++]);
  };
  await Promise.all(Array.from({length: atOnce}, worker));
}

test('an account that answers 429 rests for its Retry-After, and no client notices', async (t) => {
  const restMs = 3000;
  const {mock, gateway} = await startBoth(t, {
    rules: [{match: {key: 'sk-test-a'}, do: {status: 429, 'retry-after': 3}, times: 1}],
    accounts: [{}, {}, {}],
    routing: {cooldown: {base: '1s', max: '60s'}},
  });
  const answered = [];
  const get = async () => {
    const answer = await gateway.post(CHAT, ask());
    await answer.text();
    answered.push(answer.status);
  };
  const limited = await eventually(async () => {
    await get();
    return (await mock.requests()).find((request) => request.status === 429);
  }, 'the 429');
  // Eight callers all the while, and until the account is asked again.
  const ofA = async () => (await mock.requests())
    .filter((request) => request.key === 'sk-test-a' && request.id > limited.id);
  const end = Date.now() + restMs + 60_000;
  const enough = () => back && answered.length > 100;
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  let back = false;
  const callers = Array.from({length: 8}, async () => {
    while (!enough() && Date.now() < end) {
      await get();
      await pause(20);
    }
  });
  while (!back && Date.now() < end) {
    await pause(50);
    back = (await ofA()).length > 0;
  }
  await Promise.all(callers);
  assert.ok(answered.length > 100, `only ${answered.length} answers`);
  assert.deepEqual([...new Set(answered)], [200]);
  const [next] = await ofA();
  assert.ok(next, 'it was never asked again');
  const rested = next.read_at_ms - limited.answered_at_ms;
  assert.ok(rested >= restMs, `asked again after ${rested} ms`);
  assert.ok((await mock.requests()).every(
    (request) => request.status === 200 || request.id === limited.id));
});

test('requests sent ahead hold no memory that other connections need', async (t) => {
  const {mock, gateway} = await startBoth(t);
  const first = requestText(CHAT, BIG_BODY, {'x-mock-fault': 'hang'});
  const ahead = requestText(CHAT, BODY);
  const clients = Array.from({length: 100}, () => new RawClient(gateway.url));
  atEnd(t, () => clients.forEach((client) => client.leave()));
  for (const client of clients) await client.send(first + ahead);
  const {length} = clients;
  await eventually(async () => (await mock.count()).in_flight === length, 'all of them there');
  assert.equal((await gateway.post(CHAT, ask())).status, 200);
  assert.equal((await mock.count()).requests, length + 1);
});

// Bytes of anonymous memory of a process; sockets, which are the kernel's, are not in it.
async function anonymousBytes(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)[1]) * 1024;
}

// Shadow memory and quarantines say nothing of what ships.
async function isSanitized(pid) {
  return /lib[at]san/.test(await readFile(`/proc/${pid}/maps`, 'utf8'));
}

async function askOn(client, body = BODY) {
  client.received = '';
  await client.send(requestText(CHAT, body));
  await eventually(() => /"service_tier"/.test(client.received) || client.ended, 'an answer');
  assert.match(client.received, /^HTTP\/1\.1 200 /);
}

// 1,000 connections that have had an answer each, and wait. `bound`: bytes of one of them.
async function holdIdle(t, gateway, connect, bound) {
  const {pid} = gateway.child;
  const clients = [];
  const open = (count) => {
    const more = Array.from({length: count}, connect);
    clients.push(...more);
    return more;
  };
  atEnd(t, () => clients.forEach((client) => client.leave()));
  // What does not grow with them is made first: pools, upstream connections, and every page of the
  // shards' receive buffers (2 x 1 MiB).
  const first = open(100);
  await eachOf(first, 8, (client) => askOn(client, BIG_BODY));
  // And what is kept of each shard's last 2,048 requests for explaining, 1 KiB each.
  const sanitized = await isSanitized(pid);
  for (let i = 0; i < 60 && !sanitized; ++i) await eachOf(first, 100, (client) => askOn(client));
  const before = await anonymousBytes(pid);
  const idle = open(1000);
  await eachOf(idle, 32, (client) => askOn(client));
  const each = (await anonymousBytes(pid) - before) / idle.length;
  t.diagnostic(`${Math.round(each)} bytes of memory per idle connection`);
  assert.deepEqual(idle.filter((client) => client.ended).length, 0);
  await eachOf(idle, 32, (client) => askOn(client));
  await eachOf(first, 32, (client) => askOn(client));
  const again = (await anonymousBytes(pid) - before) / idle.length;
  t.diagnostic(`${Math.round(again)} bytes after a second request on each`);
  if (sanitized) return;
  assert.ok(each > 0 && each <= bound, `${each} bytes for each idle connection`);
  assert.ok(again <= bound, `${again} bytes for each after its second request`);
}

// All are opened before the first asks: on a slow machine the last waits for long.
const quiet = {log: {level: 'error'},
  timeouts: {tls_handshake: '120s', request_head: '120s', keep_alive: '300s'}};
const roomy = (mock) => [account(mock, {rpm_limit: 100_000})];

test('1,000 idle connections are held, in 1 KiB each', async (t) => {
  const mock = await startMock(t, ['--tokens', '2']);
  const gateway = await startGateway(t, {...quiet, accounts: roomy(mock)});
  await holdIdle(t, gateway, () => new RawClient(gateway.url), 1024);
});

test('1,000 idle connections over TLS are held', async (t) => {
  const certificates = await authority(t, ['localhost']);
  const mock = await startMock(t, ['--tokens', '2']);
  const gateway = await startGateway(t, {...quiet, accounts: roomy(mock), tls: [
    {certificate: certificates.certificate('localhost'), key: certificates.key('localhost')}]});
  const ca = await readFile(certificates.ca);
  const url = gateway.url.replace(/^http:/, 'https:');
  await holdIdle(t, gateway, () => new RawClient(url, {servername: 'localhost', ca}), 16 * 1024);
});

// A request on a fresh connection: its answer, and the end of the connection.
async function askFresh(gateway) {
  const client = new RawClient(gateway.url);
  client.send(requestText(CHAT, BODY, {connection: 'close'}));
  await client.ends();
  return client.received;
}

function assertOverloaded(answer) {
  assert.match(answer, /^HTTP\/1\.1 503 Service Unavailable\r\n/);
  assert.match(answer, /^retry-after: 1\r$/m);
  assert.match(answer, /^x-sluice-error-source: gateway\r$/m);
  const {error} = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
  assert.equal(error.type, 'server_error');
  assert.equal(error.code, 'gateway_overloaded');
  assert.equal(error.param, null);
}

test('a connection too many is told so, and the log says it once a second', async (t) => {
  const {gateway} = await startBoth(t, {shards: 1, limits: {connections_max: 2}});
  const began = performance.now();
  const held = [rawClient(t, gateway.url), rawClient(t, gateway.url)];
  for (const client of held) await askOn(client);
  for (let i = 0; i < 20; ++i) assertOverloaded(await askFresh(gateway));
  await eventually(() => /connections refused/.test(gateway.errors), 'the line in the log');
  assert.match(gateway.errors, /connections refused.*clients_max=2 set_by=limits\.connections_max/);
  const lines = gateway.errors.match(/connections refused/g).length;
  assert.ok(lines <= 2 + (performance.now() - began) / 1000, `${lines} lines`);
  held[0].leave();
  await eventually(async () => / 200 /.test(await askFresh(gateway)), 'room again');
});

// `command` with a limit on file descriptors, hard and soft.
const limited = (soft, hard) => ({prefix: ['prlimit', `--nofile=${soft}:${hard}`]});

test('the limit on file descriptors is raised, or what it cannot hold is said', async (t) => {
  const mock = await startMock(t);
  const config = {shards: 1, accounts: [account(mock)], limits: {connections_max: 100}};
  const raised = await startGateway(t, config, limited(64, 512));
  assert.match(await readFile(`/proc/${raised.child.pid}/limits`, 'utf8'),
    /^Max open files +512 +512 /m);
  assert.doesNotMatch(raised.errors, /file descriptors/);
  const small = await startGateway(t, config, limited(64, 64));
  const says = (pattern) => eventually(() => pattern.exec(small.errors), `${pattern}`);
  await says(/too few file descriptors.*LimitNOFILE.*ulimit -n.*limit=64 needed=240/);
  const [, most] = await says(/clients_per_shard_max=(\d+)/);
  const held = Array.from({length: Number(most)}, () => rawClient(t, small.url));
  for (const client of held) await askOn(client);
  assertOverloaded(await askFresh(small));
  await says(/set_by="the limit on file descriptors"/);
});

// Whether anybody on this machine has a connection to there that he has not closed.
async function isConnected(url) {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
  const CLOSED = ['04', '05', '06', '09', '0B'];  // by this side: FIN_WAIT1, ... of the kernel
  const lines = (await readFile('/proc/net/tcp', 'utf8')).trim().split('\n').slice(1);
  return lines.map((line) => line.trim().split(/\s+/))
    .some(([, , remote, state]) => remote.endsWith(`:${port}`) && !CLOSED.includes(state));
}

test('without a descriptor left the gateway says that it is its own limit', async (t) => {
  const {mock, gateway} = await startBoth(t, {shards: 1});
  const {pid} = gateway.child;
  const limit = async (soft) => {
    const {code, errors} = await run('prlimit', ['--pid', `${pid}`, `--nofile=${soft}:`]);
    assert.equal(code, 0, errors);
  };
  const client = rawClient(t, gateway.url);
  // What is loaded or checked once is so before: also UBSan's look at the types of objects, which
  // needs descriptors. The provider closes its connection, so that the next request needs another.
  client.send(requestText(CHAT, BODY, {'x-mock-fault': 'close'}));
  await client.receives(/^HTTP\/1\.1 200 [^]*"service_tier"/);
  await eventuallyStored(path.join(path.dirname(gateway.file), 'sluice-data'),
    (now) => now.rows.length === 1, 'its row');
  await eventually(async () => !await isConnected(mock.url), 'the end of its connection here');
  await delay(2500);  // what looks around each second has done so
  await limit(4);  // all that it has is above
  client.received = '';
  client.send(requestText(CHAT, BODY));
  await client.receives(/"gateway_overloaded"/);
  assert.match(client.received, /^HTTP\/1\.1 503 [^]*^retry-after: 1\r$/m);
  assert.match(client.received, /limit of the gateway/);
  assert.equal((await mock.count()).requests, 1);
  await limit(256);
  await askOn(client);
});
