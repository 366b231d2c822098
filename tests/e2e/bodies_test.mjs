// Request bodies: large, in chunks, slow, too large, and of other types than JSON. The mock's echo
// tells their SHA-256.
import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import test from 'node:test';
import {
  account, ask, atEnd, CLIENT_KEY, eventually, startBoth, startGateway, startMock,
} from './harness.mjs';
import {exchange, rawClient, requestText} from './wire.mjs';

const CHAT = '/v1/chat/completions';
const ECHO = '/v1/echo';
const MIB = 1024 * 1024;
const CHUNKED = {'transfer-encoding': 'chunked'};
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

// Bytes that differ everywhere, so that a piece in the wrong place shows.
function noise(bytes) {
  const state = new Uint32Array(Math.ceil(bytes / 4));
  for (let i = 0, x = 2463534242; i < state.length; ++i) {
    x ^= x << 13;
    x ^= x >>> 17;
    state[i] = x ^= x << 5;
  }
  return Buffer.from(state.buffer, 0, bytes);
}

// A request with an image of so many bytes, as a data URL; the model comes last, or first.
function imageRequest(bytes, model, modelLast, stream) {
  const url = `data:image/png;base64,${noise(bytes).toString('base64')}`;
  const rest = {stream, messages: [{role: 'user', content: [
    {type: 'text', text: 'What is this?'}, {type: 'image_url', image_url: {url}}]}]};
  return JSON.stringify(modelLast ? {...rest, model} : {model, ...rest});
}

// `bytes` as chunks of that size.
function* chunksOf(bytes, size) {
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    yield Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece,
      Buffer.from('\r\n')]);
  }
}

test('a 60 KB prompt arrives byte for byte', async (t) => {
  const {mock, gateway} = await startBoth(t);
  const body = JSON.stringify(ask({messages: [{role: 'user', content: 'ü"\\\n漢'.repeat(10_000)}]}));
  assert.ok(Buffer.byteLength(body) > 60 * 1024);
  assert.equal((await gateway.post(CHAT, body)).status, 200);
  assert.equal((await mock.last())[0].body, body);
});

test('an 8 MiB image arrives byte for byte, but for the model\'s name', async (t) => {
  const {mock, gateway} = await startBoth(t, {accounts: [{models: {seeing: 'mock-large'}}]});
  for (const modelLast of [false, true]) {
    const body = imageRequest(6 * MIB, 'seeing', modelLast, false);
    const there = imageRequest(6 * MIB, 'mock-large', modelLast, false);
    const echoed = await gateway.post(ECHO, body);
    assert.equal((await echoed.json()).body_sha256, sha256(there));
    assert.ok(there.length > 8 * MIB);

    const answer = await gateway.post(CHAT, body);
    assert.equal((await answer.json()).object, 'chat.completion');
    const stream = await gateway.post(CHAT, imageRequest(6 * MIB, 'seeing', modelLast, true));
    assert.match(await stream.text(), /token-1[^]*\[DONE\]/);
    const [plain, streamed] = (await mock.requests()).slice(-2);
    assert.deepEqual([plain.model, plain.request_body_bytes], ['mock-large', there.length]);
    // A stream is asked for its usage, which is one member more.
    const member = '"stream_options":{"include_usage":true},'.length;
    const expected = imageRequest(6 * MIB, 'mock-large', modelLast, true).length + member;
    assert.deepEqual([streamed.model, streamed.request_body_bytes], ['mock-large', expected]);
  }
});

test('a chunked request arrives whole: single bytes, big pieces, trailers', async (t) => {
  const {gateway} = await startBoth(t);
  const last = '0\r\n\r\n';
  const trailers = '0;last\r\nX-Trailer: dropped\r\nX-Second: 2\r\n\r\n';
  const cases = [[0, 1, last], [3000, 1, last], [200_000, 7, last], [4 * MIB, 300_000, trailers]];
  for (const [bytes, size, end] of cases) {
    const body = noise(bytes);
    const client = rawClient(t, gateway.url);
    client.send(requestText(ECHO, '', {...CHUNKED, 'content-type': 'application/octet-stream'}));
    for (const chunk of chunksOf(body, size)) client.socket.write(chunk);
    await client.send(end);
    const match = await client.receives(/HTTP\/1\.1 200 [^]*"body_sha256":"([0-9a-f]+)"/);
    assert.equal(match[1], sha256(body), `${bytes} bytes in chunks of ${size}`);
    assert.doesNotMatch(client.received, /X-Trailer/i);
    // The connection goes on behind it.
    client.received = '';
    client.send(requestText(CHAT, JSON.stringify(ask())));
    await client.receives(/"chat\.completion"/);
    client.leave();
  }
});

