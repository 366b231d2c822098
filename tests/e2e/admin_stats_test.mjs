// What the administration API tells of usage, as real requests left it; each answer is held against
// admin/openapi.json, the sums against the single requests that are stored.
import assert from 'node:assert/strict';
import test from 'node:test';
import {Commands} from './commands.mjs';
import {ask as askApi} from './contract.mjs';
import {account, ask, awayFromMidnight, CLIENT_KEY, eventually, startMock} from './harness.mjs';
import {dumpStore, makeSite, serve} from './store.mjs';

const TOKEN = 'test-admin-token-0123456789abcdef';
const BOB = {name: '@bob', key: 'sk-test-client-bob-0123456789'};
const HOUR_MS = 3_600_000;
// Dollars for a million tokens.
const COST = {input: 2, output: 10};
const COST_OF_ONE = 0.00009;  // 20 tokens there and 5 back

// A gateway with accounts team-a, team-b, ... that are asked in their order.
async function start(t, {rules = [], accounts = [{}], ...config} = {}) {
  await awayFromMidnight();
  const mock = await startMock(t);
  await mock.script({defaults: {tokens: 5, 'prompt-tokens': 20}, rules});
  const site = await makeSite(t, {
    accounts: accounts.map((more, i) => account(mock,
      {name: `team-${'abc'[i]}`, api_key: `sk-test-${'abc'[i]}`, cost: COST, ...more})),
    clients: [{name: 'e2e', key: CLIENT_KEY}, BOB],
    routing: {strategy: 'ordered'}, ...config,
  });
  const gateway = await serve(t, site.file,
    {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  let sent = 0;
  const send = async (body = {}, key = CLIENT_KEY) => {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {authorization: `Bearer ${key}`, 'content-type': 'application/json'},
      body: JSON.stringify(ask(body)),
    });
    await answer.text().catch((fault) => fault);  // it may break off
    sent += 1;
    return answer.status;
  };
  const get = (target, options = {}) =>
    askApi(gateway.url, 'GET', target, {token: TOKEN, ...options});
  const booked = () => eventually(async () =>
    (await get('/api/admin/stats/total')).body.total_requests === sent, `${sent} requests booked`);
  return {mock, gateway, send, get, booked, ...site};
}

const sum = (rows, name) => rows.reduce((all, row) => all + row[name], 0);
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test('an empty store: zeros, and lists without rows', async (t) => {
  const {get} = await start(t);
  assert.deepEqual((await get('/api/admin/stats/total')).body, {
    total_requests: 0, total_errors: 0, total_tokens: 0, total_prompt_tokens: 0,
    total_completion_tokens: 0, total_cost: 0});
  for (const name of ['hourly', 'daily', 'cooldown'])
    assert.deepEqual((await get(`/api/admin/stats/${name}`)).body, []);
  const usage = (await get('/api/admin/usage')).body;
  assert.deepEqual([usage.rows, usage.group_by, usage.truncated, usage.total.requests,
    usage.total.avg_latency_ms], [[], ['hour'], false, 0, null]);
  assert.deepEqual((await get('/api/admin/requests')).body, {requests: [], next: null});
});

const WRONG = [
  ['stats/hourly?hours=0', 'hours'],
  ['stats/hourly?hours=87601', 'hours'],
  ['stats/hourly?hours=abc', 'hours'],
  ['stats/hourly?hours=1&hours=2', 'hours'],
  ['stats/hourly?limit=5', 'limit'],
  ['stats/daily?days=-1', 'days'],
  ['stats/daily?days=3661', 'days'],
  ['stats/cooldown?limit=0', 'limit'],
  ['stats/cooldown?limit=1001', 'limit'],
  ['usage?group_by=pool', 'group_by'],
  ['usage?group_by=', 'group_by'],
  ['usage?group_by=hour,day', 'group_by'],
  ['usage?group_by=account,model', 'group_by'],
  ['usage?group_by=hour,account,model', 'group_by'],
  ['usage?group_by=hour,', 'group_by'],
  ['usage?from=yesterday', 'from'],
  ['usage?to=2026-13-01T00:00:00Z', 'to'],
  ['usage?from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z', 'from'],
  ['usage?group_by=account&top=0', 'top'],
  ['usage?group_by=account&top=51', 'top'],
  ['usage?top=3', 'top'],
  ['usage?group_by=account&top_by=tokens', 'top_by'],
  ['usage?format=xml', 'format'],
  ['usage?account=team-a', 'account'],
  ['requests?status=600', 'status'],
  ['requests?status=ok', 'status'],
  ['requests?limit=501', 'limit'],
  ['requests?every_attempt=yes', 'every_attempt'],
  ['requests?from=1', 'from'],
  ['requests?cursor=1-2', 'cursor'],
  ['requests?cursor=1-2-3-4', 'cursor'],
  ['requests?cursor=zz-1-1', 'cursor'],
];

