// The predecessor's faults by number (docs/COMPAT.md), 1 to 18: requests and routing. Each test
// says what holds now, and would fail there. 20 to 43: predecessor_answers_test.mjs.
import assert from 'node:assert/strict';
import test from 'node:test';
import {accessLines, ask, CLIENT_KEY, eventually, startBoth} from './harness.mjs';
import {exchange} from './wire.mjs';

const CHAT = '/v1/chat/completions';
const WORDS = 'token-0 token-1 token-2 token-3 token-4 token-5 token-6 token-7';
const keysOf = async (mock) => (await mock.requests()).map((request) => request.key);

// The error object of an answer with that status.
async function refused(answer, status) {
  assert.equal(answer.status, status);
  const {error} = await answer.json();
  return {...error, source: answer.headers.get('x-sluice-error-source')};
}

test('1: the model has the provider\'s name on the way, and nothing else changes', async (t) => {
  const models = {large: 'mock-large', embed: 'mock-embedding'};
  const {mock, gateway} = await startBoth(t, {accounts: [{models}]});
  const sent = '{ "messages":[{"role":"user","content":"\\"model\\":\\"large\\""}], "n":1.0,' +
    ' "metadata":{"model":"large"}, "model" : "large" }';
  await (await gateway.post(CHAT, sent)).text();
  const arrived = sent.replace('"model" : "large"', '"model" : "mock-large"');
  assert.equal((await mock.last())[0].body, arrived);

  for await (const _ of await gateway.openai().chat.completions.create(
    ask({model: 'large', stream: true}))) { /* to its end */ }
  await gateway.openai().embeddings.create({model: 'embed', input: 'x'});
  assert.deepEqual((await mock.requests()).map((request) => request.model),
    ['mock-large', 'mock-large', 'mock-embedding']);
});

test('2: a stream that is spread over time comes whole', async (t) => {
  const {mock, client} = await startBoth(t, {rules: [{do: {tokens: 8, gap: '100ms'}}]});
  const began = performance.now();
  let text = '';
  let finish = null;
  for await (const chunk of await client.chat.completions.create(ask({stream: true}))) {
    text += chunk.choices[0].delta.content ?? '';
    finish = chunk.choices[0].finish_reason ?? finish;
  }
  assert.deepEqual([text, finish], [WORDS, 'stop']);
  assert.ok(performance.now() - began >= 700, 'it was not spread over time');
  assert.equal((await mock.count()).requests, 1);
});

test('3: a plain JSON error to a stream request costs one POST per account', async (t) => {
  for (const [status, accounts] of [[400, 1], [404, 1], [500, 2], [503, 2]]) {
    await t.test(`${status}`, async (t) => {
      const rules = [{do: {status, stream: 'never', message: 'as the provider says'}}];
      const {mock, gateway} = await startBoth(t, {rules, accounts: [{}, {}]});
      const answer = await gateway.post(CHAT, ask({stream: true}));
      assert.equal(answer.headers.get('content-type'), 'application/json');
      const error = await refused(answer, status);
      assert.deepEqual([error.message, error.source], ['as the provider says', 'upstream']);
      const keys = await keysOf(mock);
      assert.deepEqual([keys.length, new Set(keys).size], [accounts, accounts]);
    });
  }
});

test('3: a plain JSON answer to a stream request is passed on as one', async (t) => {
  const {mock, gateway} = await startBoth(t, {rules: [{do: {stream: 'never'}}]});
  const answer = await gateway.post(CHAT, ask({stream: true}));
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.equal((await answer.json()).object, 'chat.completion');
  assert.equal((await mock.count()).requests, 1);
});

test('4: 401, 403, 429 and 500 lead to another account; 401 and 429 are remembered', async (t) => {
  for (const [status, askedAgain] of [[401, false], [403, true], [429, false], [500, true]]) {
    await t.test(`${status}`, async (t) => {
      const rules = [{match: {key: 'sk-test-a'}, do: {status}}];
      const {mock, gateway} = await startBoth(t,
        {rules, accounts: [{}, {}], routing: {strategy: 'ordered'}});
      for (let i = 0; i < 2; ++i) {
        const answer = await gateway.post(CHAT, ask());
        assert.deepEqual([answer.status, answer.headers.get('x-sluice-account')], [200, 'team-b']);
        await answer.text();
      }
      const [a, b] = ['sk-test-a', 'sk-test-b'];
      assert.deepEqual(await keysOf(mock), askedAgain ? [a, b, a, b] : [a, b, b]);
    });
  }
});

