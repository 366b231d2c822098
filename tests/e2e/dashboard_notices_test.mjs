// That no control lies under what the page says in passing, wherever it is and however wide, and
// that who closes a notice by the keyboard goes on from where they were.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {go, logIn, openDashboard, row, TOKEN, until} from './dashboard_page.mjs';
import {account, startGateway, startMock, temporaryFolder} from './harness.mjs';

const SIZES = [{width: 1280, height: 800}, {width: 768, height: 1024}, {width: 390, height: 844}];
const PAGES = ['overview', 'accounts', 'models', 'clients', 'usage', 'requests', 'cooldowns',
  'settings'];
const refusal = (line) => `sluice.yaml:${line}:5: accounts[0].rpm_limit: "many" is not a whole ` +
  'number; expected a whole number from 1 to 1000000';

// Its reloads are refused, each for another line; drains end well, but drain nothing.
async function open(t, viewport) {
  const mock = await startMock(t, ['--tokens', '2']);
  const gateway = await startGateway(t, {
    accounts: Array.from({length: 30}, (_, i) => account(mock, {name: `team-${i}`,
      api_key: `sk-test-${i}`, models: ['m']})),
    store: {directory: await temporaryFolder()},
  }, {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  const {page} = await openDashboard(t, gateway.url, {viewport});
  let line = 0;
  await page.route('**/api/admin/reload', (route) => route.fulfill({status: 400, json: {
    detail: refusal(++line), code: 'reload_refused'}}));
  await page.route('**/api/admin/drain', (route) => route.fulfill({json: {grace_seconds: 30}}));
  await logIn(page);
  return page;
}

const alerts = (page, count) => until(page, () => page.locator('#alerts .notice').count(),
  (shown) => shown === count, 'alerts');
const reload = (page) => page.getByRole('button', {name: 'Reload configuration'});
async function refuseReloads(page, count) {
  await page.evaluate(() => (location.hash = '#/settings'));
  await page.locator('main tbody tr').first().waitFor();
  for (let i = 1; i <= count; i++) {
    await reload(page).click();
    await alerts(page, i);
  }
}

// The controls that have a notice over their middle: of those that can be seen as the page stands,
// or of all, each after it was brought into sight.
const covered = (page, {scrolls}) => page.evaluate(async (toEach) => {
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const found = [];
  for (const one of document.querySelectorAll(
    '#app :is(a[href], button, input, select, summary, [tabindex="0"])')) {
    if (one.closest('#alerts, #notices') || one.getClientRects().length === 0) continue;
    if (toEach) one.scrollIntoView({block: 'nearest'});
    const {left, top, width, height} = one.getBoundingClientRect();
    const over = document.elementFromPoint(left + width / 2, top + Math.min(height, 32) / 2);
    if (over?.closest('#alerts, #notices')) found.push(one.ariaLabel ?? one.textContent.trim());
  }
  return found;
}, scrolls);

for (const viewport of SIZES)
  test(`notices lie over no control, ${viewport.width} pixels wide`, async (t) => {
    const page = await open(t, viewport);
    await refuseReloads(page, 3);
    for (const id of PAGES) {
      await page.evaluate((to) => (location.hash = `#/${to}`), id);
      await page.locator(`nav a[href="#/${id}"][aria-current=page]`).waitFor();
      if (id !== 'overview') await page.locator('main tbody tr, main .empty').first().waitFor();
      assert.deepEqual(await covered(page, {scrolls: false}), [], id);
      assert.deepEqual(await covered(page, {scrolls: true}), [], `${id}, scrolled`);
    }
    assert.equal(await page.locator('#alerts .notice').count(), 3);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));

    await page.click('main >> text=Drain gateway');
    await page.click('dialog footer >> text=Drain gateway');
    await page.locator('#notices .notice').waitFor();
    assert.deepEqual(await covered(page, {scrolls: true}), [], 'over the foot');
    assert.equal(await page.locator('#notices .notice').count(), 1, 'it was still there');
  });