test('a wrong parameter is refused by its name, and nobody reads without the token', async (t) => {
  const {get} = await start(t);
  for (const [target, field] of WRONG) {
    const answer = await get(`/api/admin/${target}`);
    assert.equal(answer.status, 400, target);
    assert.deepEqual(answer.body.errors.map((error) => error.field), [field], target);
    assert.ok(answer.body.detail.startsWith(`${field}: `), answer.body.detail);
  }
  const two = await get('/api/admin/requests?limit=0&status=x');
  assert.deepEqual(two.body.errors.map((error) => error.field).sort(), ['limit', 'status']);
  for (const target of ['stats/total', 'stats/hourly', 'stats/daily', 'stats/cooldown', 'usage',
    'requests'])
    assert.equal((await get(`/api/admin/${target}`, {token: undefined})).status, 401);
  assert.equal((await get('/stats', {token: undefined})).status, 401);
});

test('usage of each model, client and account, and exactly what is stored', async (t) => {
  const {get, send, booked, directory} = await start(t, {
    accounts: [{}, {}],
    rules: [{match: {key: 'sk-test-a', model: 'flaky'}, do: {status: 500}}],
  });
  for (let i = 0; i < 5; ++i) assert.equal(await send({model: 'one'}), 200);
  assert.equal(await send({model: 'two', stream: true}, BOB.key), 200);
  assert.equal(await send({model: 'flaky'}), 200);  // of team-b, after team-a
  await booked();
  const {rows: stored, total: sums} = await dumpStore(directory);

  const total = (await get('/api/admin/stats/total')).body;
  assert.deepEqual([total.total_requests, total.total_errors, total.total_tokens,
    total.total_prompt_tokens, total.total_completion_tokens],
  [7, 0, sums.total_tokens, sums.prompt_tokens, sums.completion_tokens]);
  near(total.total_cost, 7 * COST_OF_ONE);

  // The hour may have ended meanwhile: rows of one model are added up.
  const hourly = (await get('/api/admin/stats/hourly')).body;
  const ofModel = (name) => hourly.filter((row) => row.model === name);
  assert.equal(sum(ofModel('one'), 'request_count'), 5);
  assert.equal(sum(ofModel('two'), 'request_count'), 1);
  assert.equal(sum(ofModel('one'), 'total_tokens'), 125);
  assert.equal(sum(ofModel('two'), 'total_tokens'), 25);
  near(sum(ofModel('one'), 'cost'), 5 * COST_OF_ONE);
  assert.equal(new Set(hourly.map((row) => row.id)).size, hourly.length);
  const ids = new Set(hourly.map((row) => row.backend_id));
  assert.equal(ids.size, 2);
  for (const id of ids) assert.match(id, /^bkd_[0-9a-f]{12}$/);

  // The average is that of the single attempts, to the microsecond.
  const latencies = stored.filter((row) => row.model === 'one').map((row) => row.latency_us);
  const usage = (await get('/api/admin/usage?group_by=model')).body;
  const one = usage.rows.find((row) => row.model === 'one');
  near(one.avg_latency_ms, latencies.reduce((a, b) => a + b) / latencies.length / 1000);
  if (ofModel('one').length === 1)
    assert.equal(ofModel('one')[0].avg_latency_ms, one.avg_latency_ms);
  assert.ok(usage.rows.find((row) => row.model === 'two').avg_ttft_ms > 0);

  const of = async (query) => (await get(`/api/admin/usage?${query}`)).body;
  const names = (answer, name) => answer.rows.map((row) => [row[name], row.requests, row.attempts]);
  assert.deepEqual(names(usage, 'model'), [['one', 5, 5], ['flaky', 1, 2], ['two', 1, 1]]);
  assert.deepEqual(names(await of('group_by=client'), 'client'), [['e2e', 6, 7], ['@bob', 1, 1]]);
  assert.deepEqual(names(await of('group_by=account'), 'account'),
    [['team-a', 6, 7], ['team-b', 1, 1]]);
  assert.equal((await of('group_by=account')).rows[0].failed_attempts, 1);
  assert.deepEqual(names(await of('group_by=model&top=1'), 'model'), [['one', 5, 5], [null, 2, 3]]);
  assert.equal((await of('group_by=model&top=1')).rows[1].others, true);
  assert.deepEqual(names(await of('group_by=model&client=%40bob'), 'model'), [['two', 1, 1]]);
  assert.deepEqual((await of('group_by=account,day')).group_by, ['account', 'day']);
  assert.deepEqual((await of('group_by=hour&model=none')).rows, []);
  for (const id of ids) {
    const own = await of(`group_by=account&backend_id=${id}`);
    assert.equal(own.rows.length, 1);
    const [{account: name}] = own.rows;
    assert.deepEqual((await of(`group_by=account&backend_id=${name}`)).rows, own.rows);
    assert.ok((await get(`/api/admin/stats/hourly?backend_id=${id}`)).body
      .every((row) => row.backend_id === id));
  }
  const spans = await of('group_by=day,client');
  assert.deepEqual([...spans.rows].sort((a, b) => a.day < b.day ? -1 : a.day > b.day ? 1 : 0),
    spans.rows);
  assert.equal(spans.total.requests, 7);
  assert.equal(Date.parse(spans.from) % HOUR_MS, 0);

  const daily = (await get('/api/admin/stats/daily')).body;
  assert.equal(sum(daily, 'total_requests'), 7);
  assert.equal(daily[0].date, new Date().toISOString().slice(0, 10));
  assert.equal(daily[0].pool, 'primary');
});

