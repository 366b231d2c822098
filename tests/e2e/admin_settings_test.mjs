// Prices and settings over the administration API: each answer is held against admin/openapi.json.
import assert from 'node:assert/strict';
import test from 'node:test';
import {backend, KEY, start, stop} from './admin_site.mjs';
import {eventually, program, run} from './harness.mjs';

const HOUR_MS = 3_600_000;

test('prices: by model, latest first', async (t) => {
  const {gateway} = await start(t);
  const put = (json) => gateway.ask('PUT', '/api/admin/prices', json);
  const price = {model: 'm', input_per_million: 2.5, output_per_million: 10};
  const {body: first} = await put({...price, valid_from: '2026-01-01T01:00:00+01:00'});
  assert.deepEqual(first, {...price, valid_from: '2026-01-01T00:00:00.000Z',
    cache_read_per_million: null, cache_write_per_million: null});
  await put({...price, valid_from: '2026-02-01T00:00:00Z', cache_read_per_million: 0.25});
  const {body: all} = await gateway.ask('GET', '/api/admin/prices');
  assert.deepEqual(all.map(({valid_from: from}) => from.slice(0, 7)), ['2026-02', '2026-01']);
  assert.equal(all[0].cache_read_per_million, 0.25);
  const gone = await gateway.ask('DELETE',
    '/api/admin/prices?model=m&valid_from=2026-02-01T00:00:00Z');
  assert.deepEqual(gone.body, {status: 'deleted', model: 'm'});
  assert.equal((await gateway.ask('GET', '/api/admin/prices')).body.length, 1);
  await stop(gateway);
});

test('prices: what was used is priced anew, over the API and by the command', async (t) => {
  const {site, gateway} = await start(t);
  for (let i = 0; i < 3; ++i) assert.equal(await gateway.post('file-model'), 200);
  const cost = async () => (await eventually(async () => {
    const {body} = await gateway.ask('GET', '/api/admin/usage');
    return body.total.requests === 3 && body;
  }, 'three requests')).total.cost;
  assert.equal(await cost(), 0);
  const before = new Date(Date.now() - 2 * HOUR_MS).toISOString();  // an hour may end meanwhile
  const put = (dollars) => gateway.ask('PUT', '/api/admin/prices', {model: 'file-model',
    input_per_million: dollars, output_per_million: dollars, valid_from: before});
  const again = (body) => gateway.ask('POST', '/api/admin/prices/recompute', body);
  await put(1000);
  const {body: done} = await again({from: before});
  assert.equal(done.requests, 3);
  const first = await cost();
  assert.ok(first > 0);
  assert.deepEqual((await again({from: before})).body,
    {hourly_rows: 0, requests: 0, rows_kept: 0});
  for (const wrong of [{}, {from: 'x'}, {from: before, until: 1}, {from: before, to: before}])
    assert.equal((await again(wrong)).status, 400, JSON.stringify(wrong));

  await put(2000);
  const command = (...args) => run(program, ['usage', 'recompute', '-c', site.file, ...args]);
  const told = await command('--from', before);
  assert.match(told.errors, /and 3 requests have another cost now/);
  assert.ok(Math.abs(await cost() - 2 * first) < 1e-9);
  assert.equal((await command('--from', 'yesterday')).code, 64);
  await stop(gateway);
});

