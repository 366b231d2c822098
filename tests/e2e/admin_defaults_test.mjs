// What an account has that does not say it itself, and what becomes of that when the defaults
// change: each answer is held against admin/openapi.json.
import assert from 'node:assert/strict';
import test from 'node:test';
import {backend, KEY, start, stop} from './admin_site.mjs';

const DEFAULTS = {rpm_limit: 30, window: '20s', tpm_limit: 5000, rpd_limit: 700,
  concurrent_limit: 8, bucket: 'steady', learn_limits: true};
const SHOWN = {rpm_limit: 30, window_seconds: 20, tpm_limit: 5000, rpd_limit: 700,
  concurrent_limit: 8, bucket: 'steady', learn_limits: true};
const pick = (account, like) =>
  Object.fromEntries(Object.keys(like).map((name) => [name, account[name]]));

const setting = async (gateway, path, value) => {
  const {status, body} = await gateway.ask('PUT', `/api/admin/config/${path}`, {value});
  assert.equal(status, 200, JSON.stringify(body));
};

// One by each way in which accounts come to be; without rpm_limit.
async function accountsOfAll(mock, gateway) {
  const {rpm_limit: _, ...plain} = backend(mock, {name: 'posted'});
  const posted = await gateway.ask('POST', '/api/admin/backends', plain);
  assert.equal(posted.status, 200, JSON.stringify(posted.body));
  const imported = await gateway.ask('POST', '/api/v2/providers', {providers: [
    {account: 'imported', api_key: KEY, endpoint_url: `${mock.url}/v1`}]});
  assert.equal(imported.status, 200, JSON.stringify(imported.body));
  return async () => {
    const {body} = await gateway.ask('GET', '/api/admin/backends');
    return Object.fromEntries(body.map((account) => [account.name, account]));
  };
}

test('whoever says nothing has account_defaults, however it was added', async (t) => {
  const {mock, gateway} = await start(t, {account_defaults: DEFAULTS,
    timeouts: {upstream: {first_byte: '70s', idle: '50s', connect: '4s'}}});
  const all = await accountsOfAll(mock, gateway);
  for (const name of ['posted', 'imported']) {
    const account = (await all())[name];
    assert.deepEqual(pick(account, SHOWN), SHOWN, name);
    assert.equal(account.timeout_seconds, 70, name);
    assert.deepEqual(account.timeouts, {}, name);
    assert.deepEqual(account.inherited.toSorted(),
      [...Object.keys(SHOWN), 'timeout_seconds'].toSorted(), name);
  }
  await setting(gateway, 'account_defaults.tpm_limit', '6000');
  await setting(gateway, 'account_defaults.rpm_limit', '31');
  await setting(gateway, 'timeouts.upstream.first_byte', '90s');
  for (const name of ['posted', 'imported']) {
    const account = (await all())[name];
    assert.deepEqual(pick(account, SHOWN), {...SHOWN, tpm_limit: 6000, rpm_limit: 31}, name);
    assert.equal(account.timeout_seconds, 90, name);
    assert.equal(account.level.capacity, 31, 'in force');
  }
  // Of all these the predecessor's provider file has the one limit, and an export has it always.
  const {body: file} = await gateway.ask('GET', '/api/admin/backends/export');
  assert.equal(file.match(/^    rpm_limit: 31$/gm)?.length, 2, file);
  assert.doesNotMatch(file, /tpm_limit|rpd_limit|concurrent_limit|window|bucket|learn|timeouts/);
  await stop(gateway);
});

test('what an account says stays its own until it is null', async (t) => {
  const {mock, begin, gateway} = await start(t, {account_defaults: {rpm_limit: 30}});
  const {body: made} = await gateway.ask('POST', '/api/admin/backends',
    backend(mock, {rpm_limit: 30, timeout_seconds: 9, timeouts: {connect: 3}}));
  assert.deepEqual(made.timeouts, {connect: 3, first_byte: 9, idle: 9});
  assert.ok(!made.inherited.includes('rpm_limit') && !made.inherited.includes('timeout_seconds'));
  const target = `/api/admin/backends/${made.id}`;
  // Sent back as it was read, nothing of what is inherited becomes its own.
  const {body: same} = await gateway.ask('PUT', target, {...made, label: 'x'});
  assert.deepEqual(same.inherited, made.inherited);
  assert.deepEqual(same.timeouts, made.timeouts);
  const {body: pinned} = await gateway.ask('PUT', target, {tpm_limit: 0});
  assert.ok(!pinned.inherited.includes('tpm_limit'), 'given, though it is the default');
  await setting(gateway, 'account_defaults.rpm_limit', '35');
  await setting(gateway, 'account_defaults.tpm_limit', '10');
  const {body: kept} = await gateway.ask('GET', target);
  assert.deepEqual([kept.rpm_limit, kept.tpm_limit, kept.timeout_seconds], [30, 0, 9]);
  const {body: freed} = await gateway.ask('PUT', target, {rpm_limit: null, tpm_limit: null,
    timeouts: {first_byte: null, idle: null, connect: null}});
  assert.deepEqual([freed.rpm_limit, freed.tpm_limit, freed.timeout_seconds], [35, 10, 300]);
  assert.deepEqual(freed.timeouts, {});
  await stop(gateway);
  const again = await begin();
  const {body: restarted} = await again.ask('GET', target);
  assert.deepEqual(restarted.inherited, freed.inherited);
  assert.equal(restarted.rpm_limit, 35);
  await stop(again);
});

