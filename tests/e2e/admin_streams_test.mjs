// Who listens to the stream of snapshots: those that do not read, those that log out, those that
// ask for its head alone, and too many of them.
import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import test from 'node:test';
import {authority} from './authority.mjs';
import {ask as asks} from './contract.mjs';
import {account, atEnd, eventually, Program, startGateway, startMock} from './harness.mjs';
import {rawClient, requestText} from './wire.mjs';

const TOKEN = 'e2e-admin-token-0123456789';
const SSE = '/dashboard/sse';

async function start(t, {accounts = 1, ...config} = {}) {
  const mock = await startMock(t);
  return startGateway(t, {
    accounts: Array.from({length: accounts}, (_, i) =>
      account(mock, {name: `team-${'n'.repeat(40)}-${i}`, api_key: `sk-test-${i}`})),
    ...config,
  }, {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
}

// A listener: `times` of the snapshots that came, in seconds.
function listen(t, gateway, headers = {authorization: `Bearer ${TOKEN}`}, ca = undefined) {
  const heard = {times: [], status: 0, draining: false, ended: false};
  const {get} = ca ? https : http;
  const request = get(gateway.url + SSE, {headers, ca, agent: false}, (answer) => {
    heard.status = answer.statusCode;
    let text = '';
    answer.setEncoding('utf8').on('data', (some) => {
      text += some;
      for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
        if (!text.startsWith('data: ')) continue;
        const snapshot = JSON.parse(text.slice(6, end));
        heard.times.push(snapshot.timestamp);
        heard.draining = snapshot.draining;
      }
    }).on('end', () => (heard.ended = true));
  });
  request.on('error', () => (heard.ended = true)).on('close', () => (heard.ended = true));
  atEnd(t, () => request.destroy());
  heard.request = request;
  return heard;
}

const longestGap = (times) =>
  Math.max(...times.slice(1).map((time, i) => time - times[i]));

// A snapshot of 1,000 accounts is some 400 KB: the kernel keeps some ten of them for who does not
// read, and then there is no room for the next one.
test('a listener that does not read is skipped, not waited for, and goes on when it reads',
  async (t) => {
    const ACCOUNTS = 1000, SILENT_S = 42;
    const gateway = await start(t, {accounts: ACCOUNTS});
    const {hostname, port} = new URL(gateway.url);
    const script = new URL('slow_listener.py', import.meta.url).pathname;
    const slow = new Program('python3', [script, hostname, port, TOKEN, `${SILENT_S}`]);
    atEnd(t, () => slow.stop());
    const others = [listen(t, gateway), listen(t, gateway)];
    const {code} = await slow.exited;
    assert.equal(code, 0, slow.errors);
    const heard = JSON.parse(slow.output);
    assert.ok(!heard.ended, `it was closed after ${heard.times.length} snapshots`);
    assert.equal(heard.accounts, ACCOUNTS);
    const gap = longestGap(heard.times);
    assert.ok(gap > SILENT_S / 2.5, `nothing was skipped: the longest gap is ${gap} s`);
    for (const one of others) {
      assert.ok(!one.ended);
      assert.ok(longestGap(one.times) < gap / 2, `another waited ${longestGap(one.times)} s`);
      assert.ok(one.times.length > heard.times.length, `${one.times.length} came`);
    }
  });

test('256 listen at once; the next one is refused until one leaves', async (t) => {
  const gateway = await start(t);
  const all = Array.from({length: 256}, () => listen(t, gateway));
  await eventually(() => all.every((one) => one.times.length > 1), 'all of them');
  const late = listen(t, gateway);
  await eventually(() => late.status !== 0, 'the answer to the late one');
  assert.equal(late.status, 503);
  all[0].request.destroy();
  await eventually(async () => {
    const next = listen(t, gateway);
    await eventually(() => next.status !== 0, 'an answer');
    return next.status === 200;
  }, 'the place that came free');
});

test('a logout ends the streams of that login, and no other', async (t) => {
  const gateway = await start(t, {admin: {public_read: true}});
  const login = async () => {
    const answer = await asks(gateway.url, 'POST', '/api/admin/login', {json: {token: TOKEN}});
    assert.equal(answer.status, 200);
    return {cookie: answer.headers.get('set-cookie').split(';')[0]};
  };
  const [mine, others] = [await login(), await login()];
  const ends = [listen(t, gateway, mine), listen(t, gateway, mine)];
  const stays = [listen(t, gateway, others), listen(t, gateway), listen(t, gateway, {})];
  await eventually(() => [...ends, ...stays].every((one) => one.times.length > 0), 'all of them');
  const {status} = await asks(gateway.url, 'POST', '/api/admin/logout', {headers: mine});
  assert.equal(status, 200);
  const since = Date.now() / 1000;
  await eventually(() => ends.every((one) => one.ended), 'the end of both');
  for (const {times} of ends)
    assert.ok(times.filter((time) => time > since).length <= 1, 'nothing more was told');
  const before = stays.map((one) => one.times.length);
  await eventually(() => stays.every((one, i) => one.times.length > before[i] + 1), 'the others');
  assert.ok(stays.every((one) => !one.ended));
});

test('HEAD of the stream is its head, and the connection goes on', async (t) => {
  const gateway = await start(t);
  const headers = {authorization: `Bearer ${TOKEN}`, host: '127.0.0.1'};
  for (const route of [SSE, '/api/dashboard/stream']) {
    const client = rawClient(t, gateway.url);
    await client.send(requestText(route, '', headers, 'HEAD'));
    await client.receives(/\r\n\r\n$/);
    assert.match(client.received, /^HTTP\/1\.1 200 .*content-type: text\/event-stream/s);
    assert.doesNotMatch(client.received, /content-length|connection: close/);
    const head = client.received.length;
    await client.send(requestText('/api/admin/version', '', headers, 'GET'));
    await client.receives(/"started_at"/);
    assert.match(client.received.slice(head), /^HTTP\/1\.1 200 /, 'no snapshot came between');
  }
});

test('a drain is told by the next snapshot, and the streams live as long as it', async (t) => {
  const gateway = await start(t, {drain: {delay: '3s', grace: '5s'}});
  const heard = listen(t, gateway);
  await eventually(() => heard.times.length > 0, 'a snapshot');
  assert.equal(heard.draining, false);
  const {body} = await asks(gateway.url, 'POST', '/api/admin/drain', {token: TOKEN});
  const began = Date.now();
  assert.deepEqual([body.delay_seconds, body.grace_seconds], [3, 5]);
  await eventually(() => heard.draining, 'the word of it', 2500);
  const late = listen(t, gateway);
  await eventually(() => late.draining, 'another listener', 2500);
  assert.ok(!heard.ended);
  const {code} = await gateway.exited;
  assert.equal(code, 0, gateway.errors);
  const took = Date.now() - began;
  assert.ok(took > 2900 && took < 8000, `it took ${took} ms`);
  await eventually(() => heard.ended && late.ended, 'the end of both');
  assert.ok(heard.times.length > 2);
});

// Those over TLS are relayed by a shard, which ends at once.
for (const secure of [false, true])
  test(`the last word is of the drain, ${secure ? 'over TLS' : 'plain'}, also without a delay`,
    async (t) => {
      const host = '127.0.0.1';
      const tls = await authority(t, [host]);
      const gateway = await start(t, {drain: {delay: '0s', grace: '20s'},
        ...(secure ? {tls: [{certificate: tls.certificate(host), key: tls.key(host)}]} : {})});
      const heard = listen(t, gateway, undefined, secure ? await readFile(tls.ca) : undefined);
      await eventually(() => heard.times.length > 1, 'a snapshot');
      assert.equal(heard.draining, false);
      const began = Date.now();
      assert.equal((await gateway.stop()).code, 0, gateway.errors);
      await eventually(() => heard.ended, 'its end');
      assert.ok(heard.draining, 'it ended without a word');
      assert.ok(Date.now() - began < 5000, 'a listener held up the end');
    });

// A shard relays them, and waits for them.
test('over TLS they live as long as new requests are taken, and hold up no end', async (t) => {
  const host = '127.0.0.1';
  const tls = await authority(t, [host]);
  const gateway = await start(t, {drain: {delay: '2s', grace: '20s'},
    tls: [{certificate: tls.certificate(host), key: tls.key(host)}]});
  const heard = listen(t, gateway, undefined, await readFile(tls.ca));
  await eventually(() => heard.times.length > 0, 'a snapshot');
  const began = Date.now();
  const stopped = gateway.stop();
  await eventually(() => heard.draining, 'the word of it', 2500);
  assert.equal((await stopped).code, 0, gateway.errors);
  assert.ok(Date.now() - began < 10_000, 'a listener held up the end');
});
