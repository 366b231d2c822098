// A provider's key and a client's, and where they must not be.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readdir, readFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import {Commands} from './commands.mjs';
import {document} from './contract.mjs';
import {account, ask, eventually, run, startMock} from './harness.mjs';
import {dumpStore, makeSite, serve} from './store.mjs';

const PROVIDER_KEY = 'sk-test-provider-canary-5d41402abc4b2a76';
const CLIENT_KEY = 'sk-test-client-canary-7d793037a0760186';
const CHAT = '/v1/chat/completions';

const hasGcore = () => {
  try {
    execFileSync('sh', ['-c', 'command -v gcore'], {stdio: 'ignore'});
    return true;
  } catch {
    return false;
  }
};

async function filesBelow(folder) {
  const entries = await readdir(folder, {withFileTypes: true, recursive: true});
  return entries.filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.path, entry.name));
}

async function start(t) {
  const mock = await startMock(t);
  const site = await makeSite(t, {
    accounts: [account(mock, {name: 'team-a', api_key: PROVIDER_KEY})],
    clients: [{name: 'canary', key: CLIENT_KEY}],
    log: {level: 'debug', format: 'json'},
  });
  const gateway = await serve(t, site.file);
  const send = async (body, key = CLIENT_KEY, headers = {}) => {
    const answer = await fetch(`${gateway.url}${CHAT}`, {
      method: 'POST',
      headers: {authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers},
      body: JSON.stringify(body),
    });
    return `${answer.status} ${JSON.stringify([...answer.headers])} ${await answer.text()}`;
  };
  return {mock, gateway, send, ...site};
}

// Answers of all kinds: whole, streamed, failed at the provider, refused by the gateway.
const answersOf = async (send) => [
  await send(ask()),
  await send(ask({stream: true})),
  ...await Promise.all(['status=401', 'status=403', 'status=500', 'abort=rst', 'malformed=garbage']
    .map((fault) => send(ask(), CLIENT_KEY, {'x-mock-fault': fault}))),
  await send({model: 7}),
  await send(ask(), `${CLIENT_KEY}x`),
];

function assertWithout(bytes, where) {
  for (const key of [PROVIDER_KEY, CLIENT_KEY])
    assert.equal(bytes.indexOf(key), -1, `${key} in ${where}`);
}

test('keys are in no file of the directory, no log, no answer, no command line', async (t) => {
  const {gateway, send, directory} = await start(t);
  // A provider that tells the key which it was asked with.
  const tells = `status=500;body=bad key ${PROVIDER_KEY} here`;
  const told = await send(ask(), CLIENT_KEY, {'x-mock-fault': tells});
  assert.match(told, /bad key \*+ here/);
  const answers = [told, ...await answersOf(send)];
  assert.match(answers[1], /^200/);
  const kinds = new Set(answers.map((answer) => answer.slice(0, 3)));
  assert.ok(kinds.size > 2, [...kinds].join());
  for (const answer of answers) assertWithout(answer.replaceAll(`${CLIENT_KEY}x`, ''), 'an answer');
  await eventually(async () => (await dumpStore(directory)).rows.length >= answers.length - 2,
    'rows of the requests');
  await eventually(async () => (await filesBelow(directory)).some((file) => file.endsWith('Z.mdb')),
    'a backup');
  const files = await filesBelow(directory);
  const names = files.map((file) => path.relative(directory, file)).join(' ');
  for (const part of ['data.mdb', '.journal', 'backups/'])
    assert.ok(names.includes(part), `${part} in ${names}`);
  // One that has another name by now is looked at again below.
  const bytesOf = (file) => readFile(file).catch((fault) =>
    fault.code === 'ENOENT' ? Buffer.alloc(0) : assert.fail(fault));
  for (const file of files) assertWithout(await bytesOf(file), file);
  assertWithout(await readFile(`/proc/${gateway.child.pid}/cmdline`), 'the command line');
  await gateway.stopCleanly();
  for (const file of await filesBelow(directory)) assertWithout(await readFile(file), file);
  assertWithout(gateway.errors + gateway.output, 'the log');
});