test('5: a dead account costs one attempt', async (t) => {
  const dead = {base_url: 'http://127.0.0.1:1/v1'};
  const {mock, gateway} = await startBoth(t,
    {accounts: [dead, {}], routing: {strategy: 'ordered'}, log: {format: 'json'}});
  for (let i = 1; i <= 3; ++i) {
    const answer = await gateway.post(CHAT, ask());
    assert.deepEqual([answer.status, answer.headers.get('x-sluice-attempts')], [200, '2']);
    await answer.text();
    await eventually(() => accessLines(gateway).length === i, 'the access line');
    assert.equal(gateway.errors.split('"attempt failed"').length - 1, i);
  }
  assert.deepEqual(await keysOf(mock), Array(3).fill('sk-test-b'));
});

test('6: an answer without a usage, or that is no object, is paid for once', async (t) => {
  const {mock, gateway} = await startBoth(t, {accounts: [{}, {}]});
  const faults = ['usage=null', 'usage=none', 'usage=zero', 'answer=list', 'answer=null',
    'answer=empty', 'answer=text', 'answer=no-choices', 'body=%5B%5D', 'body={"usage":[1]}'];
  let asked = 0;
  for (const fault of faults) {
    for (const stream of [false, true]) {
      const answer = await gateway.post(CHAT, ask({stream}), {'x-mock-fault': fault});
      assert.equal(answer.status, 200, fault);
      assert.equal(answer.headers.get('x-sluice-attempts'), '1', fault);
      const text = await answer.text();
      const {requests} = await mock.count();
      assert.equal(requests, ++asked, `${fault}: sent again`);
      if (fault === 'answer=list') assert.ok(Array.isArray(JSON.parse(text)));
      if (fault === 'body=%5B%5D') assert.equal(text, '[]');
    }
  }
});

test('9: unknown models, /favicon.ico and /v1/models are answered at once', async (t) => {
  const models = {large: 'mock-large'};
  const {mock, gateway} = await startBoth(t, {
    rules: [{do: {status: 429, 'retry-after': 60}}],
    accounts: [{models}],
  });
  await refused(await gateway.post(CHAT, ask({model: 'large'})), 429);
  const began = performance.now();
  const unknown = await refused(await gateway.post(CHAT, ask({model: 'unheard-of'})), 404);
  assert.equal(unknown.code, 'model_not_found');
  const headers = {authorization: `Bearer ${CLIENT_KEY}`};
  const icon = await refused(await fetch(`${gateway.url}/favicon.ico`, {headers}), 404);
  assert.equal(icon.code, 'unknown_url');
  const list = await fetch(`${gateway.url}/v1/models`, {headers});
  assert.deepEqual((await list.json()).data.map((model) => model.id), ['large']);
  const ms = performance.now() - began;
  // Who waits for the account waits for 15 s (queue.primary_wait), or for its 60.
  assert.ok(ms < 14_000, `${ms} ms for three answers of the gateway's own`);
  assert.equal((await mock.count()).requests, 1);
});

test('14: sixteen 429s at once are one cooldown, and one step of its backoff', async (t) => {
  const {mock, gateway} = await startBoth(t, {
    rules: [{do: {status: 429, 'retry-after': 0, latency: '4s'}}],  // all are there before
    routing: {cooldown: {base: '4s', max: '600s'}},
    queue: {capacity: 0},
  });
  const waits = await Promise.all(Array.from({length: 16}, async () => {
    const answer = await gateway.post(CHAT, ask());
    assert.equal((await refused(answer, 429)).source, 'upstream');
    return Number(answer.headers.get('retry-after-ms'));
  }));
  const requests = await mock.requests();
  const lastHead = Math.max(...requests.map((request) => request.head_at_ms));
  const firstAnswer = Math.min(...requests.map((request) => request.answered_at_ms));
  assert.ok(lastHead < firstAnswer, 'the sixteen were not at once');
  for (const ms of waits) assert.ok(ms >= 1 && ms <= 5000, `told to wait ${ms} ms, base is 4 s`);

  // The next one, after the cooldown, is the second step: twice the base, not 2^16 times.
  const next = await eventually(async () => {
    const answer = await gateway.post(CHAT, ask());
    await answer.text();
    return answer.status === 429 && answer;
  }, 'the end of the cooldown');
  const ms = Number(next.headers.get('retry-after-ms'));
  assert.ok(ms > 5000 && ms <= 9000, `told to wait ${ms} ms after the second 429`);
  assert.equal((await mock.count()).requests, 17);
});

