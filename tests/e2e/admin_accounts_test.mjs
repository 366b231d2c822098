// Accounts and client keys over the administration API: each answer is held against
// admin/openapi.json, and each change against what the proxy does next.
import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import test from 'node:test';
import {backend, KEY, MASKED, start, stop, TOKEN} from './admin_site.mjs';
import {eventuallyStored} from './store.mjs';

const NOBODY = 'bkd_000000000000';

// What is refused of `made` at `mock`, and beside `ofFile`:
// [method, path, body, status, detail, fields].
function accountRefusals(mock, made, ofFile) {
  const full = backend(mock, {name: 'other'});
  const without = (name) => Object.fromEntries(Object.entries(full).filter(([n]) => n !== name));
  return [
    ['GET', `/api/admin/backends/${NOBODY}`, undefined, 404, 'Backend not found'],
    ['PUT', `/api/admin/backends/${NOBODY}`, {rpm_limit: 1}, 404, 'Backend not found'],
    ['DELETE', `/api/admin/backends/${NOBODY}`, undefined, 404, 'Backend not found'],
    ['POST', `/api/admin/backends/${NOBODY}/drain`, undefined, 404, 'Backend not found'],
    ['POST', `/api/admin/backends/${NOBODY}/test`, undefined, 404, 'Backend not found'],
    ['POST', '/api/admin/backends', without('name'), 400, 'Missing required field: name'],
    ['POST', '/api/admin/backends', without('api_base_url'), 400,
      'Missing required field: api_base_url'],
    ['POST', '/api/admin/backends', without('api_key'), 400, 'Missing required field: api_key'],
    ['POST', '/api/admin/backends', {}, 400, 'Missing required field: name',
      ['api_base_url', 'api_key', 'name']],
    ['POST', '/api/admin/backends', {...full, name: 'team-x'}, 409, /"team-x" in the store/],
    ['POST', '/api/admin/backends', {...full, name: 'of-file'}, 409,
      /configuration file \(\S*sluice\.yaml:\d+\)/],
    // An unknown member hides no other fault, nor does one that is missing.
    ['POST', '/api/admin/backends', {...full, rpm: 4, rpm_limit: 'abc', weight: 0}, 400, /rpm/,
      ['rpm', 'rpm_limit', 'weight']],
    ['POST', '/api/admin/backends', {...without('name'), rpm: 4, pool: 'third', metadata: 1}, 400,
      'Missing required field: name', ['metadata', 'name', 'pool', 'rpm']],
    ['PUT', `/api/admin/backends/${made.id}`, {rpm: 4, weight: 0, model_mappings: {b: {x: 1}}},
      400, /rpm/, ['model_mappings.b.x', 'rpm', 'weight']],
    // Fault 33: it was stored, and broke every request.
    ['POST', '/api/admin/backends', {...full, rpm_limit: 'abc'}, 400, /rpm_limit/, ['rpm_limit']],
    ['PUT', `/api/admin/backends/${made.id}`, {rpm_limit: '40'}, 400, /rpm_limit/, ['rpm_limit']],
    ['PUT', `/api/admin/backends/${made.id}`, {rpm_limit: 0, weight: 0.5, pool: 'third'}, 400,
      /out of range|unknown|whole/, ['pool', 'rpm_limit', 'weight']],
    ['PUT', `/api/admin/backends/${made.id}`, {rpm: 4}, 400, /rpm/, ['rpm']],
    ['PUT', `/api/admin/backends/${made.id}`, {name: 'a b'}, 400, /name/, ['name']],
    ['PUT', `/api/admin/backends/${made.id}`, {name: 'of-file'}, 409, /configuration file/],
    ['PUT', `/api/admin/backends/${made.id}`, {window_seconds: 0.2}, 400, /window_seconds/,
      ['window_seconds']],
    ['PUT', `/api/admin/backends/${made.id}`, {timeouts: {idle: 'x', slow: 1}}, 400, /timeouts/,
      ['timeouts.idle', 'timeouts.slow']],
    ['PUT', `/api/admin/backends/${made.id}`,
      {model_mappings: {a: {native_id: 7, cost: {input: 2}}, b: {max_tokens: 0}}}, 400,
      /model_mappings/, ['model_mappings.a.cost.input', 'model_mappings.a.native_id',
        'model_mappings.b.max_tokens']],
    ['PUT', `/api/admin/backends/${made.id}`, {api_base_url: 'http://127.0.0.1:9/v1'}, 400,
      /api_key/, ['api_key']],
    ['PUT', `/api/admin/backends/${made.id}`,
      {api_base_url: 'http://127.0.0.1:9/v1', api_key: MASKED}, 400, /api_key/, ['api_key']],
    ['PUT', `/api/admin/backends/${made.id}`, {api_key: 'sk-t****'}, 400, /api_key/, ['api_key']],
    ['PUT', `/api/admin/backends/${made.id}`, {api_key: '${PATH}'}, 400, /environment variable/,
      ['api_key']],
    ['PUT', `/api/admin/backends/${made.id}`,
      {metadata: {email: '\u0001', notes: 'x'.repeat(1001)}}, 400, /control character/,
      ['metadata.email', 'metadata.notes']],
    ['POST', '/api/admin/backends',
      {...full, api_base_url: 'http://169.254.169.254/latest'}, 400, /api_base_url/,
      ['api_base_url']],
    ['POST', '/api/admin/backends', {...full, api_base_url: 'http://8.8.8.8/v1'}, 400,
      /api_base_url.*unencrypted/, ['api_base_url']],
    ['PUT', `/api/admin/backends/${ofFile.id}`, {rpm_limit: 1}, 409, /sluice\.yaml/],
    ['DELETE', `/api/admin/backends/${ofFile.id}`, undefined, 409, /sluice\.yaml/],
    ['POST', `/api/admin/backends/${ofFile.id}/drain`, undefined, 409, /sluice\.yaml/],
    ['POST', `/api/admin/backends/${ofFile.id}/enable`, undefined, 409, /sluice\.yaml/],
    ['GET', '/api/admin/backends?pool=third', undefined, 400, /pool/, ['pool']],
    ['GET', '/api/admin/backends?pol=primary', undefined, 400, /pol: .*there are pool/, ['pol']],
  ];
}

