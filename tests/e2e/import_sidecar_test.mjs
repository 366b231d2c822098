// The predecessor's database is taken over: a database as it left one, made here.
import assert from 'node:assert/strict';
import {createCipheriv, randomBytes} from 'node:crypto';
import {access, writeFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import {Commands} from './commands.mjs';
import {ask, CLIENT_KEY, eventually, Program, startMock} from './harness.mjs';
import {makeSite, serve} from './store.mjs';

const KEY = 'ab'.repeat(32);
const SCHEMA = `
  CREATE TABLE backends (id TEXT PRIMARY KEY, name TEXT NOT NULL, label TEXT, api_base_url TEXT,
    api_key TEXT, api TEXT, timeout_seconds INTEGER, rpm_limit INTEGER, pool TEXT, enabled INTEGER,
    status TEXT, model_mappings TEXT, source TEXT, metadata TEXT, created_at TEXT, updated_at TEXT);
  CREATE TABLE usage (id INTEGER PRIMARY KEY, backend_id TEXT, model TEXT, prompt_tokens INTEGER,
    completion_tokens INTEGER, total_tokens INTEGER, cost REAL, request_count INTEGER,
    error_count INTEGER, avg_latency_ms REAL, ttft_ms REAL, hour_bucket TEXT, created_at TEXT);
  CREATE TABLE cooldown_events (id INTEGER PRIMARY KEY, backend_id TEXT, consecutive_count INTEGER,
    cooldown_seconds REAL, response_summary TEXT, started_at TEXT, ended_at TEXT);
  CREATE TABLE backend_health (backend_id TEXT PRIMARY KEY, state TEXT, last_latency_ms REAL,
    last_status_code INTEGER, success_rate_5m REAL, consecutive_failures INTEGER,
    last_check_at TEXT);
  CREATE TABLE daily_stats (id INTEGER PRIMARY KEY, date TEXT, pool TEXT, total_requests INTEGER,
    total_errors INTEGER, total_tokens INTEGER, total_cost REAL, unique_backends INTEGER,
    created_at TEXT);
  CREATE TABLE system_config (key TEXT PRIMARY KEY, value TEXT, description TEXT, updated_at TEXT);
`;

function sealed(clear) {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(KEY, 'hex'), nonce);
  const bytes = Buffer.concat([cipher.update(clear), cipher.final(), cipher.getAuthTag()]);
  return `${nonce.toString('hex')}:${bytes.toString('hex')}`;
}

const backend = (id, name, url, key, more = {}) => {
  const row = {id, name, api_base_url: url, api_key: sealed(key), rpm_limit: 40, pool: 'primary',
    enabled: 1, created_at: '2026-01-01T00:00:00Z', ...more};
  const text = (value) => (typeof value === 'number' ? value : `'${value}'`);
  return `INSERT INTO backends (${Object.keys(row)}) VALUES (${Object.values(row).map(text)});`;
};

// Python brings SQLite along; node does so only from version 22 on.
async function makeDatabase(site, sql) {
  const file = path.join(path.dirname(site.file), `sidecar-${randomBytes(4).toString('hex')}.db`);
  const script = 'import sqlite3,sys; sqlite3.connect(sys.argv[1]).executescript(sys.stdin.read())';
  const made = new Program('python3', ['-c', script, file], {stdio: ['pipe', 'pipe', 'pipe']});
  made.child.stdin.end(SCHEMA + sql);
  assert.equal((await made.exited).code, 0, made.errors);
  return file;
}

