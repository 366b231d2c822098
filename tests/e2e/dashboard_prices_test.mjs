// That prices are shown as they were set, wherever they stand, and that a form which changes one
// shows all that belongs to it.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import * as contract from './contract.mjs';
import {go, logIn, openDashboard, row, TOKEN, until} from './dashboard_page.mjs';
import {account, ask, startGateway, startMock, temporaryFolder} from './harness.mjs';

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
  return {call, costs, faults, gateway, mock, page};
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
  assert.deepEqual(x, {input: 5e-7, output: 5e-7, cacheRead: 5e-7, cacheWrite: 2.5e-7});
  assert.deepEqual(y, {input: 3e-6, output: 4e-6, cacheRead: 0, cacheWrite: 5e-6});
  assert.deepEqual(await faults(), []);
});

const cells = (page, name, at = 0) => page.locator('main section').nth(at).locator('tbody tr',
  {hasText: name}).locator('td').allInnerTexts();

test('a price is shown as it was set, a cost not 1 % off', async (t) => {
  const {call, faults, gateway, mock, page} = await start(t, {
    own: {native_id: 'own-1', cost: {input: 7.5e-8, output: 3.75e-8}}});
  await call('PUT', '/api/admin/prices', {model: 'set-here', input_per_million: 0.075,
    output_per_million: 0.0375, cache_read_per_million: 1.125, cache_write_per_million: 2.5});
  await call('PUT', '/api/admin/prices', {model: 'm', input_per_million: 200,
    output_per_million: 490});
  await go(page, 'models');
  for (const name of ['own', 'set-here']) {
    await row(page, name).first().waitFor();
    assert.deepEqual((await cells(page, name)).filter((text) => text.startsWith('$')).slice(0, 2),
      ['$0.075', '$0.0375'], name);
  }
  assert.deepEqual((await cells(page, 'set-here', 1)).slice(1, 5),
    ['$0.075', '$0.0375', '$1.125', '$2.50']);

  await mock.script({defaults: {'prompt-tokens': 50, tokens: 10}});
  const answer = await gateway.post('/v1/chat/completions', ask({model: 'm'}));
  assert.equal(answer.status, 200, await answer.text());  // of 50 tokens in and 10 out: $0.0149
  await go(page, 'requests');
  await row(page, '').first().locator('td', {hasText: /^\$0\.0149$/}).waitFor();
  await go(page, 'overview');
  await page.locator('.tile', {hasText: 'Cost today'}).locator('.value', {hasText: /^\$0\.0149$/})
    .waitFor();
  await go(page, 'usage');
  await until(page, () => page.locator('.tile', {hasText: 'Cost'}).locator('.value').innerText(),
    (text) => text === '$0.0149', 'the cost of 7 days');
  assert.deepEqual(await faults(), []);
});

test('the accounts of a model are those that the gateway sends it to', async (t) => {
  const {call, faults, gateway, mock, page} = await start(t, {x: {native_id: 'x-1'}});
  const dollars = {input_per_million: 1, output_per_million: 2};
  for (const model of ['near/nope', 'near/'])
    await call('PUT', '/api/admin/prices', {model, ...dollars});
  const status = async (model) =>
    (await gateway.post('/v1/chat/completions', ask({model}))).status;
  const add = (name, more) => call('POST', '/api/admin/backends', {name,
    api_base_url: `${mock.url}/v1`, api_key: `sk-test-${name}`, ...more});
  const shown = async (expected) => {
    const usable = async () => Object.fromEntries(await page.locator('main section').first()
      .locator('tbody tr').evaluateAll((rows) => rows.map((one) =>
        [one.querySelector('th span').textContent, one.querySelector('td').textContent])));
    const text = (of) => JSON.stringify(Object.entries(of).sort());
    await until(page, usable, (now) => text(now) === text(expected), text(expected));
    for (const [model, count] of Object.entries(expected))
      assert.equal(await status(model), count === '0' ? 404 : 200, model);
  };
  await go(page, 'models');
  await shown({m: '1 / 1', x: '1 / 1', 'near/nope': '0', 'near/': '0'});
  // A prefix is no model by itself, and one that maps others serves what its prefix begins, too.
  await add('near', {model_prefix: 'near/', model_mappings: {y: {native_id: 'y-1'}}});
  await shown({m: '1 / 1', x: '1 / 1', y: '1 / 1', 'near/nope': '1 / 1', 'near/': '0'});
  await add('every', {});
  await shown({m: '2 / 2', x: '2 / 2', y: '2 / 2', 'near/nope': '2 / 2', 'near/': '1 / 1'});
  const limits = Object.fromEntries((await call('GET', '/api/admin/backends'))
    .map((one) => [one.name, one.rpm_limit]));
  const level = await row(page, 'x').first().locator('.level').getAttribute('title');
  assert.match(level, new RegExp(`^\\d+ of ${limits['team-a'] + limits.every} requests `));
  assert.deepEqual(await faults(), []);
});

test('a form says whether it replaces a price or adds one', async (t) => {
  const {call, faults, page} = await start(t);
  const dollars = {input_per_million: 1, output_per_million: 2};
  await call('PUT', '/api/admin/prices', {model: 'x', valid_from: '2026-01-05T08:15:30.250Z',
    ...dollars});
  await go(page, 'models');
  await page.locator('main section').nth(1).getByLabel('Set the price of x').click();
  const effect = page.locator('dialog .effect');
  await effect.filter({hasText: /^Replaces the price that is valid from Jan 5, 2026/}).waitFor();
  const from = page.locator('dialog [name=valid_from]');
  await from.fill('2026-02-01T00:00');
  await effect.filter({hasText: new RegExp('^Adds a price that holds from Feb 1, 2026, 00:00 ' +
    'on\\. The one that is valid from Jan 5, 2026.* stays, too\\.$')}).waitFor();
  await page.locator('dialog [name=input_per_million]').fill('3');
  await submit(page);
  await closed(page);
  const inputs = async () => (await call('GET', '/api/admin/prices'))
    .map((one) => one.input_per_million);
  assert.deepEqual(await inputs(), [3, 1]);

  await page.locator('main section').nth(0).getByLabel('Set the price of x').click();
  await from.fill('2026-01-20T00:00');
  await effect.filter({hasText: /^Adds a price that holds from Jan 20, 2026, .* until Feb 1, 2026/})
    .waitFor();
  await from.fill('2026-02-01T00:00');
  await effect.filter({hasText: /^Replaces the price that is valid from Feb 1, 2026/}).waitFor();
  await page.locator('dialog [name=input_per_million]').fill('4');
  await submit(page);
  await closed(page);
  assert.deepEqual(await inputs(), [4, 1]);
  assert.deepEqual(await faults(), []);
});