const OTHER_REFUSALS = [
  ...['backends/export', 'clients', 'config', 'history', 'pools', 'prices', 'queue', 'settings',
    'stats/total', 'version'].map((route) =>
    ['GET', `/api/admin/${route}?a=1&b`, undefined, 400, /no parameter/, ['a', 'b']]),
  ['GET', '/api/admin/events?limits=1', undefined, 400, /limits/, ['limits']],
  ['POST', '/api/v2/providers?dryrun=true', {providers: []}, 400, /dryrun: .*there are dry_run/,
    ['dryrun']],
  ['POST', '/api/v2/providers?dry_run', {providers: []}, 400, /dry_run/, ['dry_run']],
  ['DELETE', '/api/admin/prices?model=m', undefined, 400, /valid_from/, ['valid_from']],
  ['POST', '/api/admin/backends/export', {keys: 'clear'}, 400, /token/, ['token']],
  ['POST', '/api/admin/backends/export', {keys: 'clear', token: 'wrong'}, 401,
    'Invalid admin token'],
  ['GET', '/api/admin/clients/nobody', undefined, 404, 'Client not found'],
  ['PATCH', '/api/admin/clients/nobody', {rpm_limit: 1}, 404, 'Client not found'],
  ['DELETE', '/api/admin/clients/e2e', undefined, 409, /sluice\.yaml/],
  ['POST', '/api/admin/clients', {name: 'e2e'}, 409,
    /configuration file \(\S*sluice\.yaml:\d+\)/],
  ['POST', '/api/admin/clients', {spent: 1, rpm_limit: '1'}, 400, 'Missing required field: name',
    ['name', 'rpm_limit', 'spent']],
  ['POST', '/api/admin/clients', {name: 'c', rpm_limit: '1', models: 'm', priority: 'asap'}, 400,
    /rpm_limit/, ['models', 'priority', 'rpm_limit']],
  ['POST', '/api/admin/clients', {name: 'c', rpm: 1}, 400, /rpm/, ['rpm']],
  ['POST', '/api/admin/clients', {name: 'c', budget_usd: -1, budget_period: 'week'}, 400,
    /budget_usd/, ['budget_period', 'budget_usd']],
  ['POST', '/api/admin/clients', {name: 'c', budget_usd: 1000001}, 400, /1000000/, ['budget_usd']],
  ['POST', '/api/admin/clients', {name: 'c', budget_usd: '1'}, 400, /budget_usd/, ['budget_usd']],
  ['POST', '/api/admin/clients', {name: 'c', spent: 1}, 400, /spent/, ['spent']],
  ['PUT', '/api/admin/prices', {model: 'm', input_per_million: '1'}, 400, /input_per_million/,
    ['input_per_million', 'output_per_million']],
  ['PUT', '/api/admin/prices', {model: 'm', input_per_million: 1e-12, output_per_million: 0}, 400,
    /nano-dollar/, ['input_per_million']],
  ['DELETE', '/api/admin/prices?model=m&valid_from=2026-01-01T00:00:00Z', undefined, 404,
    'Price not found'],
  ['GET', '/api/admin/config/queue.capacity', undefined, 404, 'Config key not found'],
  ['DELETE', '/api/admin/config/queue.capacity', undefined, 404, 'Config key not found'],
  ['PUT', '/api/admin/config/no.such', {value: 1}, 404, 'Config key not found'],
  ['PUT', '/api/admin/config/shards', {value: 4}, 400, /shards/, ['shards']],
  ['PUT', '/api/admin/config/auth.open', {value: true}, 400, /auth\.open/, ['auth.open']],
  ['PUT', '/api/admin/config/queue.capacity', {value: 'many'}, 400, /"many"/,
    ['queue.capacity']],
  ['PUT', '/api/admin/config/routing.cooldown.max', {value: '1s'}, 400, /cooldown/],
];

