// Client keys over the administration API: each answer is held against admin/openapi.json.
import assert from 'node:assert/strict';
import test from 'node:test';
import {backend, start, stop} from './admin_site.mjs';
import {run, program} from './harness.mjs';

test('a client key is reached by its name, whatever stands in that', async (t) => {
  const {gateway} = await start(t);
  for (const name of ['team/app', '/', 'a/../b', 'a@b:c']) {
    const made = await gateway.ask('POST', '/api/admin/clients', {name});
    assert.equal(made.status, 200, JSON.stringify(made.body));
    const target = `/api/admin/clients/${encodeURIComponent(name)}`;
    assert.equal((await gateway.ask('GET', target)).body.name, name);
    assert.equal((await gateway.ask('PATCH', target, {rpm_limit: 7})).body.rpm_limit, 7);
    assert.equal((await gateway.ask('DELETE', target)).body.status, 'revoked');
  }
  await stop(gateway);
});

test('a client key has no name that no path has; any name is revoked', async (t) => {
  const {gateway, site} = await start(t);
  for (const name of ['.', '..']) {
    const {status, body} = await gateway.ask('POST', '/api/admin/clients', {name});
    assert.equal(status, 400);
    assert.deepEqual(body.errors.map(({field}) => field), ['name']);
    assert.match(body.errors[0].mend, /^give 1 to 64 letters/);
    const made = await run(program, ['clients', 'create', '-c', site.file, name]);
    assert.equal(made.code, 65, made.errors);
  }
  await gateway.ask('POST', '/api/admin/clients', {name: 'leaked/one'});
  const {body} = await gateway.ask('DELETE', '/api/admin/clients?name=leaked%2Fone');
  assert.equal(body.status, 'revoked');
  await stop(gateway);
});

test('a client key: who has read an older state changes nothing (If-Match)', async (t) => {
  const {gateway} = await start(t);
  await gateway.ask('POST', '/api/admin/clients', {name: 'team/app'});
  const target = '/api/admin/clients/team%2Fapp';
  const read = async () => (await gateway.ask('GET', target)).headers.get('etag');
  const change = (match, json) =>
    gateway.ask('PATCH', target, json, {headers: {'if-match': match}});
  const first = await read();
  assert.match(first, /^"[0-9a-f]{16}"$/);
  const changed = await change(first, {rpm_limit: 5});
  assert.equal(changed.status, 200);
  assert.equal(changed.headers.get('etag'), await read());
  const outdated = await change(first, {rpm_limit: 500});
  assert.deepEqual([outdated.status, outdated.body.code], [412, 'outdated']);
  assert.equal((await gateway.ask('GET', target)).body.rpm_limit, 5);
  const revoke = (match) =>
    gateway.ask('DELETE', target, undefined, {headers: {'if-match': match}});
  assert.equal((await revoke(first)).status, 412);
  assert.equal((await revoke(await read())).status, 200);
  assert.equal((await gateway.ask('GET', '/api/admin/clients/e2e')).headers.get('etag'), null);
  await stop(gateway);
});

test('a name that is taken is told as the fault of that field', async (t) => {
  const {gateway, mock} = await start(t);
  await gateway.ask('POST', '/api/admin/clients', {name: 'twice'});
  await gateway.ask('POST', '/api/admin/backends', backend(mock));
  for (const [path, body] of [['clients', {name: 'twice'}], ['clients', {name: 'e2e'}],
    ['backends', backend(mock)], ['backends', backend(mock, {name: 'of-file'})]]) {
    const told = await gateway.ask('POST', `/api/admin/${path}`, body);
    assert.deepEqual([told.status, told.body.code], [409, 'conflict'], body.name);
    assert.deepEqual(told.body.errors.map(({field, mend}) => [field, mend]),
      [['name', 'take another name']], JSON.stringify(told.body));
  }
  await stop(gateway);
});
