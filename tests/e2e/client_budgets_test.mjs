// What the answers to a client key may cost: budgets, and what becomes of them.
import assert from 'node:assert/strict';
import {readFile, writeFile} from 'node:fs/promises';
import test from 'node:test';
import OpenAI from 'openai';
import {Commands} from './commands.mjs';
import * as contract from './contract.mjs';
import {account, ask, awayFromMidnight, CLIENT_KEY, eventually, startMock} from './harness.mjs';
import {eventuallyStored, makeSite, serve} from './store.mjs';

const TOKEN = 'admin-token-0123456789abcdef';
const FREE = 'sk-test-free-0123456789';
// Dollars for a million tokens; an answer has 50 of the prompt and 10 more: 6 cents.
const COST = {input: 1000, output: 1000};
const ONE = 0.06;
const cents = (usd) => Math.round(usd * 100);

// A gateway of two client keys, the first with `limits`; the administrator's ask(), and of a key:
// post(), spent().
async function start(t, limits, config = {}) {
  await awayFromMidnight();
  const mock = await startMock(t);
  await mock.script({defaults: {'prompt-tokens': 50, tokens: 10}});
  const site = await makeSite(t, {
    accounts: [account(mock, {cost: COST})],
    clients: [{name: 'web', key: CLIENT_KEY, ...limits}, {name: 'free', key: FREE}],
    ...config,
  });
  const begin = async () => {
    const gateway = await serve(t, site.file,
      {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
    gateway.ask = async (method, target, json) => {
      const {status, body} = await contract.ask(gateway.url, method, target, {token: TOKEN, json});
      assert.equal(status, 200, JSON.stringify(body));
      return body;
    };
    gateway.spent = async (name = 'web') =>
      cents((await gateway.ask('GET', `/api/admin/clients/${name}`)).spent_usd);
    gateway.answer = (key = CLIENT_KEY, more = {}) => fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST', body: JSON.stringify(ask(more)),
      headers: {authorization: `Bearer ${key}`, 'content-type': 'application/json'},
    });
    gateway.post = async (key, more) => {
      const answer = await gateway.answer(key, more);
      await answer.text();
      return answer.status;
    };
    // Until it has spent `times` of the price of one answer.
    gateway.spend = async (times, before = 0, name = 'web', key = CLIENT_KEY) => {
      for (let i = 1; i <= times; ++i) {
        assert.equal(await gateway.post(key), 200);
        await eventually(async () => (await gateway.spent(name)) === cents((before + i) * ONE),
          `${before + i} times ${ONE} spent`);
      }
    };
    return gateway;
  };
  return {mock, site, begin, gateway: await begin()};
}
const PERIODS = {day: / for this day; it begins anew at \d{4}-\d\d-\d\dT00:00:00Z$/,
  month: / for this month; it begins anew at \d{4}-\d\d-01T00:00:00Z$/,
  total: /; only the gateway's operator can raise it$/};

for (const [budget_period, when] of Object.entries(PERIODS)) {
  test(`a budget is spent (${budget_period}), and others go on`, async (t) => {
    const {mock, gateway} = await start(t, {budget_usd: 0.15, budget_period, rpm_limit: 100});
    await gateway.spend(3);
    const refused = await gateway.answer();
    assert.equal(refused.status, 429);
    const {error} = await refused.json();
    assert.deepEqual([error.type, error.code, error.param],
      ['insufficient_quota', 'insufficient_quota', null]);
    assert.match(error.message, /has spent \$0\.18 of its budget of \$0\.15/);
    assert.match(error.message, when);
    assert.equal(refused.headers.get('x-should-retry'), 'false');
    assert.equal(refused.headers.get('retry-after'), null);
    assert.equal(refused.headers.get('x-sluice-error-source'), 'gateway');
    assert.equal(refused.headers.get('x-ratelimit-remaining-requests'), '97');
    const openai = new OpenAI({apiKey: CLIENT_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 2});
    await assert.rejects(openai.chat.completions.create(ask()), (fault) =>
      fault instanceof OpenAI.RateLimitError && fault.code === 'insufficient_quota');
    assert.equal((await mock.count()).requests, 3, 'no provider was asked');
    for (let i = 0; i < 4; ++i) assert.equal(await gateway.post(FREE), 200);
    assert.equal(await gateway.spent('free'), 0, 'it has no budget');
    assert.equal((await gateway.stop()).code, 0, gateway.errors);
  });
}

test('streams are paid, too; those that run when it is spent go on to their end', async (t) => {
  const {mock, gateway} = await start(t, {budget_usd: 0.01, budget_period: 'total'});
  await mock.script({defaults: {'prompt-tokens': 50, tokens: 10}, rules: [{do: {latency: '4s'}}]});
  const running = [1, 2, 3].map(() => gateway.answer(CLIENT_KEY, {stream: true}));
  await eventually(async () => (await mock.count()).requests === 3, 'three of them there');
  for (const answer of running) assert.match(await (await answer).text(), /\[DONE\]/);
  await eventually(async () => (await gateway.spent()) === cents(3 * ONE), 'all three paid');
  assert.equal(await gateway.post(), 429);
});

test('over REST: raised, taken away, given again, for another period', async (t) => {
  const {gateway, site} = await start(t, {});
  const {key, ...made} = await gateway.ask('POST', '/api/admin/clients',
    {name: 'team', budget_usd: 0.05, budget_period: 'day'});
  assert.deepEqual([made.budget_usd, made.budget_period, made.spent_usd], [0.05, 'day', 0]);
  const change = (json) => gateway.ask('PATCH', '/api/admin/clients/team', json);
  await gateway.spend(1, 0, 'team', key);
  assert.equal(await gateway.post(key), 429);
  assert.equal((await change({budget_usd: 0.1})).spent_usd, ONE);
  await gateway.spend(1, 1, 'team', key);
  assert.equal(await gateway.post(key), 429);
  assert.equal((await change({budget_usd: 0})).spent_usd, 0);
  assert.equal(await gateway.post(key), 200);
  for (const budget_period of ['total', 'month', 'day']) {
    const changed = await change({budget_usd: 0.1, budget_period});
    assert.deepEqual([changed.budget_usd, changed.budget_period], [0.1, budget_period]);
    assert.equal(cents(changed.spent_usd), cents(3 * ONE));
    assert.equal(await gateway.post(key), 429);
  }
  // What was read can be sent back.
  const {level, source, editable, status, created_at, revoked_at, ...same} =
    await gateway.ask('GET', '/api/admin/clients/team');
  assert.deepEqual((await change(same)).budget_usd, 0.1);
  const listed = await new Commands(site).ok(['clients', 'list']);
  assert.match(listed.output, /team +store .* 0\.18 of 0\.10 day +valid/);
  assert.match(listed.output, /web +file .* - +valid/);
});

test('a reload raises it, and forgets nothing', async (t) => {
  const {gateway, site} = await start(t, {budget_usd: 0.1});
  await gateway.spend(2);
  assert.equal(await gateway.post(), 429);
  const config = JSON.parse(await readFile(site.file, 'utf8'));
  config.clients[0].budget_usd = 0.15;
  await writeFile(site.file, JSON.stringify(config));
  gateway.signal('SIGHUP');
  await eventually(async () => (await gateway.post()) === 200, 'the raised budget');
  await eventually(async () => (await gateway.spent()) === cents(3 * ONE), 'all three paid');
  assert.equal(await gateway.post(), 429);
});

for (const signal of ['SIGTERM', 'SIGKILL']) {
  test(`a restart forgets nothing (${signal})`, async (t) => {
    const {mock, gateway, begin} = await start(t, {budget_usd: 0.1});
    await gateway.spend(1);
    await gateway.stop(signal);
    const second = await begin();
    assert.equal(await second.spent(), cents(ONE));
    await second.spend(1, 1);
    assert.equal(await second.post(), 429);
    await second.stop(signal);
    const third = await begin();
    assert.equal(await third.post(), 429);
    assert.equal(await third.post(FREE), 200);
    assert.equal((await mock.count()).requests, 3);
  });
}

test('a budget given to who has none counts what was spent before the restart', async (t) => {
  const {gateway, begin, site} = await start(t, {});
  const {key} = await gateway.ask('POST', '/api/admin/clients', {name: 'team'});
  for (let i = 0; i < 2; ++i) assert.equal(await gateway.post(key), 200);
  await gateway.stop();
  const second = await begin();
  assert.equal(await second.post(key), 200);
  await eventuallyStored(site.directory,
    ({clients}) => clients.team?.cost_nano_dollars === cents(3 * ONE) * 1e7, 'all three booked');
  for (const budget_period of ['month', 'day', 'total']) {
    await second.ask('PATCH', '/api/admin/clients/team', {budget_usd: 0.15, budget_period});
    await eventually(async () => (await second.spent('team')) === cents(3 * ONE), budget_period);
    assert.equal(await second.post(key), 429);
  }
});

test('the command makes a key with a budget', async (t) => {
  const {gateway, site} = await start(t, {});
  const commands = new Commands(site);
  const key = await commands.createClient('batch', '--budget-usd', '0.1',
    '--budget-period', 'total');
  await eventually(async () => (await gateway.post(key)) === 200, 'the key');
  const {budget_usd, budget_period} = await gateway.ask('GET', '/api/admin/clients/batch');
  assert.deepEqual([budget_usd, budget_period], [0.1, 'total']);
  await commands.refused(['clients', 'create', 'x', '--budget-usd=-1'], 65, /budget_usd: -1/);
});
