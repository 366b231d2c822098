// Requests that wait for a permit: in which order, how long, and what becomes of them.
import assert from 'node:assert/strict';
import {once} from 'node:events';
import {readFile, writeFile} from 'node:fs/promises';
import test from 'node:test';
import OpenAI from 'openai';
import {accessLines, account, ask, atEnd, eventually, startBoth} from './harness.mjs';
import {RawClient, rawClient, requestText} from './wire.mjs';

const CHAT = '/v1/chat/completions';
const TOKEN = 'e2e-admin-token-0123456789';
const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A gateway whose one account lets one request through in each `window`; what comes first at the
// provider has the lower id there.
const startNarrow = (t, window, more = {}) => {
  process.env.SIDECAR_ADMIN_TOKEN = TOKEN;
  return startBoth(t, {accounts: [{rpm_limit: 1, window}], log: {format: 'json'},
    mockArgs: ['--shards', '1'], ...more});
};

// One at a time, so that the provider has them in the order in which they were let through.
const ONE_BY_ONE = {rpm_limit: 1, window: '600s', concurrent_limit: 1};

// A window that none of a test's requests outlives, and the time to wait for reopen() in it.
const CLOSED = ONE_BY_ONE.window;
const PATIENT = {urgent: '20min', high: '20min', normal: '20min', low: '20min'};

// Waits until so many stand in the queue.
const depthIs = (gateway, count) => eventually(async () => {
  const answer = await fetch(`${gateway.url}/api/admin/queue`,
    {headers: {authorization: `Bearer ${TOKEN}`}});
  return (await answer.json()).depth === count;
}, `${count} in the queue`);

// A reload that makes the window short: those who wait get their permits one after the other.
async function reopen(gateway, change = () => {}) {
  const config = JSON.parse(await readFile(gateway.file, 'utf8'));
  config.accounts[0].window = '1s';
  change(config);
  await writeFile(gateway.file, JSON.stringify(config));
  gateway.signal('SIGHUP');
  await eventually(() => /"reloaded"/.test(gateway.errors), 'the reload');
}

// Sends a request with a name, which the provider hears, and resolves to its answer.
const send = (gateway, name, headers = {}) =>
  gateway.post(CHAT, ask(), {'x-request-id': name, ...headers});

// The names of the requests in the order in which the provider got them.
async function namesOf(mock) {
  const requests = (await mock.last(100)).sort((a, b) => a.id - b.id);
  return requests.map((request) => /^x-request-id: (\S+)/im.exec(request.head)[1]);
}

test('a request waits for the next permit, and is told how long it waited', async (t) => {
  const windowMs = 4000;
  const {mock, gateway} = await startNarrow(t, `${windowMs}ms`);
  const began = Date.now();
  const answers = await Promise.all(['one', 'two'].map((name) => send(gateway, name)));
  assert.deepEqual(answers.map((answer) => answer.status), [200, 200]);
  const waits = answers.map((answer) => Number(answer.headers.get('x-sluice-queue-ms')));
  const [least, most] = waits.sort((a, b) => a - b);
  assert.equal(least, 0);
  // One window: it does not wait for a second.
  assert.ok(most > windowMs / 8 && most < 2 * windowMs, `${most} ms in the queue`);
  const overheads = answers.map((answer) => Number(answer.headers.get('x-sluice-overhead-us')));
  assert.ok(overheads.every((us) => us < windowMs * 1000), `the wait is no overhead: ${overheads}`);
  const {read_at_ms: second} = (await mock.requests())[1];
  assert.ok(second - began >= windowMs, `${second - began} ms for two requests`);
  const lines = await eventually(() => {
    const all = accessLines(gateway);
    return all.length === 2 && all;
  }, 'two access lines');
  const waited = lines.find((line) => line.queue_us > 0);
  assert.equal(waited.priority, 'normal');
  assert.equal(Math.floor(waited.queue_us / 1000), most);
});

