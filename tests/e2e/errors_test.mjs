// What goes wrong, as the official SDK tells it: by class, in our words or the provider's.
import assert from 'node:assert/strict';
import test from 'node:test';
import OpenAI from 'openai';
import {
  account, ask, CLIENT_KEY, eventually, startBoth, startGateway, startMock,
} from './harness.mjs';

const COOLDOWN = {base: '1s', max: '10s'};

async function started(t, rules = [], more = {}, queue = {}) {
  const mock = await startMock(t, ['--tokens', '2']);
  await mock.script({rules});
  const gateway = await startGateway(t, {
    accounts: [account(mock, {models: {'mock-large': 'mock-large'}, ...more})],
    routing: {cooldown: COOLDOWN},
    queue,
  });
  return {mock, gateway, client: gateway.openai()};
}

// The error of a chat request, which must be of that class.
async function refused(client, errorClass, more = {}) {
  const error = await client.chat.completions.create(ask(more)).then(
    () => assert.fail('was answered'), (fault) => fault);
  assert.ok(error instanceof errorClass, `${error.constructor.name}: ${error.message}`);
  return error;
}

test('400 for a member of the wrong type, which is named', async (t) => {
  const {mock, client} = await started(t);
  const error = await refused(client, OpenAI.BadRequestError, {stream: 'no'});
  assert.deepEqual([error.type, error.param], ['invalid_request_error', 'stream']);
  assert.equal(error.headers.get('x-sluice-error-source'), 'gateway');
  assert.equal((await mock.count()).requests, 0);
});

test('400 for a body that is no JSON, with the byte', async (t) => {
  const {gateway} = await started(t);
  const answer = await gateway.post('/v1/chat/completions', '{"model":"mock-large",');
  assert.equal(answer.status, 400);
  const {error} = await answer.json();
  assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  assert.match(error.message, /byte \d+|offset \d+/);
});

test('401 for a wrong client key, and the provider hears of nothing', async (t) => {
  const {mock, gateway} = await started(t);
  const client = gateway.openai({apiKey: 'sk-test-wrong-0123456789'});
  const error = await refused(client, OpenAI.AuthenticationError);
  assert.equal(error.code, 'invalid_api_key');
  assert.ok(!error.message.includes('sk-test-wrong'), 'a key is not echoed');
  assert.equal((await mock.count()).requests, 0);
});

test('403 for a model that the key may not use', async (t) => {
  const mock = await startMock(t);
  const gateway = await startGateway(t, {
    accounts: [account(mock)],
    clients: [{name: 'small', key: CLIENT_KEY, models: ['mock-small']}],
  });
  const error = await refused(gateway.openai(), OpenAI.PermissionDeniedError);
  assert.equal(error.code, 'model_not_allowed');
});

test('404 for a model that no account serves, at once', async (t) => {
  const {mock, client} = await started(t);
  const error = await refused(client, OpenAI.NotFoundError, {model: 'unheard-of'});
  assert.equal(error.code, 'model_not_found');
  assert.equal((await mock.count()).requests, 0);
});

test('404 and 405 for paths and methods that there are not', async (t) => {
  const {gateway} = await started(t);
  const path = await gateway.post('/v2/anything', '{}');
  assert.equal((await path.json()).error.code, 'unknown_url');
  const method = await fetch(`${gateway.url}/v1/chat/completions`,
    {headers: {authorization: `Bearer ${CLIENT_KEY}`}});
  assert.equal(method.status, 405);
  assert.ok(method.headers.get('allow').includes('POST'));
  await method.text();
});

test('a provider\'s 400 is relayed as it came, and is no mark against the account', async (t) => {
  const {client} = await started(t, [{do: {status: 400, message: 'no such tool'}, times: 1}]);
  const error = await refused(client, OpenAI.BadRequestError);
  assert.match(error.message, /no such tool/);
  assert.equal(error.headers.get('x-sluice-error-source'), 'upstream');
  assert.equal((await client.chat.completions.create(ask())).object, 'chat.completion');
});

