// Providers that only fail: they are left alone, and one request tries whether they are well.
import assert from 'node:assert/strict';
import test from 'node:test';
import {ask, eventually, startBoth} from './harness.mjs';

const CHAT = '/v1/chat/completions';
const OPEN_S = 8;  // none of a few requests is late for it
const breaker = {failures: 3, open: `${OPEN_S}s`, open_max: '300s'};

test('after failures in a row nobody asks, until one probe succeeds', async (t) => {
  const {mock, gateway} = await startBoth(t, {
    accounts: [{}], routing: {breaker}, rules: [{do: {status: 500}, times: 3}],
  });
  const began = performance.now();
  for (let i = 0; i < 3; ++i) assert.equal((await gateway.post(CHAT, ask())).status, 500);
  const refused = await gateway.post(CHAT, ask());
  const since = (performance.now() - began) / 1000;
  assert.equal(refused.status, 503);
  assert.equal((await refused.json()).error.code, 'all_pools_exhausted');
  const after = Number(refused.headers.get('retry-after'));
  assert.ok(after >= OPEN_S - since && after <= OPEN_S, `${after} s, ${since} s after the first`);
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
    accounts: [{}, {}], routing: {breaker: {...breaker, open: '300s'}},
    rules: [{match: {key: 'sk-test-a'}, do: {status: 503}}],
  });
  for (let i = 0; i < 40; ++i) assert.equal((await gateway.post(CHAT, ask())).status, 200);
  const keys = (await mock.requests()).map((request) => request.key);
  assert.equal(keys.filter((key) => key === 'sk-test-a').length, 3);
});
