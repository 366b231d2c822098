// That a form sends nothing of what it cannot read, and says at the field what that is; and that
// what was begun outlives a sign-in.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import * as contract from './contract.mjs';
import {go, logIn, openDashboard, row, TOKEN} from './dashboard_page.mjs';
import {account, startGateway, startMock, temporaryFolder} from './harness.mjs';

const NUMBER = 'This is no number.';
const PRICE = 'A price is a number such as 2.5, in dollars; empty: not known.';
const UNNAMED = 'Give it a name for clients, or remove the model.';
const TWICE = 'Another model above has this name for clients.';
const COST = {input: 2e-6, output: 8e-6};

const field = (page, name) => page.locator(`dialog [name="${name}"]`);
const submit = (page) => page.click('dialog button[type=submit]');
const closed = (page) => page.locator('dialog').waitFor({state: 'detached'});
const label = (page, text, at = 0) => page.getByLabel(text, {exact: true}).nth(at);

// A browser that is signed in; `sent` has the changes that its page has asked for.
async function start(t, more = {}) {
  const mock = await startMock(t, ['--tokens', '2']);
  const gateway = await startGateway(t, {
    accounts: [account(mock, {name: 'of-the-file', models: ['m']})],
    store: {directory: await temporaryFolder()},
    admin: {private_upstreams: true},
    ...more,
  }, {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  const call = async (method, target, json) => {
    const {status, body} = await contract.ask(gateway.url, method, target, {token: TOKEN, json});
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  await call('POST', '/api/admin/backends', {name: 'team-a', api_base_url: `${mock.url}/v1`,
    api_key: 'sk-test-team-a', model_mappings: {x: {native_id: 'x-1', cost: COST},
      y: {native_id: 'y-1'}}});
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  const sent = [];
  page.on('request', (request) => request.method() !== 'GET' &&
    sent.push(`${request.method()} ${new URL(request.url()).pathname}`));
  const mappings = async () => (await call('GET', '/api/admin/backends'))
    .find(({name}) => name === 'team-a').model_mappings;
  return {call, faults, gateway, mappings, mock, page, sent};
}

async function edit(page) {
  await go(page, 'accounts');
  await row(page, 'team-a').waitFor();
  await page.click('button[aria-label="Edit team-a"]');
  await page.locator('dialog .mapping').nth(1).waitFor();
}

// The field has the focus, and what is wrong with it is its description.
async function isRefused(page, input, text) {
  await submit(page);
  await page.locator('dialog .fault:visible', {hasText: text}).waitFor();
  const said = await input.evaluate((node) => ({focused: document.activeElement === node,
    invalid: node.ariaInvalid, why: document.getElementById(
      node.getAttribute('aria-describedby')?.split(' ').at(-1))?.textContent}));
  assert.deepEqual(said, {focused: true, invalid: 'true', why: text});
}

test('a price that is no number is refused at its field, and none is lost', async (t) => {
  const {faults, mappings, page, sent} = await start(t);
  await edit(page);
  const price = label(page, 'Input $/M');
  for (const text of ['1,5', 'abc', '-1', '0x10', '1e999']) {
    await price.fill(text);
    await isRefused(page, price, PRICE);
  }
  assert.deepEqual(sent, []);
  await price.fill('1.5');
  await submit(page);
  await closed(page);
  const {x} = await mappings();
  assert.equal(x.cost.input, 1.5e-6);
  assert.equal(x.cost.output, COST.output);
  assert.deepEqual(await faults(), []);
});

test('no row of models is lost without a word', async (t) => {
  const {faults, mappings, page, sent} = await start(t);
  await edit(page);
  const name = (at) => label(page, 'Name for clients', at);
  await name(1).fill('');
  await isRefused(page, name(1), UNNAMED);
  await name(1).fill(' x ');
  await isRefused(page, name(1), TWICE);
  await name(1).fill('y');
  await page.click('dialog >> text=Add model');
  await label(page, 'Name at the provider', 2).fill('z-1');
  await isRefused(page, name(2), UNNAMED);
  assert.deepEqual(sent, []);
  await name(2).fill('z');
  await page.click('dialog >> text=Add model');  // stays empty: it is nothing
  await submit(page);
  await closed(page);
  const after = await mappings();
  assert.deepEqual(Object.keys(after).sort(), ['x', 'y', 'z']);
  assert.equal(after.z.native_id, 'z-1');
  assert.equal(await page.locator('.fault:visible').count(), 0);
  assert.deepEqual(await faults(), []);
});

// Types what the browser takes for a number that is not finished yet.
async function typeInto(input, text) {
  await input.fill('');
  await input.pressSequentially(text);
}

test('a number that the browser cannot read is refused in every form', async (t) => {
  const {call, faults, page, sent} = await start(t);
  await go(page, 'clients');
  await page.click('main >> text=Create key');
  await field(page, 'name').fill('a-client');
  for (const [name, text] of [['budget_usd', '5e'], ['rpm_limit', '1-0']]) {
    await typeInto(field(page, name), text);
    await isRefused(page, field(page, name), NUMBER);
    await field(page, name).fill('7');
  }
  await page.keyboard.press('Escape');
  await closed(page);
  await edit(page);
  await page.locator('dialog summary', {hasText: 'Timeouts'}).click();
  await typeInto(field(page, 'timeouts.idle'), '3e');
  await page.locator('dialog summary', {hasText: 'Timeouts'}).click();  // folded, it opens again
  await isRefused(page, field(page, 'timeouts.idle'), NUMBER);
  await page.keyboard.press('Escape');
  await closed(page);
  await go(page, 'models');
  await page.locator('main .toolbar').getByText('Set price').click();
  await field(page, 'model').fill('x');
  await field(page, 'input_per_million').fill('1');
  await field(page, 'output_per_million').fill('1');
  await typeInto(field(page, 'cache_read_per_million'), '1e');
  await isRefused(page, field(page, 'cache_read_per_million'), NUMBER);
  assert.deepEqual(sent, []);
  await page.keyboard.press('Escape');
  await closed(page);
  assert.deepEqual((await call('GET', '/api/admin/clients')).map(({name}) => name), ['e2e']);
  assert.deepEqual(await call('GET', '/api/admin/prices'), []);
  assert.deepEqual(await faults(), []);
});

test('a new account starts from account_defaults, and only what was changed is sent', async (t) => {
  const {call, faults, mock, page} = await start(t, {account_defaults: {rpm_limit: 7,
    window: '90s', bucket: 'steady', tpm_limit: 5000, rpd_limit: 600, concurrent_limit: 3,
    learn_limits: true}});
  await go(page, 'accounts');
  await row(page, 'team-a').waitFor();
  await page.click('main >> text=Add account');
  const shown = {rpm_limit: '7', window_seconds: '90', bucket: 'steady', tpm_limit: '5000',
    rpd_limit: '600', concurrent_limit: '3', weight: '1', pool: 'primary'};
  for (const [name, value] of Object.entries(shown))
    assert.equal(await field(page, name).inputValue(), value, name);
  assert.equal(await field(page, 'learn_limits').isChecked(), true);
  const given = {name: 'team-new', api_base_url: `${mock.url}/v1`, api_key: 'sk-test-team-new'};
  for (const [name, value] of Object.entries(given)) await field(page, name).fill(value);
  await field(page, 'weight').fill('2');
  await field(page, 'rpd_limit').fill('');  // the default, then
  const post = page.waitForRequest((request) => request.method() === 'POST');
  await submit(page);
  assert.deepEqual((await post).postDataJSON(), {...given, weight: 2});
  await closed(page);
  const made = (await call('GET', '/api/admin/backends')).find(({name}) => name === 'team-new');
  const {rpm_limit, window_seconds, bucket, learn_limits, weight} = made;
  assert.deepEqual({rpm_limit, window_seconds, bucket, learn_limits, weight},
    {rpm_limit: 7, window_seconds: 90, bucket: 'steady', learn_limits: true, weight: 2});
  assert.deepEqual(await faults(), []);
});

// What is said at a field that has the focus, and over the form.
const saidAt = async (page, input) => {
  await page.locator('dialog .summary:visible').waitFor();
  return {summary: await page.locator('dialog .summary').innerText(),
    ...await input.evaluate((node) => ({focused: document.activeElement === node,
      invalid: node.ariaInvalid, why: document.getElementById(
        node.getAttribute('aria-describedby')?.split(' ').at(-1))?.textContent}))};
};
const MARKED = {summary: 'Not taken: see what is marked here.', focused: true, invalid: 'true'};

test('what the gateway refuses is said once, at its field, which has the focus', async (t) => {
  const {faults, page} = await start(t);
  await go(page, 'settings');
  await page.click('button[aria-label="Change queue.wait.low"]');
  const value = page.locator('dialog input');
  await value.fill('soon');
  await submit(page);
  const {why, ...marked} = await saidAt(page, value);
  assert.deepEqual(marked, MARKED);
  assert.match(why, /^"soon" is not a duration; give a duration like 30s/);
  await value.fill('7s');
  await submit(page);
  await closed(page);

  await go(page, 'clients');
  await page.click('main >> text=Create key');
  await field(page, 'name').fill('a-client');
  await field(page, 'models').fill('gpt-4o\ngpt-4o\ngpt-4o');
  await submit(page);
  const said = await saidAt(page, field(page, 'models'));
  assert.deepEqual(said.why.split('\n'), [2, 3].map((n) =>
    `Line ${n}: "gpt-4o" stands here twice; give a model's name`));
  assert.deepEqual({...said, why: undefined}, {...MARKED, why: undefined});
  assert.deepEqual(await faults({refused: true}), []);
});
