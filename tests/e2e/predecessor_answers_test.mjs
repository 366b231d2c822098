// The predecessor's faults by number (docs/COMPAT.md), 20 to 43: answers, limits, clients that
// leave. Each test says what holds now, and would fail there. 1 to 18: predecessor_test.mjs.
import assert from 'node:assert/strict';
import test from 'node:test';
import {gunzipSync} from 'node:zlib';
import {accessLines, ask, CLIENT_KEY, eventually, startBoth} from './harness.mjs';
import {neverMoreIn, notedPost} from './windows.mjs';
import {exchange, rawClient, requestText} from './wire.mjs';

const CHAT = '/v1/chat/completions';
const headersWith = (fault) => ({
  authorization: `Bearer ${CLIENT_KEY}`,
  'content-type': 'application/json',
  'x-mock-fault': fault,
});

async function accessLine(gateway, count = 1) {
  await eventually(() => accessLines(gateway).length >= count, 'the access line');
  return accessLines(gateway)[count - 1];
}

test('20: compressed answers come byte for byte, and their usage is estimated', async (t) => {
  const {mock, gateway} = await startBoth(t, {log: {format: 'json'}});
  const asked = (url, fault, more) => exchange(url, CHAT,
    {headers: headersWith(fault), body: JSON.stringify(ask(more))});

  const direct = await asked(mock.url, 'gzip; answer=text');
  const through = await asked(gateway.url, 'gzip; answer=text');
  assert.equal(through.headers['content-encoding'], 'gzip');
  assert.ok(direct.body.length > 0 && through.body.equals(direct.body), 'the bytes differ');
  assert.equal(gunzipSync(through.body).toString(), 'the provider says hello');
  assert.equal((await accessLine(gateway)).usage, 'estimated');

  const large = await asked(gateway.url, 'gzip; content-bytes=256KiB; text=unicode');
  const {content} = JSON.parse(gunzipSync(large.body)).choices[0].message;
  assert.ok(Buffer.byteLength(content) >= 256 * 1024, `${Buffer.byteLength(content)} bytes`);

  const stream = await asked(gateway.url, 'gzip', {stream: true});
  assert.match(gunzipSync(stream.body).toString(), /token-1[^]*data: \[DONE\]\n\n$/);
});

test('21: two Set-Cookie fields stay two, in their order', async (t) => {
  const {gateway} = await startBoth(t);
  const answer = await exchange(gateway.url, CHAT,
    {headers: headersWith('set-cookie=2'), body: JSON.stringify(ask())});
  const cookies = answer.fields.filter(([name]) => name === 'set-cookie').map(([, value]) => value);
  assert.deepEqual(cookies,
    ['mock0=value0; Path=/; HttpOnly', 'mock1=value1; Path=/; HttpOnly']);
});

test('22: the query goes to the provider byte for byte', async (t) => {
  const {mock, gateway} = await startBoth(t);
  const queries = ['?a=1&b=2', '?a=%20+%2F%2f&b', '?', '?&&x==1&x=2&&', '?q=/../%00?\'"{}|~'];
  for (const query of queries) {
    const body = JSON.stringify(ask());
    assert.notEqual((await exchange(gateway.url, `${CHAT}${query}`, {body})).status, 404, query);
    assert.equal((await exchange(gateway.url, `/v1/files${query}`, {body})).status, 200, query);
  }
  assert.deepEqual((await mock.requests()).map((request) => request.target),
    queries.flatMap((query) => [`${CHAT}${query}`, `/v1/files${query}`]));
});

test('23: tokens and time to first token of a stream stand in the access line', async (t) => {
  const {gateway} = await startBoth(t, {
    rules: [{do: {tokens: 8, latency: '200ms', gap: '600ms', 'prompt-tokens': 77}}],
    log: {format: 'json'},
  });
  const stream = await gateway.openai().chat.completions.create(ask({stream: true}));
  for await (const chunk of stream) assert.equal(chunk.choices.length, 1);
  const line = await accessLine(gateway);
  assert.deepEqual([line.prompt_tokens, line.completion_tokens, line.total_tokens, line.usage],
    [77, 8, 85, undefined]);
  assert.ok(line.ttft_us >= 200_000, `first token after ${line.ttft_us} us`);
  // The others came for 4.2 s; who stood still may have seen the first of them late.
  assert.ok(line.total_us - line.ttft_us >= 1_000_000, `then ${line.total_us - line.ttft_us} us`);
  assert.ok(line.total_us >= 4_400_000, `${line.total_us} us`);
});