test('what is refused, and in which words', async (t) => {
  const {mock, gateway} = await start(t);
  const {body: made} = await gateway.ask('POST', '/api/admin/backends', backend(mock));
  const [ofFile] = (await gateway.ask('GET', '/api/admin/backends')).body
    .filter(({name}) => name === 'of-file');
  const rows = [...accountRefusals(mock, made, ofFile), ...OTHER_REFUSALS];
  for (const [method, target, json, status, detail, fields] of rows) {
    const what = `${method} ${target} ${JSON.stringify(json)}`;
    const {status: got, body} = await gateway.ask(method, target, json);
    assert.equal(got, status, `${what}: ${JSON.stringify(body)}`);
    if (typeof detail === 'string') assert.equal(body.detail, detail, what);
    else assert.match(body.detail, detail, what);
    if (fields) assert.deepEqual(body.errors.map(({field}) => field).sort(), fields, what);
    assert.ok(!JSON.stringify(body).includes(KEY), what);
  }
  await stop(gateway);
});

test('an account: added, used and changed', async (t) => {
  const {mock, gateway} = await start(t);
  const {status, body: made} = await gateway.ask('POST', '/api/admin/backends', backend(mock, {
    label: 'Team <X>',
    tpm_limit: 100_000,
    metadata: {email: 'x@example.com', more: [1, {a: null}]},
    model_mappings: {'x-model': {
      native_id: 'mock-large', reasoning: true, reasoning_effort: 'high',
      input_modalities: ['text', 'image'], context_window: 200_000, max_tokens: 4096,
      cost: {input: 0.0000025, output: 1e-5, cacheRead: 0}, compat: {thinking: 'x'},
    }},
  }));
  assert.equal(status, 200, JSON.stringify(made));
  assert.equal(made.api_key, MASKED);
  assert.equal(made.source, 'webui');
  assert.equal(made.status, 'healthy');
  assert.equal(made.level.capacity, 1000);
  assert.deepEqual(made.metadata, {email: 'x@example.com', more: [1, {a: null}]});
  assert.deepEqual(made.model_mappings['x-model'], {
    native_id: 'mock-large', reasoning: true, reasoning_effort: 'high',
    input_modalities: ['text', 'image'], context_window: 200_000, max_tokens: 4096,
    cost: {input: 0.0000025, output: 1e-5, cacheRead: 0, cacheWrite: 0.0000025},
    compat: {thinking: 'x'},
  });
  const target = `/api/admin/backends/${made.id}`;
  // It is in force on every shard when the answer is there: each connection may be another one's.
  for (let i = 0; i < 20; ++i) assert.equal(await gateway.post('x-model'), 200);

  // Fault 34: PUT answered with an empty key. What was read can be sent back as it is.
  const {body: same} = await gateway.ask('PUT', target, made);
  assert.equal(same.api_key, MASKED);
  for (const name of ['label', 'rpm_limit', 'tpm_limit', 'metadata', 'model_mappings', 'timeouts'])
    assert.deepEqual(same[name], made[name], name);
  assert.equal(await gateway.post('x-model'), 200);

  const {body: less} = await gateway.ask('PUT', target, {rpm_limit: 7, timeout_seconds: 9.5});
  assert.equal(less.rpm_limit, 7);
  assert.equal(less.timeout_seconds, 9.5);
  assert.equal(less.timeouts.idle, 9.5);
  assert.equal(less.label, 'Team <X>');
  assert.deepEqual(less.model_mappings, made.model_mappings);
  const {body: again} = await gateway.ask('PUT', target, {...less, timeout_seconds: 11});
  assert.equal(again.timeouts.first_byte, 11);
  const put = async (timeouts) => (await gateway.ask('PUT', target, {timeouts})).body.timeouts;
  assert.deepEqual(await put({connect: 3, total: 60}), {...again.timeouts, connect: 3, total: 60});
  assert.deepEqual(await put({connect: null, idle: null}), {first_byte: 11, total: 60});
  await stop(gateway);
  assert.ok(!(gateway.errors + gateway.output).includes(KEY));
});