const history = `
  INSERT INTO usage (backend_id, model, prompt_tokens, completion_tokens, total_tokens, cost,
    request_count, error_count, avg_latency_ms, ttft_ms, hour_bucket) VALUES
    ('bkd_0123456789ab', 'mock-large', 100, 50, 150, 0.25, 4, 1, 12.5, 3.5, '2026-01-15T12:00:00Z'),
    ('bkd_0123456789ab', 'mock-large', 10, 5, 15, 0.025, 1, 0, 10, 2, '2026-01-15T13:00:00Z');
  INSERT INTO daily_stats (date, pool, total_requests, total_errors, total_tokens, total_cost,
    unique_backends) VALUES ('2026-01-15', 'primary', 7, 1, 200, 0.5, 2);
  INSERT INTO cooldown_events (backend_id, consecutive_count, cooldown_seconds, started_at) VALUES
    ('bkd_0123456789ab', 1, 30, '2026-01-15T12:00:00Z'),
    ('bkd_0123456789ab', 1, 30, '2026-01-15T12:00:01Z');
  INSERT INTO system_config (key, value) VALUES ('rate_rpm', '40');`;

async function prepared(t, accounts) {
  const mock = await startMock(t);
  const site = await makeSite(t, {accounts});
  const commands = new Commands(site, {SIDECAR_ENCRYPTION_KEY: KEY});
  commands.secret(KEY);
  const key = commands.secret('sk-test-canary-sidecar');
  const database = await makeDatabase(site,
    backend('bkd_0123456789ab', 'Team A', `${mock.url}/v1`, key) + history);
  return {mock, site, commands, database};
}

async function serving(t, site) {
  const gateway = await serve(t, site.file,
    {env: {...process.env, SIDECAR_ENCRYPTION_KEY: KEY}});
  gateway.asked = async () => {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {authorization: `Bearer ${CLIENT_KEY}`, 'content-type': 'application/json'},
      body: JSON.stringify(ask()),
    });
    await answer.text();
    return answer.status;
  };
  return gateway;
}

async function expectImported(commands) {
  assert.match((await commands.ok(['providers', 'list'])).output, /Team-A +primary +40  import/);
  const totals = (await commands.ok(['usage', 'total'])).output;
  assert.match(totals, /Team-A/);
  assert.match(totals, /\(sidecar-v2\)/);
  await commands.ok(['store', 'check']);
}

test('without a gateway: all is taken, once', async (t) => {
  const {site, commands, database} = await prepared(t);
  const dry = await commands.ok(['import', 'sidecar-v2', database, '--dry-run']);
  assert.match(dry.errors, /would be imported:\n  1 accounts\n  5 requests in 3 sums/);
  await assert.rejects(access(path.join(site.directory, 'data.mdb')), /ENOENT/);
  const done = await commands.ok(['import', 'sidecar-v2', database]);
  assert.match(done.errors, /1 days that had more than their hours/);
  assert.match(done.errors, /1 cooldowns; 1 that ran beside another/);
  assert.match(done.errors, /account "Team A" is "Team-A" here/);
  await expectImported(commands);
  const before = (await commands.ok(['usage', 'total'])).output;
  await commands.refused(['import', 'sidecar-v2', database], 65, /was imported on .*twice/);
  assert.equal((await commands.ok(['usage', 'total'])).output, before);
  const gateway = await serving(t, site);
  assert.equal(await gateway.asked(), 200);
  assert.equal((await gateway.stop()).code, 0, gateway.errors);
  await commands.expectSecretsKept(gateway.errors);
});

test('a later state of the same database is not taken, also once its accounts are removed',
  async (t) => {
    const {site, commands, database} = await prepared(t);
    await commands.ok(['import', 'sidecar-v2', database]);
    await commands.ok(['providers', 'remove', 'Team-A']);
    const before = (await commands.ok(['usage', 'total'])).output;
    const later = await makeDatabase(site,
      backend('bkd_0123456789ab', 'Team A', 'https://a.example/v1', 'sk-test-later') + history +
        "INSERT INTO system_config (key, value) VALUES ('later', '1');");
    await commands.refused(['import', 'sidecar-v2', later], 65, /was imported before/);
    // The predecessor forgets an account's hours with it, and keeps its days.
    const days = history.slice(history.indexOf('INSERT INTO daily_stats'),
      history.indexOf('INSERT INTO cooldown_events'));
    const other = await makeDatabase(site,
      backend('bkd_ba9876543210', 'Team B', 'https://b.example/v1', 'sk-test-other') + days);
    await commands.refused(['import', 'sidecar-v2', other], 65, /was imported before/);
    assert.equal((await commands.ok(['usage', 'total'])).output, before);
  });