test('24: a usage with only total_tokens counts', async (t) => {
  const {gateway} = await startBoth(t,
    {rules: [{do: {tokens: 8, usage: 'total', 'prompt-tokens': 77}}], log: {format: 'json'}});
  for (const [i, stream] of [false, true].entries()) {
    await (await gateway.post(CHAT, ask({stream}))).text();
    const line = await accessLine(gateway, i + 1);
    assert.deepEqual([line.total_tokens, line.usage], [85, undefined]);
  }
});

test('35: requests are spread over the accounts', async (t) => {
  // Chance decides in `weighted`: 300 draws of three have a standard deviation of 8, and six of
  // them are allowed. In `round_robin` each of the two shards counts for itself.
  const slack = {weighted: 50, round_robin: 2};
  for (const [strategy, off] of Object.entries(slack)) {
    await t.test(strategy, async (t) => {
      const {mock, gateway} = await startBoth(t,
        {accounts: [{}, {}, {}], routing: {strategy}});
      for (let i = 0; i < 300; ++i) await (await gateway.post(CHAT, ask())).text();
      const {by_key: counts} = await mock.count();
      for (const key of ['sk-test-a', 'sk-test-b', 'sk-test-c']) {
        assert.ok(Math.abs(counts[key] - 100) <= off, `${key}: ${counts[key]} of 300`);
      }
    });
  }
});