test('an account: who has read an older state changes nothing (If-Match)', async (t) => {
  const {mock, gateway} = await start(t);
  const {body: made, headers} = await gateway.ask('POST', '/api/admin/backends', backend(mock));
  const target = `/api/admin/backends/${made.id}`;
  const first = headers.get('etag');
  assert.match(first, /^"[0-9a-f]{16}"$/);
  assert.equal((await gateway.ask('GET', target)).headers.get('etag'), first);
  const change = (rpm, match) =>
    gateway.ask('PUT', target, {rpm_limit: rpm}, {headers: match ? {'if-match': match} : {}});
  assert.equal((await change(77, `W/${first}`)).status, 412, 'a weak tag proves nothing');
  assert.equal((await change(77, `"${first}"`)).status, 412);
  const changed = await change(77, `W/"x", "zz" , ${first}`);
  assert.equal(changed.status, 200);
  const second = changed.headers.get('etag');
  assert.notEqual(second, first);
  const late = await change(88, first);
  assert.deepEqual([late.status, /was changed since it was read/.test(late.body.detail)],
    [412, true]);
  const remove = (match) =>
    gateway.ask('DELETE', target, undefined, {headers: {'if-match': match}});
  assert.equal((await remove(first)).status, 412);
  assert.equal((await gateway.ask('GET', target)).body.rpm_limit, 77);
  assert.equal((await change(88)).status, 200);
  assert.equal((await change(99, '*')).status, 200);
  assert.equal((await remove('*')).status, 200);
  await stop(gateway);
});

test('an account: switched off and on, tested, removed', async (t) => {
  const {mock, site, gateway} = await start(t);
  const {body: made} = await gateway.ask('POST', '/api/admin/backends', backend(mock));
  const target = `/api/admin/backends/${made.id}`;
  const {body: drained} = await gateway.ask('POST', `${target}/drain`);
  assert.equal(drained.status, 'disabled');
  for (let i = 0; i < 10; ++i) assert.notEqual(await gateway.post('x-model'), 200);
  assert.equal((await gateway.ask('POST', `${target}/enable`)).body.status, 'healthy');
  for (let i = 0; i < 10; ++i) assert.equal(await gateway.post('x-model'), 200);

  const {body: pools} = await gateway.ask('GET', '/api/admin/pools');
  assert.deepEqual(pools.primary, {total: 2, enabled: 2, healthy: 2, cooling: 0, error: 0});
  assert.equal((await gateway.ask('GET', '/api/admin/backends?pool=fallback')).body.length, 0);

  // Five at once: whatever stands still on the way, some come within the 2 s of another.
  const tests = await Promise.all(Array.from({length: 5}, () =>
    gateway.ask('POST', `${target}/test`)));
  const [probed, often] = [200, 429].map((wanted) => tests.filter(({status}) => status === wanted));
  assert.deepEqual([probed.length > 0, often.length > 0, probed.length + often.length],
    [true, true, 5]);
  for (const {body} of probed)
    assert.deepEqual([body.status, body.status_code], ['accepted', 200], body.text);
  for (const {headers} of often) assert.ok(Number(headers.get('retry-after')) > 0);

  // Fault 27: what it used went with it.
  await eventuallyStored(site.directory, (dump) => dump.accounts['team-x']?.requests >= 10,
    'its requests');
  assert.deepEqual((await gateway.ask('DELETE', target)).body, {status: 'deleted', id: made.id});
  for (let i = 0; i < 10; ++i) assert.notEqual(await gateway.post('x-model'), 200);
  await eventuallyStored(site.directory, (dump) => dump.accounts['team-x']?.requests >= 10,
    'its requests, still');
  await stop(gateway);
});

