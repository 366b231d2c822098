// Accounts that learn their limits from what the provider's answers say.
import assert from 'node:assert/strict';
import test from 'node:test';
import {ask, eventually, startBoth} from './harness.mjs';

const CHAT = '/v1/chat/completions';
const fields = (limit, remaining, reset) => [
  `x-ratelimit-limit-requests: ${limit}`, `x-ratelimit-remaining-requests: ${remaining}`,
  `x-ratelimit-reset-requests: ${reset}`];
const says = (...words) => ({do: {header: fields(...words)}});

test('a limit that is lower than the configured one holds', async (t) => {
  const {mock, gateway} = await startBoth(t, {
    accounts: [{learn_limits: true}], rules: [says(5, 4, '12s')],
  });
  assert.equal((await gateway.post(CHAT, ask())).status, 200);
  const learned = /another limit.* limit=5 .*configured=1000/;
  await eventually(() => learned.test(gateway.errors), 'the limit');
  const low = {'x-priority': 'low'};
  for (let i = 0; i < 4; ++i) assert.equal((await gateway.post(CHAT, ask(), low)).status, 200);
  assert.equal((await gateway.post(CHAT, ask(), low)).status, 503);
  assert.equal((await mock.count()).requests, 5);
});

const RESET_S = 8;  // a few requests are through before
test('an account with nothing left is left alone until its reset, and does not cool', async (t) => {
  const {mock, gateway} = await startBoth(t, {
    accounts: [{learn_limits: true}, {}], routing: {strategy: 'ordered'},
    rules: [{match: {key: 'sk-test-a'}, ...says(1000, 0, `${RESET_S}s`), times: 1}],
  });
  const served = async () => (await gateway.post(CHAT, ask())).headers.get('x-sluice-account');
  for (const name of ['team-a', 'team-b', 'team-b']) assert.equal(await served(), name);
  await eventually(async () => (await served()) === 'team-a', 'that it is asked again');
  const ofA = (await mock.requests()).filter((request) => request.key === 'sk-test-a');
  const rested = ofA[1].read_at_ms - ofA[0].answered_at_ms;
  // A cooldown would be 30 s.
  assert.ok(rested >= RESET_S * 1000 && rested < 28_000, `${rested} ms`);
  assert.doesNotMatch(gateway.errors, /provider refused/);
});

test('accounts that do not learn are told nothing', async (t) => {
  const {gateway} = await startBoth(t, {accounts: [{}], rules: [says(5, 0, '60s')]});
  for (let i = 0; i < 7; ++i) assert.equal((await gateway.post(CHAT, ask())).status, 200);
});