test('settings: changed at once, kept over a restart, and given back', async (t) => {
  const {mock, site, begin, gateway} = await start(t, {account_defaults: {rpm_limit: 50}});
  const setting = async (from, path) =>
    (await from.ask('GET', '/api/admin/settings')).body.values.find((one) => one.path === path);
  assert.equal((await setting(gateway, 'account_defaults.rpm_limit')).origin_kind, 'file');
  const {status, body: put} = await gateway.ask('PUT', '/api/admin/config/queue.wait.low',
    {value: '7s', description: 'for nights'});
  assert.equal(status, 200, JSON.stringify(put));
  assert.equal(put.description, 'for nights');
  const wait = await setting(gateway, 'queue.wait.low');
  assert.match(wait.tag, /^[0-9a-f]{16}$/);
  assert.deepEqual({...wait, tag: ''}, {tag: '', path: 'queue.wait.low', value: '7s',
    origin: 'stored', origin_kind: 'stored', changeable: true, holds: 'at_once', waiting: null});
  // The first version's names, all or nothing.
  const mixed = await gateway.ask('POST', '/api/admin/config', {rate_rpm: 60, queue_max_size: -1});
  assert.equal(mixed.status, 400);
  assert.equal((await setting(gateway, 'account_defaults.rpm_limit')).value, '50');
  const old = await gateway.ask('POST', '/api/admin/config',
    {rate_rpm: 60, queue_max_size: 20, fallback_enabled_passthrough: false});
  assert.deepEqual(old.body.map(({key, value}) => [key, value]).sort(), [
    ['fallback_enabled_passthrough', 'false'], ['queue_max_size', '20'], ['rate_rpm', '60']]);
  assert.equal((await gateway.ask('GET', '/api/admin/config/rate_rpm')).body.key, 'rate_rpm');
  const wrong = await gateway.ask('POST', '/api/admin/config', {rate_rpm: 'abc'});
  assert.deepEqual(wrong.body.errors.map(({field}) => field), ['rate_rpm']);
  assert.equal((await setting(gateway, 'queue.overflow')).value, 'reject');
  const {body: made} = await gateway.ask('POST', '/api/admin/backends',
    {name: 'by-default', api_base_url: `${mock.url}/v1`, api_key: KEY});
  assert.equal(made.rpm_limit, 60);
  await stop(gateway);

  const next = await begin();
  assert.equal((await setting(next, 'queue.wait.low')).origin, 'stored');
  assert.equal((await setting(next, 'queue.capacity')).value, '20');
  assert.deepEqual((await next.ask('DELETE', '/api/admin/config/rate_rpm')).body,
    {status: 'deleted', key: 'rate_rpm'});
  const back = await setting(next, 'account_defaults.rpm_limit');
  assert.equal(back.value, '50');
  assert.equal(back.origin_kind, 'file');
  assert.equal((await next.ask('GET', '/api/admin/config')).body.length, 3);
  await stop(next);
  assert.ok(site.directory);
});

test('a setting is shown as the configuration would say it, however it was given', async (t) => {
  const {gateway} = await start(t);
  const put = async (key, value) =>
    (await gateway.ask('PUT', `/api/admin/config/${key}`, {value})).body.value;
  assert.equal(await put('queue.overflow', false), 'reject');
  assert.equal(await put('queue.wait.low', '7000ms'), '7s');
  assert.equal(await put('fallback_enabled_passthrough', true), 'true');
  for (const value of ['perhaps', null]) {
    const old = await gateway.ask('PUT', '/api/admin/config/fallback_enabled_passthrough', {value});
    assert.equal(old.status, 400);
    assert.match(JSON.stringify(old.body), /fallback_enabled_passthrough.*give true or false/);
  }
  const both = await gateway.ask('POST', '/api/admin/config',
    {fallback_enabled_passthrough: true, 'queue.overflow': 'reject'});
  assert.equal(both.status, 400);
  assert.match(JSON.stringify(both.body), /queue\.overflow.*is given twice.*give it once/);
  assert.doesNotMatch(JSON.stringify(both.body), /true or false/);
  const get = async (key) => (await gateway.ask('GET', `/api/admin/config${key}`)).body;
  assert.equal((await get('/queue.overflow')).value, 'passthrough');
  assert.equal((await get('/fallback_enabled_passthrough')).value, 'true');
  assert.deepEqual((await get('')).map(({key, value}) => [key, value]),
    [['queue.overflow', 'passthrough'], ['queue.wait.low', '7s']]);
  await stop(gateway);
});

