// What the administrator sees of a running gateway, second by second: the stream of snapshots,
// events, who waits, and why a request went where it went.
import assert from 'node:assert/strict';
import {readFile, writeFile} from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import test from 'node:test';
import * as contract from './contract.mjs';
import {ask, atEnd, awayFromMidnight, eventually, startBoth, temporaryFolder} from './harness.mjs';

const CHAT = '/v1/chat/completions';
const TOKEN = 'e2e-admin-token-0123456789';

const started = (t, more = {}) => {
  process.env.SIDECAR_ADMIN_TOKEN = TOKEN;
  return startBoth(t, more);
};
const get = (gateway, target) => contract.ask(gateway.url, 'GET', target, {token: TOKEN});

// A listener of the stream: `all` are its snapshots, `latest` the last, `count` how many came.
function listen(t, gateway, target = '/dashboard/sse') {
  const heard = {all: [], latest: null, count: 0, status: 0, ended: false};
  const request = http.get(gateway.url + target, {
    headers: {authorization: `Bearer ${TOKEN}`}, agent: false,
  }, (answer) => {
    heard.status = answer.statusCode;
    heard.answer = answer;
    let text = '';
    answer.setEncoding('utf8').on('data', (some) => {
      text += some;
      for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
        const event = text.slice(0, end);
        if (!event.startsWith('data: ')) continue;
        heard.latest = JSON.parse(event.slice(6));
        heard.all.push(heard.latest);
        ++heard.count;
      }
    }).on('end', () => (heard.ended = true));
  });
  request.on('error', () => (heard.ended = true));
  atEnd(t, () => request.destroy());
  heard.request = request;
  return heard;
}
const backendOf = (snapshot, name) => snapshot?.backends.find((one) => one.name === name);
const backend = (heard, name) => backendOf(heard.latest, name);
// What is kept of a request when it is over, which its client may know before.
const explained = (gateway, id) => eventually(async () => {
  const answer = await get(gateway, `/api/admin/explain/${id}`);
  return answer.status === 200 && answer.body;
}, `the way of ${id}`);

test('snapshots: levels fall under traffic, rates and percentiles are told', async (t) => {
  await awayFromMidnight();
  const {gateway} = await started(t, {accounts: [{rpm_limit: 50}]});
  const heard = listen(t, gateway);
  await eventually(() => heard.count > 0, 'a first snapshot');
  assert.equal(heard.status, 200);
  assert.equal(backend(heard, 'team-a').rate_limiter.tokens, 50);
  for (let i = 0; i < 10; ++i) assert.equal((await gateway.post(CHAT, ask())).status, 200);
  await eventually(() => backend(heard, 'team-a').rate_limiter.tokens === 40, 'the level');
  await eventually(() => heard.latest.requests.total === 10, 'the requests');
  await eventually(() => heard.latest.latency.overhead_us.p50 > 0, 'the overhead');
  contract.check('GET', '/dashboard/sse', 200, heard.latest);
  assert.equal(heard.latest.token_bucket.capacity, 50);
  assert.deepEqual(heard.latest.pool.primary,
    {total: 1, enabled: 1, healthy: 1, cooling: 0, error: 0});
  const history = (await get(gateway, '/api/admin/history')).body;
  const lengths = new Set(Object.values(history.series).map((one) => one.length));
  assert.equal(lengths.size, 1);
  assert.ok(Math.max(...history.series.requests) > 0);
  await eventually(() => heard.latest.today.requests === 10, "today's sums");
});

const COOLDOWN_S = 8;  // some snapshots, also of a gateway that stands still for a while
test('a 429 begins a cooldown that counts down, and is an event', async (t) => {
  const {gateway} = await started(t, {
    accounts: [{}, {}], routing: {strategy: 'ordered', cooldown: {base: `${COOLDOWN_S}s`}},
    rules: [{match: {key: 'sk-test-a'}, do: {status: 429}, times: 1}],
  });
  const heard = listen(t, gateway, '/api/dashboard/stream');
  await eventually(() => heard.count > 0, 'a first snapshot');
  const answer = await gateway.post(CHAT, ask(), {'x-request-id': 'went-through-two'});
  assert.equal(answer.status, 200);
  const snapshot = await eventually(() =>
    heard.all.find((one) => backendOf(one, 'team-a').status === 'cooling'), 'cooling');
  const cooling = backendOf(snapshot, 'team-a');
  assert.equal(cooling.consecutive_429_count, 1);
  assert.equal(cooling.last_error.status, 429);
  const left = Date.parse(cooling.cooldown_until) - snapshot.timestamp * 1000;
  assert.ok(left > 0 && left <= COOLDOWN_S * 1000, `${left} ms are left`);
  contract.check('GET', '/dashboard/sse', 200, snapshot);
  assert.equal(snapshot.pool.primary.cooling, 1);
  await eventually(() => backend(heard, 'team-a').status === 'healthy', 'the end of it');
  const {body} = await get(gateway, '/api/admin/events?limit=1000');
  const kinds = body.events.filter((one) => one.account === 'team-a').map((one) => one.kind);
  assert.deepEqual(kinds, ['cooldown_ended', 'cooldown_begun']);
  assert.equal(body.events[0].backend_id, cooling.id);
  await eventually(() => heard.latest.last_event_id >= body.events[0].id, 'a snapshot of that');
  const later = await get(gateway, `/api/admin/events?after=${body.last_id}`);
  assert.deepEqual(later.body.events, []);
  const warnings = await get(gateway, '/api/admin/events?severity=warning');
  assert.deepEqual(warnings.body.events.map((one) => one.kind), ['cooldown_begun']);

  const told = await explained(gateway, 'went-through-two');
  const steps = told.steps.map(({kind, account, outcome, status}) =>
    [kind, account, outcome, status]);
  assert.deepEqual(steps,
    [['try', 'team-a', 'rate_limited', 429], ['try', 'team-b', 'served', 200]]);
  assert.deepEqual(told.candidates.map((one) => [one.account, one.verdict]),
    [['team-b', 'chosen'], ['team-a', 'tried']]);
  assert.equal(told.client, 'e2e');
  assert.equal(told.model, 'mock-large');
  assert.equal(told.levels_at, 'decision');
});

