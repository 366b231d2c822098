// What is changed on the page: that it is done, that it undoes nobody else's change, and that the
// page says what came of it.
import assert from 'node:assert/strict';
import {readFile, writeFile} from 'node:fs/promises';
import {test} from 'node:test';
import * as contract from './contract.mjs';
import {go, logIn, openDashboard, row, TOKEN, until} from './dashboard_page.mjs';
import {account, ask, startGateway, startMock, temporaryFolder} from './harness.mjs';

const field = (page, name) => page.locator(`dialog [name="${name}"]`);
const submit = (page) => page.click('dialog button[type=submit]');
const closed = (page) => page.locator('dialog').waitFor({state: 'detached'});

async function start(t, config = {}) {
  const mock = await startMock(t, ['--tokens', '2']);
  const gateway = await startGateway(t, {
    accounts: [account(mock, {name: 'of-the-file', models: ['m-one', 'm-two']})],
    store: {directory: await temporaryFolder()},
    ...config,
  }, {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  const call = async (method, target, json) => {
    const {status, body} = await contract.ask(gateway.url, method, target, {token: TOKEN, json});
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  return {call, faults, gateway, page};
}

test('a client key with a slash in its name is changed and revoked', async (t) => {
  const {call, faults, page} = await start(t);
  await call('POST', '/api/admin/clients', {name: 'team/app'});
  await go(page, 'clients');
  await row(page, 'team/app').waitFor();
  await page.click('button[aria-label="Edit team/app"]');
  await field(page, 'rpm_limit').fill('7');
  await submit(page);
  await closed(page);
  const found = async () => (await call('GET', '/api/admin/clients'))
    .find(({name}) => name === 'team/app');
  assert.equal((await found()).rpm_limit, 7);
  await page.click('button[aria-label="Revoke team/app"]');
  await page.click('dialog footer .danger');
  await row(page, 'team/app').getByText('Revoked').waitFor();
  assert.equal((await found()).status, 'revoked');
  assert.deepEqual(await faults(), []);
});

test('a client key of before, of a name that no path has, is revoked', async (t) => {
  const {call, faults, page} = await start(t);
  const old = {...await call('POST', '/api/admin/clients', {name: 'old'}), name: '..'};
  delete old.key;
  let asked;
  await page.route('**/api/admin/clients*', async (route) => {
    const {pathname, search} = new URL(route.request().url());
    const revokes = route.request().method() === 'DELETE';
    if (revokes) asked = pathname + search;
    await route.fulfill({json: revokes ? {...old, status: 'revoked'} : [old]});
  });
  await go(page, 'clients');
  await row(page, '..').waitFor();
  await page.click('button[aria-label="Revoke .."]');
  await page.click('dialog footer .danger');
  await page.getByText('.. is revoked').waitFor();
  assert.equal(asked, '/api/admin/clients?name=..');
  assert.deepEqual(await faults(), []);
});

const OUTDATED = 'Somebody has changed it since it was read here';

test('two administrators do not undo each other\'s changes of a client key unseen', async (t) => {
  const {call, faults, page} = await start(t);
  await call('POST', '/api/admin/clients', {name: 'app', rpm_limit: 5});
  await go(page, 'clients');
  await row(page, 'app').waitFor();
  await page.click('button[aria-label="Edit app"]');
  await field(page, 'rpm_limit').fill('500');
  await call('PATCH', '/api/admin/clients/app', {rpm_limit: 1});
  await submit(page);
  await page.locator('dialog .summary', {hasText: OUTDATED}).waitFor();
  const limit = async () => (await call('GET', '/api/admin/clients/app')).rpm_limit;
  assert.equal(await limit(), 1);
  await page.keyboard.press('Escape');
  await closed(page);
  await page.click('button[aria-label="Edit app"]');
  assert.equal(await field(page, 'rpm_limit').inputValue(), '1', 'the present value');
  await field(page, 'rpm_limit').fill('500');
  await submit(page);
  await closed(page);
  assert.equal(await limit(), 500);
  assert.deepEqual(await faults({refused: true}), []);
});

test('nor of a setting, and the page says what it is then', async (t) => {
  const {call, faults, page} = await start(t);
  await go(page, 'settings');
  const change = async (path, value) => {
    await page.locator('main input[type=search]').fill(path);
    await page.click(`button[aria-label="Change ${path}"]`);
    await field(page, 'value').fill(value);
  };
  await change('queue.capacity', '500');
  await call('PUT', '/api/admin/config/queue.capacity', {value: 7});
  await submit(page);
  await page.locator('dialog .summary', {hasText: OUTDATED}).waitFor();
  assert.equal((await call('GET', '/api/admin/config/queue.capacity')).value, '7');
  await page.keyboard.press('Escape');
  await closed(page);
  await change('queue.overflow', 'false');
  await submit(page);
  await page.getByText('queue.overflow is reject now.').waitFor();
  await row(page, 'queue.overflow').filter({hasText: 'reject'}).waitFor();
  assert.deepEqual(await faults({refused: true}), []);
});

test('a form takes models with commas as they are, and a taken name at its field', async (t) => {
  const {call, faults, page} = await start(t);
  const models = ['a,b', 'c'];
  await call('POST', '/api/admin/clients', {name: 'app', models});
  await go(page, 'clients');
  await row(page, 'app').waitFor();
  await page.click('button[aria-label="Edit app"]');
  await field(page, 'models').fill('a,b\nc\nd');
  await submit(page);
  await closed(page);
  assert.deepEqual((await call('GET', '/api/admin/clients/app')).models, [...models, 'd']);
  await page.click('main >> text=Create key');
  await field(page, 'name').fill('app');
  await submit(page);
  await page.locator('dialog .fault:visible', {hasText: 'is taken; take another name'}).waitFor();
  assert.equal(await field(page, 'name').getAttribute('aria-invalid'), 'true');
  assert.deepEqual(await faults({refused: true}), []);
});

test('of requests with one id each row explains itself', async (t) => {
  const {faults, gateway, page} = await start(t);
  for (const model of ['m-one', 'm-two']) {
    const answer = await gateway.post('/v1/chat/completions', ask({model}),
      {'x-request-id': '..'});
    assert.equal(answer.status, 200, await answer.text());
  }
  await go(page, 'requests');
  for (const model of ['m-one', 'm-two']) {
    const of = page.locator('main tbody tr', {hasText: model});
    const [answer] = await Promise.all([page.waitForResponse(/explain/),
      of.locator('button').first().click()]);
    assert.equal(answer.status(), 200);
    assert.equal((await answer.json()).model, model);
    await page.locator('dialog .steps li').first().waitFor();
    await page.keyboard.press('Escape');
    await closed(page);
  }
  assert.deepEqual(await faults(), []);
});

test('settings say what holds, since when, and what waits for the next start', async (t) => {
  const {call, faults, gateway, page} = await start(t, {admin: {private_upstreams: false}});
  const config = JSON.parse(await readFile(gateway.file, 'utf8'));
  await writeFile(gateway.file, JSON.stringify({...config, admin: {private_upstreams: true},
    drain: {grace: '7s'}}));
  await call('POST', '/api/admin/reload');
  await go(page, 'settings');
  const told = (path) => until(page, () => row(page, path).innerText(), Boolean, path);
  assert.match(await told('admin.private_upstreams'), /true[^]*after a reload/);
  assert.match(await told('drain.grace'), /30s[^]*After a restart: 7s[^]*after a restart/);
  assert.match(await told('queue.capacity'), /at once/);
  assert.deepEqual(await faults(), []);
});

test('a drain is announced with its whole time, and shown until the end', async (t) => {
  const {faults, gateway, page} = await start(t, {drain: {delay: '5s', grace: '2s'}});
  await go(page, 'settings');
  await row(page, 'drain.delay').waitFor();
  await page.click('main >> text=Drain gateway');
  await page.locator('dialog', {hasText:
    'It takes new requests for 5s, then gives those that run 2s, and ends.'}).waitFor();
  await page.click('dialog footer .danger');
  await page.getByText('Draining; at most 7 s').waitFor();
  await page.locator('#draining:visible').waitFor();
  assert.equal(await page.locator('.pill').getAttribute('data-state'), 'live');
  const answer = await gateway.post('/v1/chat/completions', ask({model: 'm-one'}));
  assert.equal(answer.status, 200, await answer.text());
  assert.equal((await gateway.exited).code, 0, gateway.errors);
  await page.locator('.pill[data-state=lost]').waitFor();
  assert.deepEqual(await faults({unreachable: true}), []);
});
