// How a sign-in ends: what is said then, and what becomes of what was begun.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {go, logIn, openDashboard, row, seenBy, TOKEN, until, watchPage} from
  './dashboard_page.mjs';
import {account, startGateway, startMock, temporaryFolder} from './harness.mjs';

const AT_ONCE_MS = 1500;

async function start(t, admin = {}) {
  const mock = await startMock(t, ['--tokens', '2']);
  const gateway = await startGateway(t, {
    accounts: [account(mock, {name: 'of-the-file', models: ['m']})],
    store: {directory: await temporaryFolder()},
    admin: {private_upstreams: true, ...admin},
  }, {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  return {gateway, mock, ...await openDashboard(t, gateway.url)};
}

const news = (page, text) => page.locator('#login-news:visible', {hasText: text}).waitFor();
const cookies = async (page) => (await page.context().cookies()).length;

test('a sign-out without a connection is told, and told again', async (t) => {
  const {faults, page} = await start(t);
  await logIn(page);
  await watchPage(page);
  await page.evaluate(() => {
    const {seen} = window;
    addEventListener('click', () => (seen.clicked = seen.lived), {capture: true, once: true});
    const look = setInterval(() => {
      if (!document.querySelector('#token').checkVisibility()) return;
      seen.out = seen.lived;
      clearInterval(look);
    }, 20);
  });
  await page.context().setOffline(true);
  await page.click('button[aria-label="Sign out"]');
  await page.locator('#token:visible').waitFor();
  const {clicked, out} = await until(page, () => seenBy(page), (seen) => seen.out > 0, 'seen');
  assert.ok(out - clicked < AT_ONCE_MS, `${out - clicked} ms`);
  await news(page, 'stays signed in until it hears');
  assert.equal(await cookies(page), 1);
  await page.context().setOffline(false);
  await news(page, 'You are signed out.');
  assert.equal(await cookies(page), 0);
  await page.reload();
  await page.locator('#token:visible').waitFor();
  assert.deepEqual(await faults({unreachable: true}), []);
});

test('a gateway that is silent does not hold a sign-out, and a new sign-in holds', async (t) => {
  const {faults, gateway, page} = await start(t);
  await logIn(page);
  gateway.signal('SIGSTOP');
  await page.click('button[aria-label="Sign out"]');
  await page.locator('#token:visible').waitFor();
  await news(page, 'stays signed in until it hears');
  await page.fill('#token', TOKEN);
  await page.press('#token', 'Enter');
  gateway.signal('SIGCONT');
  await page.locator('.pill[data-state=live]').waitFor();
  await page.waitForTimeout(3000);  // longer than it would wait before it told again
  assert.equal(await cookies(page), 1);
  await page.reload();
  await page.locator('.pill[data-state=live]').waitFor();
  assert.deepEqual(await faults({unreachable: true}), []);
});

test('a sign-in that ends is said, and a form that was open is there after it', async (t) => {
  const {faults, mock, page} = await start(t);
  assert.equal(await page.locator('#login-news:visible').count(), 0);
  await logIn(page);
  await go(page, 'accounts');
  await page.click('main >> text=Add account');
  const typed = {name: 'team-new', api_base_url: `${mock.url}/v1`, api_key: 'sk-test-new'};
  for (const [name, value] of Object.entries(typed))
    await page.fill(`dialog [name="${name}"]`, value);
  await page.context().clearCookies();
  await page.click('dialog button[type=submit]');
  await news(page, 'Your sign-in has ended. What you had begun is here again');
  assert.equal(await page.locator('dialog:visible').count(), 0);
  await logIn(page);
  for (const [name, value] of Object.entries(typed))
    assert.equal(await page.inputValue(`dialog [name="${name}"]`), value);
  assert.equal(await page.locator('dialog .summary:visible').count(), 0);
  await page.click('dialog button[type=submit]');
  await page.locator('dialog').waitFor({state: 'detached'});
  await row(page, 'team-new').waitFor();

  await page.context().clearCookies();
  await page.click('nav a[href="#/clients"]');
  await until(page, () => page.locator('#login-news').innerText(),
    (text) => text === 'Your sign-in has ended.', 'what is said');
  assert.deepEqual(await faults({refused: true}), []);
});

// The names of all that can be pressed, on each page.
async function buttons(page) {
  const out = [];
  for (const id of ['accounts', 'models', 'clients', 'settings']) {
    await go(page, id);
    await page.locator('main tbody tr').first().waitFor();
    out.push(...await page.locator('#app button:visible').evaluateAll((all) =>
      all.map((one) => one.ariaLabel ?? one.textContent.trim())));
  }
  return out;
}
const WRITES =
  /^(Add|Import|Test|Drain|Enable|Edit|Delete|Create|Revoke|Set|Change|Reset|Reload)\b/;

test('who may only read is offered no changes, but a sign-in', async (t) => {
  const {faults, page} = await start(t, {public_read: true});
  await page.locator('.pill[data-state=live]').waitFor();
  assert.deepEqual((await buttons(page)).filter((name) => WRITES.test(name)), []);
  await go(page, 'accounts');
  await page.click('button[aria-label="Look at of-the-file"]');
  await page.locator('dialog [name=rpm_limit]:disabled').waitFor();
  await page.keyboard.press('Escape');
  await page.click('#tools >> text=Sign in');
  assert.equal(await page.locator('#login-news:visible').count(), 0);
  await logIn(page);
  const names = await buttons(page);
  for (const name of ['Add account', 'Import', 'Test of-the-file', 'Set price', 'Create key',
    'Reload configuration', 'Drain gateway']) assert.ok(names.includes(name), name);
  assert.ok(names.includes('Sign out'));
  assert.deepEqual(await faults(), []);
});