const REFUSALS = 5;
test('of the shortest cooldowns each is told, also where one follows another', async (t) => {
  const refuse = {match: {key: 'sk-test-a'}, do: {status: 429}, times: 1};
  const {mock, gateway} = await started(t, {
    accounts: [{rpm_limit: 1000}], routing: {cooldown: {base: '1s', max: '1s'}},
  });
  // Each refusal is waited for and followed by a success, so that the next is the first in a row.
  for (let i = 0; i < REFUSALS; ++i) {
    await mock.script({rules: [refuse]});
    assert.equal((await gateway.post(CHAT, ask())).status, 200);
  }
  const kinds = await eventually(async () => {
    const {body} = await get(gateway, '/api/admin/events?limit=1000');
    const all = body.events.map((one) => one.kind).filter((kind) => /^cooldown/.test(kind));
    return all[0] === 'cooldown_ended' && all;
  }, 'the end of the last');
  assert.deepEqual(kinds, Array.from({length: 2 * REFUSALS}, (_, i) =>
    i % 2 ? 'cooldown_begun' : 'cooldown_ended'));
});

test('explaining tells what each decision had before it, whatever happened since', async (t) => {
  const {gateway} = await started(t, {
    accounts: [{rpm_limit: 2}, {rpm_limit: 9}, {rpm_limit: 7, pool: 'fallback'}],
    routing: {strategy: 'ordered'},
    rules: [{match: {key: 'sk-test-b'}, do: {status: 500}, times: 1}],
  });
  const send = async (id) => {
    const answer = await gateway.post(CHAT, ask(), {'x-request-id': id});
    await answer.text();
    assert.equal(answer.status, 200);
  };
  for (const id of ['first', 'second', 'third', 'fourth']) await send(id);
  const told = async (id) => {
    const body = await explained(gateway, id);
    contract.check('GET', '/api/admin/explain/{request_id}', 200, body);
    return {levels_at: body.levels_at, steps: body.steps.map((step) => step.candidates.map((one) =>
      `${one.account} ${one.verdict} ${one.tokens}/${one.capacity}`))};
  };
  const first = {levels_at: 'decision', steps: [
    ['team-a chosen 2/2', 'team-b eligible 9/9', 'team-c not_reached 7/7']]};
  assert.deepEqual(await told('first'), first);
  assert.deepEqual((await told('second')).steps[0][0], 'team-a chosen 1/2');
  assert.deepEqual((await told('third')).steps, [
    ['team-b chosen 9/9', 'team-a no_permit 0/2', 'team-c not_reached 7/7'],
    ['team-c chosen 7/7', 'team-b tried 8/9', 'team-a no_permit 0/2']]);
  assert.deepEqual((await told('fourth')).steps, [
    ['team-b chosen 8/9', 'team-a no_permit 0/2', 'team-c not_reached 6/7']]);
  assert.deepEqual(await told('first'), first);
});

test('of requests with one id each row has its own explanation', async (t) => {
  const {gateway} = await started(t, {accounts: [{models: ['one', 'two']}],
    store: {directory: await temporaryFolder()}});
  const id = '..';
  for (const model of ['one', 'two']) {
    const answer = await gateway.post(CHAT, ask({model}), {'x-request-id': id});
    assert.equal(answer.status, 200, await answer.text());
  }
  const rows = await eventually(async () => {
    const {requests} = (await get(gateway, '/api/admin/requests')).body;
    return requests.length === 2 && requests;
  }, 'both rows');
  const explain = (query) => get(gateway, `/api/admin/explain?${new URLSearchParams(query)}`);
  for (const row of rows) {
    const {status, body} = await explain({request_id: id, id: row.id});
    assert.equal(status, 200, JSON.stringify(body));
    contract.check('GET', '/api/admin/explain', 200, body);
    assert.equal(body.model, row.model);
  }
  assert.equal((await explain({request_id: id})).body.model, 'two');
  const [, two] = rows.map((row) => row.id).sort();
  assert.equal((await explain({request_id: 'another', id: two})).status, 404);
  assert.equal((await explain({request_id: id, id: two.replace(/\w+$/, 'fff')})).status, 404);
  const wrong = await explain({id: 'x'});
  assert.deepEqual(wrong.body.errors.map((one) => one.field), ['request_id', 'id']);
});