test('429 where the only account answers 429 and nobody waits: a true Retry-After', async (t) => {
  const rules = [{do: {status: 429, 'retry-after': 70}}];
  const {client} = await started(t, rules, {}, {capacity: 0});
  const error = await refused(client, OpenAI.RateLimitError);
  const ms = Number(error.headers.get('retry-after-ms'));
  assert.ok(ms > 60_000 && ms <= 70_000, `retry-after-ms: ${ms}`);
  assert.equal(error.headers.get('retry-after'), `${Math.ceil(ms / 1000)}`, 'not rounded twice');
});

test('500 when the only account answers 500', async (t) => {
  const {client} = await started(t, [{do: {status: 500, message: 'out of order'}}]);
  const error = await refused(client, OpenAI.InternalServerError);
  assert.equal(error.status, 500);
  assert.match(error.message, /out of order/);
});

test('502 when nobody listens at the provider\'s address', async (t) => {
  const gateway = await startGateway(t, {accounts: [
    {name: 'gone', base_url: 'http://127.0.0.1:1/v1', api_key: 'sk-test-a'}]});
  const error = await refused(gateway.openai(), OpenAI.InternalServerError);
  assert.deepEqual([error.status, error.code], [502, 'upstream_unreachable']);
});

test('502 when the provider\'s answer is no HTTP', async (t) => {
  const {client} = await started(t, [{do: {malformed: 'garbage'}}]);
  const error = await refused(client, OpenAI.InternalServerError);
  assert.deepEqual([error.status, error.code], [502, 'upstream_invalid_response']);
});

test('502 when the provider closes without an answer, and no retry: it may bill it', async (t) => {
  const mock = await startMock(t, ['--behaviour', 'abort=rst; abort-at=start']);
  const gateway = await startGateway(t, {accounts: [account(mock)]});
  const answer = await gateway.post('/v1/chat/completions', ask());
  const {error} = await answer.json();
  assert.deepEqual([answer.status, error.code], [502, 'upstream_unreachable']);
  assert.equal(answer.headers.get('x-should-retry'), 'false');
  assert.match(error.message, /account 'team-a' did not answer: /);
  assert.equal((await mock.count()).requests, 1);
});

test('who failed is not told where headers.identity is off, but to the log', async (t) => {
  const gateway = await startGateway(t, {headers: {identity: false}, accounts: [
    {name: 'gone', base_url: 'http://127.0.0.1:1/v1', api_key: 'sk-test-a'}]});
  const answer = await gateway.post('/v1/chat/completions', ask());
  const {error} = await answer.json();
  assert.deepEqual([answer.status, error.code], [502, 'upstream_unreachable']);
  assert.match(error.message, /^the provider could not be reached: /);
  const told = [...answer.headers.keys()].filter((name) => name.startsWith('x-sluice'));
  assert.deepEqual(told, ['x-sluice-error-source']);
  await eventually(() => /account=gone/.test(gateway.errors), 'the account in the log');
});

test('504 when the provider is silent', async (t) => {
  const {client} = await started(t, [{do: {hang: true}}], {timeouts: {first_byte: '300ms'}});
  const error = await refused(client, OpenAI.InternalServerError);
  assert.deepEqual([error.status, error.code], [504, 'upstream_timeout']);
});

test('504 when a stream begins with a head and no event comes in time', async (t) => {
  const {gateway} = await started(t, [{do: {stall: 'forever', 'stall-at': 'head'}}],
    {timeouts: {first_token: '300ms'}});
  const answer = await gateway.post('/v1/chat/completions', ask({stream: true}));
  const {error} = await answer.json();
  assert.deepEqual([answer.status, error.code], [504, 'upstream_timeout']);
  assert.match(error.message, /no event behind it/);
  assert.equal(answer.headers.get('x-should-retry'), 'false');
});

test('a stream that is slow behind its first event has the time of the idle limit', async (t) => {
  const {client} = await started(t, [{do: {gap: '2s', tokens: 2}}],
    {timeouts: {first_token: '1500ms'}});
  let parts = 0;
  for await (const part of await client.chat.completions.create(ask({stream: true})))
    parts += part.choices.length;
  assert.ok(parts >= 3);
  const whole = await client.chat.completions.create(ask());
  assert.match(whole.choices[0].message.content, /token-0/);
});

