// The dashboard in a real browser, against a real gateway with the mock behind it: log in, add an
// account, send traffic, see its level fall, see a 429 cool it, edit it, import and export, lose
// the gateway and have it back. Whatever the browser complains of fails the test.
import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {test} from 'node:test';
import {go, logIn, openDashboard, row, scrolledLabels, seenBy, TOKEN, until, watchPage} from
  './dashboard_page.mjs';
import {account, ask, startGateway, startMock, temporaryFolder} from './harness.mjs';

const NAUGHTY = createRequire(import.meta.url)('big-list-of-naughty-strings/blns.json');
const RETRY_AFTER = 40;  // seconds: longer than the first cooldown's 30
const ENVIRONMENT = {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN};

const levelOf = async (page, name) =>
  Number((await row(page, name).locator('.level .of').first().innerText()).split('/')[0]);
const field = (page, name) => page.locator(`dialog [name="${name}"]`);
const submit = (page) => page.click('dialog button[type=submit]');
const closed = (page) => page.locator('dialog').waitFor({state: 'detached'});

async function start(t, more = {}) {
  const mock = await startMock(t, ['--tokens', '2']);
  const config = {
    accounts: [account(mock, {name: 'of-the-file', models: ['only-here']})],
    store: {directory: await temporaryFolder()},
    admin: {private_upstreams: true},
    ...more,
  };
  const gateway = await startGateway(t, config, {env: ENVIRONMENT});
  return {mock, config, gateway};
}

async function addAccount(page, mock, name, more = {}) {
  await go(page, 'accounts');
  await page.click('main >> text=Add account');
  for (const [member, value] of Object.entries({name, api_base_url: `${mock.url}/v1`,
    api_key: `sk-test-${name}-0123456789abcdef`, ...more}))
    await field(page, member).fill(value);
  await submit(page);
}

async function sendTraffic(gateway, count, status) {
  for (let i = 0; i < count; i++) {
    const answer = await gateway.post('/v1/chat/completions', ask());
    assert.equal(answer.status, status, await answer.text());
  }
}

async function wrongTokenThenRight(page) {
  await page.fill('#token', 'sk-test-wrong');
  await page.press('#token', 'Enter');
  await page.locator('#login-fault', {hasText: 'Invalid admin token'}).waitFor();
  await logIn(page);
  const cookies = await page.context().cookies();
  assert.equal(cookies.length, 1);
  assert.ok(cookies[0].httpOnly && cookies[0].sameSite === 'Strict');
  assert.notEqual(cookies[0].value, TOKEN);
}

async function addSeesFaultsAtTheirFields(page, mock) {
  await addAccount(page, mock, 'team-new', {name: 'no name'});
  await page.locator('dialog [name=name][aria-invalid=true]').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.name), 'name');
  await field(page, 'name').fill('team-new');
  await submit(page);
  await closed(page);
  await row(page, 'team-new').waitFor();
}

async function levelFallsWithTraffic(page, gateway) {
  const before = await until(page, () => levelOf(page, 'team-new'), (n) => n === 40, 'full');
  await sendTraffic(gateway, 10, 200);
  await until(page, () => levelOf(page, 'team-new'), (n) => n <= before - 10, 'level');
}

async function aRefusalCools(page, mock, gateway) {
  await mock.script({rules: [{match: {}, do: {status: 429, 'retry-after': RETRY_AFTER}}]});
  const asked = gateway.post('/v1/chat/completions', ask());  // which may wait for the recovery
  const state = row(page, 'team-new').locator('.chip.cooling').first();
  await state.waitFor();
  const left = row(page, 'team-new').locator('.left');
  const first = await until(page, () => left.innerText(), (text) => /^0:\d\d$/.test(text), 'left');
  await until(page, () => left.innerText(), (text) => text < first, 'counts down');
  await go(page, 'cooldowns');
  await row(page, 'team-new').first().waitFor();
  await page.locator('.event', {hasText: 'team-new'}).first().waitFor();
  assert.ok((await asked).status >= 429);
}

