// Strategies by load, speed and price; requests of one origin that keep to one account.
import assert from 'node:assert/strict';
import test from 'node:test';
import {ask, eventually, startBoth} from './harness.mjs';
import {rawClient, requestText} from './wire.mjs';

const CHAT = '/v1/chat/completions';

async function accountOf(gateway, more = {}, fields = {}) {
  const answer = await gateway.post(CHAT, ask(more), fields);
  assert.equal(answer.status, 200);
  await answer.text();
  return answer.headers.get('x-sluice-account');
}

async function timesOf(count, ask) {
  const seen = new Set();
  for (let i = 0; i < count; ++i) seen.add(await ask(i));
  return seen;
}

test('affinity: the same user, the same account', async (t) => {
  const {gateway} = await startBoth(t, {accounts: [{}, {}, {}], routing: {affinity: 'user'}});
  for (const user of ['ada', 'bob'])
    assert.equal((await timesOf(8, () => accountOf(gateway, {user}))).size, 1);
  assert.equal((await timesOf(40, (i) => accountOf(gateway, {user: `u${i}`}))).size, 3);
  assert.ok((await timesOf(40, () => accountOf(gateway))).size > 1);
});

test('affinity: the same session, the same account; another when it is full', async (t) => {
  const {gateway} = await startBoth(t,
    {accounts: [{rpm_limit: 4}, {rpm_limit: 4}], routing: {affinity: 'session'}});
  const fields = {'X-Session-Id': 'conversation-1'};
  const served = [];
  for (let i = 0; i < 8; ++i) served.push(await accountOf(gateway, {}, fields));
  assert.equal(new Set(served.slice(0, 4)).size, 1);
  assert.equal(new Set(served.slice(4)).size, 1);
  assert.notEqual(served[0], served[4]);
});

test('cheapest: by the price of the account', async (t) => {
  const {gateway} = await startBoth(t, {
    accounts: [{cost: {input: 3, output: 15}}, {cost: {input: 0.25, output: 1.25}, rpm_limit: 2}],
    routing: {strategy: 'cheapest'},
  });
  const served = [];
  for (let i = 0; i < 3; ++i) served.push(await accountOf(gateway));
  assert.deepEqual(served, ['team-b', 'team-b', 'team-a']);
});

test('latency: the account that is slow to its first token is left behind', async (t) => {
  const {mock, gateway} = await startBoth(t, {
    accounts: [{}, {}], routing: {strategy: 'latency'},
    // Longer than the other one ever takes, whatever stands still.
    rules: [{match: {key: 'sk-test-a'}, do: {latency: '4s'}}],
  });
  for (let i = 0; i < 30; ++i) await accountOf(gateway);
  const slow = (await mock.requests()).filter((request) => request.key === 'sk-test-a');
  assert.ok(slow.length >= 1 && slow.length <= 6, `${slow.length} of 30`);
});

test('least_inflight: the account that is busy is left alone', async (t) => {
  // One shard: an answer that the caller has is over for the ladder before his next request.
  const {mock, gateway} = await startBoth(t, {
    shards: 1, accounts: [{}, {}], routing: {strategy: 'least_inflight'},
    rules: [{match: {key: 'sk-test-a'}, do: {hang: true}}],
  });
  // Both idle, either may be asked: one request after the other until one hangs at that account.
  const keys = async () => (await mock.requests()).map((request) => request.key);
  const busy = async () => (await keys()).includes('sk-test-a');
  for (let i = 0; !await busy(); ++i) {
    assert.ok(i < 64, 'the account that hangs is never asked');
    const client = rawClient(t, gateway.url);
    client.send(requestText(CHAT, JSON.stringify(ask())));
    await eventually(async () => / 200 OK[^]*"service_tier"/.test(client.received) || await busy(),
      'an answer, or the busy account');
  }
  for (let i = 0; i < 4; ++i) await accountOf(gateway);
  assert.equal((await mock.count()).in_flight, 1, 'it is busy all the while');
  const asked = await keys();
  assert.equal(asked.filter((key) => key === 'sk-test-a').length, 1, `${asked}`);
});
