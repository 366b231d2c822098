// Who gets in to the administrator, and by which way: tokens, cookies, hosts, origins; connections
// that change between the proxy and him.
import assert from 'node:assert/strict';
import {readFile, stat, writeFile} from 'node:fs/promises';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import {authority} from './authority.mjs';
import {ask as asks} from './contract.mjs';
import {
  account, ask, atEnd, CLIENT_KEY, eventually, program, run, startGateway, startMock,
} from './harness.mjs';
import {makeSite, serve} from './store.mjs';
import {exchange, rawClient, requestText} from './wire.mjs';

const TOKEN = 'sk-test-admin-6f1d2c3b4a596877';
const VERSION = '/api/admin/version';
const env = {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN};
const bearer = {Authorization: `Bearer ${TOKEN}`};

async function start(t, config = {}) {
  const mock = await startMock(t);
  const gateway = await startGateway(t, {accounts: [account(mock)], ...config}, {env});
  const get = (headers, route = VERSION) =>
    exchange(gateway.url, route, {method: 'GET', headers});
  return {mock, gateway, get};
}

test('the token, and what is said without it', async (t) => {
  const {gateway} = await start(t);
  const without = await asks(gateway.url, 'GET', VERSION);
  assert.equal(without.status, 401);
  assert.equal(without.body.detail, 'Missing Authorization header');
  assert.match(without.headers.get('www-authenticate'), /^Bearer/);
  const wrong = await asks(gateway.url, 'GET', VERSION, {token: `${TOKEN}x`});
  assert.deepEqual([wrong.status, wrong.body.detail], [401, 'Invalid admin token']);
  const right = await asks(gateway.url, 'GET', VERSION, {token: TOKEN});
  assert.deepEqual([right.status, right.body.access], [200, 'full']);
  assert.equal(right.headers.get('cache-control'), 'no-store');
});

test('however many connections come without the token, who has it gets in', async (t) => {
  const {gateway} = await start(t);
  const request = `GET ${VERSION} HTTP/1.1\r\nhost: localhost\r\n\r\n`;
  const open = [];
  atEnd(t, () => open.forEach((client) => client.destroy()));
  const {hostname, port} = new URL(gateway.url);
  const knock = () => new Promise((resolve, reject) => {
    const client = net.connect(port, hostname, () => client.write(request));
    client.once('data', () => resolve(client)).once('error', reject);
    client.on('error', () => {});
    open.push(client);
  });
  const answered = [];
  for (let i = 0; i < 1100; i += 100)
    answered.push(...await Promise.all(Array.from({length: 100}, knock)));
  assert.equal(answered.length, 1100);
  const {status} = await asks(gateway.url, 'GET', VERSION, {token: TOKEN});
  assert.equal(status, 200);
  await eventually(() => open.filter((client) => client.closed).length > 70, 'the oldest to go');
  await eventually(() => /connections are full/.test(gateway.errors), 'a line of it');
});