async function editBeginsWithWhatIs(page) {
  await go(page, 'accounts');
  await page.click('button[aria-label="Edit team-new"]');
  assert.equal(await field(page, 'name').inputValue(), 'team-new');
  assert.equal(await field(page, 'rpm_limit').inputValue(), '40');
  assert.equal(await field(page, 'api_key').inputValue(), '');
  await field(page, 'rpm_limit').fill('0');
  await submit(page);
  await page.locator('dialog [name=rpm_limit][aria-invalid=true]').waitFor();
  await field(page, 'rpm_limit').fill('55');
  await field(page, 'label').fill('<img src=x onerror=alert(1)>');
  await submit(page);
  await closed(page);
  await row(page, 'team-new').locator('.label', {hasText: '<img src=x onerror=alert(1)>'})
    .waitFor();
  // The level may show less: after 429s the gateway uses less than the limit for a while.
  await page.click('button[aria-label="Edit team-new"]');
  await until(page, () => field(page, 'rpm_limit').inputValue(), (text) => text === '55', 'limit');
  await page.keyboard.press('Escape');
  await closed(page);
}

async function importsAllOrNothing(page, mock) {
  const yaml = (limit) => `providers:
  - account: team-yaml-1
    api_key: sk-test-yaml-1-0123456789abcdef
    endpoint_url: ${mock.url}/v1
    pool: main
  - account: team-yaml-2
    api_key: sk-test-yaml-2-0123456789abcdef
    endpoint_url: ${mock.url}/v1
    pool: fallback
    rpm_limit: ${limit}
`;
  await page.click('main >> text=Import');
  // Said where it can be read: what lies behind a dialog cannot even be closed.
  const file = (bytes) => page.setInputFiles('dialog input[type=file]',
    {name: 'providers.yaml', mimeType: 'application/yaml', buffer: Buffer.alloc(bytes, '#')});
  await file(8 * 1024 * 1024 + 1);
  await page.locator('dialog .report .bad', {hasText: 'larger than 8 MiB'}).waitFor();
  assert.equal(await page.locator('#alerts .notice').count(), 0);
  await file(10);
  await page.locator('dialog .report').waitFor({state: 'hidden'});
  assert.equal(await page.inputValue('dialog textarea'), '##########');
  await page.fill('dialog textarea', yaml('abc'));
  await page.click('dialog footer >> text=Import');
  await page.locator('dialog .report td', {hasText: 'providers[1].rpm_limit'}).waitFor();
  assert.equal(await row(page, 'team-yaml-1').count(), 0);
  await page.fill('dialog textarea', yaml('33'));
  await page.click('dialog >> text=Check');
  await page.locator('dialog .report .good').waitFor();
  await page.click('dialog footer >> text=Import');
  await closed(page);
  for (const name of ['team-yaml-1', 'team-yaml-2']) await row(page, name).waitFor();
}