test('CSV with format or by Accept; a name is no formula there', async (t) => {
  const {get, send, booked} = await start(t);
  await send({}, BOB.key);
  await booked();
  const target = '/api/admin/usage?group_by=client';
  const json = (await get(target)).body;
  const csv = async (options, more = '') => {
    const answer = await get(target + more, options);
    assert.match(answer.headers.get('content-type'), /^text\/csv/);
    const [head, line, end] = answer.body.split('\r\n');
    assert.equal(end, '');
    const values = line.split(',');
    return Object.fromEntries(head.split(',').map((name, i) => [name, values[i]]));
  };
  for (const row of [await csv({}, '&format=csv'), await csv({headers: {accept: 'text/csv'}}),
    await csv({headers: {accept: 'application/json;q=0.5, text/*'}})]) {
    assert.equal(row.client, '"\'@bob"');
    assert.equal(row.others, 'false');
    for (const [name, value] of Object.entries(json.total)) assert.equal(Number(row[name]), value);
    assert.equal(row.cost, '0.00009');
  }
  for (const accept of ['*/*', 'application/json, text/csv', 'text/csv;q=0.1, application/json'])
    assert.equal(typeof (await get(target, {headers: {accept}})).body, 'object', accept);
  const both = await get(`${target}&format=json`, {headers: {accept: 'text/csv'}});
  assert.equal(typeof both.body, 'object');
});