test('36: a burst after idling never goes above the limit in any window', async (t) => {
  const limit = 10;
  const windowMs = 1500;
  const {mock, gateway} = await startBoth(t,
    {accounts: [{rpm_limit: limit, window: `${windowMs}ms`}]});
  const end = Date.now() + 2.5 * windowMs;
  const sent = [];
  while (Date.now() < end) {
    const burst = Array.from({length: 3 * limit}, () => notedPost(gateway, sent));
    for (const answer of await Promise.all(burst))
      assert.ok(answer.status === 200 || answer.status === 503, `${answer.status}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const {requests} = await mock.count();
  assert.ok(requests >= 2 * limit, `only ${requests} were sent`);
  await neverMoreIn(windowMs, limit, mock, sent);
});

test('37: a client that leaves has its request called off, waiting or in a stream', async (t) => {
  for (const fault of ['hang', 'tokens=8; stall=forever; stall-at=event:3']) {
    await t.test(fault, async (t) => {
      const {mock, gateway} = await startBoth(t, {log: {format: 'json'}});
      const client = rawClient(t, gateway.url);
      client.send(requestText(CHAT, JSON.stringify(ask({stream: true})), headersWith(fault)));
      await eventually(async () => (await mock.count()).in_flight === 1, 'the request there');
      if (fault !== 'hang') await client.receives(/token-1/);
      client.leave();
      await eventually(async () => (await mock.count()).in_flight === 0, 'its end there');
      const [{client_left: left, complete}] = await mock.requests();
      assert.deepEqual([left, complete], [true, false]);
      assert.equal((await accessLine(gateway)).ended, 'the client left');
      assert.equal((await mock.count()).requests, 1);
    });
  }
});

test('37: a client that leaves behind 200 KB of requests sent ahead is noticed', async (t) => {
  const {mock, gateway} = await startBoth(t);
  const client = rawClient(t, gateway.url);
  await client.send(requestText(CHAT, JSON.stringify(ask()), headersWith('hang')));
  await eventually(async () => (await mock.count()).in_flight === 1, 'the request there');
  await client.send(requestText('/health', '', {}, 'GET').repeat(1200));
  client.leave();
  await eventually(async () => (await mock.count()).in_flight === 0, 'its end there');
});

test('37: what a client had not sent whole, or was not yet its turn, is never sent', async (t) => {
  const {mock, gateway} = await startBoth(t);
  const body = JSON.stringify(ask());
  const half = rawClient(t, gateway.url);
  await half.send(requestText(CHAT, body).slice(0, -10));
  half.leave();
  const chunked = rawClient(t, gateway.url);
  await chunked.send(`${requestText(CHAT, '', {'transfer-encoding': 'chunked'})}` +
    `${body.length.toString(16)}\r\n${body}\r\n`);
  chunked.leave();
  // The second of two on one connection: the first waits for its answer when the client leaves.
  const two = rawClient(t, gateway.url);
  two.send(requestText(CHAT, body, headersWith('hang')) + requestText(CHAT, body));
  await eventually(async () => (await mock.count()).in_flight === 1, 'the first of two');
  two.leave();
  await eventually(async () => (await mock.count()).in_flight === 0, 'its end');
  // A request of another client comes and goes: nothing of the above is on its way any more.
  await (await gateway.post(CHAT, ask())).text();
  assert.equal((await mock.count()).requests, 2);
});

test('37: the next account is not tried for a client that has left', async (t) => {
  const {mock, gateway} = await startBoth(t, {
    rules: [{match: {key: 'sk-test-a', path: CHAT},
      do: {status: 500, stall: 'forever', 'stall-at': 'byte:4'}}],
    accounts: [{}, {}],
    routing: {strategy: 'ordered'},
    log: {format: 'json'},
  });
  const client = rawClient(t, gateway.url);
  client.send(requestText(CHAT, JSON.stringify(ask())));
  await eventually(async () => (await mock.requests())[0]?.answered_at_ms, 'the half answer');
  client.leave();
  await eventually(async () => (await mock.count()).in_flight === 0, 'its end there');
  assert.equal((await accessLine(gateway)).ended, 'the client left');
  await (await gateway.post('/v1/files', ask())).text();
  const chats = (await mock.requests()).filter((request) => request.target === CHAT);
  assert.deepEqual(chats.map((request) => request.key), ['sk-test-a']);
});

test('41: a stream that is no boolean is refused, and goes nowhere', async (t) => {
  const {mock, gateway} = await startBoth(t);
  for (const stream of ['no', 'false', 'true', '', 0, 1, [], {}]) {
    const answer = await gateway.post(CHAT, ask({stream}));
    assert.equal(answer.status, 400, JSON.stringify(stream));
    assert.equal((await answer.json()).error.param, 'stream');
  }
  assert.equal((await mock.count()).requests, 0);
  const answer = await gateway.post(CHAT, ask({stream: false}));
  assert.equal((await answer.json()).object, 'chat.completion');
});

test('43: a provider that drips is cut by the limit on the whole', async (t) => {
  const {mock, gateway} = await startBoth(t,
    {accounts: [{timeouts: {first_byte: '4s', idle: '20s', total: '6s'}}]});
  const cases = [
    // fault, stream, least milliseconds, how it ends
    ['drip=100ms', false, 6000, (answer) => assert.deepEqual([answer.status, answer.whole],
      [200, false])],
    ['drip=100ms; tokens=100', true, 6000, (answer) => {
      assert.match(`${answer.body}`, /data: \{"error":\{[^\n]*"upstream_timeout"\}\}\n\n$/);
      assert.doesNotMatch(`${answer.body}`, /\[DONE\]/);
    }],
    ['drip-head=100ms', false, 4000, (answer) => {
      assert.equal(answer.status, 504);
      assert.equal(JSON.parse(answer.body).error.code, 'upstream_timeout');
    }],
  ];
  await Promise.all(cases.map(async ([fault, stream, leastMs, check]) => {
    const began = performance.now();
    const body = JSON.stringify(ask({stream}));
    const answer = await exchange(gateway.url, CHAT, {headers: headersWith(fault), body});
    const ms = performance.now() - began;
    assert.ok(ms >= leastMs - 50 && ms < leastMs + 14_000, `${fault}: cut after ${ms} ms`);
    check(answer);
  }));
  await eventually(async () => (await mock.count()).in_flight === 0, 'their end at the provider');
  for (const request of await mock.requests()) assert.equal(request.client_left, true);
});
