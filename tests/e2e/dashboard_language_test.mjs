// That the Chinese page speaks Chinese where the gateway has a word for what it says: errors, what
// is wrong with a form, what a test found, why a request went where it went. What the gateway says
// in its own words stands behind Chinese ones.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {go, logIn, openDashboard, row, TOKEN, until} from './dashboard_page.mjs';
import {account, ask, startGateway, startMock, temporaryFolder} from './harness.mjs';

const CHINESE = /[一-鿿]/;

async function start(t, more = {}) {
  const mock = await startMock(t, ['--tokens', '2']);
  const gateway = await startGateway(t, {
    accounts: [
      account(mock, {name: 'team-a', api_key: 'sk-test-a', models: ['m']}),
      account(mock, {name: 'team-b', api_key: 'sk-test-b', models: ['m'], pool: 'fallback'}),
      account(mock, {name: 'refused', api_key: 'sk-test-refused', models: ['x']}),
    ],
    store: {directory: await temporaryFolder()},
    admin: {private_upstreams: true},
    ...more,
  }, {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  return {mock, gateway, ...await openDashboard(t, gateway.url, {language: 'zh-CN'})};
}

test('what there is one of is told as one', async (t) => {
  const {page} = await start(t);
  const say = (key, values) => page.evaluate(async ([...given]) => {
    const {setLanguage, t: text} = await import('/dashboard/assets/i18n.js');
    setLanguage('en');
    return text(...given);
  }, [key, values]);
  const rows = [
    ['tile.cost.sub', {requests: '1', tokens: '2.5k'}, '1 request · 2.5k tokens, UTC'],
    ['tile.cost.sub', {requests: '0', tokens: '1'}, '0 requests · 1 token, UTC'],
    ['accounts.count', {n: 1}, '1 account'],
    ['accounts.of', {n: 0, all: '1'}, '0 of 1 account'],
    ['accounts.of', {n: 1, all: '1,200'}, '1 of 1,200 accounts'],
    ['level.title', {tokens: 1, capacity: 1}, '1 of 1 request can be sent now'],
    ['usage.errors.of', {n: '2', failed: '1'}, '2 requests; 1 attempt failed'],
    ['usage.attempts', {n: '1'}, '1 attempt with accounts'],
    ['settings.reloaded', {accounts: 1, clients: 2}, 'Reloaded: 1 account, 2 clients.'],
    ['table.more', {n: 1}, '1 more row is not shown.'],
  ];
  for (const [key, values, text] of rows) assert.equal(await say(key, values), text);
});

test('a login that fails says so in Chinese', async (t) => {
  const {page} = await start(t);
  for (let i = 0; i < 6; i++) {
    await page.fill('#token', `wrong-${i}`);
    await Promise.all([page.waitForResponse('**/api/admin/login'),
      page.press('#token', 'Enter')]);
    await page.locator('#login-go:not([disabled])').waitFor();
    await page.locator('#login-fault',
      {hasText: i < 5 ? '管理令牌错误' : '错误的令牌过多'}).waitFor();
  }
});

test('what is wrong with a form is said in Chinese, at its field', async (t) => {
  const {page, faults} = await start(t);
  await logIn(page);
  await go(page, 'accounts');
  await page.click('main >> text=添加账号');
  await page.fill('dialog [name=api_base_url]', 'http://127.0.0.1:1/v1');
  await page.fill('dialog [name=rpm_limit]', '0');
  await page.click('dialog button[type=submit]');
  const fault = (name) => page.locator('dialog .field', {has: page.locator(`[name="${name}"]`)})
    .locator('.fault').innerText();
  await page.locator('dialog .summary', {hasText: '有内容未被接受'}).waitFor();
  assert.match(await fault('name'), /^缺少此项；请给出/);
  assert.match(await fault('api_key'), /^缺少此项；请给出/);
  assert.match(await fault('rpm_limit'), /^0 超出范围；请给出 1 到 \d+ 的整数$/);
  await page.keyboard.press('Escape');
  await page.click('main >> text=导入');
  await page.fill('dialog textarea', 'providers:\n  - account: x\n    rpm_limit: abc\n');
  await page.click('dialog >> text=检查');
  await page.locator('dialog .report .bad', {hasText: '有内容未被接受'}).waitFor();
  for (const text of await page.locator('dialog .report tbody td:last-child').allInnerTexts())
    assert.match(text, CHINESE);
  assert.deepEqual(await faults({refused: true}), []);
});

// Words of a sentence that was left as the gateway says it.
const ENGLISH = /\b(?:is|are|has|have|give|with|than|from)\b/;

test('what is wrong with a value is said in Chinese wholly, or wholly in English', async (t) => {
  const {page, faults} = await start(t);
  await logIn(page);
  const refused = async (values, places) => {
    for (const [name, value] of Object.entries(values))
      await page.fill(`dialog [name="${name}"]`, value);
    await page.click('dialog button[type=submit]');
    await page.locator('dialog .summary:visible').waitFor();
    const texts = await page.locator('dialog .fault:visible').allInnerTexts();
    assert.equal(texts.length, places, texts.join('\n'));
    for (const text of [...texts, await page.locator('dialog .summary').innerText()]) {
      assert.match(text, CHINESE);
      assert.doesNotMatch(text, ENGLISH);
    }
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({state: 'detached'});
  };
  await go(page, 'accounts');
  await page.click('main >> text=添加账号');
  await refused({name: 'a b', api_base_url: 'ftp://x', api_key: 'k\u00e9y', rpm_limit: '0',
    window_seconds: '0.0001', weight: '1.5', label: 'x'.repeat(1001)}, 7);
  await go(page, 'clients');
  await page.click('main >> text=创建');
  await refused({name: 'a b', models: 'x\nx', rpm_limit: '-1', budget_usd: '-1'}, 4);
  await go(page, 'models');
  await page.click('main .toolbar >> text=设置价格');
  await refused({model: '', input_per_million: '-1', output_per_million: ''}, 3);
  await go(page, 'settings');
  await page.click('button[aria-label$="queue.wait.low"]:visible');
  await refused({value: 'soon'}, 1);

  await page.route('**/api/admin/config/*', (route) => route.fulfill({status: 422, json: {
    detail: 'queue.wait.low: "7s" is of tomorrow; give another', code: 'invalid',
    errors: [{field: 'queue.wait.low', problem: '"7s" is of tomorrow', mend: 'give another'}]}}));
  await page.click('button[aria-label$="queue.wait.low"]:visible');
  await page.fill('dialog [name=value]', '7s');
  await page.click('dialog button[type=submit]');
  await page.locator('dialog .fault:visible').waitFor();
  assert.equal(await page.locator('dialog .fault:visible').innerText(),
    '"7s" is of tomorrow; give another');
  assert.deepEqual(await faults({refused: true}), []);
});

test('what a test of an account found is said in Chinese', async (t) => {
  const {mock, page} = await start(t);
  await mock.script({rules: [{match: {key: 'sk-test-refused'}, do: {status: 401}},
    {match: {key: 'sk-test-b'}, do: {status: 500}}]});
  await logIn(page);
  await go(page, 'accounts');
  const rows = [['team-a', '提供方接受密钥'], ['refused', '提供方拒绝密钥'],
    ['team-b', '目前不可用']];
  for (const [name, text] of rows) {
    await row(page, name).waitFor();
    await page.click(`button[aria-label="测试 ${name}"]`);
    await page.locator('.notice', {hasText: `${name}：${text}`}).waitFor();
  }
  // Too soon after another that has just been answered.
  await page.route('**/api/admin/backends/*/test', async (route) => {
    await fetch(route.request().url(), {method: 'POST',
      headers: {authorization: `Bearer ${TOKEN}`}});
    await route.continue();
  });
  await until(page, async () => {
    await page.click('button[aria-label="测试 team-b"]');
    await page.locator('main button[aria-busy]').waitFor({state: 'detached'});
    return page.locator('#alerts').innerText();
  }, (text) => text.includes('2 秒内只能测试一次'), 'what is said of it');
});

test('why a request went where it went is said in Chinese', async (t) => {
  const {mock, gateway, page, faults} = await start(t);
  await mock.script({rules: [{match: {key: 'sk-test-a'}, do: {status: 500}, times: 1}]});
  assert.equal((await gateway.post('/v1/chat/completions', ask({model: 'm'}))).status, 200);
  await logIn(page);
  await go(page, 'requests');
  await page.locator('main tbody button.link').first().click();
  const steps = await until(page, () => page.locator('dialog .steps .why').allInnerTexts(),
    (texts) => texts.length === 2, 'its steps');
  assert.match(steps[0], /^主池有空闲账号；在空闲账号中按空闲份额抽取。$/);
  assert.match(steps[1], /^(?:主池没有可用账号|之前的账号未能服务)；/);
  await page.keyboard.press('Escape');
  await page.route('**/api/admin/explain?*', (route) => route.fulfill({status: 404, json: {
    detail: 'Request not found', code: 'not_kept'}}));
  await page.locator('main tbody button.link').first().click();
  await page.locator('dialog .hint', {hasText: '此请求已不再保留'}).waitFor();
  assert.deepEqual(await faults({refused: true}), []);
});

test('what the gateway says in its own words stands behind Chinese ones', async (t) => {
  const {page} = await start(t);
  await page.route('**/api/admin/reload', (route) => route.fulfill({status: 400, json: {
    detail: 'sluice.yaml:3: accounts is missing', code: 'reload_refused'}}));
  await page.route('**/api/admin/drain', (route) => route.fulfill({status: 503, json: {
    detail: 'Something of tomorrow.', code: 'of_tomorrow'}}));
  await logIn(page);
  await go(page, 'settings');
  await page.click('main >> text=重新加载配置');
  await page.locator('#alerts .notice',
    {hasText: '配置未被接受，没有任何更改：sluice.yaml:3'}).waitFor();
  await page.click('#alerts .notice button');
  await page.click('main >> text=排空网关');
  await page.click('dialog footer >> text=排空网关');
  await page.locator('#alerts .notice',
    {hasText: '网关应答（英文）：Something of tomorrow.'}).waitFor();
});