test('single requests: filters, pages, every attempt', async (t) => {
  const {get, send, booked} = await start(t, {
    accounts: [{}, {}],
    rules: [{match: {key: 'sk-test-a', model: 'flaky'}, do: {status: 500}},
      {match: {model: 'bad'}, do: {status: 400}}],
  });
  for (let i = 0; i < 5; ++i) await send({model: 'one'});
  await send({model: 'two', stream: true}, BOB.key);
  await send({model: 'flaky'});
  assert.equal(await send({model: 'bad'}), 400);
  await booked();
  const of = async (query) => (await get(`/api/admin/requests?${query}`)).body.requests;
  const all = await of('');
  assert.equal(all.length, 8);
  assert.deepEqual([...all].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0)), all);
  const two = (await of('client=%40bob'));
  assert.deepEqual(two.map((row) => [row.model, row.client, row.account, row.status, row.streamed,
    row.last, row.total_tokens, row.cost]), [['two', '@bob', 'team-a', 200, true, true, 25,
    COST_OF_ONE]]);
  assert.ok(two[0].ttft_ms > 0 && two[0].ttft_ms <= two[0].latency_ms);
  assert.deepEqual((await of('status=400')).map((row) => row.model), ['bad']);
  assert.deepEqual((await of('model=flaky')).map((row) => [row.account, row.attempt]),
    [['team-b', 2]]);
  const tries = await of('model=flaky&every_attempt=true');
  assert.deepEqual(tries.map((row) => [row.account, row.status, row.last]).sort(),
    [['team-a', 500, false], ['team-b', 200, true]]);
  const [{backend_id: id}] = tries;
  assert.equal((await of(`backend_id=${id}&model=flaky&every_attempt=true`)).length, 1);
  assert.deepEqual(await of('model=never'), []);
  assert.deepEqual(await of('from=2100-01-01T00:00:00Z'), []);
  assert.deepEqual(await of('to=2000-01-01T00:00:00Z'), []);
  const pivot = all[3].at;
  assert.deepEqual([...await of(`from=${pivot}`), ...await of(`to=${pivot}`)], all);
  const paged = [];
  for (let cursor = ''; cursor !== null;) {
    const page = (await get(`/api/admin/requests?limit=3${cursor && `&cursor=${cursor}`}`)).body;
    assert.ok(page.requests.length <= 3);
    paged.push(...page.requests);
    cursor = page.next;
  }
  assert.deepEqual(paged, all);
});

test('a request that no account has answered is the last one\'s that was asked', async (t) => {
  const {get, send, booked} = await start(t, {
    accounts: [{timeouts: {first_byte: '300ms'}}, {pool: 'fallback'}],
    rules: [{match: {model: 'hangs'}, do: {hang: true}},
      {match: {model: 'breaks', key: 'sk-test-a'}, do: {status: 500}},
      {match: {model: 'breaks'}, do: {abort: 'rst', 'abort-at': 'start'}}],
  });
  assert.equal(await send({model: 'hangs'}), 504);
  assert.equal(await send({model: 'breaks'}), 502);
  await booked();
  const [hung] = (await get('/api/admin/requests?model=hangs')).body.requests;
  assert.ok(hung.latency_ms >= 300 && hung.latency_ms < 60_000, `${hung.latency_ms} ms`);
  const of = async (query) => (await get(`/api/admin/requests?${query}`)).body.requests
    .map((row) => [row.outcome, row.status, row.model, row.account, row.pool]);
  assert.deepEqual(await of('backend_id=team-a'), [['refused', 504, 'hangs', 'team-a', 'primary']]);
  assert.deepEqual(await of('backend_id=team-b'),
    [['refused', 502, 'breaks', 'team-b', 'fallback']]);
  const {rows, total} = (await get('/api/admin/usage?group_by=account')).body;
  assert.deepEqual(rows.map((row) => [row.account, row.requests, row.errors, row.attempts,
    row.failed_attempts]).sort(), [['team-a', 1, 1, 2, 2], ['team-b', 1, 1, 1, 1]]);
  assert.deepEqual([total.requests, total.errors], [2, 2]);
  const daily = (await get('/api/admin/stats/daily')).body;
  assert.deepEqual(daily.map((row) => [row.pool, row.total_requests, row.total_errors]).sort(),
    [['fallback', 1, 1], ['primary', 1, 1]]);
});

test('a stream that the provider breaks off is an error, whatever its head said', async (t) => {
  const {get, gateway, send, booked} = await start(t,
    {rules: [{match: {model: 'breaks'}, do: {abort: 'rst', 'abort-at': 'event:1'}}]});
  assert.equal(await send({model: 'breaks', stream: true}), 200);
  assert.equal(await send({model: 'whole', stream: true}), 200);
  await booked();
  const {requests} = (await get('/api/admin/requests')).body;
  assert.deepEqual(requests.map((row) => [row.model, row.outcome, row.status, row.last]).sort(),
    [['breaks', 'broken_off', 200, true], ['whole', 'ended', 200, true]]);
  const {rows: [row]} = (await get('/api/admin/usage?group_by=account')).body;
  assert.deepEqual([row.account, row.requests, row.errors, row.attempts, row.failed_attempts],
    ['team-a', 2, 1, 2, 1]);
  const metrics = await (await fetch(`${gateway.url}/metrics`,
    {headers: {authorization: `Bearer ${TOKEN}`}})).text();
  assert.match(metrics, /^sidecar_requests_total 2$/m);
  assert.match(metrics, /^sidecar_errors_total 1$/m);
  const [{last_error: fault}] = (await get('/api/admin/backends')).body;
  assert.deepEqual([fault.kind, fault.status], ['broken_off', 200]);
});