async function downloaded(page, press) {
  const [download] = await Promise.all([page.waitForEvent('download'), press()]);
  return {name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8')};
}

async function exportsMaskedAndClear(page) {
  await page.click('main >> text=Export');
  const masked = await downloaded(page, () => submit(page));
  assert.match(masked.text, /account: "?team-yaml-2/);
  assert.doesNotMatch(masked.text, /sk-test-yaml-2-0123456789abcdef/);
  await closed(page);
  await page.click('main >> text=Export');
  await field(page, 'keys').selectOption('clear');
  await field(page, 'token').fill(TOKEN);
  const clear = await downloaded(page, () => submit(page));
  assert.match(clear.text, /sk-test-yaml-2-0123456789abcdef/);
}

async function usageAsAChartAndAsAFile(page) {
  await go(page, 'usage');
  await row(page, 'team-new').waitFor();
  const {name, text} = await downloaded(page, () => page.click('main a[download]'));
  const [head, ...rows] = text.trim().split('\r\n').map((line) => line.split(','));
  assert.equal(name, 'usage.csv');
  assert.deepEqual(head.slice(0, 2), ['hour', 'account']);
  const requests = head.indexOf('requests');
  assert.ok(requests > 1);
  const mine = rows.filter(([, of]) => of === 'team-new');
  assert.ok(mine.reduce((sum, columns) => sum + Number(columns[requests]), 0) >= 10, text);
}

async function aRequestIsExplained(page) {
  await go(page, 'requests');
  await page.locator('main tbody button.link').first().click();
  const step = page.locator('dialog .steps li').first();
  await step.locator('strong', {hasText: 'team-new'}).waitFor();
  await step.locator('summary').click();  // what it had before it
  await step.locator('tbody tr.chosen', {hasText: 'team-new'}).waitFor();
  await page.keyboard.press('Escape');
  await closed(page);
}

test('from the login to the export, without a complaint of the browser', async (t) => {
  const {mock, gateway} = await start(t);
  const {page, faults} = await openDashboard(t, gateway.url);
  await wrongTokenThenRight(page);
  await go(page, 'accounts');
  await row(page, 'of-the-file').locator('button[aria-label="Look at of-the-file"]').waitFor();
  assert.equal(await row(page, 'of-the-file').locator('[aria-label^=Delete]:visible').count(), 0);
  await addSeesFaultsAtTheirFields(page, mock);
  await levelFallsWithTraffic(page, gateway);
  await aRefusalCools(page, mock, gateway);
  await editBeginsWithWhatIs(page);
  await importsAllOrNothing(page, mock);
  await exportsMaskedAndClear(page);
  await usageAsAChartAndAsAFile(page);
  await aRequestIsExplained(page);
  for (const id of ['overview', 'models', 'clients', 'settings']) await go(page, id);
  assert.deepEqual(await faults({refused: true}), []);
});

test('what has no news looks old within 5 s, and goes on by itself', async (t) => {
  const {config, gateway} = await start(t);
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  await go(page, 'accounts');
  await watchPage(page);
  gateway.signal('SIGSTOP');  // connected, and silent
  await page.locator('body.stale').waitFor();
  const {old, snapshot} = await seenBy(page);
  assert.ok(old - snapshot < 5000, `${old - snapshot} ms`);
  await page.locator('#stale', {hasText: 'No news'}).waitFor();
  gateway.signal('SIGCONT');
  await page.locator('body:not(.stale)').waitFor();

  await gateway.stopCleanly();
  await page.locator('.pill[data-state=lost]').waitFor();
  await page.locator('body.stale').waitFor();
  const again = await startGateway(t, {...config, listen: [new URL(gateway.url).host]},
    {env: ENVIRONMENT});
  await page.locator('.pill[data-state=live]').waitFor({timeout: 30_000});
  await page.locator('body:not(.stale)').waitFor();
  await page.locator('.notice', {hasText: 'Connected again'}).first().waitFor();
  assert.equal(again.url, gateway.url);
  assert.deepEqual(await faults({unreachable: true}), []);
});

test('naughty strings stay text', async (t) => {
  const {mock, gateway} = await start(t);
  const wanted = {};
  for (const [i, text] of NAUGHTY.entries()) {
    const name = `naughty-${String(i).padStart(3, '0')}`;
    const answer = await fetch(`${gateway.url}/api/admin/backends`, {method: 'POST',
      headers: {authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json'},
      body: JSON.stringify({name, api_base_url: `${mock.url}/v1`, api_key: `sk-test-${i}`,
        label: text,
        model_mappings: {[[...`m${text}`].slice(0, 30).join('')]: {native_id: 'mock-large'}}})});
    const {label, errors} = await answer.json();
    if (answer.ok) wanted[name] = label;
    else assert.ok(errors?.length > 0, `${answer.status} for ${JSON.stringify(text)}`);
  }
  assert.ok(Object.keys(wanted).length > NAUGHTY.length * 0.8, 'nearly all are labels');
  const {page, faults} = await openDashboard(t, gateway.url);
  await logIn(page);
  await go(page, 'accounts');
  await row(page, 'naughty-000').waitFor();
  const shown = await scrolledLabels(page);
  for (const [name, label] of Object.entries(wanted)) assert.equal(shown[name], label, name);
  await go(page, 'models');
  await page.locator('main tbody tr').first().waitFor();
  await go(page, 'overview');
  await page.waitForTimeout(1500);
  assert.deepEqual(await faults(), []);
});

test('by keyboard, in Chinese and in the dark', async (t) => {
  const {gateway} = await start(t);
  const {page, faults} = await openDashboard(t, gateway.url, {language: 'zh-CN',
    colours: 'dark'});
  await logIn(page);
  assert.equal(await page.locator('h1#title').innerText(), '总览');
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-Hans');
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.locator('#tools button').first().click();  // light
  assert.notEqual(await ground(), dark);
  await page.selectOption('.tongue', 'en');
  await page.locator('h1#title', {hasText: 'Overview'}).waitFor();

  await page.reload();
  await page.locator('.pill[data-state=live]').waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'skip');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await go(page, 'accounts');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'title');
  await page.keyboard.press('/');
  await page.keyboard.type('of-the');
  await row(page, 'of-the-file').waitFor();
  await page.locator('button[aria-label="Look at of-the-file"]').focus();
  await page.keyboard.press('Enter');
  await page.locator('dialog').waitFor();
  await page.keyboard.press('Escape');
  await closed(page);
  assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), 'Look at of-the-file');
  assert.deepEqual(await faults(), []);
});
