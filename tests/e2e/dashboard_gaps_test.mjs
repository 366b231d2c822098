// What the overview draws of seconds that it has not seen: those that the gateway remembers as they
// were, those that nobody knows as a gap.
import assert from 'node:assert/strict';
import net from 'node:net';
import {test} from 'node:test';
import * as contract from './contract.mjs';
import {logIn, openDashboard, TOKEN, until} from './dashboard_page.mjs';
import {account, ask, atEnd, startGateway, startMock, temporaryFolder} from './harness.mjs';

const POINTS_MIN = 4;  // that there are before something happens to them

// A way to the gateway that can be cut and mended.
async function startWay(t, url) {
  const sockets = new Set();
  let whole = true;
  const server = net.createServer((near) => {
    if (!whole) return near.destroy();
    const far = net.connect(Number(new URL(url).port), new URL(url).hostname);
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      one.on('error', () => other.destroy()).on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
    return undefined;
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const cut = () => {
    whole = false;
    for (const one of sockets) one.destroy();
  };
  atEnd(t, () => {
    cut();
    server.close();
  });
  return {cut, mend: () => (whole = true), url: `http://127.0.0.1:${server.address().port}`};
}

async function start(t) {
  const mock = await startMock(t, ['--tokens', '2']);
  const gateway = await startGateway(t, {
    accounts: [account(mock, {name: 'team-a', models: ['m']})],
    store: {directory: await temporaryFolder()},
  }, {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  const way = await startWay(t, gateway.url);
  const opened = await openDashboard(t, way.url);
  await logIn(opened.page);
  const history = async () => {
    const {body} = await contract.ask(gateway.url, 'GET', '/api/admin/history', {token: TOKEN});
    return body;
  };
  return {...opened, gateway, history, way};
}

// How many points the line of requests has, of how many parts it is, and whether it is flat.
const line = async (page) => {
  const path = await page.locator('.tile .spark .line').first().getAttribute('d') ?? '';
  const heights = [...path.matchAll(/[ML]\S+ ([\d.]+)/g)].map(([, y]) => y);
  return {parts: path.split('M').length - 1, points: heights.length,
    flat: new Set(heights).size === 1};
};

test('what happened without a connection is read again', async (t) => {
  const {faults, gateway, history, page, way} = await start(t);
  const before = await until(page, () => line(page), ({points}) => points >= POINTS_MIN, 'a line');
  assert.equal(before.flat, true);
  way.cut();
  await page.locator('.pill[data-state=lost]').waitFor();
  const answer = await gateway.post('/v1/chat/completions', ask({model: 'm'}));
  assert.equal(answer.status, 200, await answer.text());
  const {end} = await history();
  await until(page, history, (now) => now.end > end + 3, 'seconds that the page has not seen');
  way.mend();
  await page.locator('.pill[data-state=live]').waitFor();
  await until(page, () => line(page), ({points, flat}) =>
    points >= before.points + 3 && !flat, 'the seconds between');
  assert.deepEqual(await faults({unreachable: true}), []);
});

test('seconds that nobody knows are a gap', async (t) => {
  const {faults, gateway, history, page} = await start(t);
  await until(page, () => line(page), ({points}) => points >= POINTS_MIN, 'a line');
  gateway.signal('SIGSTOP');
  await page.locator('.pill[data-state=stale]').waitFor();
  gateway.signal('SIGCONT');
  await page.locator('.pill[data-state=live]').waitFor();
  await until(page, () => line(page), ({parts}) => parts >= 2, 'a gap');
  const {series} = await history();
  const gap = series.requests.filter((value) => value === null).length;
  assert.ok(gap >= 2, JSON.stringify(series.requests));
  await page.reload();  // the gateway itself says so
  await page.locator('.pill[data-state=live]').waitFor();
  await until(page, () => line(page), ({parts, points}) => parts >= 2 && points >= POINTS_MIN,
    'the gap of the history');
  assert.deepEqual(await faults({unreachable: true}), []);
});
