// Requests that are sent to a second account because the first is slow: the first answer wins.
import assert from 'node:assert/strict';
import test from 'node:test';
import {accessLines, ask, eventually, startBoth} from './harness.mjs';
import {rawClient, requestText} from './wire.mjs';

const CHAT = '/v1/chat/completions';

// Two accounts in their order, and rules for what each does; the gateway hedges after 300 ms.
const start = (t, a, b = {}, {percent = 100, ...more} = {}) => startBoth(t, {
  accounts: [{}, {}], routing: {strategy: 'ordered'}, hedge: {after: '300ms', percent},
  rules: [{match: {key: 'sk-test-a'}, do: a}, {match: {key: 'sk-test-b'}, do: b}],
  log: {format: 'json'}, shards: 1, ...more,
});

// What the mock has noted once each exchange with it is over: by the account's letter.
async function notedBy(mock, count) {
  const all = await eventually(async () => {
    const requests = await mock.requests();
    return requests.length === count && requests.every((one) => one.ended_at_ms) && requests;
  }, `${count} requests that are over`);
  return Object.fromEntries(all.map((request) => [request.key.at(-1), request]));
}
const line = (gateway) => eventually(() => accessLines(gateway).at(-1), 'the access line');

test('the second account wins, and the first is called off', async (t) => {
  const {mock, gateway} = await start(t, {latency: '60s'});
  const began = Date.now();
  const answer = await gateway.post(CHAT, ask());
  assert.equal(answer.status, 200);
  await answer.text();
  const ms = Date.now() - began;
  assert.ok(ms >= 300 && ms < 30_000, `${ms} ms`);
  assert.equal(answer.headers.get('x-sluice-account'), 'team-b');
  assert.equal(answer.headers.get('x-sluice-attempts'), '2');
  assert.equal(answer.headers.get('x-sluice-degraded'), null);
  const noted = await notedBy(mock, 2);
  assert.ok(noted.a.client_left);
  const [one, other] = (await mock.last(2)).map((request) => request.body);
  assert.ok(one.includes('Say something.'));
  assert.equal(one, other);
  const {hedged, won, account, attempts} = await line(gateway);
  assert.deepEqual([String(hedged), won, account, attempts], ['true', 'second', 'team-b', 2]);
});

test('the wait for the first account is no overhead', async (t) => {
  const {gateway} = await start(t, {latency: '60s'});
  const overheads = [];
  for (let i = 0; i < 4; ++i) {
    const answer = await gateway.post(CHAT, ask());
    await answer.text();
    assert.equal(answer.headers.get('x-sluice-attempts'), '2');
    overheads.push(Number(answer.headers.get('x-sluice-overhead-us')));
  }
  // What stands still for a while is in one of them.
  const least = Math.min(...overheads);
  assert.ok(least >= 0 && least < 250_000, `${overheads} us`);
});

test('the first account wins after all', async (t) => {
  const {mock, gateway} = await start(t, {latency: '5s'}, {latency: '60s'});
  const answer = await gateway.post(CHAT, ask());
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('x-sluice-account'), 'team-a');
  assert.equal(answer.headers.get('x-sluice-attempts'), '2');
  assert.ok((await notedBy(mock, 2)).b.client_left);
  assert.equal((await line(gateway)).won, 'first');
});

test('of a stream the first event counts', async (t) => {
  const {mock, gateway, client} = await start(t, {stall: 'forever', 'stall-at': 'head'});
  const words = [];
  for await (const part of await client.chat.completions.create(ask({stream: true})))
    words.push(part.choices[0].delta.content ?? '');
  assert.match(words.join(''), /token-0 token-1/);
  assert.ok((await notedBy(mock, 2)).a.client_left);
  assert.equal((await line(gateway)).won, 'second');
});

test('who answers in time is asked alone', async (t) => {
  const {mock, gateway} = await start(t, {latency: '20ms'}, {},
    {hedge: {after: '20s', percent: 100}});
  for (let i = 0; i < 5; ++i) await (await gateway.post(CHAT, ask())).text();
  assert.equal((await mock.count()).requests, 5);
  assert.equal((await line(gateway)).hedged, undefined);
});

test('so many percent of the requests, and no more', async (t) => {
  const {mock, gateway} = await start(t, {latency: '4s'}, {}, {percent: 50});
  const attempts = [];
  for (let i = 0; i < 6; ++i) {
    const answer = await gateway.post(CHAT, ask());
    await answer.text();
    attempts.push(Number(answer.headers.get('x-sluice-attempts')));
  }
  assert.deepEqual(attempts, [1, 2, 1, 2, 1, 2]);
  assert.equal((await mock.count()).requests, 9);
});

test('a client that leaves calls both off', async (t) => {
  const {mock, gateway} = await start(t, {latency: '60s'}, {latency: '60s'});
  const client = rawClient(t, gateway.url);
  await client.send(requestText(CHAT, JSON.stringify(ask())));
  await eventually(async () => (await mock.count()).requests === 2, 'both are asked');
  client.leave();
  const noted = await notedBy(mock, 2);
  assert.ok(noted.a.client_left && noted.b.client_left);
  const {ended, won} = await line(gateway);
  assert.deepEqual([ended, won], ['the client left', undefined]);
  assert.doesNotMatch(gateway.errors, /attempt failed|breaker/);
});

test('when one fails the other goes on; when both fail the client is told', async (t) => {
  const {mock, gateway} = await start(t, {latency: '600ms', status: 500}, {latency: '900ms'});
  const answer = await gateway.post(CHAT, ask());
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('x-sluice-account'), 'team-b');
  await answer.text();
  await mock.script({rules: [{do: {latency: '600ms', status: 500}}]});
  const failed = await gateway.post(CHAT, ask());
  assert.equal(failed.status, 500);
  assert.equal(failed.headers.get('x-sluice-attempts'), '2');
});

test('no second account with room: the first is waited for', async (t) => {
  const {mock, gateway} = await start(t, {latency: '5s'}, {latency: '60s'},
    {accounts: [{}, {rpm_limit: 1}]});
  const raw = rawClient(t, gateway.url);
  await raw.send(requestText(CHAT, JSON.stringify(ask())));
  await eventually(async () => (await mock.count()).requests === 2, 'both are asked');
  const answer = await gateway.post(CHAT, ask());
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('x-sluice-attempts'), '1');
  assert.equal((await mock.count()).requests, 3);
});