test('a setting: who has read an older state changes nothing (If-Match)', async (t) => {
  const {gateway} = await start(t);
  const target = '/api/admin/config/queue.capacity';
  const tag = async () => (await gateway.ask('GET', '/api/admin/settings')).body.values
    .find(({path}) => path === 'queue.capacity').tag;
  const ask = async (method, match, value) => (await gateway.ask(method, target,
    value === undefined ? undefined : {value}, {headers: {'if-match': match}})).status;
  assert.equal(await tag(), 'unset');
  const first = `"${await tag()}"`;
  assert.equal(await ask('PUT', first, 70), 200);
  assert.equal(await ask('PUT', first, 80), 412);
  const {headers} = await gateway.ask('GET', target);
  const second = headers.get('etag');
  assert.equal(second, `"${await tag()}"`);
  assert.equal(await ask('DELETE', first), 412);
  assert.equal(await ask('PUT', second, 90), 200);
  assert.equal(await ask('DELETE', second), 412);
  assert.equal(await ask('DELETE', '*'), 200);
  assert.equal(await ask('PUT', first, 60), 200);
  await stop(gateway);
});

test('several settings: who has read an older state of any changes nothing', async (t) => {
  const {gateway} = await start(t);
  const target = '/api/admin/config';
  const read = async () => (await gateway.ask('GET', target)).headers.get('etag');
  const post = (match, json) =>
    gateway.ask('POST', target, json, match && {headers: {'if-match': match}});
  const none = await read();
  assert.match(none, /^"[0-9a-f]{16}"$/);
  const made = await post(none, {'queue.wait.low': '7s', 'queue.capacity': 70});
  assert.equal(made.status, 200);
  const first = made.headers.get('etag');
  assert.equal(first, await read());
  assert.notEqual(first, none);
  // Also when it is another setting that has changed.
  const outdated = await post(none, {rate_rpm: 60});
  assert.equal(outdated.status, 412);
  assert.equal(outdated.body.code, 'outdated');
  assert.deepEqual((await gateway.ask('GET', target)).body.map(({key}) => key),
    ['queue.capacity', 'queue.wait.low']);
  assert.equal((await gateway.ask('PUT', `${target}/queue.wait.low`, {value: '8s'})).status, 200);
  assert.equal((await post(first, {'queue.capacity': 80})).status, 412);
  const second = await read();
  assert.equal((await post(second, {'queue.capacity': 'many'})).status, 400);
  assert.equal(await read(), second);
  assert.equal((await gateway.ask('DELETE', `${target}/queue.wait.low`)).status, 200);
  assert.equal((await post(second, {'queue.capacity': 80})).status, 412);
  // The settings' own tags are of one each.
  const {headers} = await gateway.ask('GET', `${target}/queue.capacity`);
  assert.equal((await post(headers.get('etag'), {'queue.capacity': 80})).status, 412);
  assert.equal((await post(await read(), {'queue.capacity': 80})).status, 200);
  assert.equal((await post('*', {'queue.capacity': 90})).status, 200);
  assert.equal((await post(undefined, {'queue.capacity': 100})).status, 200);
  await stop(gateway);
});

test('a queue is not made smaller than it is long', async (t) => {
  const {mock, gateway} = await start(t, {queue: {wait: {normal: '10min'}}});
  await gateway.ask('POST', '/api/admin/backends', backend(mock, {rpm_limit: 1}));
  assert.equal(await gateway.post('x-model'), 200);
  const waiting = Array.from({length: 3}, () => gateway.post('x-model'));
  // With a limit that is refused anyway nothing changes before all of them wait.
  await eventually(async () => {
    const {body} = await gateway.ask('POST', '/api/admin/config',
      {queue_max_size: 1, rate_rpm: 0});
    return /3 that wait/.test(body.detail) && body.errors[0].field === 'queue_max_size';
  }, 'three to wait');
  const less = await gateway.ask('PUT', '/api/admin/config/queue.capacity', {value: 2});
  assert.equal(less.status, 400);
  assert.equal(less.body.errors[0].field, 'queue.capacity');
  const enough = await gateway.ask('PUT', '/api/admin/config/queue.capacity', {value: 3});
  assert.equal(enough.status, 200, JSON.stringify(enough.body));
  await gateway.ask('PUT', `/api/admin/backends/${(await gateway.ask('GET', '/api/admin/backends'))
    .body.find(({name}) => name === 'team-x').id}`, {rpm_limit: 1000});
  await Promise.all(waiting);
  await stop(gateway);
});