test('beside a running gateway: its accounts serve at once', async (t) => {
  const {mock, site, commands, database} = await prepared(t,
    [{name: 'nobody', base_url: 'http://127.0.0.1:1/v1', api_key: 'sk-test-n'}]);
  const gateway = await serving(t, site);
  assert.notEqual(await gateway.asked(), 200);
  await commands.ok(['import', 'sidecar-v2', database]);
  await eventually(async () => await gateway.asked() === 200, 'the account to serve');
  assert.ok((await mock.count()).requests >= 1);
  assert.equal((await gateway.stop()).code, 0, gateway.errors);
  await expectImported(commands);
  await commands.expectSecretsKept(gateway.errors);
});

test('what cannot be taken is told, and nothing is taken, unless it is to be left out',
  async (t) => {
    const {site, commands, database} = await prepared(t);
    const bad = await makeDatabase(site,
      backend('bkd_0123456789ab', 'good', 'https://a.example/v1',
        commands.secret('sk-test-canary-g')) +
      backend('bkd_2', 'limit', 'https://b.example/v1', 'sk-test-b', {rpm_limit: 'abc'}) +
      backend('bkd_3', 'shut', 'https://c.example/v1', 'x', {api_key: 'ab'.repeat(12) + ':00ff'}) +
      backend('bkd_4', 'none', 'ftp://d.example', 'sk-test-d'));
    await commands.refused(['import', 'sidecar-v2', bad], 65,
      /backends row 2 "bkd_2" rpm_limit: "abc"[\s\S]*backends row 3 .*api_key/);
    assert.doesNotMatch((await commands.run(['providers', 'list'])).output, /good/);
    const told = await commands.ok(['import', 'sidecar-v2', bad, '--skip-unreadable']);
    assert.match(told.errors, /rpm_limit: "abc"[\s\S]*imported:\n  1 accounts/);
    assert.match(told.errors, /left out:\n  account "none": api_base_url: /);
    assert.match((await commands.ok(['providers', 'list'])).output, /good/);
    const wrong = {env: {SIDECAR_ENCRYPTION_KEY: 'cd'.repeat(32)}};
    await commands.refused(['import', 'sidecar-v2', database], 65, /api_key/, wrong);
    await commands.refused(['import', 'sidecar-v2', database], 78, /SIDECAR_ENCRYPTION_KEY/,
      {env: {SIDECAR_ENCRYPTION_KEY: ''}});
    await commands.refused(['import', 'sidecar-v2', '/nonexistent.db'], 66, /nonexistent/);
    const keyFile = path.join(path.dirname(site.file), 'sidecar.key');
    await writeFile(keyFile, `${KEY}\n`, {mode: 0o600});
    await commands.refused(['import', 'sidecar-v2', database, '--key-file', keyFile], 65,
      /imported before/);
    await commands.expectSecretsKept();
  });

test('a store of another key: the variable is the key of the source alone', async (t) => {
  const {site, commands, database} = await prepared(t);
  commands.env = {};
  await commands.addProvider('team-x', 'https://api.example.com', 'sk-test-canary-own');
  commands.env = {SIDECAR_ENCRYPTION_KEY: KEY};
  await commands.ok(['import', 'sidecar-v2', database, '--dry-run']);
  await commands.ok(['import', 'sidecar-v2', database]);
  commands.env = {};
  assert.match((await commands.ok(['providers', 'list'])).output, /Team-A/);
  const gateway = await serve(t, site.file);
  await gateway.stopCleanly();
});