test('a deleted account\'s usage stays, under its name', async (t) => {
  const site = await start(t, {accounts: [{base_url: 'http://127.0.0.1:1/v1'}]});
  const commands = new Commands(site);
  await commands.addProvider('team-x', site.mock.url, 'sk-test-canary-x');
  await eventually(async () => await site.send() === 200, 'an answer of team-x');
  await site.booked();
  const of = async (query) => (await site.get(`/api/admin/${query}`)).body;
  const [{backend_id: id}] = (await of('stats/hourly?backend_id=team-x'));
  assert.match(id, /^bkd_/);
  const used = (await of(`usage?group_by=account&backend_id=${id}`)).rows;
  assert.equal(used[0].account, 'team-x');
  const before = await of('stats/total');
  await commands.ok(['providers', 'remove', 'team-x']);
  await eventually(async () =>
    (await of('stats/hourly?backend_id=team-x'))[0].backend_id === null, 'the account to go');
  assert.deepEqual(await of('stats/total'), before);
  assert.deepEqual((await of('usage?group_by=account&backend_id=team-x')).rows, used);
  const [request] = (await of('requests?backend_id=team-x')).requests;
  assert.deepEqual([request.account, request.backend_id], ['team-x', null]);
});

const COOLDOWN_S = 500;
test('a cooldown is one row, and it runs', async (t) => {
  const {get, send} = await start(t, {
    accounts: [{}, {}],
    rules: [{match: {key: 'sk-test-a'}, do: {status: 429, 'retry-after': COOLDOWN_S}}],
  });
  const began = performance.now();
  for (let i = 0; i < 3; ++i) assert.equal(await send(), 200);
  const rows = await eventually(async () => {
    const answer = await get('/api/admin/stats/cooldown');
    return answer.body.length > 0 && answer.body;
  }, 'the cooldown in the store');
  assert.equal(rows.length, 1);
  const [row] = rows;
  assert.deepEqual([row.account, row.consecutive_count, row.ended_at], ['team-a', 1, null]);
  const since = (performance.now() - began) / 1000;  // it is rounded up, from when it was seen
  assert.ok(row.cooldown_seconds >= COOLDOWN_S - since &&
    row.cooldown_seconds <= COOLDOWN_S + 1, `${row.cooldown_seconds} s`);
  for (const filter of [row.backend_id, 'team-a'])
    assert.deepEqual((await get(`/api/admin/stats/cooldown?backend_id=${filter}`)).body, rows);
  assert.deepEqual((await get('/api/admin/stats/cooldown?backend_id=team-b')).body, []);

  const page = await get('/stats');
  const line = (name) =>
    page.body.split('\n').find((text) => text.includes(`<th scope="row">${name}</th>`));
  assert.match(line('team-a'), /cooling.*<td>(500|4\d\d) s<\/td>/);
  assert.match(line('team-b'),
    /healthy<\/td><td><\/td><td class="t">primary<\/td><td>99[0-9] \/ 1000<\/td>/);
});

test('/stats is a page without scripts that may load nothing', async (t) => {
  const {get, send, booked} = await start(t);
  await send();
  await booked();
  const {status, body, headers} = await get('/stats');
  assert.equal(status, 200);
  assert.equal(headers.get('content-type'), 'text/html; charset=utf-8');
  assert.match(headers.get('content-security-policy'),
    /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'none'; base-uri 'none'; frame-an/);
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.doesNotMatch(body, /<script|<img|<link| style=| on\w+=/);
  assert.match(body, /<td>1<\/td><td>0<\/td><td>0<\/td><td>25<\/td><td>\$0\.00009<\/td>/);
});