test('without admin.private_upstreams no account is at a private address', async (t) => {
  const {mock, gateway} = await start(t, {admin: {}});
  for (const url of [`${mock.url}/v1`, 'https://10.1.2.3/v1', 'https://localhost/v1',
    'https://2852039166', 'https://0xa9fea9fe/v1', 'https://127.1', 'http://api.example.com/v1',
    'https://[::ffff:127.0.0.1]/v1', 'https://[fd00:ec2::254]/v1']) {
    const {status, body} = await gateway.ask('POST', '/api/admin/backends',
      backend(mock, {api_base_url: url}));
    assert.equal(status, 400, url);
    assert.equal(body.errors[0].field, 'api_base_url', url);
  }
  const imported = await gateway.ask('POST', '/api/v2/providers', {providers: [
    {account: 'a', api_key: KEY, endpoint_url: 'https://169.254.169.254/v1'}]});
  assert.equal(imported.status, 400);
  assert.equal(imported.body.errors[0].field, 'providers[0].endpoint_url');
  await stop(gateway);
});

test('provider files: in and out, all or nothing', async (t) => {
  const {mock, gateway} = await start(t);
  const entry = (name, more = {}) =>
    ({account: name, api_key: KEY, endpoint_url: `${mock.url}/v1`, rpm_limit: 9, ...more});
  const yaml = (entries) => ({
    headers: {'content-type': 'application/yaml'},
    body: `providers:\n${entries.map((one) => `  - ${JSON.stringify(one)}\n`).join('')}`,
  });
  const wrong = await gateway.ask('POST', '/api/v2/providers', undefined,
    yaml([entry('one'), entry('two', {rpm_limit: 'abc'}), entry('of-file')]));
  assert.equal(wrong.status, 400);
  assert.equal(wrong.body.errors[0].field, 'providers[1].rpm_limit');
  assert.equal(wrong.body.errors[0].entry, 1);
  assert.equal(wrong.body.errors[0].line, 3);
  // All bad entries at once: what cannot be read, and what the gateway has against the others.
  assert.deepEqual(wrong.body.errors.map(({entry, field}) => [entry, field]),
    [[1, 'providers[1].rpm_limit'], [2, 'providers[2].account']]);
  assert.match(wrong.body.errors[1].problem, /configuration file \(\S*sluice\.yaml:\d+\)/);
  const all = await gateway.ask('POST', '/api/v2/providers', {providers:
    Array.from({length: 30}, (_, i) => entry(`bad-${i}`, {rpm_limit: 'abc'}))});
  assert.equal(all.status, 400);
  assert.equal(all.body.errors.length, 21);
  assert.equal(all.body.errors[19].field, 'providers[19].rpm_limit');
  assert.equal(all.body.errors[20].problem, '10 more are wrong');
  const taken = await gateway.ask('POST', '/api/v2/providers',
    {providers: [entry('one'), entry('of-file')]});
  assert.equal(taken.status, 400);
  assert.equal(taken.body.errors[0].field, 'providers[1].account');
  const variable = await gateway.ask('POST', '/api/v2/providers',
    {providers: [entry('one', {api_key: '${PATH}'})]});
  assert.match(variable.body.errors[0].problem, /environment variable; an import takes none/);
  assert.doesNotMatch(variable.body.errors[0].mend, /NAME/);
  const count = async () => (await gateway.ask('GET', '/api/admin/backends')).body.length;
  assert.equal(await count(), 1);
  const dry = await gateway.ask('POST', '/api/v2/providers?dry_run=true',
    {providers: [entry('one')]});
  assert.deepEqual(dry.body, {status: 'checked', imported: 0,
    entries: [{index: 0, account: 'one', status: 'would_create'}]});
  assert.equal(await count(), 1);
  const done = await gateway.ask('POST', '/api/v2/providers', undefined,
    yaml([entry('one', {notes: 'a: "b"', pool: 'main'}), entry('two', {pool: 'fallback'})]));
  assert.equal(done.body.imported, 2, JSON.stringify(done.body));
  const {body: one} = await gateway.ask('GET', `/api/admin/backends/${done.body.entries[0].id}`);
  assert.equal(one.source, 'import');
  assert.equal(one.metadata.notes, 'a: "b"');

  const masked = await gateway.ask('GET', '/api/admin/backends/export');
  assert.match(masked.body, /sk-tes\*\*\*\*cdef/);
  assert.ok(!masked.body.includes(KEY));
  const clear = await gateway.ask('POST', '/api/admin/backends/export',
    {keys: 'clear', token: TOKEN});
  assert.equal(clear.status, 200);
  assert.ok(clear.body.includes(KEY));
  for (const {id} of done.body.entries) await gateway.ask('DELETE', `/api/admin/backends/${id}`);
  const back = await gateway.ask('POST', '/api/v2/providers', undefined,
    {headers: {'content-type': 'application/yaml'}, body: clear.body});
  assert.equal(back.body.imported, 2, JSON.stringify(back.body));
  await stop(gateway);
});

