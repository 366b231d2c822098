// When everything fails, retries are few; when accounts are only full, they are not counted.
import assert from 'node:assert/strict';
import test from 'node:test';
import {ask, startBoth} from './harness.mjs';

const CHAT = '/v1/chat/completions';

async function attempts(gateway, count, status) {
  const seen = [];
  for (let i = 0; i < count; ++i) {
    const answer = await gateway.post(CHAT, ask());
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get('x-sluice-error-source'), 'upstream');
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    await answer.text();
    seen.push(Number(answer.headers.get('x-sluice-attempts')));
  }
  return seen;
}

const once = {shards: 1, accounts: [{}, {}]};
const routing = {breaker: {failures: 0}, retry: {budget_percent: 0, budget_floor: 2}};

test('an empty budget answers failures as they are, with the time to come back', async (t) => {
  const {gateway} = await startBoth(t, {...once, routing, rules: [{do: {status: 500}}]});
  assert.deepEqual(await attempts(gateway, 4, 500), [2, 2, 1, 1]);
});

test('a share of the requests may be tried once more', async (t) => {
  const retry = {budget_percent: 50, budget_floor: 0};
  const {gateway} = await startBoth(t,
    {...once, routing: {...routing, retry}, rules: [{do: {status: 500}}]});
  assert.deepEqual(await attempts(gateway, 6, 500), [1, 2, 1, 2, 1, 2]);
});

test('429 costs no budget', async (t) => {
  const {gateway} = await startBoth(t, {
    ...once, routing: {...routing, retry: {budget_percent: 0, budget_floor: 0}},
    queue: {capacity: 0},
    rules: [{match: {key: 'sk-test-a'}, do: {status: 429, 'retry-after': 1}},
      {match: {key: 'sk-test-b'}, do: {status: 500}}],
  });
  const first = await gateway.post(CHAT, ask(), {'x-priority': 'low'});
  assert.equal(first.status, 500);
});