test('higher priorities first, and each in the order of arrival, over two shards', async (t) => {
  const {mock, gateway} = await startNarrow(t, CLOSED,
    {accounts: [ONE_BY_ONE], queue: {wait: PATIENT}, shards: 2});
  await (await send(gateway, 'first')).text();
  const arriving = ['low', 'normal', 'urgent', 'normal', 'high', 'URGENT', 'low', 'unknown'];
  const answers = [];
  for (const [i, priority] of arriving.entries()) {
    answers.push(send(gateway, `${i}-${priority}`, {'x-priority': priority}));
    await depthIs(gateway, i + 1);
  }
  await reopen(gateway);
  for (const answer of answers) assert.equal((await answer).status, 200);
  assert.deepEqual(await namesOf(mock), ['first', '2-urgent', '5-URGENT', '4-high', '1-normal',
    '3-normal', '7-unknown', '0-low', '6-low']);
});

test('a client key has a priority of its own', async (t) => {
  const {mock, gateway} = await startNarrow(t, CLOSED, {
    accounts: [ONE_BY_ONE],
    clients: [{name: 'batch', key: 'sk-test-batch-0123', priority: 'low'},
      {name: 'agent', key: 'sk-test-agent-0123', priority: 'high'},
      {name: 'guest', key: 'sk-test-guest-0123', priority: 'low', priority_max: 'normal'}],
    queue: {wait: PATIENT},
  });
  const as = (key, name, headers = {}) =>
    send(gateway, name, {authorization: `Bearer sk-test-${key}-0123`, ...headers});
  await (await as('agent', 'first')).text();
  const answers = [];
  for (const [key, name, headers] of [['guest', 'at-most-normal', {'x-priority': 'urgent'}],
    ['batch', 'low'], ['agent', 'high'], ['batch', 'urgent', {'x-priority': 'urgent'}]]) {
    answers.push(as(key, name, headers));
    await depthIs(gateway, answers.length);
  }
  await reopen(gateway);
  for (const answer of answers) assert.equal((await answer).status, 200);
  assert.deepEqual(await namesOf(mock), ['first', 'urgent', 'high', 'at-most-normal', 'low']);
});

test('429 queue_full and queue_timeout say when its turn would have been', async (t) => {
  const {mock, gateway, client} = await startNarrow(t, '10s',
    {queue: {capacity: 2, wait: {low: '12s'}}});
  const began = performance.now();
  await client.chat.completions.create(ask());
  const refused = async (headers) => {
    const error = await client.chat.completions.create(ask(), {headers})
      .then(() => assert.fail('it was served'), (error) => error);
    assert.ok(error instanceof OpenAI.RateLimitError, error.constructor.name);
    assert.equal(error.type, 'requests');
    return [error.code, Number(error.headers.get('retry-after'))];
  };
  const [served, left] = [rawClient(t, gateway.url), rawClient(t, gateway.url)];
  for (const [i, waiting] of [served, left].entries()) {
    await waiting.send(requestText(CHAT, JSON.stringify(ask())));
    await depthIs(gateway, i + 1);
  }
  const [full, after] = await refused({});
  assert.equal(full, 'queue_full');
  const since = (performance.now() - began) / 1000;
  assert.ok(after >= 29 - since && after <= 31, `two wait, and a permit comes each 10 s: ${after}`);
  left.leave();
  // The place is free at once; the next permit is for the one that came before.
  const [timeout, later] = await eventually(async () => {
    const got = await refused({'x-priority': 'low'});
    return got[0] === 'queue_timeout' && got;
  }, 'a timeout in the queue');
  assert.equal(timeout, 'queue_timeout');
  assert.ok(later >= 1 && later <= 10, `${later} s`);
  await served.receives(/^HTTP\/1\.1 200 /);
  assert.equal((await mock.count()).requests, 2);
});