// A few lines that would stand for 10^10 nodes, and one text of 100 KB that stands for 1 GB.
const AT_ONCE_MS = 60_000;  // one that is built takes hours, and more memory than there is
test('aliases that stand for too much are refused at once, and take no memory', async (t) => {
  const {gateway} = await start(t);
  const laughs = ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]', ...Array.from({length: 9}, (_, i) =>
    `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`)].join('\n');
  const shout = `a: &a ${'x'.repeat(100_000)}\nproviders: [${Array(10_000).fill('*a').join(',')}]`;
  // The most that the process has ever held, in bytes.
  const most = async () => 1024 * Number(/VmHWM:\s+(\d+)/.exec(
    await readFile(`/proc/${gateway.child.pid}/status`, 'utf8'))[1]);
  const before = await most();
  for (const [body, problem] of [[laughs, /aliases stand for more than 250000 nodes/],
    [shout, /aliases stand for more than 16 MiB of text/]]) {
    const began = performance.now();
    const answer = await gateway.ask('POST', '/api/v2/providers', undefined,
      {headers: {'content-type': 'application/yaml'}, body});
    assert.equal(answer.status, 400);
    assert.match(answer.body.errors[0].problem, problem);
    assert.ok(answer.body.errors[0].line > 0);
    assert.ok(performance.now() - began < AT_ONCE_MS, `${performance.now() - began} ms`);
  }
  // ThreadSanitizer keeps four bytes for each that is used, AddressSanitizer what was freed.
  const maps = await readFile(`/proc/${gateway.child.pid}/maps`, 'utf8');
  const mostMiB = /lib[at]san/.test(maps) ? 5 * 128 : 128;
  const grownMiB = (await most() - before) / 2 ** 20;
  assert.ok(grownMiB < mostMiB, `${grownMiB} MiB`);
  await stop(gateway);
});

test('client keys: made, limited, revoked', async (t) => {
  const {gateway} = await start(t);
  const {status, body: made} = await gateway.ask('POST', '/api/admin/clients',
    {name: 'team-web', rpm_limit: 100, models: ['file-model'], priority: 'low'});
  assert.equal(status, 200, JSON.stringify(made));
  const use = () => gateway.post('file-model', {authorization: `Bearer ${made.key}`});
  for (let i = 0; i < 10; ++i) assert.equal(await use(), 200);
  const target = '/api/admin/clients/team-web';
  const {body: seen} = await gateway.ask('GET', target);
  assert.equal(seen.level.requests_remaining, 90);
  assert.ok(!('key' in seen));
  const {body: changed} = await gateway.ask('PATCH', target,
    {rpm_limit: 10, priority_max: 'normal'});
  assert.equal(changed.priority_max, 'normal');
  assert.equal(changed.priority, 'low');
  assert.deepEqual(changed.models, ['file-model']);
  assert.equal(await use(), 429);
  // A name may have slashes; as they are, for an encoded one is refused by the proxy's rules.
  await gateway.ask('POST', '/api/admin/clients', {name: 'a/b'});
  const slashed = await fetch(`${gateway.url}/api/admin/clients/a/b`,
    {headers: {authorization: `Bearer ${TOKEN}`}});
  assert.equal((await slashed.json()).name, 'a/b');
  const names = (await gateway.ask('GET', '/api/admin/clients')).body.map(({name}) => name);
  assert.deepEqual(names, ['a/b', 'e2e', 'team-web']);
  const {body: revoked} = await gateway.ask('DELETE', target);
  assert.equal(revoked.status, 'revoked');
  for (let i = 0; i < 10; ++i) assert.equal(await use(), 401);
  assert.equal((await gateway.ask('DELETE', target)).status, 409);
  await stop(gateway);
});
