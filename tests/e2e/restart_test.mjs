// What was spent before a restart counts after it: an account's limits and a client key's.
import assert from 'node:assert/strict';
import {mkdir, readFile, readdir, rename, writeFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import {account, ask, eventually, program, run, startMock} from './harness.mjs';
import {makeSite, serve} from './store.mjs';

const CLIENT = 'sk-test-client-0123';

// A configuration with one account, on which gateways are started one after the other.
async function start(t, more = {}, config = {}) {
  const mock = await startMock(t, ['--tokens', '2']);
  const site = await makeSite(t, {accounts: [account(mock, more)],
    clients: [{name: 'web', key: CLIENT, ...config.client}],
    queue: {capacity: 0, precheck: '0s', primary_wait: '0s'}, ...config.more});
  const begin = (options) => serve(t, site.file, options);
  return {mock, begin: Object.assign(begin, {file: site.file}), directory: site.directory};
}
const post = (gateway) => fetch(`${gateway.url}/v1/chat/completions`, {
  method: 'POST', body: JSON.stringify(ask()),
  headers: {authorization: `Bearer ${CLIENT}`, 'content-type': 'application/json'},
});
const statuses = async (gateway, count) => {
  const all = [];
  for (let i = 0; i < count; ++i) {
    const answer = await post(gateway);
    await answer.arrayBuffer();
    all.push(answer.status);
  }
  return all;
};

for (const signal of ['SIGTERM', 'SIGKILL']) {
  test(`an account's limit holds over a restart (${signal})`, async (t) => {
    const {mock, begin} = await start(t, {rpm_limit: 4});
    const began = performance.now();
    const first = await begin();
    assert.deepEqual(await statuses(first, 3), [200, 200, 200]);
    await first.stop(signal);
    const second = await begin();
    assert.deepEqual(await statuses(second, 1), [200]);
    const refused = await post(second);
    const seconds = Number(refused.headers.get('retry-after'));
    assert.equal(refused.status, 503);
    const since = (performance.now() - began) / 1000;
    assert.ok(seconds > 59 - since && seconds <= 61, `${seconds} s`);
    assert.equal((await mock.count()).requests, 4);
  });
}

for (const [limit, account, client, status] of [
  ['of requests in a day', {rpd_limit: 2}, {}, 503],
  ['of tokens', {tpm_limit: 100}, {}, 503],
  ['of a client key\'s requests', {}, {rpm_limit: 2}, 429],
]) {
  test(`so does one ${limit}`, async (t) => {
    const {mock, begin} = await start(t, account, {client});
    await mock.script({defaults: {tokens: 2}, rules: [{do: {tokens: 60}}]});
    const first = await begin();
    assert.equal((await statuses(first, 2))[0], 200);
    await first.stop('SIGKILL');
    assert.deepEqual(await statuses(await begin(), 1), [status]);
  });
}

for (const signal of ['SIGTERM', 'SIGKILL']) {
  test(`a client's requests count whatever became of them (${signal})`, async (t) => {
    const {mock, begin} = await start(t, {}, {client: {rpm_limit: 3}});
    await mock.script({rules: [{do: {status: 403}}]});
    const first = await begin();
    assert.deepEqual(await statuses(first, 4), [403, 403, 403, 429]);
    await first.stop(signal);
    const second = await begin();
    assert.deepEqual(await statuses(second, 2), [429, 429]);
    await second.stop();
    assert.deepEqual(await statuses(await begin(), 1), [429]);
    assert.equal((await mock.count()).requests, 3);
  });
}

test('tokens that were reserved when the gateway died count', async (t) => {
  const {mock, begin} = await start(t, {tpm_limit: 100});
  await mock.script({rules: [{do: {stall: 'forever', 'stall-at': 'head'}}]});
  const first = await begin();
  const asking = post(first).catch(() => {});
  await eventually(async () => (await mock.count()).in_flight === 1, 'the request at the provider');
  await first.stop('SIGKILL');
  await asking;
  await mock.script({defaults: {tokens: 2}});
  const body = JSON.stringify(ask({max_tokens: 90}));
  const second = await begin();
  const answer = await fetch(`${second.url}/v1/chat/completions`, {method: 'POST', body,
    headers: {authorization: `Bearer ${CLIENT}`, 'content-type': 'application/json'}});
  assert.equal(answer.status, 503);
});

test('an account that was cooling goes on cooling', async (t) => {
  const {mock, begin} = await start(t);
  await mock.script({rules: [{do: {status: 429, 'retry-after': 120}}]});
  const began = performance.now();
  const token = 'sk-test-admin-token-0123456789';
  const first = await begin({env: {...process.env, SIDECAR_ADMIN_TOKEN: token}});
  assert.deepEqual(await statuses(first, 1), [429]);
  await eventually(async () => {
    const answer = await fetch(`${first.url}/api/admin/stats/cooldown`,
      {headers: {authorization: `Bearer ${token}`}});
    return (await answer.json()).length === 1;
  }, 'that it is booked');
  await first.stop('SIGKILL');
  const second = await begin();
  const refused = await post(second);
  const seconds = Number(refused.headers.get('retry-after'));
  assert.equal(refused.status, 503);
  const since = (performance.now() - began) / 1000;
  assert.ok(seconds > 119 - since && seconds <= 121, `${seconds} s`);
  assert.equal((await mock.count()).requests, 1);
});

test('without a store a restart forgets', async (t) => {
  const {begin} = await start(t, {rpm_limit: 1}, {more: {store: {directory: 'none'}}});
  const first = await begin();
  assert.deepEqual(await statuses(first, 2), [200, 503]);
  await eventually(() => /is not recorded/.test(first.errors), 'the warning');
  await first.stop();
  assert.deepEqual(await statuses(await begin(), 1), [200]);
});

test('what lies in the way of a start is no end of it', async (t) => {
  const mock = await startMock(t, ['--tokens', '2']);
  const site = await makeSite(t,
    {accounts: [account(mock)], clients: [{name: 'web', key: CLIENT}]});
  await mkdir(path.join(site.directory, 'journal', 'shard-300'), {recursive: true, mode: 0o700});
  await mkdir(path.join(site.directory, 'admin.sock'));
  const gateway = await serve(t, site.file);
  assert.deepEqual(await statuses(gateway, 1), [200]);
  await eventually(() => /commands cannot reach/.test(gateway.errors), 'the reason');
  assert.equal((await gateway.stop()).code, 0);
});

test('a master key that was made here and was to be replaced as the power went', async (t) => {
  const mock = await startMock(t, ['--tokens', '2']);
  const site = await makeSite(t,
    {accounts: [account(mock)], clients: [{name: 'web', key: CLIENT}]});
  const first = await serve(t, site.file);
  await first.stop();
  const file = path.join(site.directory, 'master.key');
  await rename(file, `${file}.new`);
  await writeFile(file, `${'0'.repeat(63)}1\n`, {mode: 0o600});
  const second = await serve(t, site.file);
  assert.deepEqual(await statuses(second, 1), [200]);
  await second.stop();
  assert.deepEqual((await readdir(site.directory)).filter((name) => /key/.test(name)),
    ['master.key']);
});

test('how long requests are kept takes nothing from a limit', async (t) => {
  const {begin} = await start(t, {rpm_limit: 3, window: '1h'},
    {more: {usage: {keep_requests: '0s'}}});
  const first = await begin();
  assert.deepEqual(await statuses(first, 3), [200, 200, 200]);
  await first.stopCleanly();
  for (let i = 0; i < 2; ++i) {  // the store is cleaned at each start
    const next = await begin();
    assert.deepEqual(await statuses(next, 1), [503]);
    await next.stopCleanly();
  }
});

test('a wrong master key books nothing of what a death has left', async (t) => {
  const {begin, directory, mock} = await start(t);
  await mock.script({defaults: {stall: 'forever', 'stall-at': 'head'}});
  const key = (digit) => ({env: {...process.env, SIDECAR_ENCRYPTION_KEY: digit.repeat(64)}});
  const first = await begin(key('1'));
  const cut = Array.from({length: 5}, () => post(first).catch(() => {}));
  await eventually(async () => (await mock.count()).requests === 5, 'the requests');
  await first.stop('SIGKILL');
  await Promise.all(cut);
  const database = path.join(directory, 'data.mdb');
  const before = await readFile(database);
  const {code, errors} = await run(program, ['serve', '-c', begin.file], key('2'));
  assert.equal(code, 78, errors);
  assert.match(errors, /Nothing was changed/);
  assert.ok(before.equals(await readFile(database)), 'the database was changed');
});
