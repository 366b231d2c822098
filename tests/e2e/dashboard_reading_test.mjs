// That what a page reads itself, beside the stream, looks old within 5 s when it cannot be read
// again, on every page, and is new again by itself.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {go, logIn, openDashboard, row, seenBy, TOKEN, until, watchPage} from
  './dashboard_page.mjs';
import {account, ask, startGateway, startMock, temporaryFolder} from './harness.mjs';

const OLD_MS_MAX = 5000;
const SLOW_MS = 1500;
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

const isNew = (page) => page.locator('body:not(.stale)').waitFor();

// What the page asks for at `seen.target` is answered by the gateway ('real'), after SLOW_MS
// ('slow'), with TROUBLE ('trouble') or not at all ('none'); by the page's clock `good`, when the
// last good answer came, which `took` so long, and `vain`, when it asked in vain first.
async function watchReads(page) {
  await watchPage(page);
  await page.evaluate(({body, SLOW_MS}) => {
    const {seen} = window;
    const real = window.fetch;
    seen.held = [];
    window.fetch = async (path, options) => {
      if (!seen.target?.test(path)) return real(path, options);
      const asked = performance.now();
      if (seen.answer !== 'real') seen.vain ||= seen.lived;
      if (seen.answer === 'slow') await new Promise((go) => setTimeout(go, SLOW_MS));
      if (seen.answer === 'none') await new Promise((go) => seen.held.push(go));
      if (seen.answer === 'trouble')
        return new Response(body, {status: 503, headers: {'content-type': 'application/json'}});
      const answer = await real(path, options);
      Object.assign(seen, {good: seen.lived, took: performance.now() - asked});
      return answer;
    };
  }, {body: TROUBLE.body, SLOW_MS});
}

// Goes to the page and waits until it has read what it shows, of which that is a part.
async function goAndRead(page, id, target) {
  await page.evaluate((pattern) => Object.assign(window.seen, {target: new RegExp(pattern),
    answer: 'real', good: 0, took: 0, vain: 0}), target);
  await go(page, id);
  await page.locator('main tbody tr, main .event').first().waitFor();
  await until(page, async () => (await seenBy(page)).good, (at) => at > 0, `${id} is read`);
  await isNew(page);
}
const answer = (page, how) => page.evaluate((kind) => {
  window.seen.answer = kind;
  for (const go of window.seen.held.splice(0)) go();
}, how);

// It looks old at most 5 s after `since` ('good': its last good answer, 'vain': when it asked
// again).
async function isOldInTime(page, since, what) {
  await page.locator('body.stale #stale:visible').waitFor();
  const seen = await seenBy(page);
  const ms = seen.old - seen[since];
  assert.ok(ms < OLD_MS_MAX, `${what}: ${ms} ms, where an answer takes ${seen.took} ms`);
}

// [the page, what it reads, what makes it read that, if it does not do so by itself]
const ROWS = [
  ['usage', '/api/admin/usage\\?'],
  ['models', '/api/admin/usage\\?'],
  ['clients', '/api/admin/usage\\?'],
  ['clients', '/api/admin/clients$'],
  ['requests', '/api/admin/requests\\?'],
  ['overview', '/api/admin/events\\?', 'a change'],
  ['cooldowns', '/api/admin/stats/cooldown\\?', 'a change'],
  ['accounts', '/api/admin/backends$', 'a change'],
  ['models', '/api/admin/prices$', 'a change'],
  ['settings', '/api/admin/settings$', 'a change'],
];

test('what cannot be read again looks old within 5 s, though the stream goes on', async (t) => {
  const {gateway, add} = await start(t);
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  await watchReads(page);
  for (const [i, [id, target, change]] of ROWS.entries()) {
    await goAndRead(page, id, target);
    await answer(page, 'trouble');
    if (change) await add(`added-${i}`);
    await isOldInTime(page, change ? 'vain' : 'good', id);
    await page.locator('#stale',
      {hasText: /of \d\d:\d\d:\d\d, .* old.*the disk is full/}).waitFor();
    assert.equal(await page.locator('.pill').getAttribute('data-state'), 'live');
    await page.locator('#told', {hasText: /the disk is full/}).waitFor({state: 'attached'});
    assert.equal(await page.locator('#alerts .notice').count(), 0, 'the banner says it');
    await answer(page, 'real');
    await isNew(page);
  }
  assert.deepEqual(await faults(), []);
});

test('a read that gets no answer looks old within 5 s', async (t) => {
  const {gateway} = await start(t);
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  await watchReads(page);
  for (const id of ['usage', 'models', 'clients']) {
    await goAndRead(page, id, '/api/admin/usage\\?');
    await answer(page, 'none');
    await isOldInTime(page, 'good', id);
    await answer(page, 'real');
    await isNew(page);
  }
  assert.deepEqual(await faults(), []);
});

test('what is asked for less often because answers take long looks old meanwhile', async (t) => {
  const {gateway} = await start(t);
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  await watchReads(page);
  await goAndRead(page, 'usage', '/api/admin/usage\\?');
  await answer(page, 'slow');
  await page.locator('#stale', {hasText: /answers take long/}).waitFor();
  await answer(page, 'real');
  await page.locator('#stale', {hasText: /no answer comes|answers take long/})
    .waitFor({state: 'hidden'});
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
  for (let i = 0; i < 12 || (shown === 0 && i < 100); i++) {
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
