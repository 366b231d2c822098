// That what a page reads itself, beside the stream, looks old within 5 s when it cannot be read
// again, on every page, and is new again by itself.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {go, logIn, openDashboard, row, TOKEN} from './dashboard_page.mjs';
import {account, ask, startGateway, startMock, temporaryFolder} from './harness.mjs';

const OLD_MS_MAX = 5000;
const TROUBLE = {status: 503, contentType: 'application/json',
  body: '{"detail":"the disk is full","code":"store_trouble"}'};
const FAILED = /^Failed to load resource: the server responded with a status of 503/;

async function start(t) {
  const mock = await startMock(t, ['--tokens', '2']);
  const gateway = await startGateway(t, {
    accounts: [account(mock, {name: 'team-a', models: ['m']})],
    clients: [{name: 'a-client', key: 'sk-test-client-0123456789'}],
    store: {directory: await temporaryFolder()},
    admin: {private_upstreams: true},
  }, {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  await (await gateway.post('/v1/chat/completions', ask({model: 'm'}))).text();
  const add = async (name) => assert.equal((await fetch(`${gateway.url}/api/admin/backends`, {
    method: 'POST', headers: {authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json'},
    body: JSON.stringify({name, api_base_url: `${mock.url}/v1`, api_key: `sk-test-${name}`}),
  })).status, 200);
  return {gateway, add};
}

const isOld = (page) => page.locator('body.stale #stale:visible').waitFor();
const isNew = (page) => page.locator('body:not(.stale)').waitFor();

// [the page, what it reads, what makes it read that, if it does not do so by itself]
const ROWS = [
  ['usage', '**/api/admin/usage?*'],
  ['models', '**/api/admin/usage?*'],
  ['clients', '**/api/admin/usage?*'],
  ['clients', '**/api/admin/clients'],
  ['requests', '**/api/admin/requests?*'],
  ['overview', '**/api/admin/events?*', 'a change'],
  ['cooldowns', '**/api/admin/stats/cooldown?*', 'a change'],
  ['accounts', '**/api/admin/backends', 'a change'],
  ['models', '**/api/admin/prices', 'a change'],
  ['settings', '**/api/admin/settings', 'a change'],
];

test('what cannot be read again looks old within 5 s, though the stream goes on', async (t) => {
  const {gateway, add} = await start(t);
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  for (const [i, [id, target, change]] of ROWS.entries()) {
    await go(page, id);
    await page.locator('main tbody tr, main .event').first().waitFor();
    await isNew(page);
    await page.route(target, (route) => route.fulfill(TROUBLE));
    const from = Date.now();
    if (change) await add(`added-${i}`);
    await isOld(page);
    assert.ok(Date.now() - from < OLD_MS_MAX, `${id}: ${Date.now() - from} ms`);
    assert.match(await page.locator('#stale').innerText(),
      /of \d\d:\d\d:\d\d, .* old.*the disk is full/);
    assert.equal(await page.locator('.pill').getAttribute('data-state'), 'live');
    assert.match(await page.locator('#told').textContent(), /the disk is full/);
    assert.equal(await page.locator('#alerts .notice').count(), 0, 'the banner says it');
    await page.unroute(target);
    await isNew(page);
  }
  assert.deepEqual((await faults()).filter((line) => !FAILED.test(line)), []);
});

test('a read that gets no answer looks old within 5 s', async (t) => {
  const {gateway} = await start(t);
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  for (const id of ['usage', 'models', 'clients']) {
    await go(page, id);
    await page.locator('main tbody tr').first().waitFor();
    let held = [];
    await page.route('**/api/admin/usage?*', (route) => held ? held.push(route) : route.continue());
    const from = Date.now();
    await isOld(page);
    assert.ok(Date.now() - from < OLD_MS_MAX, `${id}: ${Date.now() - from} ms`);
    const late = held;
    held = null;
    for (const route of late) await route.continue();
    await isNew(page);
    await page.unroute('**/api/admin/usage?*');
  }
  assert.deepEqual(await faults(), []);
});

test('changes that come faster than answers do not keep all answers away', async (t) => {
  const {gateway, add} = await start(t);
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  await page.locator('main .event').first().waitFor();
  await page.route('**/api/admin/events?*', async (route) => {
    await new Promise((done) => setTimeout(done, 1500));  // a snapshot comes each second
    await route.continue().catch(() => {});  // the page may have gone
  });
  let shown = 0;
  for (let i = 0; i < 12; i++) {
    await add(`quick-${i}`);
    await page.waitForTimeout(500);
    shown = await page.locator('main .event', {hasText: 'quick-'}).count();
  }
  assert.ok(shown > 0);
  assert.deepEqual(await faults(), []);
});

test('a page that cannot be read at first says so, and shows it when it can', async (t) => {
  const {gateway} = await start(t);
  const {page, faults} = await openDashboard(t, gateway.url, {language: 'zh-CN'});
  await logIn(page);
  await page.route('**/api/admin/usage?*', (route) => route.fulfill(TROUBLE));
  await go(page, 'models');
  await page.locator('#stale',
    {hasText: '此页面无法读取：存储出现故障：the disk is full'}).waitFor();
  await page.unroute('**/api/admin/usage?*');
  await row(page, 'm').first().waitFor();
  await isNew(page);
  assert.deepEqual((await faults()).filter((line) => !FAILED.test(line)), []);
});
