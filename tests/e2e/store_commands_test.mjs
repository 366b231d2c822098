// The commands that change what the store has, beside a running gateway and without one.
import assert from 'node:assert/strict';
import {readFile, rename, writeFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import {authority} from './authority.mjs';
import {Commands} from './commands.mjs';
import {account, ask, CLIENT_KEY, eventually, Program, program, startMock} from './harness.mjs';
import {makeSite, serve} from './store.mjs';

const CHAT = '/v1/chat/completions';
const NOBODY = {name: 'nobody', base_url: 'http://127.0.0.1:1/v1', api_key: 'sk-test-n'};

async function post(gateway, key = CLIENT_KEY, body = ask()) {
  const answer = await fetch(gateway.url + CHAT, {
    method: 'POST',
    headers: {authorization: `Bearer ${key}`, 'content-type': 'application/json'},
    body: JSON.stringify(body),
  });
  await answer.text();
  return answer.status;
}

const answers = (gateway, status, key) =>
  eventually(async () => await post(gateway, key) === status, `${status} from the gateway`);

// A key that is taken away must be so on every shard: each connection may be another one's.
async function allAnswer(gateway, status, key) {
  await answers(gateway, status, key);
  for (let i = 0; i < 10; ++i) assert.equal(await post(gateway, key), status);
}

const stop = async (gateway) => assert.equal((await gateway.stop()).code, 0, gateway.errors);

test('providers: added, listed and removed beside a running gateway', async (t) => {
  const mock = await startMock(t);
  const site = await makeSite(t, {accounts: [NOBODY]});
  const commands = new Commands(site);
  const gateway = await serve(t, site.file);
  assert.notEqual(await post(gateway), 200);
  await commands.addProvider('team-x', mock.url, 'sk-test-canary-1');
  await answers(gateway, 200);
  assert.match((await commands.ok(['providers', 'list'])).output, /team-x +primary +1000  store/);
  await commands.refused(
    ['providers', 'add', 'team-x', '--url', mock.url], 65, /"team-x" in the store/,
    {input: commands.secret('sk-test-canary-2')});
  await commands.ok(['providers', 'remove', 'team-x']);
  await eventually(async () => await post(gateway) !== 200, 'the account to go');
  await commands.refused(['providers', 'remove', 'team-x'], 65, /no account "team-x"/);
  await stop(gateway);
  await commands.expectSecretsKept(gateway.output, gateway.errors);
});

test('providers: names are those of the configuration in force, not of the start', async (t) => {
  const mock = await startMock(t);
  const site = await makeSite(t, {accounts: [NOBODY]});
  const commands = new Commands(site);
  await commands.addProvider('team-x', mock.url, 'sk-test-canary-a');
  const gateway = await serve(t, site.file);
  const config = JSON.parse(await readFile(site.file, 'utf8'));
  for (const name of ['team-x', 'team-y']) config.accounts.push(account(mock, {name}));
  await writeFile(site.file, JSON.stringify(config));
  gateway.signal('SIGHUP');
  await eventually(() => /"?reloaded"?/.test(gateway.errors), 'the reload');
  await eventually(() => /not used.*accounts=team-x/.test(gateway.errors), 'who is left out');
  await commands.refused(['providers', 'add', 'team-y', '--url', mock.url], 65,
    /"team-y" in the configuration file/, {input: commands.secret('sk-test-canary-b')});
  await stop(gateway);
  await commands.expectSecretsKept(gateway.output, gateway.errors);
});

test('providers: added without a gateway, and served by the next one', async (t) => {
  const mock = await startMock(t);
  const site = await makeSite(t, {});
  const commands = new Commands(site);
  await commands.addProvider('team-x', mock.url, 'sk-test-canary-3');
  const gateway = await serve(t, site.file);
  assert.equal(await post(gateway), 200);
  await stop(gateway);
  await commands.ok(['store', 'check']);
  await commands.expectSecretsKept(gateway.output, gateway.errors);
});

test('providers add: every fault is named, and nothing is kept', async (t) => {
  const site = await makeSite(t, {});
  const commands = new Commands(site);
  const url = ['--url', 'https://api.example.com/v1'];
  for (const [what, args, pattern] of [
    ['a URL', ['a', '--url', 'ftp://x'], /base_url: "ftp:\/\/x"/],
    ['a limit', ['a', ...url, '--rpm', 'abc'], /rpm_limit: "abc" is not a whole number/],
    ['a pool', ['a', ...url, '--pool', 'third'], /pool: "third"/],
    ['a name', ['a b', ...url], /name: "a b"/],
    ['a key that is none', ['a', ...url, '--set', 'rpm_limits=5'], /say "rpm_limit"/],
    ['a key of the file', ['a', ...url, '--set', 'ca_file=/x'], /ca_file: .*\/x/],
    ['two', ['a b', ...url, '--rpm', '0'], /name: [\s\S]*rpm_limit: /],
  ]) {
    await commands.refused(['providers', 'add', ...args], 65, pattern,
      {input: commands.secret('sk-test-canary-4')});
    assert.doesNotMatch((await commands.ok(['providers', 'list'])).output, /store/, what);
  }
  await commands.expectSecretsKept();
});

test('providers add: a key is asked for, and no longer than one may be', async (t) => {
  const site = await makeSite(t, {});
  const commands = new Commands(site);
  const add = (name, ...more) =>
    ['providers', 'add', name, '--url', 'https://api.example.com/v1', ...more];
  for (const input of ['', '\n'])
    await commands.refused(add('a'), 65, /no key was given on stdin; say --no-key/, {input});
  await commands.refused(add('a'), 65, /more than 65535 bytes on stdin/,
    {input: 'k'.repeat(70000)});
  await commands.ok(add('local', '--no-key'));
  assert.match((await commands.ok(['providers', 'list'])).output, /local /);
  // A provider file may be longer.
  const entries = Array.from({length: 500}, (_, i) => ({account: `team-${i}`,
    api_key: `sk-test-${i}-${'k'.repeat(200)}`, endpoint_url: 'https://api.example.com/v1'}));
  const input = JSON.stringify({providers: entries});
  assert.ok(input.length > 128 * 1024);
  await commands.ok(['providers', 'import'], {input});
});

test('providers export and import: a round trip, masked unless asked for', async (t) => {
  const [mock, site, other] =
    [await startMock(t), await makeSite(t, {}), await makeSite(t, {})];
  const commands = new Commands(site);
  await commands.addProvider('team-a', mock.url, 'sk-test-canary-5a', '--pool', 'fallback');
  await commands.addProvider('team-b', mock.url, 'sk-test-canary-5b');
  const masked = await commands.ok(['providers', 'export']);
  assert.match(masked.output, /account: "?team-a/);
  const clear = (await commands.ok(['providers', 'export', '--with-keys'], {shows: true})).output;
  assert.ok(clear.includes('sk-test-canary-5a'));
  const there = new Commands(other);
  await there.refused(['providers', 'import'], 65, /nothing was imported/, {input: masked.output});
  await there.ok(['providers', 'import'], {input: clear});
  await there.refused(['providers', 'import'], 65, /nothing was imported/, {input: clear});
  const again = await there.ok(['providers', 'export', '--with-keys'], {shows: true});
  assert.equal(again.output, clear);
  const gateway = await serve(t, other.file);
  assert.equal(await post(gateway), 200);
  await stop(gateway);
  there.secrets = commands.secrets;
  await there.expectSecretsKept(gateway.errors);
  await commands.expectSecretsKept();
});

test('clients: a key works, holds its limits and is revoked; the last one opens no door',
  async (t) => {
    const mock = await startMock(t);
    const site = await makeSite(t, {clients: undefined, accounts: [account(mock)]});
    const commands = new Commands(site);
    const gateway = await serve(t, site.file);
    assert.equal(await post(gateway, 'sk-test-anything'), 200, 'nothing guards it yet');
    const key = await commands.createClient('web');
    await allAnswer(gateway, 401, 'sk-test-anything');
    await allAnswer(gateway, 200, key);
    const limited = await commands.createClient('batch', '--rpm', '2', '--model', 'mock-large');
    await answers(gateway, 200, limited);
    assert.equal(await post(gateway, limited), 200);
    assert.equal(await post(gateway, limited), 429);
    assert.match((await commands.ok(['clients', 'list'])).output, /batch +store +2 /);
    await commands.ok(['clients', 'revoke', 'web']);
    await allAnswer(gateway, 401, key);
    await commands.ok(['clients', 'revoke', 'batch']);
    await allAnswer(gateway, 401, limited);
    await allAnswer(gateway, 401, 'sk-test-anything');
    await stop(gateway);
    const next = await serve(t, site.file);
    assert.equal(await post(next, 'sk-test-anything'), 401);
    assert.match((await commands.ok(['clients', 'list'])).output, /web +store .* revoked/);
    await stop(next);
    await commands.expectSecretsKept(gateway.errors, next.errors);
  });

test('keys rotate: beside a running gateway and without one', async (t) => {
  const mock = await startMock(t);
  const site = await makeSite(t, {});
  const commands = new Commands(site);
  const [first, second, third] = ['1', '2', '3'].map((digit) => commands.secret(digit.repeat(64)));
  const under = (key) => ({env: {SIDECAR_ENCRYPTION_KEY: key}});
  commands.env = under(first).env;
  await commands.addProvider('team-x', mock.url, 'sk-test-canary-6');
  const gateway = await serve(t, site.file, {env: {...process.env, ...under(first).env}});
  await commands.ok(['keys', 'rotate'], {input: second});
  assert.equal(await post(gateway), 200);
  await commands.addProvider('team-y', mock.url, 'sk-test-canary-7');
  await stop(gateway);
  await commands.refused(['keys', 'rotate'], 78, /./, {input: third, ...under(first)});
  await commands.ok(['keys', 'rotate'], {input: third, ...under(second)});
  const status = (await commands.ok(['keys', 'status'])).output;
  assert.match(status, /2 encrypted under master key [0-9a-f]{16}\n$/);
  const next = await serve(t, site.file, {env: {...process.env, ...under(third).env}});
  assert.equal(await post(next), 200);
  await stop(next);
  await commands.expectSecretsKept(gateway.errors, next.errors);
});

// A rotation commits 64 keys at a time. Killed at some moment, between none and all of them.
test('keys rotate: killed in the middle, and resumed', async (t) => {
  const ACCOUNTS = 1000;
  const site = await makeSite(t, {});
  let [present, next] = ['1', '2'].map((digit) => digit.repeat(64));
  const commands = new Commands(site, {SIDECAR_ENCRYPTION_KEY: present});
  const entries = Array.from({length: ACCOUNTS}, (_, i) => ({
    account: `team-${i}`, api_key: `sk-test-${i}`, endpoint_url: 'https://api.example.com/v1'}));
  await commands.ok(['providers', 'import'], {input: JSON.stringify({providers: entries})});
  const unfinished = async () =>
    (await commands.ok(['keys', 'status'])).output.includes('not ended');
  // A little later each time, beginning before a command has read anything.
  const began = performance.now();
  await unfinished();
  let ms = (performance.now() - began) / 2;
  for (let tries = 1; !await unfinished(); ++tries) {
    assert.ok(tries < 200, `never in the middle; last after ${ms} ms`);
    const rotating = new Program(program, ['keys', 'rotate', '-c', site.file], {
      stdio: ['pipe', 'pipe', 'pipe'], env: {...process.env, ...commands.env}});
    rotating.child.stdin.end(next);
    const killer = setTimeout(() => rotating.signal('SIGKILL'), ms);
    const {code} = await rotating.exited;
    clearTimeout(killer);
    if (code !== 0) {
      ms *= 1.03;
      continue;
    }
    ms *= 0.7; // it was done before: back again
    [present, next] = [next, present];
    commands.env = {SIDECAR_ENCRYPTION_KEY: present};
  }
  for (const args of [['providers', 'export'], ['serve'], ['clients', 'create', 'x']])
    await commands.refused(args, 78, /has begun and not ended/);
  await commands.refused(['keys', 'rotate'], 65, /./, {input: '3'.repeat(64)});
  await commands.ok(['keys', 'rotate'], {input: next});
  assert.ok(!await unfinished());
  commands.env = {SIDECAR_ENCRYPTION_KEY: next};
  const {output} = await commands.ok(['providers', 'export', '--with-keys'], {shows: true});
  assert.equal(output.split('sk-test-').length, ACCOUNTS + 1);
  await commands.ok(['store', 'check']);
});

test('a wrong master key: 78, in words, and the database is untouched', async (t) => {
  const site = await makeSite(t, {});
  const commands = new Commands(site, {SIDECAR_ENCRYPTION_KEY: '1'.repeat(64)});
  await commands.addProvider('team-x', 'https://api.example.com', 'sk-test-canary-8');
  const database = path.join(site.directory, 'data.mdb');
  const before = await readFile(database);
  const wrong = {env: {SIDECAR_ENCRYPTION_KEY: '2'.repeat(64)}, input: 'sk-test-new'};
  for (const args of [['providers', 'add', 'b', '--url', 'https://b.example'],
    ['providers', 'export'], ['clients', 'create', 'x'], ['serve'], ['providers', 'test', '--all']])
    await commands.refused(args, 78, /SIDECAR_ENCRYPTION_KEY/, wrong);
  await commands.refused(['providers', 'export'], 78, /SIDECAR_ENCRYPTION_KEY/,
    {env: {SIDECAR_ENCRYPTION_KEY: 'abc'}});
  assert.ok(before.equals(await readFile(database)));
  await commands.ok(['providers', 'export']);
});

test('a master key file that is gone: 78, with the id of the key that is wanted', async (t) => {
  const site = await makeSite(t, {});
  const commands = new Commands(site);
  await commands.addProvider('team-x', 'https://api.example.com', 'sk-test-canary-13');
  const id = /master key ([0-9a-f]{16})/.exec((await commands.ok(['keys', 'status'])).output)[1];
  const file = path.join(site.directory, 'master.key');
  await rename(file, `${file}.away`);
  const wanted = new RegExp(`belongs to the master key ${id}[^]*put its file back, or set ` +
    'SIDECAR_ENCRYPTION_KEY');
  for (const args of [['serve'], ['providers', 'export'], ['providers', 'test', '--all']])
    await commands.refused(args, 78, wanted);
  await rename(`${file}.away`, file);
  await commands.ok(['providers', 'export']);
});

test('usage: sums and single requests, in both forms', async (t) => {
  const mock = await startMock(t);
  const site = await makeSite(t, {accounts: [account(mock)]});
  const commands = new Commands(site);
  const gateway = await serve(t, site.file);
  const formula = '=cmd|"/c calc"!A1,2';
  assert.equal(await post(gateway), 200);
  await post(gateway, CLIENT_KEY, ask({model: formula}));
  const lines = await eventually(async () => {
    const {output} = await commands.ok(['usage', 'export']);
    return output.split('\n').length > 2 && output;
  }, 'two requests in the store');
  const rows = lines.trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(rows.map((row) => row.client), ['e2e', 'e2e']);
  assert.equal(rows[0].model, formula);
  const csv = (await commands.ok(['usage', 'export', '--csv'])).output.trimEnd().split('\n');
  assert.equal(csv.length, 3);
  assert.equal(csv[0].split(',').length, csv[2].split(',').length);
  assert.ok(csv[1].includes(`"'=cmd|""/c calc""!A1,2"`), csv[1]);
  assert.match((await commands.ok(['usage', 'total'])).output, /team-a/);
  assert.equal((await commands.ok(['usage', 'export', '--model', 'none'])).output, '');
  assert.equal((await commands.run(['usage', 'export', '--since', 'soon'])).code, 64);
  await stop(gateway);
  await commands.ok(['store', 'check']);
});

test('providers test: what the provider says to the key', async (t) => {
  const tls = await authority(t, ['127.0.0.1']);
  const [mock, secure] = [await startMock(t), await startMock(t, tls.mockArgs('127.0.0.1'))];
  const stranger = await authority(t, []);
  await mock.script({rules: [{match: {key: 'sk-test-bad'}, do: {status: 401}}]});
  const site = await makeSite(t, {accounts: [
    account(secure, {name: 'secure', ca_file: tls.ca}),
    account(secure, {name: 'untrusted', ca_file: stranger.ca}),
    NOBODY,
  ]});
  const commands = new Commands(site);
  await commands.addProvider('refused', mock.url, 'sk-test-bad');
  const tested = (...names) => commands.run(['providers', 'test', ...names]);
  const good = await tested('secure');
  assert.equal(good.code, 0, good.output + good.errors);
  assert.match(good.output, /200: key accepted/);
  const refused = await tested('refused');
  assert.match(refused.output, /401: the provider refuses the key/);
  assert.equal(refused.code, 77);
  const untrusted = await tested('untrusted');
  assert.match(untrusted.output, /issued by an authority that is not trusted/);
  assert.equal(untrusted.code, 69);
  assert.match((await tested('nobody')).output, /no answer from 127\.0\.0\.1:1: .*refused/);
  const all = await tested('--all');
  assert.equal(all.output.trimEnd().split('\n').length, 4);
  assert.equal(all.code, 77);
  assert.equal((await tested()).code, 64);
  assert.equal((await tested('unknown')).code, 65);
  await commands.expectSecretsKept();
});
