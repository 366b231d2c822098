// What accounts allow besides requests per minute: tokens, requests per day, requests at once.
import assert from 'node:assert/strict';
import test from 'node:test';
import {ask, CLIENT_KEY, eventually, startBoth} from './harness.mjs';

const CHAT = '/v1/chat/completions';
const DAY_S = 86_400;
const LATENCY_MS = 400;

async function answered(answer) {
  const body = await answer.json();
  return {status: answer.status, code: body.error?.code ?? null,
    retryAfter: Number(answer.headers.get('retry-after'))};
}

test('concurrent_limit: no more at once, and the end of one lets the next in', async (t) => {
  const {mock, gateway} = await startBoth(t, {
    accounts: [{concurrent_limit: 2}],
    rules: [{do: {latency: `${LATENCY_MS}ms`}}],
  });
  const answers = Array.from({length: 8}, () => gateway.post(CHAT, ask()).then(answered));
  for (const {status} of await Promise.all(answers)) assert.equal(status, 200);
  // By the provider's clock: how many there were unanswered when each came.
  const noted = await mock.requests();
  const most = Math.max(...noted.map(({read_at_ms: at}) => noted.filter((one) =>
    one.read_at_ms <= at && at < one.answered_at_ms).length));
  assert.equal(most, 2);
  // Whoever waits is woken and does not look once a second: that would be 600 ms each time.
  const [reads, ends] = ['read_at_ms', 'answered_at_ms'].map((name) =>
    noted.map((one) => one[name]).sort((a, b) => a - b));
  const gaps = reads.slice(2).map((at, i) => at - ends[i]).sort((a, b) => a - b);
  assert.ok(gaps[gaps.length >> 1] < LATENCY_MS, `${gaps} ms from an end to the next`);
});

test('concurrent_limit: a client that leaves makes room', async (t) => {
  const {mock, gateway} = await startBoth(t, {
    accounts: [{concurrent_limit: 1}],
    rules: [{do: {hang: true}, times: 1}],
  });
  const leaving = new AbortController();
  const gone = fetch(`${gateway.url}${CHAT}`, {
    method: 'POST', signal: leaving.signal, body: JSON.stringify(ask()),
    headers: {authorization: `Bearer ${CLIENT_KEY}`, 'content-type': 'application/json'},
  }).catch(() => 'left');
  await eventually(async () => (await mock.count()).in_flight === 1, 'the first there');
  const waits = gateway.post(CHAT, ask());
  leaving.abort();
  assert.equal(await gone, 'left');
  assert.equal((await answered(await waits)).status, 200);
});

test('rpd_limit: the answer says that it takes until tomorrow', async (t) => {
  const {mock, gateway} = await startBoth(t, {accounts: [{rpd_limit: 2}]});
  const post = async () => answered(await gateway.post(CHAT, ask()));
  for (let i = 0; i < 2; ++i) assert.equal((await post()).status, 200);
  const last = await post();
  assert.equal(last.status, 503);
  assert.equal(last.code, 'all_pools_exhausted');
  assert.ok(last.retryAfter >= DAY_S - 60 && last.retryAfter <= DAY_S + 1800, `${last.retryAfter}`);
  assert.equal((await mock.count()).requests, 2);
});

test('tpm_limit: what a request did not use is there for the next', async (t) => {
  const {mock, gateway} = await startBoth(t, {
    shards: 1,
    accounts: [{tpm_limit: 2000}],
    rules: [{do: {'prompt-tokens': 20, tokens: 5}}],
  });
  const began = performance.now();
  // Each reserves more than half of the limit, and uses 25.
  const post = async (max_tokens, fields = {}) =>
    answered(await gateway.post(CHAT, ask({max_tokens}), fields));
  for (let i = 0; i < 20; ++i) assert.equal((await post(1200)).status, 200);
  await mock.script({defaults: {'prompt-tokens': 1900, tokens: 5}});
  assert.equal((await post(10)).status, 200);
  // Its line is written once it is counted what that one used; its client may be quicker.
  await eventually(() => /total_tokens=1905/.test(gateway.output + gateway.errors), 'its end');
  const {status, retryAfter} = await post(10, {'x-priority': 'low'});
  assert.equal(status, 503);
  const since = (performance.now() - began) / 1000;
  assert.ok(retryAfter > 58 - since && retryAfter <= 62, `${retryAfter}, ${since} s later`);
  assert.equal((await mock.count()).requests, 21);
});
