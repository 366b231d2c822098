// What the dashboard says of accounts that cannot be used, of what has no price, and of attempts
// that failed: with a real gateway, its mock and a browser.
import assert from 'node:assert/strict';
import {readFile, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {test} from 'node:test';
import * as contract from './contract.mjs';
import {go, logIn, openDashboard, row, TOKEN, until} from './dashboard_page.mjs';
import {account, ask, awayFromMidnight, startGateway, startMock, temporaryFolder} from
  './harness.mjs';

const ENVIRONMENT = {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN};
const FAILS = {rules: [{match: {key: 'sk-test-flaky'}, do: {status: 503}},
  {match: {key: 'sk-test-refused'}, do: {status: 401}}]};

async function start(t, accounts, more = {}) {
  const mock = await startMock(t, ['--tokens', '2']);
  const config = {
    accounts: accounts.map((one) => account(mock, one)),
    store: {directory: await temporaryFolder()},
    admin: {private_upstreams: true},
    ...more,
  };
  return {mock, config, gateway: await startGateway(t, config, {env: ENVIRONMENT})};
}

async function send(gateway, model, status) {
  const answer = await gateway.post('/v1/chat/completions', ask({model}));
  await answer.text();
  assert.equal(answer.status, status, model);
}

const state = (page, name) => row(page, name).locator('.chip').first().innerText();
const left = (page, name) => row(page, name).locator('.left').innerText();
const capacity = (page) => page.locator('.tile', {hasText: 'Primary capacity'}).locator('.of')
  .innerText();

test('an account that only fails is failing, until a request finds it well', async (t) => {
  const {mock, gateway} = await start(t, [
    {name: 'flaky', api_key: 'sk-test-flaky', rpm_limit: 40, models: ['m-flaky']},
    {name: 'refused', api_key: 'sk-test-refused', rpm_limit: 40, models: ['m-refused']},
    {name: 'well', rpm_limit: 40, models: ['m-well']},
  ], {routing: {breaker: {failures: 3, open: '15s', open_max: '15s'}}});
  await mock.script(FAILS);
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  await until(page, () => capacity(page), (text) => text === '120 / 120', 'all is free');
  for (let i = 0; i < 3; i++) await send(gateway, 'm-flaky', 503);
  await gateway.post('/v1/chat/completions', ask({model: 'm-refused'}));
  await until(page, () => capacity(page), (text) => text === '40 / 120', 'what can be used');
  const worry = page.locator('.attention li', {hasText: 'flaky'});
  await worry.locator('.chip.failing', {hasText: 'Failing'}).waitFor();
  await worry.locator('.why', {hasText: '503 provider error'}).waitFor();
  await page.locator('.legend .chip.failing', {hasText: 'Failing 1'}).click();
  await until(page, () => left(page, 'flaky'), (text) => /^0:[01]\d$/.test(text), 'a countdown');
  assert.equal(await state(page, 'flaky'), 'Failing');
  assert.equal(await row(page, 'well').count(), 0);  // the filter of the link
  // Nobody asks, so nothing changes: that is what it says.
  await until(page, () => left(page, 'flaky'), (text) => text === 'next request', 'half-open');
  await go(page, 'overview');
  await worry.locator('.why', {hasText: 'the next request tries it'}).waitFor();
  await mock.script({});
  await send(gateway, 'm-flaky', 200);
  await go(page, 'accounts');
  await until(page, () => state(page, 'flaky'), (text) => text === 'Healthy', 'well again');
  assert.equal(await state(page, 'refused'), 'Error');
  assert.deepEqual(await faults(), []);
});

const RESET_S = 300;
const DAY_MS = 86_400_000;
test('an account that has nothing left says so, until when, and does not answer 429', async (t) => {
  const {mock, gateway} = await start(t, [
    {name: 'spent', api_key: 'sk-test-spent', models: ['m-spent'], learn_limits: true},
    {name: 'well', models: ['m-well']},
  ]);
  const header = ['x-ratelimit-limit-requests: 1000', 'x-ratelimit-remaining-requests: 0',
    `x-ratelimit-reset-requests: ${RESET_S}s`];
  await mock.script({rules: [{match: {key: 'sk-test-spent'}, do: {header}, times: 1}]});
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  const before = Date.now();
  await send(gateway, 'm-spent', 200);
  // It ends between these; what is shown is in whole seconds.
  const [from, to] = [before, Date.now()].map((at) => at + RESET_S * 1000);
  const worry = page.locator('.attention li', {hasText: 'spent'});
  await worry.locator('.chip.cooling', {hasText: 'Used up'}).waitFor();
  const why = await worry.locator('.why').innerText();
  const [, at, minutes, seconds] =
    /^Nothing left until (\d\d:\d\d:\d\d), its provider says · (\d):(\d\d)$/
      .exec(why) ?? assert.fail(why);
  const shown = new Date(from);
  shown.setHours(...at.split(':').map(Number), 0);
  const later = (shown - from + 1.5 * DAY_MS) % DAY_MS - DAY_MS / 2;  // midnight may lie between
  assert.ok(later > -1000 && later <= to - from + 1000, `${at} is not ${new Date(to)}`);
  const counted = 60 * minutes + Number(seconds);
  // The page may have stood still since it was written, but not before `before`.
  assert.ok(counted >= (from - Date.now()) / 1000 - 2, why);
  assert.ok(counted <= (to - before) / 1000 + 1, why);

  await go(page, 'accounts');
  assert.equal(await state(page, 'spent'), 'Used up');
  assert.match(await left(page, 'spent'), /^[0-5]:\d\d$/);
  await page.selectOption('main select', 'cooling');  // it is one of those
  await row(page, 'spent').waitFor();
  assert.equal(await row(page, 'well').count(), 0);
  await go(page, 'cooldowns');
  const cells = await row(page, 'spent').first().locator('td').allInnerTexts();
  assert.match(cells[0], /^[0-5]:\d\d$/);
  assert.match(cells[2], /^\d\d:\d\d:\d\d$/);
  assert.equal(cells[3], 'nothing left');

  const {body} = await contract.ask(gateway.url, 'GET', '/api/admin/backends', {token: TOKEN});
  const spent = body.find(({name}) => name === 'spent');
  assert.equal(spent.status, 'cooling');
  assert.equal(spent.cooldown_until, null);
  const end = Date.parse(spent.hold_until);
  assert.ok(end >= from - 1000 && end <= to + 1000, spent.hold_until);
  assert.deepEqual(await faults(), []);
  await page.context().setExtraHTTPHeaders({authorization: `Bearer ${TOKEN}`});
  await page.goto(`${gateway.url}/stats`);
  assert.match(await page.locator('tr', {hasText: 'spent'}).innerText(), /nothing is left.*\d+ s/s);
});

test('a cooldown is as long in the history as its event says', async (t) => {
  const {mock, gateway} = await start(t, [
    {name: 'short', api_key: 'sk-test-short', models: ['m-short']},
    {name: 'long', api_key: 'sk-test-long', models: ['m-long']}]);
  const refuses = (key, seconds) => ({match: {key}, do: {status: 429, 'retry-after': seconds}});
  await mock.script({rules: [refuses('sk-test-short', 95), refuses('sk-test-long', 150)]});
  for (const model of ['m-short', 'm-long'])  // which may wait for the recovery
    gateway.post('/v1/chat/completions', ask({model})).catch(() => {});
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  await go(page, 'cooldowns');
  const past = (name) => page.locator('section', {hasText: 'History'}).last().locator('tr',
    {hasText: name});
  const shown = (seconds) => seconds < 120 ? `${seconds} s`
    : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} min`;
  for (const [name, asked] of [['short', 95], ['long', 150]]) {
    const event = page.locator('.event', {hasText: name}).filter({hasText: /for \d+ s/});
    await event.waitFor();
    const told = Number(/for (\d+) s/.exec(await event.innerText())[1]);
    // What is left of it when somebody looks: on a busy machine a second or two later.
    assert.ok(told <= asked && told >= asked - 2, `${told} of ${asked}`);
    const near = [told - 1, told, told + 1].map(shown).join('|');  // the store looks by itself
    await past(name).locator('td', {hasText: new RegExp(`^(${near})$`)}).waitFor();
  }
  assert.deepEqual(await faults(), []);
});

// Flips a bit of the sealed key in each copy of that account's row: it stands behind the API's
// name.
function damageKeyOf(bytes, name) {
  const api = Buffer.from('openai-completions');
  let damaged = 0;
  for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at + 1)) {
    const before = bytes.indexOf(api, at);
    if (before < 0 || before > at + 300) continue;
    bytes[before + api.length + 30] ^= 1;  // behind its version, the master key's id and the nonce
    ++damaged;
  }
  return damaged;
}

// A gateway with an account in its store whose key does not open, and one whose key does.
async function startSpoiled(t) {
  const {mock, config, gateway: first} = await start(t, [{name: 'well'}]);
  for (const [name, label] of [['spoiled', 'of the team'], ['sound', '']]) {
    const {status} = await contract.ask(first.url, 'POST', '/api/admin/backends', {token: TOKEN,
      json: {name, label, api_base_url: `${mock.url}/v1`, api_key: `sk-test-${name}-0123456789`}});
    assert.equal(status, 200);
  }
  await first.stopCleanly();
  const database = path.join(config.store.directory, 'data.mdb');
  const bytes = await readFile(database);
  assert.ok(damageKeyOf(bytes, 'spoiled') > 0);
  await writeFile(database, bytes);
  return startGateway(t, config, {env: ENVIRONMENT});
}

test('an account whose key does not open is shown in error, with why and since when', async (t) => {
  const gateway = await startSpoiled(t);
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  await page.locator('.attention li', {hasText: 'spoiled'}).locator('.why',
    {hasText: 'does not open'}).waitFor();
  await page.locator('.event.error', {hasText: 'spoiled'}).waitFor();
  await go(page, 'accounts');
  await row(page, 'spoiled').locator('.chip.error').waitFor();
  await row(page, 'spoiled').locator('.label', {hasText: 'of the team'}).waitFor();
  assert.match(await row(page, 'spoiled').innerText(), /ago · .*cannot be decrypted/s);
  await row(page, 'spoiled').locator('[aria-label="Edit spoiled"]').waitFor();
  assert.deepEqual(await faults(), []);

  await page.context().setExtraHTTPHeaders({authorization: `Bearer ${TOKEN}`});
  await page.goto(`${gateway.url}/stats`);
  assert.match(await page.locator('tr', {hasText: 'spoiled'}).innerText(), /error.*decrypted/s);
});

const LEFT_OUT = /^# account "spoiled" is left out: .* cannot be decrypted: .*$/m;

test('an export in clear says which accounts are not in it', async (t) => {
  const gateway = await startSpoiled(t);
  const ask = (method, json) => contract.ask(gateway.url, method, '/api/admin/backends/export',
    {token: TOKEN, json});
  const clear = await ask('POST', {keys: 'clear', token: TOKEN});
  assert.equal(clear.headers.get('x-sluice-left-out'), '1');
  assert.match(clear.body.split('providers:')[0], LEFT_OUT);
  assert.match(clear.body, /account: "?sound"?/);
  assert.doesNotMatch(clear.body, /account: "?spoiled/);
  const masked = await ask('GET');
  assert.equal(masked.headers.get('x-sluice-left-out'), null);
  assert.match(masked.body, /account: "?spoiled/);
  assert.doesNotMatch(masked.body, /^#/m);

  for (const [language, text] of [['en-US', /^1 account is not in the file.*: spoiled$/],
    ['zh-CN', /^文件中缺少 1 个账号.*：spoiled$/]]) {
    const {page, faults} = await openDashboard(t, gateway.url, {language});
    await logIn(page);
    await go(page, 'accounts');
    await page.click('main .toolbar button:has-text("Export"), main button:has-text("导出")');
    await page.selectOption('dialog [name=keys]', 'clear');
    await page.fill('dialog [name=token]', TOKEN);
    const [file] = await Promise.all([page.waitForEvent('download'),
      page.press('dialog [name=token]', 'Enter')]);
    assert.match(await readFile(await file.path(), 'utf8'), LEFT_OUT);
    assert.match(await page.locator('#alerts .notice .text').innerText(), text);
    assert.deepEqual(await faults(), []);
  }
});

const sums = (page, name) => row(page, name).locator('td').allInnerTexts();

test('usage tells failed attempts, and does not call free what has no price', async (t) => {
  await awayFromMidnight();
  const {mock, gateway} = await start(t, [
    {name: 'flaky', api_key: 'sk-test-flaky', rpm_limit: 40, models: ['m'], weight: 1000,
      cost: {input: 1, output: 2}},
    {name: 'well', rpm_limit: 40, models: ['m', 'm-well']},
  ], {routing: {strategy: 'ordered', breaker: {failures: 0}}});
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  await mock.script(FAILS);
  for (let i = 0; i < 3; i++) await send(gateway, 'm', 200);  // by flaky, then by well
  await send(gateway, 'm-well', 200);
  await until(page, async () => {
    await page.reload();
    await page.locator('.pill[data-state=live]').waitFor();
    await go(page, 'usage');
    await page.locator('.tile', {hasText: /\d attempts/}).first().waitFor();  // it has been read
    return (await page.locator('.tile').allInnerTexts()).join('\n');
  }, (text) => /7 attempts/.test(text) && /3 attempts failed/.test(text) &&
    /unknown/.test(text), 'the tiles');
  assert.match((await sums(page, 'flaky')).join('|'), /^[^|]*\|0\|0\|3\|/);
  assert.match((await sums(page, 'well')).join('|'), /unknown/);
  await mock.script({});
  await send(gateway, 'm', 200);  // by flaky, which has a price
  await go(page, 'overview');
  await page.locator('.tile', {hasText: 'Cost today'}).locator('.value', {hasText: '> $'})
    .waitFor();
  await go(page, 'models');
  await row(page, 'm').first().locator('td', {hasText: '$1.00'}).waitFor();
  await page.locator('section', {hasText: '1 account has a price of its own'}).waitFor();
  assert.equal(await page.locator('.empty:visible', {hasText: 'cost is not known'}).count(), 0);
  const {rows} = await (await fetch(`${gateway.url}/api/admin/usage?group_by=account`,
    {headers: {authorization: `Bearer ${TOKEN}`}})).json();
  assert.equal(rows.find((one) => one.account === 'flaky').failed_attempts, 3);
  assert.deepEqual(await faults(), []);
});

test('events are told in the reader\'s language, unknown ones as the gateway says them',
  async (t) => {
    const {mock, gateway} = await start(t, [
      {name: 'flaky', api_key: 'sk-test-flaky', models: ['m-flaky']},
      {name: 'refused', api_key: 'sk-test-refused', models: ['m-refused']},
    ], {routing: {breaker: {failures: 3, open: '60s'}}});
    await mock.script(FAILS);
    for (let i = 0; i < 3; i++) await send(gateway, 'm-flaky', 503);
    await gateway.post('/v1/chat/completions', ask({model: 'm-refused'}));
    const {page} = await openDashboard(t, gateway.url, {language: 'zh-CN'});
    await page.route('**/api/admin/events*', async (route) => {
      const answer = await route.fetch();
      const body = await answer.json();
      body.events.unshift({...body.events[0], kind: 'of_tomorrow', text: 'Something new.',
        values: {what: 'ever'}});
      await route.fulfill({response: answer, json: body});
    });
    await logIn(page);
    await page.locator('.event', {hasText: '熔断'}).waitFor();
    await page.locator('.event', {hasText: '拒绝了该账号的密钥'}).waitFor();
    const texts = await page.locator('.event span').allInnerTexts();
    assert.equal(texts[0], 'Something new.');
    for (const text of texts.slice(1)) assert.match(text, /[一-鿿].*。|：/, text);
    await page.unrouteAll({behavior: 'ignoreErrors'});  // the gateway ends before the page does
  });