test('a request that nothing can come free for in its time is not kept waiting', async (t) => {
  const {client} = await startNarrow(t, '300s', {queue: {wait: {normal: '60s'}}});
  const began = Date.now();
  await client.chat.completions.create(ask());
  const error = await client.chat.completions.create(ask()).catch((error) => error);
  assert.deepEqual([error.status, error.code], [503, 'all_pools_exhausted']);
  const since = (Date.now() - began) / 1000;
  assert.ok(since < 50, `at once, not after its 60 s: ${since} s`);
  const after = Number(error.headers.get('retry-after'));
  assert.ok(after >= 300 - since && after <= 301, `${after} s`);
});

test('a 429 of the only account is waited for', async (t) => {
  const {mock, gateway} = await startBoth(t, {
    rules: [{do: {status: 429, 'retry-after': 6}, times: 1}],
    routing: {cooldown: {base: '1s', max: '10s'}}});
  const answer = await send(gateway, 'one');
  assert.equal(answer.status, 200);
  const ms = Number(answer.headers.get('x-sluice-queue-ms'));
  assert.ok(ms > 1500 && ms < 14_000, `${ms} ms in the queue`);
  assert.equal(answer.headers.get('x-sluice-attempts'), '2');
  assert.equal((await mock.count()).requests, 2);
});

test('drop_lowest: the last of the lowest gives up its place', async (t) => {
  const {gateway} = await startNarrow(t, CLOSED,
    {queue: {capacity: 1, overflow: 'drop_lowest', wait: PATIENT}});
  await (await send(gateway, 'first')).text();
  const low = send(gateway, 'low', {'x-priority': 'low'});
  await depthIs(gateway, 1);
  const urgent = send(gateway, 'urgent', {'x-priority': 'urgent'});
  assert.equal((await low).status, 429);
  assert.equal((await (await low).json()).error.code, 'queue_full');
  await reopen(gateway);
  assert.equal((await urgent).status, 200);
});

