// Providers that only fail: they are left alone, and one request tries whether they are well.
import assert from 'node:assert/strict';
import test from 'node:test';
import {ask, eventually, startBoth} from './harness.mjs';

const CHAT = '/v1/chat/completions';
const breaker = {failures: 3, open: '1s', open_max: '4s'};

test('after failures in a row nobody asks, until one probe succeeds', async (t) => {
  const {mock, gateway} = await startBoth(t, {
    accounts: [{}], routing: {breaker}, rules: [{do: {status: 500}, times: 3}],
  });
  for (let i = 0; i < 3; ++i) assert.equal((await gateway.post(CHAT, ask())).status, 500);
  const refused = await gateway.post(CHAT, ask());
  assert.equal(refused.status, 503);
  assert.equal((await refused.json()).error.code, 'all_pools_exhausted');
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.equal((await mock.count()).requests, 3);
  await eventually(() => /breaker opened/.test(gateway.errors), 'the line of the log');
  await eventually(async () => (await gateway.post(CHAT, ask())).status === 200, 'the probe');
  assert.equal((await mock.count()).requests, 4);
  assert.equal((await gateway.post(CHAT, ask())).status, 200);
});

test('clients\' own faults open nothing', async (t) => {
  const {mock, gateway} = await startBoth(t, {
    accounts: [{}], routing: {breaker}, rules: [{do: {status: 400}, times: 10}],
  });
  for (let i = 0; i < 10; ++i) assert.equal((await gateway.post(CHAT, ask())).status, 400);
  assert.equal((await gateway.post(CHAT, ask())).status, 200);
  assert.equal((await mock.count()).requests, 11);
});

test('an account that fails costs the others nothing once it is known', async (t) => {
  const {mock, gateway} = await startBoth(t, {
    accounts: [{}, {}], routing: {breaker: {...breaker, open: '30s', open_max: '30s'}},
    rules: [{match: {key: 'sk-test-a'}, do: {status: 503}}],
  });
  for (let i = 0; i < 40; ++i) assert.equal((await gateway.post(CHAT, ask())).status, 200);
  const keys = (await mock.requests()).map((request) => request.key);
  assert.equal(keys.filter((key) => key === 'sk-test-a').length, 3);
});