test('of an unknown request nothing is explained, and wrong parameters are named', async (t) => {
  const {gateway} = await started(t);
  assert.equal((await get(gateway, '/api/admin/explain/nobody')).status, 404);
  const wrong = await get(gateway, '/api/admin/events?after=x&limit=0&severity=loud');
  assert.equal(wrong.status, 400);
  assert.deepEqual(wrong.body.errors.map((one) => one.field), ['after', 'limit', 'severity']);
  for (const target of ['/api/admin/history', '/api/admin/events', '/api/admin/queue', '/status',
    '/dashboard/sse', '/api/admin/explain/x'])
    assert.equal((await fetch(gateway.url + target)).status, 401, target);
});

test('who waits is told by priority and model', async (t) => {
  const {gateway} = await started(t, {
    accounts: [{rpm_limit: 1}], queue: {wait: {normal: '10min'}},
  });
  assert.equal((await gateway.post(CHAT, ask())).status, 200);
  const waiting = [1, 2].map(() => gateway.post(CHAT, ask()));
  const queue = await eventually(async () => {
    const {body} = await get(gateway, '/api/admin/queue');
    return body.depth === 2 && body;
  }, 'two that wait');
  assert.deepEqual(queue.per_priority, {urgent: 0, high: 0, normal: 2, low: 0});
  assert.equal(queue.models[0].model, 'mock-large');
  assert.ok(queue.models[0].next_permit_in_ms > 0);
  const {body} = await get(gateway, '/status');
  assert.equal(body.queue.depth, 2);
  const config = JSON.parse(await readFile(gateway.file, 'utf8'));
  config.accounts[0].rpm_limit = 1000;
  await writeFile(gateway.file, JSON.stringify(config));
  gateway.signal('SIGHUP');
  for (const one of waiting) assert.equal((await one).status, 200);
});

test('readiness, of the first version and verbose', async (t) => {
  const {gateway} = await started(t);
  const ready = await contract.ask(gateway.url, 'GET', '/health/ready');
  assert.deepEqual([ready.status, ready.body.ready], [200, true]);
  const lines = await fetch(`${gateway.url}/readyz?verbose`);
  assert.equal(lines.status, 200);
  assert.match(await lines.text(), /\[\+\]accounts ok/);
});

test('while all breakers are open it is not ready; when they let a request through it is',
  async (t) => {
    const {gateway} = await started(t, {rules: [{do: {status: 500}}],
      routing: {breaker: {failures: 2, open: '8s', open_max: '8s'}}});
    const ready = async () =>
      (await contract.ask(gateway.url, 'GET', '/health/ready')).body.upstream_reachable;
    assert.equal(await ready(), true);
    for (let i = 0; i < 2; ++i)
      assert.equal((await gateway.post('/v1/chat/completions', ask())).status, 500);
    assert.equal(await ready(), false);
    await eventually(ready, 'ready again, though nobody has tried');
  });

test('providers that do not answer a test hold up no look and no snapshot', async (t) => {
  const held = new Set();
  const silent = net.createServer((socket) => held.add(socket.on('error', () => {})));
  await new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${silent.address().port}`;
  atEnd(t, () => {
    silent.close();
    for (const socket of held) socket.destroy();
  });
  const {gateway} = await started(t, {accounts: Array.from({length: 4}, (_, i) =>
    ({name: `silent-${i}`, base_url: `${base}/v1`}))});
  const {body: accounts} = await get(gateway, '/api/admin/backends');
  let over = 0;
  const tests = accounts.map(({id}) => contract.ask(gateway.url, 'POST',
    `/api/admin/backends/${id}/test`, {token: TOKEN}).finally(() => ++over));
  await eventually(() => held.size === 4, 'the tests at the provider');
  const heard = listen(t, gateway);
  await eventually(() => heard.count > 2, 'snapshots meanwhile');
  assert.equal((await get(gateway, '/api/admin/version')).status, 200);
  assert.deepEqual([held.size, over], [4, 0], 'the tests still wait');
  for (const socket of held) socket.destroy();
  for (const one of await Promise.all(tests)) assert.equal(one.body.status, 'unavailable');
});

test('a wrong token is an event', async (t) => {
  const {gateway} = await started(t);
  await contract.ask(gateway.url, 'GET', '/status', {token: 'wrong'});
  const {body} = await get(gateway, '/api/admin/events');
  assert.ok(body.events.some((one) => one.kind === 'login_failed'), JSON.stringify(body.events));
});

test('a probe finds an account, and no request is paid', async (t) => {
  const {mock, gateway} = await started(t, {health: {interval: '1s'}});
  const heard = listen(t, gateway);
  await eventually(() => heard.count > 0 && !('health' in backend(heard, 'team-a')), 'healthy');
  await mock.script({defaults: {tokens: 2}, rules: []});
  assert.ok((await mock.requests()).every((one) => one.target !== CHAT));
});