test('an alert comes over nothing that was in sight, where the page is scrolled too', async (t) => {
  const page = await open(t, SIZES[1]);
  await refuseReloads(page, 1);
  await page.evaluate(() => scrollTo(0, 12));
  await reload(page).focus();
  await page.keyboard.press('Enter');
  await alerts(page, 2);
  const {button, foot, y} = await page.evaluate(async () => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return {button: document.activeElement.getBoundingClientRect().top, y: scrollY,
      foot: document.querySelector('#alerts').getBoundingClientRect().bottom};
  });
  assert.equal(y, 12);
  assert.ok(button >= foot, `${button} is under ${foot}`);
});

test('what goes wrong twice in the same way is one alert, with the later time', async (t) => {
  const page = await open(t, SIZES[0]);
  await page.evaluate(() => import('/dashboard/assets/notices.js').then(({notify}) => {
    window.notify = notify;
    for (const text of ['the one', 'the other', 'the one']) notify(text, 'bad');
  }));
  const texts = () => page.locator('#alerts .text').allInnerTexts();
  const time = () => page.locator('#alerts .at').last().innerText();
  assert.deepEqual(await texts(), ['the other', 'the one']);
  const first = await time();
  assert.match(first, /^\d\d:\d\d:\d\d$/);
  await until(page, () => page.evaluate(() => window.notify('the one', 'bad')).then(time),
    (at) => at > first || first > '23:59', 'a later time');
  assert.deepEqual(await texts(), ['the other', 'the one']);
  // Who has the focus in it keeps that.
  await page.locator('#alerts button').first().focus();
  await page.evaluate(() => window.notify('the other', 'bad'));
  assert.equal(await focused(page), 'notice 0 of 2');
  // What went well twice went well twice.
  await page.evaluate(() => [1, 2].map(() => window.notify('done')));
  assert.equal(await page.locator('#notices .notice').count(), 2);
});

const focused = (page) => page.evaluate(() => {
  const {id, tagName, textContent} = document.activeElement;
  const notice = document.activeElement.closest('.notice');
  const at = notice ? [...notice.parentElement.children].indexOf(notice) : -1;
  return notice ? `notice ${at} of ${notice.parentElement.children.length}`
    : id || (tagName === 'BODY' ? tagName : textContent.trim());
});

test('closing a notice hands the focus to the next, then to where it was', async (t) => {
  const page = await open(t, SIZES[0]);
  await refuseReloads(page, 3);
  await page.locator('main input[type=search]').focus();
  await page.locator('#alerts button').nth(1).focus();
  for (const next of ['notice 1 of 2', 'notice 0 of 1']) {
    await page.keyboard.press('Enter');
    assert.equal(await focused(page), next);
  }
  await page.keyboard.press('Space');
  await alerts(page, 0);
  assert.equal(await page.evaluate(() => document.activeElement.type), 'search');

  // What was pressed has it again.
  await reload(page).focus();
  await page.keyboard.press('Enter');
  await alerts(page, 1);
  await page.locator('#alerts button').focus();
  await page.keyboard.press('Enter');
  assert.equal(await focused(page), 'Reload configuration');
});

test('where that is gone, the heading has the focus; notices that go by themselves do likewise',
  async (t) => {
    const page = await open(t, SIZES[0]);
    await refuseReloads(page, 1);
    await page.locator('main input[type=search]').focus();
    await page.locator('#alerts button').focus();
    await page.evaluate(() => (location.hash = '#/accounts'));
    await row(page, 'team-0').waitFor();
    await page.locator('#alerts button').focus();
    await page.keyboard.press('Enter');
    assert.equal(await focused(page), 'title');

    await go(page, 'settings');
    await page.click('main >> text=Drain gateway');
    await page.click('dialog footer >> text=Drain gateway');
    await page.locator('#notices button').focus();
    await page.locator('#notices .notice').waitFor({state: 'detached'});
    assert.equal(await focused(page), 'Drain gateway');
  });
