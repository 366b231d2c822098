// More accounts than one: who is asked, who is left alone, and that nobody is asked too often.
import assert from 'node:assert/strict';
import test from 'node:test';
import {account, ask, startGateway, startMock} from './harness.mjs';
import {neverMoreIn, notedPost} from './windows.mjs';

const byKey = (requests, key) => requests.filter((request) => request.key === key);

async function started(t, rules, accounts, routing = {}) {
  const mock = await startMock(t, ['--tokens', '2']);
  await mock.script({rules});
  const gateway = await startGateway(t, {
    accounts: accounts.map((more, i) => account(mock,
      {name: `team-${'abc'[i]}`, api_key: `sk-test-${'abc'[i]}`, ...more})),
    routing,
  });
  return {mock, gateway, client: gateway.openai()};
}

test('429, 401 and 500 each lead to the next account; the client notices nothing', async (t) => {
  for (const status of [429, 401, 500]) {
    await t.test(`${status}`, async (t) => {
      const rules = [{match: {key: 'sk-test-a'}, do: {status}}];
      const {mock, gateway} = await started(t, rules, [{}, {}], {strategy: 'ordered'});
      const answer = await gateway.post('/v1/chat/completions', ask());
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('x-sluice-account'), 'team-b');
      assert.equal(answer.headers.get('x-sluice-attempts'), '2');
      await answer.text();
      const requests = await mock.requests();
      assert.deepEqual(requests.map((request) => request.key), ['sk-test-a', 'sk-test-b']);
    });
  }
});

test('an account that cools is not asked', async (t) => {
  const rules = [{match: {key: 'sk-test-a'}, do: {status: 429, 'retry-after': 60}}];
  const {mock, client} = await started(t, rules, [{}, {}], {strategy: 'ordered'});
  for (let i = 0; i < 5; ++i) await client.chat.completions.create(ask());
  const requests = await mock.requests();
  assert.equal(byKey(requests, 'sk-test-a').length, 1);
  assert.equal(byKey(requests, 'sk-test-b').length, 5);
});

test('the fallback pool serves when no primary can, and the answer says so', async (t) => {
  const rules = [{match: {key: 'sk-test-a'}, do: {status: 503}}];
  const {gateway} = await started(t, rules, [{}, {pool: 'fallback'}]);
  const answer = await gateway.post('/v1/chat/completions', ask());
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('x-sluice-degraded'), 'fallback');
  await answer.text();
});

test('a client that leaves is no mark on the account, and its request is called off', async (t) => {
  const rules = [{do: {hang: true}, times: 1}];
  const {mock, client} = await started(t, rules, [{}]);
  const leaving = new AbortController();
  const left = client.chat.completions.create(ask(), {signal: leaving.signal}).catch(() => 'left');
  while ((await mock.count()).in_flight === 0) await new Promise((next) => setTimeout(next, 5));
  leaving.abort();
  assert.equal(await left, 'left');
  while ((await mock.count()).in_flight > 0) await new Promise((next) => setTimeout(next, 5));
  assert.equal((await mock.requests())[0].client_left, true);
  assert.equal((await client.chat.completions.create(ask())).object, 'chat.completion');
});

test('never more than the limit in any window, over both shards', async (t) => {
  const limit = 5;
  const windowMs = 2000;
  const mock = await startMock(t, ['--tokens', '1']);
  const gateway = await startGateway(t, {
    accounts: [account(mock, {rpm_limit: limit, window: `${windowMs}ms`})], queue: {capacity: 0}});
  const sent = [];
  let served = 0;
  const asked = async () => {
    const answer = await notedPost(gateway, sent);
    assert.ok(answer.status === 200 || answer.status === 503, `${answer.status}`);
    served += answer.status === 200 ? 1 : 0;
    return answer;
  };
  // 200 at once, then 16 callers that do not give up.
  for (const answer of await Promise.all(Array.from({length: 200}, asked))) {
    const ms = Number(answer.headers.get('retry-after-ms') ?? 1);
    assert.ok(answer.status === 200 || (ms >= 1 && ms <= windowMs + 500), `wait ${ms} ms`);
  }
  assert.ok(served >= limit, `only ${served} of 200 were served`);
  const end = Date.now() + 2.5 * windowMs;
  const caller = async () => {
    while (Date.now() < end) {
      if ((await asked()).status !== 200) await new Promise((next) => setTimeout(next, 20));
    }
  };
  await Promise.all(Array.from({length: 16}, caller));
  assert.equal((await mock.count()).requests, served);
  assert.ok(served >= 2 * limit, `only ${served} were served`);
  await neverMoreIn(windowMs, limit, mock, sent);
});
