// That what is asked for no longer, or cannot be asked for, is not shown as an answer.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {go, logIn, openDashboard, row, TOKEN, until} from './dashboard_page.mjs';
import {account, ask, CLIENT_KEY, eventually, startGateway, startMock, temporaryFolder}
  from './harness.mjs';

const PAGE = 100;  // requests that the page asks for at once
const MODELS = ['m-one', 'm-two'];
const DAY_MS = 86_400_000;

async function start(t, requests, {language, accounts = ['team-a']} = {}) {
  const mock = await startMock(t, ['--tokens', '2']);
  const gateway = await startGateway(t, {
    accounts: accounts.map((name) => account(mock,
      {name, api_key: `sk-test-${name}`, rpm_limit: 10_000, models: MODELS})),
    routing: {strategy: 'ordered'},
    store: {directory: await temporaryFolder()},
  }, {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  for (let i = 0; i < requests; i++) {
    const answer = await gateway.post('/v1/chat/completions', ask({model: MODELS[i % 2]}));
    assert.equal(answer.status, 200, await answer.text());
  }
  await eventually(async () => {
    const answer = await fetch(`${gateway.url}/api/admin/stats/total`,
      {headers: {authorization: `Bearer ${TOKEN}`}});
    return (await answer.json()).total_requests === requests;
  }, 'all of them in the store');
  const {page, faults} = await openDashboard(t, gateway.url, {language});
  await logIn(page);
  return {faults, gateway, mock, page};
}

const local = (ms) => {
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return at.toISOString().slice(0, 16);
};

test('a span that ends before it begins shows nothing, and says so at its dates', async (t) => {
  const {faults, page} = await start(t, 1);
  await go(page, 'usage');
  await row(page, 'team-a').waitFor();
  await page.click('main >> text=Custom');
  const from = page.getByLabel('From', {exact: true});
  const to = page.getByLabel('To', {exact: true});
  const good = await from.inputValue();
  for (const text of [local(Date.now() + DAY_MS), await to.inputValue(), '']) {
    await from.fill(text);
    await from.blur();
    await page.locator('.custom [role=alert]',
      {hasText: 'Give both times, the first before the second.'}).waitFor();
    assert.equal(await from.getAttribute('aria-invalid'), 'true');
    for (const old of ['.tile', 'canvas', 'tbody', 'a[download]'])
      assert.equal(await page.locator(`main ${old}:visible`).count(), 0, `${old}, ${text}`);
    assert.doesNotMatch(await page.locator('#main').innerText(), /as of/);
  }
  await from.fill(good);
  await to.fill(local(Date.now() + DAY_MS));
  await to.blur();
  await row(page, 'team-a').waitFor();
  assert.equal(await page.locator('.custom [role=alert]:visible').count(), 0);
  assert.equal(await from.getAttribute('aria-invalid'), null);
  await page.locator('main a[download]:visible').waitFor();
  assert.deepEqual(await faults(), []);
});

test('sums tell of which hours they are, and bars of which days', async (t) => {
  const {faults, page} = await start(t, 1);
  await go(page, 'usage');
  await row(page, 'team-a').waitFor();
  await page.locator('main .hint', {hasText: 'a bar is an hour'}).waitFor();
  const day = local(Date.now() - 2 * DAY_MS).slice(0, 10);
  await page.click('main >> text=Custom');
  await page.getByLabel('From', {exact: true}).fill(`${day}T10:20`);
  await page.getByLabel('To', {exact: true}).fill(`${day}T11:40`);
  await page.getByLabel('To', {exact: true}).blur();
  await page.locator('main .count', {hasText: /^whole hours: .*\b10:00 – .*\b12:00$/}).waitFor();
  await page.click('main >> text=30 days');
  await page.locator('main .hint', {hasText: 'a bar is a day in UTC'}).waitFor();
  assert.deepEqual(await faults(), []);
});

test('a filter that matches nothing says so; every status can be asked for', async (t) => {
  const {faults, gateway, mock, page} = await start(t, 1);
  await mock.script({defaults: {latency: '60s'}});
  const client = new AbortController();
  const gone = assert.rejects(fetch(`${gateway.url}/v1/chat/completions`, {method: 'POST',
    headers: {'content-type': 'application/json', authorization: `Bearer ${CLIENT_KEY}`},
    body: JSON.stringify(ask({model: MODELS[0]})), signal: client.signal}));
  await until(page, async () => (await mock.count()).in_flight, (n) => n === 1, 'it is asked');
  client.abort();
  await gone;
  await go(page, 'requests');
  const status = page.getByLabel('Status', {exact: true});
  for (const wanted of ['403', '413', '422']) {
    await status.selectOption({label: wanted});
    await page.locator('main .empty', {hasText: 'No request is like that.'}).waitFor();
    assert.equal(await page.locator('main tbody tr').count(), 0, wanted);
  }
  await status.selectOption({label: 'none'});
  await page.locator('main tbody tr').waitFor();
  assert.equal(await page.locator('main tbody td .code').innerText(), 'none');
  assert.deepEqual(await faults(), []);
});

test('older requests that come after the filter was changed are dropped', async (t) => {
  const {faults, page} = await start(t, PAGE + 20);
  await go(page, 'requests');
  const count = page.locator('main .count');
  await count.filter({hasText: `${PAGE} requests`}).waitFor();
  let held = null;
  await page.route('**/api/admin/requests?*cursor=*', (route) => (held = route));
  await page.click('main >> text=Older requests');
  await until(page, () => held !== null, Boolean, 'the older ones are asked for');
  await page.getByLabel('Model', {exact: true}).fill(MODELS[0]);
  await page.keyboard.press('Enter');
  await count.filter({hasText: `${PAGE / 2 + 10} requests`}).waitFor();
  const came = page.waitForResponse(/cursor=/);
  await held.continue();
  await (await came).finished();
  await page.locator('main button[aria-busy]').waitFor({state: 'detached'});
  assert.equal(await count.innerText(), `${PAGE / 2 + 10} requests`);
  assert.deepEqual(await faults(), []);
});

const WORDS = {'en-US': ['broken off', 'Duration, last attempt'],
  'zh-CN': ['中断', '时长（末次尝试）']};
for (const [language, [brokenOff, ofLast]] of Object.entries(WORDS))
  test(`a stream that broke off says so, and whose times are the last attempt's, ${language}`,
    async (t) => {
      const {faults, gateway, mock, page} = await start(t, 0,
        {language, accounts: ['team-a', 'team-b']});
      await mock.script({rules: [
        {match: {model: MODELS[0]}, do: {abort: 'rst', 'abort-at': 'event:1'}},
        {match: {key: 'sk-test-team-a'}, do: {status: 500}}]});
      for (const body of [{model: MODELS[0], stream: true}, {model: MODELS[1]}]) {
        const answer = await gateway.post('/v1/chat/completions', ask(body));
        assert.equal(answer.status, 200);
        await answer.text().catch((fault) => fault);
      }
      await go(page, 'requests');
      const broken = page.locator('main tbody tr', {hasText: MODELS[0]});
      await broken.locator('.chip.bad', {hasText: brokenOff}).waitFor();
      assert.equal(await broken.locator('.code.bad').innerText(), '200');
      const retried = page.locator('main tbody tr', {hasText: MODELS[1]});
      await retried.waitFor();  // its row is stored after the other's, and may come later
      assert.equal(await page.locator(`main tbody tr [title="${ofLast}"]`).count(), 1);
      assert.match(await retried.locator(`[title="${ofLast}"]`).innerText(), /^> [0-9]/);
      await retried.locator('.link').click();
      await page.locator('dialog dt', {hasText: ofLast}).waitFor();
      assert.deepEqual(await faults(), []);
    });