test('of 5,000 at once one is admitted by a limit of one', async (t) => {
  const {mock, gateway} = await startNarrow(t, CLOSED, {queue: {wait: PATIENT},
    timeouts: {request_head: '300s'}, log: {level: 'error'}, shards: 2});
  const text = requestText(CHAT, JSON.stringify(ask()));
  const clients = [];
  atEnd(t, () => clients.forEach((client) => client.leave()));
  while (clients.length < 5000) {
    const more = Array.from({length: 250}, () => new RawClient(gateway.url));
    await Promise.all(more.map((client) => once(client.socket, 'connect')));
    clients.push(...more);
  }
  for (const client of clients) client.send(text);
  const answered = await eventually(() => {
    const some = clients.filter((client) => client.received !== '');
    return some.length === 4500 && some;
  }, 'an answer for all but the 500 that wait');
  const codes = {};
  for (const client of answered) {
    const [, status, code] = await client.receives(/^HTTP\/1\.1 (\d+) [^]*?"(?:code|id)":"(\w+)/);
    const name = status === '200' ? 'served' : `${status} ${code}`;
    codes[name] = (codes[name] ?? 0) + 1;
  }
  assert.deepEqual(codes, {'served': 1, '429 queue_full': 4499});
  for (const client of clients) client.leave();
  await gateway.stopCleanly();
  assert.equal((await mock.count()).requests, 1);
});

test('those who wait outlive a reload, and a drain', async (t) => {
  const {mock, gateway} = await startNarrow(t, CLOSED, {queue: {wait: PATIENT}});
  await (await send(gateway, 'first')).text();
  const waiting = ['one', 'two'].map((name) => send(gateway, name));
  await depthIs(gateway, 2);
  await reopen(gateway, ({accounts}) =>
    accounts.push(account(mock, {name: 'team-b', api_key: 'sk-test-b', enabled: false})));
  gateway.signal('SIGTERM');
  for (const answer of waiting) assert.equal((await answer).status, 200);
  assert.equal((await gateway.exited).code, 0);
});

test('a second SIGTERM calls off those who wait', async (t) => {
  const {gateway} = await startNarrow(t, CLOSED, {queue: {wait: PATIENT}});
  await (await send(gateway, 'first')).text();
  const waiting = send(gateway, 'one');
  await depthIs(gateway, 1);
  gateway.signal('SIGTERM');
  await eventually(() => /"draining"/.test(gateway.errors), 'the drain');
  gateway.signal('SIGTERM');
  await waiting.then((answer) => assert.equal(answer.status, 503), () => {});
  assert.equal((await gateway.exited).code, 0);
});

// A gateway whose one account is spent for `window`, and a client that waits for a stream.
async function startQueued(t, window, {request = {}, rules = [], route = CHAT, ...more} = {}) {
  const {mock, gateway, client} = await startNarrow(t, window, {
    queue: {comments: '1s', wait: {low: '2500ms'}}, ...more});
  await (await send(gateway, 'first')).text();
  if (rules.length > 0) await mock.script({defaults: {tokens: 2}, rules});
  const raw = rawClient(t, gateway.url);
  const body = JSON.stringify(ask({stream: true, max_tokens: 8, ...request}));
  await raw.send(requestText(route, body, request.fields));
  return {mock, gateway, client, raw};
}
// What a raw client has got behind the head, its chunks put together.
const dechunk = (text) => text.slice(text.indexOf('\r\n\r\n') + 4)
  .replace(/[0-9a-f]+\r\n((?:: |data|event)[^]*?\n\n)\r\n/g, '$1');

test('who waits for a stream is told so, and the events follow', async (t) => {
  const {gateway, raw} = await startQueued(t, '10s');
  const began = Date.now();
  await raw.receives(/: queued/);
  const first = Date.now() - began;
  assert.ok(first < 8000, `the head after ${first} ms`);  // it is served after 10 s
  assert.match(raw.received, /^HTTP\/1\.1 200 OK\r\n/);
  for (const field of [/^content-type: text\/event-stream\r$/m, /^cache-control: no-cache\r$/m,
    /^transfer-encoding: chunked\r$/m, /^x-request-id: \S+\r$/m, /^date: .*GMT\r$/m]) {
    assert.match(raw.received, field);
  }
  assert.doesNotMatch(raw.received, /^x-sluice-|^content-length/m);
  await raw.receives(/0\r\n\r\n$/);
  const body = dechunk(raw.received);
  const waits = [...body.matchAll(/^: queued wait_ms=(\d+)$/gm)].map(([, ms]) => Number(ms));
  assert.ok(waits.length >= 2 && waits.length <= 11, `${waits}`);
  assert.ok(waits.every((ms, i) => ms >= 1000 * (i + 1)), `${waits}`);
  assert.match(body,
    /^: served account=team-a pool=primary attempts=1 queue_ms=(?:[4-9]|1\d)\d\d\d$/m);
  assert.match(body,
    /queue_ms=\d+\n\ndata: [^]*token-0[^]*token-1[^]*data: \[DONE\]\n\n0\r\n\r\n$/);
  await raw.send(requestText('/livez', '', {}, 'GET'));
  await raw.receives(/0\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  const line = await eventually(() => accessLines(gateway).find((line) => line.queue_us > 0),
    'the access line');
  assert.deepEqual([line.status, line.late_status, line.account], [200, undefined, 'team-a']);
});

test('the SDK sees nothing of the comments', async (t) => {
  const {client} = await startNarrow(t, '3s', {queue: {comments: '1s'}});
  await client.chat.completions.create(ask());
  const words = [];
  for await (const part of await client.chat.completions.create(ask({stream: true})))
    words.push(part.choices[0].delta.content ?? '');
  assert.match(words.join(''), /token-0 token-1/);
});

test('what goes wrong behind the head is an event, and the connection remains', async (t) => {
  const {gateway, client, raw} = await startQueued(t, '10s',
    {request: {fields: {'x-priority': 'low'}}, queue: {comments: '1s', wait: {low: '12s'}}});
  // Somebody else gets the next permit.
  const other = send(gateway, 'other');
  const failed = client.chat.completions.create(ask({stream: true}),
    {headers: {'x-priority': 'low'}, maxRetries: 0})
    .then(async (stream) => { for await (const part of stream) assert.fail(part); })
    .catch((error) => error);
  assert.equal((await other).status, 200);
  await raw.receives(/0\r\n\r\n$/);
  const body = dechunk(raw.received);
  const event = JSON.parse(/^data: (.*)$/m.exec(body)[1]);
  assert.deepEqual([event.error.type, event.error.code, event.error.status],
    ['requests', 'queue_timeout', 429]);
  const ms = event.error.retry_after_ms;
  assert.ok(ms > 0 && ms <= 20_500, `${ms} ms`);
  assert.doesNotMatch(body, /DONE/);
  const error = await failed;
  assert.ok(error instanceof OpenAI.APIError, `${error}`);
  assert.equal(error.code, 'queue_timeout');
  await raw.send(requestText('/livez', '', {}, 'GET'));
  await raw.receives(/0\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  const line = await eventually(() => accessLines(gateway).find((line) => line.late_status),
    'the access line');
  assert.deepEqual([line.status, line.late_status], [200, 429]);
});

test('a provider that refuses, or answers with no stream, is an event too', async (t) => {
  await Promise.all([
    ['400', {status: 400, message: 'too long'}, /^data: \{"error":\{[^\n]*too long[^\n]*\}\n\n/m],
    ['500', {status: 500, message: 'broken'}, /^data: \{"error":\{[^\n]*broken[^\n]*\}\n\n/m],
    ['html', {answer: 'html'}, /^data: \{"error":\{[^\n]*"upstream_invalid_response"/m],
    ['closed', {abort: 'fin', 'abort-at': 'start'}, /^data: \{"error":\{[^\n]*"status":502/m],
    ['json', {stream: 'never'}, /^data: \{[^\n]*token-0 token-1[^\n]*\}\n\ndata: \[DONE\]\n\n/m],
  ].map(async ([name, rule, pattern]) => {
    const {raw} = await startQueued(t, '8s', {rules: [{do: rule}]});
    await raw.receives(/0\r\n\r\n$/);
    assert.match(raw.received, /^HTTP\/1\.1 200 /, name);
    assert.match(dechunk(raw.received), pattern, name);
  }));
});

test('Anthropic\'s clients get an event by the name of error', async (t) => {
  const {raw} = await startQueued(t, '8s', {route: '/v1/messages',
    rules: [{do: {status: 529, message: 'overloaded'}}]});
  await raw.receives(/0\r\n\r\n$/);
  assert.match(dechunk(raw.received), /^event: error\ndata: \{"type":"error","error":\{.*\n\n/m);
});

test('no comments for HTTP/1.0, or for who wants no stream; who leaves is gone', async (t) => {
  const {mock, gateway, raw} = await startQueued(t, CLOSED, {queue: {comments: '1s',
    wait: PATIENT}});
  const old = rawClient(t, gateway.url);
  const body = JSON.stringify(ask({stream: true}));
  await old.send(requestText(CHAT, body).replace('HTTP/1.1', 'HTTP/1.0'));
  const plain = rawClient(t, gateway.url);
  await plain.send(requestText(CHAT, JSON.stringify(ask())));
  await raw.receives(/: queued/);
  await delay(1200);
  assert.deepEqual([old.received, plain.received], ['', '']);
  for (const client of [raw, old, plain]) client.leave();
  await eventually(() => accessLines(gateway).filter((line) => line.ended).length === 3,
    'three that left');
  assert.equal((await mock.count()).requests, 1);
});