test('five wrong tokens in a minute: the address has to wait; the cookie goes on', async (t) => {
  const {gateway} = await start(t);
  const login = await asks(gateway.url, 'POST', '/api/admin/login', {json: {token: TOKEN}});
  assert.equal(login.status, 200);
  const cookie = login.headers.get('set-cookie');
  assert.match(cookie,
    /^sluice_admin_\d+=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
  assert.ok(cookie.startsWith(`sluice_admin_${new URL(gateway.url).port}=`), cookie);
  assert.ok(!cookie.includes(TOKEN));
  for (let i = 0; i < 5; ++i) {
    const no = await asks(gateway.url, 'POST', '/api/admin/login', {json: {token: `no-${i}`}});
    assert.equal(no.status, 401);
  }
  const late = await fetch(gateway.url + VERSION, {headers: bearer});
  assert.equal(late.status, 429);
  assert.ok(Number(late.headers.get('retry-after')) > 0);
  const headers = {cookie: cookie.split(';')[0]};
  const access = async (more) =>
    (await asks(gateway.url, 'GET', '/api/admin/login', more)).body.access;
  assert.deepEqual([await access({}), await access({headers})], ['none', 'full']);
  assert.equal((await asks(gateway.url, 'GET', VERSION, {headers})).status, 200);
  const changed = {cookie: headers.cookie.replace(/=\d/, '=9')};
  assert.equal((await asks(gateway.url, 'GET', VERSION, {headers: changed})).status, 401);
  const logout = () => asks(gateway.url, 'POST', '/api/admin/logout', {headers});
  assert.equal((await logout()).status, 200);
  assert.equal((await asks(gateway.url, 'GET', VERSION, {headers})).status, 401);
  assert.equal((await logout()).status, 200);
  assert.equal((await fetch(`${gateway.url}/dashboard/`)).url, `${gateway.url}/dashboard`);
});

test('without a token one is made, in a file for its owner, and outlives a restart', async (t) => {
  const site = await makeSite(t, {});
  const bare = {...process.env};
  delete bare.SIDECAR_ADMIN_TOKEN;
  const file = path.join(site.directory, 'admin.token');
  let token;
  for (const round of [1, 2]) {
    const gateway = await serve(t, site.file, {env: bare});
    token ??= (await readFile(file, 'utf8')).trim();
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.equal((await asks(gateway.url, 'GET', VERSION, {token})).status, 200, `start ${round}`);
    assert.equal((await gateway.stop()).code, 0, gateway.errors);
    assert.ok(!gateway.errors.includes(token));
    if (round === 1) assert.match(gateway.errors, /token was made.*admin\.token/);
  }
});

test('foreign hosts and pages get nothing, even with the token', async (t) => {
  const {get} = await start(t, {admin: {hosts: ['Sluice.example']}});
  for (const [headers, status] of [
    [{Host: 'rebound.example'}, 403], [{Host: 'sluice.example:9190'}, 200],
    [{Host: 'localhost:1'}, 200], [{Host: '[::1]:9190'}, 200], [{Host: '10.0.0.1'}, 200],
    [{Host: '127.0.0.1', Origin: 'http://evil.example'}, 403],
    [{Host: '127.0.0.1', Origin: 'null'}, 403],
    [{Host: '127.0.0.1', Origin: 'http://127.0.0.1'}, 200],
    [{'Sec-Fetch-Site': 'cross-site'}, 403], [{'Sec-Fetch-Site': 'same-site'}, 403],
    [{'Sec-Fetch-Site': 'same-origin'}, 200],
  ])
    assert.equal((await get({...bearer, ...headers})).status, status, JSON.stringify(headers));
});

test('public_read: who reads needs no token, who changes does', async (t) => {
  const {gateway} = await start(t, {admin: {public_read: true}});
  const read = await asks(gateway.url, 'GET', VERSION);
  assert.deepEqual([read.status, read.body.access], [200, 'read']);
  assert.equal((await asks(gateway.url, 'POST', '/api/admin/reload')).status, 401);
});

test('a reload opens and closes the doors at once', async (t) => {
  const {gateway, get} = await start(t, {admin: {public_read: true, hosts: ['old.example']}});
  const stream = await fetch(`${gateway.url}/dashboard/sse`);
  assert.equal(stream.status, 200);
  const reader = stream.body.getReader();
  const config = JSON.parse(await readFile(gateway.file, 'utf8'));
  await writeFile(gateway.file, JSON.stringify({...config, admin: {public_read: false,
    hosts: ['new.example']}}));
  const {body} = await asks(gateway.url, 'POST', '/api/admin/reload', {token: TOKEN});
  assert.deepEqual(body.needs_restart, []);
  assert.equal((await get({})).status, 401);
  assert.equal((await get({...bearer, Host: 'old.example'})).status, 403);
  assert.equal((await get({...bearer, Host: 'new.example'})).status, 200);
  while (!(await reader.read()).done);  // what was let in without a token ends
  const {values} = (await asks(gateway.url, 'GET', '/api/admin/settings', {token: TOKEN})).body;
  const said = values.find((one) => one.path === 'admin.public_read');
  assert.deepEqual([said.value, said.holds, said.waiting], ['false', 'at_reload', null]);
});

test('a reload tells what waits for the next start', async (t) => {
  const {gateway} = await start(t);
  const reload = async () => {
    const {status, body} = await asks(gateway.url, 'POST', '/api/admin/reload', {token: TOKEN});
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  assert.deepEqual((await reload()).needs_restart, []);
  const config = JSON.parse(await readFile(gateway.file, 'utf8'));
  await writeFile(gateway.file, JSON.stringify({...config, drain: {grace: '7s'}}));
  const told = await reload();
  assert.deepEqual(told.needs_restart, ['drain.grace']);
  assert.match(told.warnings.join('\n'), /drain\.grace: the change/);
  const {values} = (await asks(gateway.url, 'GET', '/api/admin/settings', {token: TOKEN})).body;
  const grace = values.find((one) => one.path === 'drain.grace');
  assert.deepEqual([grace.value, grace.origin, grace.holds], ['30s', 'default', 'at_restart']);
  assert.equal(grace.waiting.value, '7s');
  assert.match(grace.waiting.origin, /:1:\d+$/);
});

// The words of check-config, which name the file, the line and the field.
test('what a reload refuses is named, in the answer and in the log', async (t) => {
  const tls = await authority(t, ['one.example']);
  const {gateway} = await start(t);
  const config = JSON.parse(await readFile(gateway.file, 'utf8'));
  const [first] = config.accounts;
  const remote = {...first, base_url: 'https://api.example.com/v1'};
  const lines = (account, more = '') => `{"listen": ["127.0.0.1:0"], "metrics": {"listen": []},
    "clients": ${JSON.stringify(config.clients)},
    "accounts": [
      ${JSON.stringify(account)}
    ]${more}
  }`;
  for (const [text, field, line, problem] of [
    [lines({...first, rpm_limit: 'x'}), 'accounts[0].rpm_limit', 4, /"x" is not a whole number/],
    [lines({...remote, ca_file: '/no/such.pem'}), 'accounts[0].ca_file', 4, /cannot read/],
    [lines({...remote, ca_file: tls.key('one.example')}), 'accounts[0].ca_file', 4,
      /no certificate in the file/],
    [lines(first, `,
    "tls": [{"certificate": "${tls.ca}", "key": "${tls.key('one.example')}"}]`), 'tls[0].key', 6,
    /private key does not belong/],
  ]) {
    await writeFile(gateway.file, text);
    const {status, body} = await asks(gateway.url, 'POST', '/api/admin/reload', {token: TOKEN});
    assert.equal(status, 400, text);
    assert.equal(body.errors.length, 1, JSON.stringify(body));
    const [told] = body.errors;
    assert.deepEqual([told.field, told.line, told.source], [field, line, gateway.file]);
    assert.match(told.problem, problem);
    const checked = await run(program, ['check-config', '-c', gateway.file]);
    assert.equal(checked.code, 78);
    assert.ok(checked.errors.includes(body.detail), `${checked.errors} has ${body.detail}`);
    assert.ok(body.detail.startsWith(`${gateway.file}:${line}:`), body.detail);
    const logged = JSON.stringify(body.detail).slice(1, -1);
    await eventually(() => gateway.errors.includes(logged), `${logged} in the log`);
  }
});

test('a reload does not take what a start refuses: all may come, and no key is asked for',
  async (t) => {
    const {gateway} = await start(t, {listen: ['0.0.0.0:0']});
    const url = gateway.url.replace('0.0.0.0', '127.0.0.1');
    const config = JSON.parse(await readFile(gateway.file, 'utf8'));
    await writeFile(gateway.file, JSON.stringify({...config, clients: []}));
    const {status, body} = await asks(url, 'POST', '/api/admin/reload', {token: TOKEN});
    assert.equal(status, 400, JSON.stringify(body));
    assert.match(JSON.stringify(body), /can be reached from other machines/);
    const answer = await exchange(url, '/v1/chat/completions', {body: JSON.stringify(ask())});
    assert.equal(answer.status, 200);
  });

test('one connection, now for the proxy and now for the administrator', async (t) => {
  const {gateway, mock} = await start(t);
  const client = rawClient(t, gateway.url);
  const chat = requestText('/v1/chat/completions', JSON.stringify(ask()),
    {authorization: `Bearer ${CLIENT_KEY}`});
  const version = requestText(VERSION, '', {authorization: `Bearer ${TOKEN}`, host: '127.0.0.1'},
    'GET');
  for (let round = 1; round <= 3; ++round) {
    await client.send(version);
    await eventually(() => client.received.split('"started_at"').length === round + 1,
      `version ${round} in ${client.received}`);
    await client.send(chat);
    await eventually(() => client.received.split('chat.completion"').length === round + 1,
      'a chat');
  }
  await client.send(chat + version + chat + version);  // sent ahead
  await eventually(() => client.received.split('"started_at"').length === 6, 'all of them');
  assert.equal((await mock.count()).requests, 5);
});

test('over TLS the administrator answers through the shard', async (t) => {
  const tls = await authority(t, ['127.0.0.1']);
  const files = {certificate: tls.certificate('127.0.0.1'), key: tls.key('127.0.0.1')};
  const {gateway} = await start(t, {tls: [files]});
  const ca = await readFile(tls.ca);
  const send = (method, route, body) => new Promise((resolve, reject) => {
    const request = https.request(gateway.url + route, {method, ca, agent: false, headers: {
      ...bearer, ...(body ? {'content-type': 'application/json'} : {})}}, (answer) => {
      let text = '';
      answer.on('data', (piece) => (text += piece)).on('end', () =>
        resolve({status: answer.statusCode, headers: answer.headers, text}));
    });
    request.on('error', reject).end(body);
  });
  assert.equal(JSON.parse((await send('GET', VERSION)).text).version, '0.1.0');
  const large = await send('GET', '/dashboard/assets/chart.js');
  assert.equal(large.text.length, Number(large.headers['content-length']));
  const login = await send('POST', '/api/admin/login', JSON.stringify({token: TOKEN}));
  assert.match(login.headers['set-cookie'][0], /^__Host-sluice_admin_\d+=.*; Secure$/);
  await eventually(() => /admin method=POST.*client=127\.0\.0\.1/.test(gateway.errors),
    'the address of the client, not of the shard');
});

// An address of its own speaks no TLS, whatever those of listen do.
test('the cookie and what is said of the page follow the connection', async (t) => {
  const tls = await authority(t, ['127.0.0.1']);
  const files = {certificate: tls.certificate('127.0.0.1'), key: tls.key('127.0.0.1')};
  const {gateway} = await start(t, {tls: [files], admin: {listen: ['127.0.0.1:0']}});
  const [, own] = await eventually(
    () => /listening on its own.*url=(\S+)/.exec(gateway.errors), 'its address');
  const login = await asks(own, 'POST', '/api/admin/login', {json: {token: TOKEN}});
  const cookie = login.headers.get('set-cookie');
  assert.match(cookie, new RegExp(`^sluice_admin_${new URL(own).port}=`));
  assert.doesNotMatch(cookie, /Secure/);
  const headers = {cookie: cookie.split(';')[0]};
  assert.equal((await asks(own, 'GET', VERSION, {headers})).status, 200);
  // Browsers take the field from where nobody can have changed it, and complain elsewhere.
  const opener = async (Host) => (await exchange(own, '/dashboard', {method: 'GET',
    headers: {Host}})).headers['cross-origin-opener-policy'];
  assert.equal(await opener('127.0.0.1'), 'same-origin');
  assert.equal(await opener('localhost:9190'), 'same-origin');
  assert.equal(await opener('10.0.0.1:9190'), undefined);
  const ca = await readFile(tls.ca);
  const page = await new Promise((resolve, reject) => https.get(`${gateway.url}/dashboard`,
    {ca, agent: false, headers: {Host: '10.0.0.1'}, servername: ''}, (answer) =>
      answer.resume().on('end', () => resolve(answer))).on('error', reject));
  assert.equal(page.headers['cross-origin-opener-policy'], 'same-origin');
});

test('bad requests: each is told, none reaches a provider', async (t) => {
  const {gateway, mock} = await start(t);
  const json = {...bearer, 'Content-Type': 'application/json'};
  for (const [method, route, headers, body, status, detail] of [
    ['GET', '/api/nothing', bearer, '', 404, /Not Found/],
    ['PATCH', VERSION, bearer, '', 405, /Method/],
    ['POST', '/api/admin/login', {'Content-Type': 'text/plain'}, '{}', 415, /application\/json/],
    ['POST', '/api/admin/login', json, '{"token":1,"token":2}', 400, /token/],
    ['POST', '/api/admin/login', json, '{', 400, /token/],
    ['GET', `${VERSION}?a=%zz`, bearer, '', 400, /%-escape/],
  ]) {
    const answer = await exchange(gateway.url, route, {method, headers, body});
    assert.equal(answer.status, status, `${method} ${route}`);
    assert.match(JSON.parse(answer.body).detail, detail);
    if (status === 405) assert.match(answer.headers.allow, /GET/);
  }
  assert.equal((await mock.count()).requests, 0);
});

test('a body of 10 MB, one that never comes, a client that reads nothing: the proxy goes on',
  async (t) => {
    const {gateway} = await start(t);
    const head = (bytes) => `POST /api/admin/login HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${bytes}\r\n\r\n`;
    const large = rawClient(t, gateway.url);
    await large.send(head(10_000_000) + '{"token":"' + 'x'.repeat(100_000));
    await large.receives(/^HTTP\/1\.1 413 /);
    const chunked = rawClient(t, gateway.url);
    await chunked.send('POST /api/admin/login HTTP/1.1\r\nHost: 127.0.0.1\r\n' +
      'Transfer-Encoding: chunked\r\n\r\n');
    await chunked.receives(/^HTTP\/1\.1 411 /);
    const slow = Array.from({length: 20}, () => rawClient(t, gateway.url));
    for (const client of slow) await client.send(head(50) + '{');
    const deaf = rawClient(t, gateway.url);
    deaf.socket.pause();
    for (let i = 0; i < 50; ++i)
      await deaf.send(requestText('/dashboard/assets/chart.js', '', {}, 'GET'));
    for (let i = 0; i < 10; ++i)
      assert.equal((await gateway.post('/v1/chat/completions', ask())).status, 200);
    assert.equal((await asks(gateway.url, 'GET', VERSION, {token: TOKEN})).status, 200);
  });

test('listeners of its own: the whole API, or metrics alone', async (t) => {
  const {gateway} = await start(t, {
    admin: {listen: ['127.0.0.1:0'], hosts: ['gateway.example']},
    metrics: {listen: ['127.0.0.1:0']}});
  const [own, metrics] = await eventually(() => {
    const urls = [...gateway.errors.matchAll(/listening on its own.*url=(\S+)/g)];
    return urls.length === 2 && urls.map((match) => match[1]);
  }, 'both addresses in the log');
  assert.equal((await asks(own, 'GET', VERSION, {token: TOKEN})).status, 200);
  assert.equal((await fetch(`${own}/v1/models`)).status, 404);
  assert.equal((await fetch(metrics + VERSION)).status, 404);
  const scrape = (Host, route = '/metrics') =>
    exchange(metrics, route, {method: 'GET', headers: {Host}});
  for (const host of ['127.0.0.1', 'localhost:9191', '[::1]:9191', 'Gateway.example:9191'])
    assert.equal((await scrape(host)).status, 200, host);
  const rebound = await scrape('evil.example');
  assert.equal(rebound.status, 403);
  assert.match(String(rebound.body), /admin\.hosts/);
  assert.equal((await scrape('evil.example', '/health/ready')).status, 200);
  for (const [url, route] of [[metrics, '/health'], [metrics, '/livez'], [own, '/health']]) {
    const {status, body} = await asks(url, 'GET', route);
    assert.deepEqual([status, body.status], [200, 'ok'], url + route);
  }
  assert.equal((await fetch(`${gateway.url}/health`)).status, 200);
});
