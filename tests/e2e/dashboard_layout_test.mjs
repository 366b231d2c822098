// That everything can be read and reached at the sizes of a small laptop and of a phone, in both
// languages, and that what is typed into has a name.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {go, logIn, openDashboard, row, TOKEN} from './dashboard_page.mjs';
import {account, ask, startGateway, startMock, temporaryFolder} from './harness.mjs';

const LAPTOP = {width: 1280, height: 800};
const TABLET = {width: 768, height: 1024};
const PHONE = {width: 390, height: 844};
const TARGET = 24;  // pixels
const PAGES = ['overview', 'accounts', 'models', 'clients', 'usage', 'requests', 'cooldowns',
  'settings'];
const LONG = 'an-account-of-a-team-with-a-name-as-long-as-names-may-be-1234567';

async function start(t) {
  const mock = await startMock(t, ['--tokens', '2']);
  const gateway = await startGateway(t, {
    accounts: [account(mock, {name: LONG, models: ['m', 'a-model-with-a-rather-long-name']}),
      account(mock, {name: 'cools', api_key: 'sk-test-cools', models: ['m-cools']}),
      account(mock, {name: 'fails', api_key: 'sk-test-fails', models: ['m-fails']})],
    clients: [{name: 'e2e', key: 'sk-test-client-0123456789', rpm_limit: 100000,
      tpm_limit: 100000000, budget_usd: 1000, budget_period: 'month'}],
    routing: {breaker: {failures: 1, open: '300s'}},
    store: {directory: await temporaryFolder()},
  }, {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  await mock.script({rules: [{match: {key: 'sk-test-cools'}, do: {status: 429,
    'retry-after': 600}}, {match: {key: 'sk-test-fails'}, do: {status: 500}}]});
  for (const model of ['m', 'm-fails', 'm'])
    await (await gateway.post('/v1/chat/completions', ask({model}))).text();
  gateway.post('/v1/chat/completions', ask({model: 'm-cools'})).catch(() => {});  // it waits
  return gateway;
}

// What sticks out of its table, and single words that are cut though nothing is as short.
const cutOff = (page) => page.evaluate(() => {
  const out = [];
  if (document.documentElement.scrollWidth > innerWidth) out.push('the page');
  for (const box of document.querySelectorAll('main .scroller'))
    if (box.scrollWidth > box.clientWidth) out.push(box.getAttribute('aria-label'));
  const words = document.querySelectorAll('main tbody th > .link, main td .chip, main td .of');
  for (const one of words) {
    const cell = one.closest('th, td').getBoundingClientRect();
    const {right, bottom} = one.getBoundingClientRect();
    if (right > cell.right || bottom > cell.bottom + 1) out.push(`${one.textContent} in its cell`);
  }
  return out;
});

for (const language of ['en-US', 'zh-CN'])
  test(`nothing is cut off at ${LAPTOP.width} pixels, ${language}`, async (t) => {
    const gateway = await start(t);
    const {page, faults} = await openDashboard(t, gateway.url, {language, viewport: LAPTOP});
    await logIn(page);
    for (const id of PAGES) {
      await go(page, id);
      if (id !== 'overview') await page.locator('main tbody tr').first().waitFor();
      assert.deepEqual(await cutOff(page), [], id);
    }
    assert.deepEqual(await faults(), []);
  });

test('on a phone the present page, the language and every column can be seen', async (t) => {
  const gateway = await start(t);
  const {page} = await openDashboard(t, gateway.url, {viewport: PHONE});
  await logIn(page);
  for (const id of PAGES) {
    await page.evaluate((to) => (location.hash = `#/${to}`), id);
    await page.locator(`nav a[href="#/${id}"][aria-current=page]`).waitFor();
    const seen = await page.evaluate(() => {
      const tab = document.querySelector('nav a[aria-current]').getBoundingClientRect();
      const tongue = document.querySelector('.tongue');
      const pen = document.createElement('canvas').getContext('2d');
      const style = getComputedStyle(tongue);
      pen.font = style.font;
      return {left: tab.left, right: tab.right, whole: document.documentElement.scrollWidth,
        room: tongue.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight),
        wanted: pen.measureText(tongue.selectedOptions[0].text).width,
        tools: document.querySelector('#tools').getBoundingClientRect().right};
    });
    assert.ok(seen.left >= 0 && seen.right <= PHONE.width, `${id}: ${JSON.stringify(seen)}`);
    assert.ok(seen.room + 1 >= seen.wanted, `the language: ${JSON.stringify(seen)}`);
    assert.ok(seen.tools <= PHONE.width && seen.whole <= PHONE.width, JSON.stringify(seen));
  }

  await page.context().setExtraHTTPHeaders({authorization: `Bearer ${TOKEN}`});
  await page.goto(`${gateway.url}/stats`);
  const {whole, scrolls, style} = await page.evaluate(() => {
    const box = document.querySelector('[role=region]');
    return {whole: document.documentElement.scrollWidth, style: getComputedStyle(box).overflowX,
      scrolls: box.scrollWidth > box.clientWidth};
  });
  assert.deepEqual({style, scrolls}, {style: 'auto', scrolls: true});
  assert.ok(whole <= PHONE.width, `/stats is ${whole} wide`);
});

// What is pressed and is smaller than WCAG 2.2 (2.5.8) wants. What has a label is as large as both;
// links within a sentence are as large as its lines.
const tooSmall = (page) => page.evaluate((least) => {
  const out = [];
  for (const one of document.querySelectorAll('a, button, input, select, textarea, summary')) {
    if (one.closest('p, .skip') || !one.checkVisibility({visibilityProperty: true})) continue;
    const boxes = [one, ...one.labels ?? []].map((node) => node.getBoundingClientRect());
    const size = (from, to) => Math.max(...boxes.map((box) => box[to])) -
      Math.min(...boxes.map((box) => box[from]));
    const [width, height] = [size('left', 'right'), size('top', 'bottom')];
    if (width < least || height < least)
      out.push(`${one.ariaLabel ?? one.textContent} ${one.className}: ${width} x ${height}`);
  }
  return out;
}, TARGET);

for (const viewport of [PHONE, LAPTOP])
  test(`whatever can be pressed is large enough at ${viewport.width} pixels`, async (t) => {
    const gateway = await start(t);
    const {page, faults} = await openDashboard(t, gateway.url, {viewport});
    await logIn(page);
    for (const id of PAGES) {
      await page.evaluate((to) => (location.hash = `#/${to}`), id);
      await page.locator(`nav a[href="#/${id}"][aria-current=page]`).waitFor();
      await page.locator('main tbody tr, main .event').first().waitFor();
      assert.deepEqual(await tooSmall(page), [], id);
    }
    await go(page, 'requests');
    await page.locator('main tbody button.link').first().click();
    await page.locator('dialog .steps').waitFor();
    assert.deepEqual(await tooSmall(page), [], 'explain');
    await page.keyboard.press('Escape');
    await go(page, 'accounts');
    await page.click('main >> text=Add account');
    await page.locator('dialog').waitFor();
    await page.click('dialog >> text=Add model');
    assert.deepEqual(await tooSmall(page), [], 'an account');
    assert.deepEqual(await faults(), []);
  });

test('what can be done with a row is in sight on a tablet', async (t) => {
  const gateway = await start(t);
  const {page, faults} = await openDashboard(t, gateway.url, {viewport: TABLET});
  await logIn(page);
  for (const id of ['accounts', 'models', 'clients', 'settings']) {
    await go(page, id);
    await page.locator('main tbody td.last button:visible').first().waitFor();
    const outside = await page.evaluate(() => {
      const all = [...document.querySelectorAll('main td.last button')]
        .filter((one) => one.checkVisibility());
      return all.map((one) => ({name: one.ariaLabel, box: one.getBoundingClientRect()}))
        .filter(({box}) => box.left < 0 || box.right > innerWidth).map(({name}) => name);
    });
    assert.deepEqual(outside, [], id);
  }
  assert.deepEqual(await faults(), []);
});

test('every field of a model mapping has a label, and the columns have heads', async (t) => {
  const gateway = await start(t);
  const {page} = await openDashboard(t, gateway.url, {viewport: LAPTOP});
  await logIn(page);
  await go(page, 'accounts');
  await row(page, 'cools').waitFor();
  await page.click('main >> text=Add account');
  for (let i = 0; i < 2; i++) await page.click('dialog >> text=Add model');
  for (const label of ['Name for clients', 'Name at the provider', 'Input $/M', 'Output $/M']) {
    const inputs = page.getByLabel(label, {exact: true});
    assert.equal(await inputs.count(), 2, label);
    const shown = await page.locator('.mapping span', {hasText: label}).evaluateAll((all) =>
      all.map((one) => one.getBoundingClientRect().height > 4));
    assert.deepEqual(shown, [true, false], label);
  }
  await page.setViewportSize(PHONE);
  for (const label of ['Input $/M', 'Output $/M'])
    assert.equal(await page.getByLabel(label, {exact: true}).first().isVisible(), true, label);
});