test('another shape of the bucket keeps what is left of it', async (t) => {
  const {mock, gateway} = await start(t, {account_defaults: {rpm_limit: 40, bucket: 'steady'}});
  const {rpm_limit: _, ...plain} = backend(mock);
  const {body: made} = await gateway.ask('POST', '/api/admin/backends', plain);
  const target = `/api/admin/backends/${made.id}`;
  const level = async () => (await gateway.ask('GET', target)).body.level;
  assert.equal(await gateway.post('x-model'), 200);
  await setting(gateway, 'account_defaults.bucket', 'rolling');
  assert.deepEqual(pick(await level(), {tokens: 0, capacity: 0}), {tokens: 39, capacity: 40});
  assert.equal(await gateway.post('x-model'), 200);
  await gateway.ask('PUT', target, {bucket: 'steady'});
  assert.equal((await level()).tokens, 38);
  assert.equal(await gateway.post('x-model'), 200);
  await gateway.ask('PUT', target, {bucket: 'rolling'});
  for (let i = 3; i < 40; ++i) assert.equal(await gateway.post('x-model'), 200);
  assert.equal((await level()).tokens, 0, 'and not one more than the limit');
  await stop(gateway);
});

test('cached tokens without a price of their own cost what input tokens do', async (t) => {
  const {mock, gateway} = await start(t);
  const {body: done} = await gateway.ask('POST', '/api/v2/providers', {providers: [
    {account: 'a', api_key: KEY, endpoint_url: `${mock.url}/v1`, cost: {input: 2.5, output: 10},
      models: {m: 'm', n: 'n'}, model_costs: [{model: 'm', input: 3, output: 10}]}]});
  const {body: account} = await gateway.ask('GET', `/api/admin/backends/${done.entries[0].id}`);
  const near = (cost, input) => {
    for (const name of ['input', 'cacheRead', 'cacheWrite'])
      assert.ok(Math.abs(cost[name] - input / 1e6) < 1e-12, `${name}: ${cost[name]}`);
  };
  near(account.cost, 2.5);
  near(account.model_mappings.m.cost, 3);
  const {body: posted} = await gateway.ask('POST', '/api/admin/backends',
    backend(mock, {model_mappings: {x: {native_id: 'x', cost: {input: 4e-6, output: 5e-6}}}}));
  near(posted.model_mappings.x.cost, 4);
  await stop(gateway);
});

test('what is refused says what to give, and that is taken', async (t) => {
  const {mock, gateway} = await start(t);
  const {body: made} = await gateway.ask('POST', '/api/admin/backends', backend(mock));
  const target = `/api/admin/backends/${made.id}`;
  for (const [json, problem, mend] of [
    [{window_seconds: 0.5}, '0.5 is out of range', 'give seconds from 1 to 86400'],
    [{window_seconds: '30s'}, '"30s" is not a number',
      'give seconds as a number without quotes, like 30'],
    [{timeout_seconds: 0}, '0 is out of range', 'give seconds from 0.001 to 86400'],
    [{timeouts: {idle: 1e6}}, '1000000 is out of range', 'give seconds from 0.001 to 86400'],
    [{rpm_limit: -1}, '-1 is out of range', 'give a whole number from 1 to 1000000'],
    [{rpm_limit: 1.5}, '1.5 is not a whole number', 'give a whole number from 1 to 1000000'],
    [{weight: null}, 'null is not a number', 'give a number without quotes, or leave it out'],
    [{api: 'x'}, '"x" is unknown', 'give openai-completions or anthropic'],
  ]) {
    const {status, body} = await gateway.ask('PUT', target, json);
    assert.equal(status, 400, JSON.stringify(json));
    assert.deepEqual([body.errors[0].problem, body.errors[0].mend], [problem, mend]);
  }
  const {body: changed} = await gateway.ask('PUT', target,
    {window_seconds: 30, api: 'openai-completions', timeouts: {idle: 0.5}});
  assert.deepEqual([changed.window_seconds, changed.timeouts.idle], [30, 0.5]);
  const raw = (body) => gateway.ask('PUT', target, undefined,
    {headers: {'content-type': 'application/json'}, body});
  for (const [body, detail] of [
    ['{"label": "a",\n "rpm_limit": 1, "rpm_limit": 2}',
      /the member "rpm_limit" twice; give it once/],
    ['{"label": "a",\n "rpm_limit": }', /no JSON: line 2, column 15: .*; give an object/],
    ['{"label": "a"} x', /no JSON: line 1, column 16: .*; give an object/],
    ['label: a', /no JSON: line 1, column 1: .*; give an object/],
    ['[]', /the body is no JSON object; give an object/],
    ['', /no JSON/],
  ]) {
    const answer = await raw(body);
    assert.equal(answer.status, 400, body);
    assert.match(answer.body.detail, detail, body);
  }
  await stop(gateway);
});

test('a client whose models are null may use all', async (t) => {
  const {gateway} = await start(t);
  const {status, body} = await gateway.ask('POST', '/api/admin/clients',
    {name: 'c', models: ['m']});
  assert.equal(status, 200, JSON.stringify(body));
  const changed = await gateway.ask('PATCH', '/api/admin/clients/c', {models: null});
  assert.equal(changed.status, 200, JSON.stringify(changed.body));
  assert.deepEqual(changed.body.models, []);
  await stop(gateway);
});
