// That prices are shown as they were set, wherever they stand, and that a form which changes one
// shows all that belongs to it.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import * as contract from './contract.mjs';
import {go, logIn, openDashboard, row, TOKEN} from './dashboard_page.mjs';
import {account, startGateway, startMock, temporaryFolder} from './harness.mjs';

const PHONE = {width: 390, height: 844};

async function start(t, mappings = {}) {
  const mock = await startMock(t, ['--tokens', '2']);
  const gateway = await startGateway(t, {
    accounts: [account(mock, {name: 'of-the-file', models: ['m']})],
    store: {directory: await temporaryFolder()},
    admin: {private_upstreams: true},
  }, {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  const call = async (method, target, json) => {
    const {status, body} = await contract.ask(gateway.url, method, target, {token: TOKEN, json});
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  await call('POST', '/api/admin/backends', {name: 'team-a', api_base_url: `${mock.url}/v1`,
    api_key: 'sk-test-team-a', model_mappings: mappings});
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  const costs = async () => Object.fromEntries(Object.entries((await call('GET',
    '/api/admin/backends')).find(({name}) => name === 'team-a').model_mappings)
    .map(([model, {cost}]) => [model, cost]));
  return {call, costs, faults, gateway, page};
}

const submit = (page) => page.click('dialog button[type=submit]');
const closed = (page) => page.locator('dialog').waitFor({state: 'detached'});
const price = (page, label, at = 0) => page.getByLabel(label, {exact: true}).nth(at);

test('a mapping\'s form has all of its prices', async (t) => {
  const {costs, faults, page} = await start(t, {
    x: {native_id: 'x-1', cost: {input: 1e-5, output: 2e-5, cacheRead: 1e-6}},
    y: {native_id: 'y-1', cost: {input: 3e-6, output: 4e-6, cacheRead: 0, cacheWrite: 5e-6}}});
  await go(page, 'accounts');
  await row(page, 'team-a').waitFor();
  await page.click('button[aria-label="Edit team-a"]');
  const shown = {'Input $/M': ['10', '3'], 'Output $/M': ['20', '4'],
    'Cache read $/M': ['1', '0'], 'Cache write $/M': ['', '5']};
  for (const viewport of [page.viewportSize(), PHONE]) {
    await page.setViewportSize(viewport);
    for (const [label, values] of Object.entries(shown))
      for (const [at, value] of values.entries()) {
        assert.equal(await price(page, label, at).inputValue(), value, `${label} of ${at}`);
        assert.equal(await price(page, label, at).isVisible(), true, label);
      }
  }
  for (const label of ['Input $/M', 'Output $/M']) await price(page, label).fill('0.5');
  await price(page, 'Cache read $/M').fill('');  // as input
  await price(page, 'Cache write $/M').fill('0.25');
  await submit(page);
  await closed(page);
  const {x, y} = await costs();
  assert.deepEqual(x, {input: 5e-7, output: 5e-7, cacheWrite: 2.5e-7});
  assert.deepEqual(y, {input: 3e-6, output: 4e-6, cacheRead: 0, cacheWrite: 5e-6});
  assert.deepEqual(await faults(), []);
});
