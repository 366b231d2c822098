// That the keyboard's place is kept when a button is hidden by what it did, or goes with its row.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {go, logIn, openDashboard, row, TOKEN, until} from './dashboard_page.mjs';
import {account, startGateway, startMock, temporaryFolder} from './harness.mjs';

async function start(t) {
  const mock = await startMock(t, ['--tokens', '2']);
  const gateway = await startGateway(t, {
    accounts: [account(mock, {name: 'of-the-file', models: ['m']})],
    store: {directory: await temporaryFolder()},
    admin: {private_upstreams: true},
  }, {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  const send = async (method, target, json) => {
    const answer = await fetch(gateway.url + target, {method, body: JSON.stringify(json),
      headers: {authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json'}});
    assert.equal(answer.status, 200, await answer.text());
  };
  for (const name of ['team-a', 'team-b', 'team-c'])
    await send('POST', '/api/admin/backends', {name, api_base_url: `${mock.url}/v1`,
      api_key: `sk-test-${name}`, model_mappings: {x: {native_id: 'x'}, y: {native_id: 'y'}}});
  for (const name of ['client-a', 'client-b'])
    await send('POST', '/api/admin/clients', {name});
  for (const model of ['price-a', 'price-b'])
    await send('PUT', '/api/admin/prices', {model, input_per_million: 1, output_per_million: 1});
  await send('PUT', '/api/admin/config/rate_rpm', {value: '50'});
  return gateway;
}

// What has the focus. Nothing has gone wrong before.
const label = async (page) => {
  const {alerts, name} = await page.evaluate(() => {
    const {ariaLabel, tagName, textContent} = document.activeElement;
    return {alerts: document.querySelector('#alerts').textContent,
      name: tagName === 'BODY' ? tagName : ariaLabel ?? textContent.trim().slice(0, 40)};
  });
  assert.equal(alerts, '');
  return name;
};
const press = async (page, name) => {
  await page.locator(`main button[aria-label="${name}"]`).focus();
  await page.keyboard.press('Enter');
};
// In a dialog the button that does it is the last.
const confirm = async (page) => {
  await page.locator('dialog footer button').last().focus();
  await page.keyboard.press('Enter');
  await page.locator('dialog').waitFor({state: 'detached'});
};
const focused = (page, wanted) => until(page, () => label(page), (text) => text === wanted,
  `focus on ${wanted}`);
const snapshots = (page, count) => page.evaluate(async (wanted) => {
  const {listen} = await import('/dashboard/assets/live.js');
  await new Promise((done) => {
    let come = 0;
    const off = listen((what) => {
      if (what !== 'snapshot' || ++come < wanted) return;
      off();
      done();
    });
  });
}, count);
// Two snapshots later it is still there.
const stays = async (page, wanted) => {
  await focused(page, wanted);
  await snapshots(page, 2);
  assert.equal(await label(page), wanted);
};

test('buttons that change their row leave the focus in it', async (t) => {
  const gateway = await start(t);
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  await go(page, 'accounts');
  await row(page, 'team-b').waitFor();
  await press(page, 'Drain team-b');
  await confirm(page);
  await stays(page, 'Enable team-b');
  await page.keyboard.press('Enter');
  await stays(page, 'Drain team-b');
  await press(page, 'Test team-b');
  await page.locator('.notice', {hasText: 'team-b: the provider takes the key'}).waitFor();
  await page.locator('button[aria-busy]').waitFor({state: 'detached'});
  await stays(page, 'Test team-b');
  await go(page, 'clients');
  await row(page, 'client-a').waitFor();
  await press(page, 'Revoke client-a');
  await confirm(page);
  await stays(page, 'Look at client-a');
  await go(page, 'settings');
  const reset = page.locator('main button[aria-label^="Reset "]:visible').first();
  const name = (await reset.getAttribute('aria-label')).replace('Reset ', '');
  await press(page, `Reset ${name}`);
  await stays(page, `Change ${name}`);
  assert.deepEqual(await faults(), []);
});

test('where a row goes, the focus goes to the next one', async (t) => {
  const gateway = await start(t);
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  await go(page, 'accounts');
  await row(page, 'team-c').waitFor();
  await press(page, 'Delete team-b');
  await confirm(page);
  await row(page, 'team-b').waitFor({state: 'detached'});
  await stays(page, 'Delete team-c');
  await press(page, 'Delete team-c');
  await confirm(page);
  await row(page, 'team-c').waitFor({state: 'detached'});
  await stays(page, 'Delete team-a');
  await go(page, 'models');
  await row(page, 'price-a').first().waitFor();
  await press(page, 'Delete this price of price-a');
  await confirm(page);
  await stays(page, 'Delete this price of price-b');
  await press(page, 'Delete this price of price-b');
  await confirm(page);
  await stays(page, 'Prices');  // the table, which is empty
  assert.deepEqual(await faults(), []);
});

test('a model that is removed leaves the focus in the form', async (t) => {
  const gateway = await start(t);
  const {page} = await openDashboard(t, gateway.url);
  await logIn(page);
  await go(page, 'accounts');
  await page.click('button[aria-label="Edit team-a"]');
  const remove = page.locator('dialog button[aria-label="Remove model"]');
  await remove.first().focus();
  await page.keyboard.press('Enter');
  assert.equal(await label(page), 'Remove model');
  await page.keyboard.press('Enter');
  assert.equal(await remove.count(), 0);
  assert.equal(await label(page), 'Add model');
});

test('who clicks elsewhere is not called back', async (t) => {
  const gateway = await start(t);
  const {page} = await openDashboard(t, gateway.url);
  await logIn(page);
  await go(page, 'accounts');
  await page.locator('main button[aria-label="Test team-a"]').focus();
  await page.click('#title');
  await page.waitForTimeout(1500);
  assert.notEqual(await label(page), 'Test team-a');
});