test('with retry.on_timeout another account gets the stream that does not begin', async (t) => {
  const {mock, gateway} = await startBoth(t, {
    accounts: [{timeouts: {first_token: '300ms'}}, {}],
    routing: {strategy: 'ordered', retry: {on_timeout: true}},
    rules: [{match: {key: 'sk-test-a'}, do: {stall: 'forever', 'stall-at': 'head'}}],
  });
  const answer = await gateway.post('/v1/chat/completions', ask({stream: true}));
  assert.deepEqual([answer.status, answer.headers.get('x-sluice-account')], [200, 'team-b']);
  assert.match(await answer.text(), /token-0/);
  assert.equal((await mock.count()).requests, 2);
});

test('503 with the time of the next permit when the limit is used up', async (t) => {
  const {mock, client} = await started(t, [], {rpm_limit: 1, window: '300s'});
  const began = performance.now();
  await client.chat.completions.create(ask());
  const error = await refused(client, OpenAI.InternalServerError);
  assert.deepEqual([error.status, error.type, error.code],
    [503, 'AllPoolsExhausted', 'all_pools_exhausted']);
  const seconds = Number(error.headers.get('retry-after'));
  const since = (performance.now() - began) / 1000;
  assert.ok(seconds >= 300 - since && seconds <= 301, `Retry-After: ${seconds}`);
  assert.equal((await mock.count()).requests, 1);
});

test('after a provider\'s failure a retry is told to wait', async (t) => {
  const {mock, gateway} = await started(t, [{do: {status: 500}}]);
  const answer = await gateway.post('/v1/chat/completions', ask());
  assert.deepEqual([answer.status, answer.headers.get('x-sluice-error-source')], [500, 'upstream']);
  assert.deepEqual(['retry-after', 'retry-after-ms'].map((name) => answer.headers.get(name)),
    ['1', '1000']);
  assert.equal((await mock.count()).requests, 1);
});

test('a provider that says when to come back is believed', async (t) => {
  const {gateway} = await started(t, [{do: {status: 503, 'retry-after': 7}}]);
  const answer = await gateway.post('/v1/chat/completions', ask());
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '7']);
});

test('a refused key is for the operator to mend: logged, and no retry asked for', async (t) => {
  const {mock, gateway} = await started(t, [{do: {status: 401}}]);
  for (let i = 0; i < 2; ++i) {
    const answer = await gateway.post('/v1/chat/completions', ask());
    const {error} = await answer.json();
    assert.deepEqual([answer.status, error.code], [503, 'all_pools_exhausted']);
    assert.match(error.message, /refused the keys/);
    assert.equal(answer.headers.get('retry-after'), null);
    assert.equal(answer.headers.get('x-should-retry'), 'false');
  }
  assert.equal((await mock.count()).requests, 1);
  await eventually(() => /account set to error/.test(gateway.errors), 'the line in the log');
  const ready = await fetch(`${gateway.url}/readyz`);
  assert.deepEqual([ready.status, (await ready.json()).ready], [503, false]);
});

test('403 speaks of a request, not of the account', async (t) => {
  const {mock, gateway} = await started(t, [{do: {status: 403}, times: 1}]);
  const statuses = [];
  for (let i = 0; i < 2; ++i)
    statuses.push((await gateway.post('/v1/chat/completions', ask())).status);
  assert.deepEqual(statuses, [403, 200]);
  assert.equal((await mock.count()).requests, 2);
});

test('the SDK repeats when told to, and not a moment earlier', async (t) => {
  const {mock, gateway} = await started(t, [], {rpm_limit: 1, window: '2s'});
  const client = gateway.openai({maxRetries: 2});
  const first = Date.now();  // the provider may read it late, but it was not sent before
  await client.chat.completions.create(ask());
  await client.chat.completions.create(ask());
  const {read_at_ms: second} = (await mock.requests())[1];
  assert.ok(second - first >= 2000, `${second - first} ms between two requests of one a 2 s`);
});

test('the SDK repeats after a provider\'s 429 when the account is ready again', async (t) => {
  const {mock, gateway} = await started(t, [{do: {status: 429, 'retry-after': 1}, times: 1}]);
  const client = gateway.openai({maxRetries: 2});
  const answer = await client.chat.completions.create(ask());
  assert.equal(answer.object, 'chat.completion');
  const [first, second, ...more] = (await mock.requests()).map((request) => request.read_at_ms);
  assert.ok(second - first >= 1000, `${second - first} ms after a Retry-After of 1 s`);
  assert.equal(more.length, 0);
});