// The first bytes of a stream of events; of another answer all.
async function bodyOf(answer) {
  if (!/event-stream/.test(answer.headers.get('content-type') ?? '')) return answer.text();
  const reader = answer.body.getReader();
  const {value} = await reader.read();
  await reader.cancel();
  return Buffer.from(value).toString();
}

test('keys are in no answer to the administrator, no metrics and no event', async (t) => {
  const token = 'sk-test-admin-0f1e2d3c4b5a6978';
  const mock = await startMock(t);
  const site = await makeSite(t, {
    accounts: [account(mock, {name: 'team-a', api_key: PROVIDER_KEY})],
    clients: [{name: 'canary', key: CLIENT_KEY}],
  });
  const commands = new Commands(site);
  const stored = commands.secret('sk-test-stored-canary-0b1c2d3e4f5a6b7c');
  const gateway = await serve(t, site.file, {env: {...process.env, SIDECAR_ADMIN_TOKEN: token}});
  await commands.addProvider('team-b', mock.url, stored);
  const id = 'canary-request';
  for (const fault of ['', 'status=401', 'status=500', 'status=429'])
    await (await fetch(`${gateway.url}${CHAT}`, {method: 'POST', body: JSON.stringify(ask()),
      headers: {authorization: `Bearer ${CLIENT_KEY}`, 'content-type': 'application/json',
        'x-request-id': id, ...(fault && {'x-mock-fault': fault})}})).text();
  const get = (route) => fetch(gateway.url + route, {headers: {authorization: `Bearer ${token}`}});
  const accounts = await (await get('/api/admin/backends')).json();
  assert.equal(accounts.length, 2);
  const values = {id: accounts.map((one) => one.id), request_id: [id], name: ['canary'],
    file: ['app.js']};
  const routes = Object.entries(document.paths).filter(([, item]) => item.get)
    .flatMap(([route]) => {
      const name = /\{([^}]+)\}/.exec(route)?.[1];
      return name ? (values[name] ?? ['canary']).map((value) => route.replace(`{${name}}`, value))
        : [route];
    });
  let answered = 0;
  for (const route of [...routes, '/metrics', '/stats']) {
    const answer = await get(route);
    const body = await bodyOf(answer);
    answered += answer.status === 200 ? 1 : 0;
    for (const key of [PROVIDER_KEY, CLIENT_KEY, stored, token])
      assert.ok(!`${JSON.stringify([...answer.headers])}${body}`.includes(key),
        `${key} in ${route}`);
  }
  assert.ok(answered > 30, `${answered} routes of ${routes.length}`);
});

test('a core dump has no provider key', async (t) => {
  assert.ok(hasGcore(), 'gcore is of the package gdb (tools/install-deps check)');
  const {gateway, send, directory, file} = await start(t);
  await answersOf(send);
  // Keys that come while it runs, in a file of YAML too, and leave it again.
  const commands = new Commands({file, directory});
  const imported = [1, 2, 3].map((n) => `sk-test-imported-${n}-cd9e459ea708a948`);
  const entries = imported.map((key, n) =>
    `  - account: imported-${n}\n    api_key: ${key}\n    endpoint_url: http://127.0.0.1:1/v1\n`);
  await commands.addProvider('added', 'http://127.0.0.1:1', 'sk-test-added-62f5e76cd3a1b0d9');
  await commands.ok(['providers', 'import'], {input: `providers:\n${entries.join('')}`});
  await commands.ok(['providers', 'export', '--with-keys'], {shows: true});
  const maps = await readFile(`/proc/${gateway.child.pid}/maps`, 'utf8');
  if (/lib[at]san/.test(maps)) {
    await gateway.stopCleanly();
    return t.skip('a sanitizer maps terabytes, and keeps what was freed');
  }
  const core = path.join(path.dirname(directory), 'core');
  const {code, errors} = await run('gcore', ['-o', core, `${gateway.child.pid}`]);
  assert.equal(code, 0, errors);
  const bytes = await readFile(`${core}.${gateway.child.pid}`);
  assert.ok(bytes.indexOf('team-a') >= 0, 'the dump is one of this process');
  for (const key of [PROVIDER_KEY, ...imported, ...commands.secrets])
    assert.equal(bytes.indexOf(key), -1, `${key} in the dump`);
  await gateway.stopCleanly();
});