test('32 MiB are taken; a byte more is refused before the body is sent', async (t) => {
  const {mock, gateway} = await startBoth(t);
  const whole = noise(32 * MIB);
  const headers = {authorization: `Bearer ${CLIENT_KEY}`,
    'content-type': 'application/octet-stream'};
  const taken = await exchange(gateway.url, ECHO,
    {headers: {...headers, 'content-length': whole.length}, body: whole});
  assert.equal(taken.status, 200);
  assert.equal(/"body_sha256":"([0-9a-f]+)"/.exec(taken.body.toString('latin1'))[1], sha256(whole));

  const client = rawClient(t, gateway.url);
  client.send(requestText(ECHO, '', {'content-length': whole.length + 1}));
  await client.ends();
  assert.match(client.received, /^HTTP\/1\.1 413 [^]*"request_too_large"/);
  assert.match(client.received, /^connection: close\r$/im);
  assert.equal((await mock.count()).requests, 1);
});

test('a chunked body above the limit is refused while it comes', async (t) => {
  const {mock, gateway} = await startBoth(t, {limits: {body_bytes_max: '1MiB'}});
  const headers = {...CHUNKED, 'content-type': 'application/octet-stream'};
  const exact = rawClient(t, gateway.url);
  exact.send(requestText(ECHO, '', headers));
  for (const chunk of chunksOf(noise(MIB), 100_000)) exact.socket.write(chunk);
  exact.send('0\r\n\r\n');
  await exact.receives(/^HTTP\/1\.1 200 /);
  const over = rawClient(t, gateway.url);
  over.send(requestText(ECHO, '', headers));
  for (const chunk of chunksOf(noise(MIB + 1), 100_000)) over.socket.write(chunk);  // no end
  await over.ends();
  assert.match(over.received, /^HTTP\/1\.1 413 [^]*"request_too_large"/);
  assert.equal((await mock.count()).requests, 1);
});

test('Expect: 100-continue is answered once the head is accepted, else refused', async (t) => {
  const {mock, gateway} = await startBoth(t);
  const body = JSON.stringify(ask());
  const expecting = {expect: '100-continue', 'content-length': body.length};
  const client = rawClient(t, gateway.url);
  client.send(requestText(CHAT, '', expecting));
  await client.receives(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  assert.equal((await mock.count()).requests, 0);
  client.send(body);
  await client.receives(/100 Continue\r\n\r\nHTTP\/1\.1 200 [^]*"chat\.completion"/);

  for (const [headers, status] of [[{authorization: 'Bearer sk-test-wrong-0123'}, 401],
    [{'content-length': 33 * MIB}, 413], [{expect: 'miracles'}, 417]]) {
    const refused = rawClient(t, gateway.url);
    refused.send(requestText(CHAT, '', {...expecting, ...headers}));
    await refused.ends();
    assert.match(refused.received, new RegExp(`^HTTP/1\\.1 ${status} `));
  }
  assert.equal((await mock.count()).requests, 1);
});

test('large uploads at once each arrive whole', async (t) => {
  const {gateway} = await startBoth(t);
  const bodies = Array.from({length: 8}, (_, i) => noise(4 * MIB + i * 1001));
  const headers = {authorization: `Bearer ${CLIENT_KEY}`,
    'content-type': 'application/octet-stream'};
  const sums = await Promise.all(bodies.map(async (body, i) => {
    const framing = i % 2 === 0 ? {'content-length': body.length} : CHUNKED;
    const answer = await exchange(gateway.url, ECHO, {headers: {...headers, ...framing}, body});
    return /"body_sha256":"([0-9a-f]+)"/.exec(answer.body.toString('latin1'))[1];
  }));
  assert.deepEqual(sums, bodies.map(sha256));
});

test('an upload that stops, or drips, is cut with 408', async (t) => {
  // Each limit alone: one that comes to nothing shows as a client that is never cut.
  const [idle, rate] = await Promise.all([{body_idle: '1s', body_rate_after: '10min'},
    {body_idle: '10min', body_rate_min: '1KiB', body_rate_after: '2s'}].map((timeouts) =>
    startBoth(t, {timeouts})));
  const began = performance.now();
  const cut = async (client, leastMs) => {
    await client.ends();
    const ms = performance.now() - began;
    assert.match(client.received, /^HTTP\/1\.1 408 [^]*"request_timeout"/);
    assert.ok(ms >= leastMs - 100, `cut after ${ms} ms`);
  };
  const stopped = rawClient(t, idle.gateway.url);
  stopped.send(`${requestText(CHAT, '', {'content-length': 1000})}{"model"`);
  const dripping = rawClient(t, rate.gateway.url);
  dripping.send(requestText(CHAT, '', {'content-length': 1000}));
  const drip = setInterval(() => dripping.send('x'), 100);
  atEnd(t, () => clearInterval(drip));
  await Promise.all([cut(stopped, 1000), cut(dripping, 2000)]);
  for (const {mock} of [idle, rate]) assert.equal((await mock.count()).requests, 0);
});

test('a form goes through byte for byte, by the model it names', async (t) => {
  const {mock, gateway} = await startBoth(t,
    {accounts: [{models: ['whisper-1']}, {models: ['mock-large']}]});
  const file = noise(300_000);
  const part = (name, value, more = '') => Buffer.concat([
    Buffer.from(`--limit\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`),
    Buffer.from(value), Buffer.from('\r\n')]);
  const form = (model) => Buffer.concat([
    part('file', file, '; filename="speech.mp3"\r\nContent-Type: audio/mpeg'),
    part('model', model), Buffer.from('--limit--\r\n')]);
  const headers = {authorization: `Bearer ${CLIENT_KEY}`,
    'content-type': 'multipart/form-data; boundary=limit'};
  for (const [model, name] of [['whisper-1', 'team-a'], ['mock-large', 'team-b']]) {
    const body = form(model);
    const answer = await exchange(gateway.url, '/v1/audio/transcriptions', {headers, body});
    assert.deepEqual([answer.status, answer.headers['x-sluice-account']], [200, name]);
    const echoed = JSON.parse(answer.body);
    assert.equal(echoed.body_sha256, sha256(body));
    assert.ok(echoed.head.includes('multipart/form-data; boundary=limit\r\n'));
  }
  const unknown = await exchange(gateway.url, '/v1/audio/transcriptions',
    {headers, body: form('unheard-of')});
  assert.equal(unknown.status, 404);
  assert.equal((await mock.count()).requests, 2);
});

// Waits until what the gateway holds for bodies, in bytes, is as wished: it may read what was sent
// a good while after the kernel has taken it.
async function bodyMemory(gateway) {
  const [, url] = await eventually(
    () => /listening on its own.*url=(\S+)/.exec(gateway.errors), 'the listener for metrics');
  return (wished) => eventually(async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return wished(Number(/^sluice_request_body_memory_bytes (\d+)$/m.exec(text)[1]));
  }, 'memory of request bodies');
}

