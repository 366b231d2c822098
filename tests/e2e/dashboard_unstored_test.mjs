// What the dashboard shows of a gateway that stores nothing (store.directory: none): all that it
// knows without a store, that usage is not stored, and no complaint.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import * as contract from './contract.mjs';
import {go, logIn, openDashboard, row, TOKEN} from './dashboard_page.mjs';
import {account, ask, startGateway, startMock} from './harness.mjs';

const PAGES = ['overview', 'accounts', 'models', 'clients', 'usage', 'requests', 'cooldowns',
  'settings'];
const CLIENTS = [{name: 'a-client', key: 'sk-test-client-0123456789', rpm_limit: 100}];

async function start(t) {
  const mock = await startMock(t, ['--tokens', '2']);
  const gateway = await startGateway(t, {
    accounts: [account(mock, {name: 'team-a', models: ['m', 'another']})],
    clients: CLIENTS, store: {directory: 'none'},
  }, {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  return gateway;
}
const send = async (gateway) =>
  (await gateway.post('/v1/chat/completions', ask({model: 'm'}))).text();

test('pages show what is known without a store, and that usage is not', async (t) => {
  const gateway = await start(t);
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  await send(gateway);
  await go(page, 'clients');  // before the minute of that request is over
  await row(page, 'a-client').locator('.level .of', {hasText: '99 / 100'}).waitFor();
  await go(page, 'overview');
  const cost = page.locator('.tile', {hasText: 'Cost today'});
  await cost.locator('.sub', {hasText: 'store.directory is none'}).waitFor();
  assert.equal(await cost.locator('.value').innerText(), '–');

  await go(page, 'models');
  for (const model of ['m', 'another']) await row(page, model).first().waitFor();
  assert.deepEqual((await row(page, 'm').first().locator('td').allInnerTexts()).slice(-5, -1),
    ['–', '–', '–', '–']);
  await page.locator('section', {hasText: 'Usage is not stored'}).waitFor();

  await go(page, 'clients');
  await row(page, 'a-client').waitFor();
  assert.deepEqual((await row(page, 'a-client').locator('td').allInnerTexts()).slice(-3, -1),
    ['–', '–']);
  await page.locator('section', {hasText: 'Usage is not stored'}).waitFor();

  await go(page, 'usage');
  await page.locator('main', {hasText: 'Usage is not stored'}).waitFor();
  await go(page, 'cooldowns');
  await page.locator('main', {hasText: 'Usage is not stored'}).waitFor();
  await go(page, 'requests');
  await page.locator('main .empty', {hasText: 'Requests are not stored'}).waitFor();
  await page.waitForTimeout(4500);  // two turns of its tail
  assert.equal(await page.locator('#alerts .notice').count(), 0);
  assert.equal(await page.locator('#stale:visible').count(), 0);
  await page.reload();  // no page asks before it knows
  await page.locator('main .empty', {hasText: 'Requests are not stored'}).waitFor();
  for (const id of PAGES) {
    await go(page, id);
    await page.waitForTimeout(300);
  }
  assert.deepEqual(await faults(), []);
});

test('what is not stored is told apart from a store in trouble', async (t) => {
  const gateway = await start(t);
  for (const target of ['/api/admin/usage', '/api/admin/requests', '/api/admin/stats/cooldown']) {
    const {status, body} = await contract.ask(gateway.url, 'GET', target, {token: TOKEN});
    assert.equal(status, 503);
    assert.equal(body.code, 'not_stored');
  }
  const {status, body} = await contract.ask(gateway.url, 'POST', '/api/admin/clients',
    {token: TOKEN, json: {name: 'another'}});
  assert.equal(status, 503);
  assert.equal(body.code, 'not_stored');
});

test('a page that asks all the same shows that nothing is stored', async (t) => {
  const gateway = await start(t);
  const {page} = await openDashboard(t, gateway.url);
  // As of a gateway that was started again without its store since the page was opened.
  await page.route('**/api/admin/version', async (route) => {
    const answer = await route.fetch();
    await route.fulfill({response: answer, json: {...await answer.json(), stored: true}});
  });
  await page.route('**/dashboard/sse', () => {});  // and of which nothing has come yet
  await page.fill('#token', TOKEN);
  await page.press('#token', 'Enter');
  await go(page, 'usage');
  await page.locator('main', {hasText: 'Usage is not stored'}).waitFor();
  assert.equal(await page.locator('#alerts .notice').count(), 0);
  await page.unrouteAll({behavior: 'ignoreErrors'});  // the gateway ends before the page does
});
