// Opens the dashboard in Chromium and notes whatever a browser has to complain of.
//
//   const {page, faults} = await openDashboard(t, gateway.url);
//   ...
//   assert.deepEqual(faults(), []);
//
// CHROMIUM names the browser; Debian's is /usr/bin/chromium.
import assert from 'node:assert/strict';
import {chromium} from 'playwright-core';
import {atEnd} from './harness.mjs';

export const TOKEN = 'sk-test-admin-token-0123456789';
const WAIT_MS = 60_000;  // on a busy machine; what has a limit of its own is measured apart

// A request that the gateway refuses is a line in the browser's console, too: the one expected kind
// of line, and only where the test provokes it.
const REFUSED = /^Failed to load resource: the server responded with a status of 4\d\d/;
const UNREACHABLE = /^Failed to load resource: net::ERR_|net::ERR_INCOMPLETE_CHUNKED_ENCODING/;

export async function openDashboard(t, url, {language = 'en-US', colours = 'light',
  viewport = {width: 1440, height: 900}} = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  atEnd(t, () => browser.close());
  const context = await browser.newContext({locale: language, colorScheme: colours,
    viewport, acceptDownloads: true});
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const lines = [];
  const hosts = new Set();
  page.on('console', (line) => ['error', 'warning'].includes(line.type()) &&
    lines.push(line.text()));
  page.on('pageerror', (error) => lines.push(`uncaught: ${error.stack}`));
  page.on('dialog', (dialog) => {
    lines.push(`a script of somebody else's: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('request', (request) => hosts.add(new URL(request.url()).origin));
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) =>
      window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  await page.goto(`${url}/dashboard`);
  return {
    page,
    // What was complained of; `refused` and `unreachable` allow for what the test has provoked.
    async faults({refused = false, unreachable = false} = {}) {
      const violations = await page.evaluate(() => window.violations);
      const others = lines.filter((line) => !(refused && REFUSED.test(line)) &&
        !(unreachable && UNREACHABLE.test(line)));
      const foreign = [...hosts].filter((host) => host !== url && host !== 'null' &&
        !host.startsWith('blob:')).map((host) => `asked ${host}`);
      return [...violations, ...others, ...foreign];
    },
  };
}

export async function logIn(page, token = TOKEN) {
  await page.fill('#token', token);
  await page.press('#token', 'Enter');
  await page.locator('.pill[data-state=live]').waitFor();
}

export async function go(page, id) {
  await page.click(`nav a[href="#/${id}"]`);
  await page.locator(`nav a[href="#/${id}"][aria-current=page]`).waitFor();
}

// In the page from now on: `seen.lived`, milliseconds that stand still while the page does, so that
// what it promises within a time is held against its own; by that clock `seen.snapshot`, when the
// last one came, and `seen.old`, since when it looks old (0: it does not).
export const watchPage = (page) => page.evaluate(async () => {
  const {listen} = await import('/dashboard/assets/live.js');
  const seen = window.seen = {lived: 0, snapshot: 0, old: 0};
  const LONGEST_MS = 100, EACH_MS = 20;
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    seen.lived += Math.min(now - last, LONGEST_MS);
    last = now;
  }, EACH_MS);
  listen((what) => what === 'snapshot' && (seen.snapshot = seen.lived));
  new MutationObserver(() => {
    seen.old = document.body.classList.contains('stale') ? seen.old || seen.lived : 0;
  }).observe(document.body, {attributeFilter: ['class']});
});
export const seenBy = (page) => page.evaluate(() => ({...window.seen}));

// The row of a table whose first cell begins with that name.
export const row = (page, name) => page.locator('main tbody tr').filter({
  has: page.locator('th', {hasText: new RegExp(`^${name.replace(/[^\w]/g, '\\$&')}`)})});

// Waits until `read` gives something that `fine` takes, and returns it.
export async function until(page, read, fine, what) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const value = await read();
    if (fine(value)) return value;
    assert.ok(Date.now() < end, `${what}: still ${JSON.stringify(value)}`);
    await page.waitForTimeout(50);
  }
}

// All texts of a list that scrolls by itself and has only some rows in the document: by name.
export const scrolledLabels = (page) => page.evaluate(async () => {
  const scroller = document.querySelector('main .scroller');
  const found = {};
  for (let at = 0; ; at += scroller.clientHeight / 2) {
    scroller.scrollTop = at;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    for (const head of scroller.querySelectorAll('tbody th'))
      found[head.querySelector('.name').textContent] = head.querySelector('.label').textContent;
    if (at > scroller.scrollHeight) return found;
  }
});