test('a prompt is held until its answer begins, and no longer', async (t) => {
  const mock = await startMock(t, ['--tokens', '1000', '--behaviour', 'gap=100ms']);
  const gateway = await startGateway(t,
    {shards: 1, accounts: [account(mock)],
      metrics: {listen: ['127.0.0.1:0']}});
  const held = await bodyMemory(gateway);
  const prompt = 'x'.repeat(200_000);
  const stream = await gateway.openai().chat.completions.create(
    ask({stream: true, messages: [{role: 'user', content: prompt}]}));
  const events = stream[Symbol.asyncIterator]();
  assert.equal((await events.next()).done, false);
  await held((bytes) => bytes === 0);
  assert.equal((await events.next()).done, false, 'the stream goes on');
  stream.controller.abort();
  const [line, bytes] = await eventually(
    () => /info request .*model=mock-large .*request_bytes=(\d+)/.exec(gateway.errors), 'its line');
  assert.ok(Number(bytes) > prompt.length, line);
});

test('who reads only behind an upload that is too large gets its 413', async (t) => {
  const {gateway} = await startBoth(t, {limits: {body_bytes_max: '1MiB'}});
  const client = rawClient(t, gateway.url);
  client.socket.pause();
  await client.send(requestText(ECHO, '', {'content-length': 24 * MIB}));
  for (let i = 0; i < 24; ++i) {
    await client.send('x'.repeat(MIB));
    assert.equal(client.ended, false, `a reset behind ${i} MiB`);
  }
  client.socket.resume();
  await client.receives(/^HTTP\/1\.1 413 [^]*"request_too_large"/);
  await client.ends();
});

test('announced bodies cost nothing until they come; above the budget: 503', async (t) => {
  const {gateway} = await startBoth(t,
    {shards: 1, limits: {body_bytes_max: '32MiB', body_memory_max: '48MiB'},
      // However long the others take, those that wait are not cut.
      timeouts: {body_idle: '10min', body_rate_after: '10min'},
      metrics: {listen: ['127.0.0.1:0']}});
  const held = await bodyMemory(gateway);
  const announced = {'content-length': 32 * MIB};
  const idle = Array.from({length: 80}, () => rawClient(t, gateway.url));
  for (const client of idle) await client.send(requestText(ECHO, 'x', announced));
  const answer = await gateway.post(CHAT, ask());
  assert.equal(answer.status, 200);
  await held((bytes) => bytes === 80 * 128 * 1024);  // the first block of each
  // One body holds 32 MiB of the 48, the waiting ones 10: a second finds too little.
  const large = rawClient(t, gateway.url);
  await large.send(requestText(ECHO, '', announced));
  for (let i = 0; i < 20; ++i) await large.send('x'.repeat(MIB));
  await held((bytes) => bytes >= 42 * MIB);
  const second = rawClient(t, gateway.url);
  second.send(requestText(ECHO, '', {'content-length': 8 * MIB}));
  for (let i = 0; i < 8 && !second.ended; ++i) second.send('x'.repeat(MIB));
  await second.receives(/^HTTP\/1\.1 503 [^]*"gateway_overloaded"/);
  assert.match(second.received, /^retry-after: \d+\r$/im);
  assert.match(second.received, /body_memory_max/);
  large.leave();
  await eventually(async () => {
    const headers = {authorization: `Bearer ${CLIENT_KEY}`,
      'content-type': 'application/octet-stream'};
    const later = await exchange(gateway.url, ECHO, {headers, body: noise(8 * MIB)});
    return later.status === 200;
  }, 'room for a large body again');
});