test('15: Retry-After is obeyed and sent, in all three spellings', async (t) => {
  const spellings = {seconds: {'retry-after': 8}, ms: {'retry-after-ms': 7500},
    date: {'retry-after-date': '9s'}};
  const waitsMs = {seconds: [8000, 8000], ms: [7500, 7500], date: [7990, 9000]};
  const names = Object.keys(spellings);
  const {mock, gateway} = await startBoth(t, {
    rules: names.map((name) => (
      {match: {model: name}, do: {status: 429, ...spellings[name]}, times: 1})),
    accounts: names.map((name) => ({models: [name]})),
    routing: {cooldown: {base: '1s', max: '10s'}},
    queue: {capacity: 0},
  });
  await Promise.all(names.map(async (model) => {
    const began = performance.now();
    const first = await gateway.post(CHAT, ask({model}));
    const since = performance.now() - began;
    await refused(first, 429);
    const ms = Number(first.headers.get('retry-after-ms'));
    const [least, most] = waitsMs[model];
    assert.ok(ms > least - since - 1 && ms <= most + 100, `${model}: told to wait ${ms} ms`);
    assert.equal(Number(first.headers.get('retry-after')), Math.ceil(ms / 1000));

    const second = await gateway.post(CHAT, ask({model}));
    assert.equal((await refused(second, 503)).code, 'all_pools_exhausted');
    const still = Number(second.headers.get('retry-after-ms'));
    assert.ok(still >= 1 && still <= ms, `${model}: then ${still} ms`);

    await eventually(async () => {
      const answer = await gateway.post(CHAT, ask({model}));
      await answer.text();
      return answer.status === 200;
    }, `${model}: the end of the cooldown`);
    const [one, two, ...more] = (await mock.requests())
      .filter((request) => request.model === model).map((request) => request.read_at_ms);
    assert.equal(more.length, 0, model);
    assert.ok(two - one >= least, `${model}: asked again after ${two - one} ms`);
  }));
});

test('16: without a key, or with a wrong one, nothing reaches a provider', async (t) => {
  const {mock, gateway} = await startBoth(t);
  const wrong = [{}, {authorization: 'Bearer sk-test-wrong-0123456789'},
    {authorization: `Basic ${btoa(`e2e:${CLIENT_KEY}`)}`}, {authorization: CLIENT_KEY},
    {authorization: `Bearer ${CLIENT_KEY}x`}, {'api-key': CLIENT_KEY}];
  const routes = [CHAT, '/v1/embeddings', '/v1/files', '/v1/anything', '/v1/models'];
  for (const headers of wrong) {
    for (const route of routes) {
      const method = route === '/v1/models' ? 'GET' : 'POST';
      const body = method === 'POST' ? JSON.stringify(ask()) : undefined;
      const answer = await fetch(`${gateway.url}${route}`, {method, headers, body});
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
      assert.equal((await refused(answer, 401)).code, 'invalid_api_key', route);
    }
  }
  assert.equal((await mock.count()).requests, 0);
});

test('17: paths of an admin API, and all others outside /v1/, reach no provider', async (t) => {
  const {mock, gateway} = await startBoth(t);
  const routes = ['/', '/api/admin/backends', '/api/admin/config/rate_rpm', '/api/v2/providers',
    '/dashboard/x', '/status', '/metrics', '/v1x/chat/completions', '/v2/chat/completions',
    '/V1/chat/completions', '/chat/completions', '//v1/chat/completions',
    '/v1/../api/admin/backends', '/v1/%2e%2e/api/admin/backends', '/v1//chat/completions',
    '/v1/files/..%2f..%2fapi', '/v1/files/%00'];
  for (const route of routes) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      const body = method === 'GET' ? '' : '{"name":"x","model":"mock-large"}';
      const answer = await exchange(gateway.url, route, {method, body});
      assert.ok([400, 401, 404, 405, 429].includes(answer.status),
        `${method} ${route}: ${answer.status}`);
      assert.equal(answer.headers['x-sluice-error-source'], 'gateway', `${method} ${route}`);
    }
  }
  assert.equal((await mock.count()).requests, 0);
});

test('18: cookies, forwarding fields and client keys do not go to the provider', async (t) => {
  const {mock, gateway} = await startBoth(t);
  const secret = {
    Cookie: 'session=private-1', Forwarded: 'for=private-2', 'X-Forwarded-For': 'private-3',
    'X-Forwarded-Host': 'private-4', 'X-Forwarded-Proto': 'private-5', 'X-Real-IP': 'private-6',
    'Proxy-Authorization': 'Basic private-7', 'api-key': 'private-8', 'X-API-Key': 'private-9',
    'X-Priority': 'private-10', Connection: 'X-Hop', 'X-Hop': 'private-11',
  };
  const headers = {Authorization: `Bearer ${CLIENT_KEY}`, 'Content-Type': 'application/json',
    'X-Unknown': 'passed on', ...secret};
  const body = JSON.stringify(ask());
  assert.equal((await exchange(gateway.url, CHAT, {headers, body})).status, 200);
  const [{head}] = await mock.last();
  assert.ok(!head.includes('private-'), head);
  assert.ok(!head.includes(CLIENT_KEY), head);
  for (const name of Object.keys(secret).filter((name) => name !== 'Connection')) {
    assert.doesNotMatch(head, new RegExp(`^${name}:`, 'im'));
  }
  assert.match(head, /^X-Unknown: passed on\r$/m);
  assert.match(head, /^Authorization: Bearer sk-test-a\r$/im);
});
