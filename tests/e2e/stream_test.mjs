// Streams as curl -N sees them: event by event, when they are sent.
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  account, ask, CLIENT_KEY, eventually, Program, startGateway, startMock,
} from './harness.mjs';

// curl -N with a streaming chat request; arrivals: when each event came, in ms.
function curlStream(gateway, more = {}) {
  const curl = new Program('curl', ['-sSN', `${gateway.url}/v1/chat/completions`,
    '-H', `Authorization: Bearer ${CLIENT_KEY}`, '-H', 'Content-Type: application/json',
    '-d', JSON.stringify(ask({stream: true, ...more}))]);
  curl.arrivals = [];
  curl.child.stdout.on('data', (text) => {
    const events = text.split('\n\n').length - 1;
    for (let i = 0; i < events; ++i) curl.arrivals.push(performance.now());
  });
  return curl;
}

async function started(t, directives) {
  const mock = await startMock(t, ['--behaviour', directives]);
  return {mock, gateway: await startGateway(t, {accounts: [account(mock)]})};
}

test('an event is there before the provider sends the next', async (t) => {
  const {gateway} = await started(t, 'tokens=8;stall=forever;stall-at=event:3');
  const curl = curlStream(gateway);
  await eventually(() => curl.arrivals.length >= 3, 'three events while the stream stands still');
  assert.equal(curl.status, undefined, 'the stream is still open');
  assert.equal(curl.arrivals.length, 3);
  await curl.stop();
});

test('events come at the pace at which they are sent', async (t) => {
  const {gateway} = await started(t, 'tokens=40;gap=150ms');
  const curl = curlStream(gateway);
  assert.equal((await curl.exited).code, 0, curl.errors);
  assert.match(curl.output, /data: \[DONE\]\n\n$/);
  const gaps = curl.arrivals.slice(1).map((at, i) => at - curl.arrivals[i]);
  // Some come together where a process stands still for a while, but that is not all of them.
  const late = gaps.filter((gap) => gap > 75).length;
  assert.ok(late >= 10, `events came in heaps: ${gaps.map(Math.round)} ms apart`);
});

test('a stream that breaks ends visibly, with an error event and no [DONE]', async (t) => {
  const {gateway} = await started(t, 'tokens=8;abort=rst;abort-at=event:3');
  const curl = curlStream(gateway);
  await curl.exited;
  assert.match(curl.output, /token-1/);
  assert.match(curl.output, /data: \{"error":\{/);
  assert.doesNotMatch(curl.output, /\[DONE\]/);
});

test('comments, odd line ends and events in two sends pass unchanged', async (t) => {
  for (const directives of ['sse-comment', 'sse-eol=crlf', 'sse-eol=mixed', 'sse-event-split']) {
    const {gateway} = await started(t, `tokens=4;${directives}`);
    const curl = curlStream(gateway);
    assert.equal((await curl.exited).code, 0, curl.errors);
    for (const word of ['token-0', 'token-1', 'token-2', 'token-3', '[DONE]']) {
      assert.ok(curl.output.includes(word), `${directives}: ${word} is missing`);
    }
    if (directives === 'sse-comment') assert.match(curl.output, /^: ping/m);
    assert.ok(!curl.output.includes('"usage"'), `${directives}: the client did not ask for usage`);
  }
});
