// That a limit on requests in a window was kept, however late the provider has read some of them.
//
//   const sent = [];
//   await notedPost(gateway, sent);
//   await neverMoreIn(1500, 10, mock, sent);
import assert from 'node:assert/strict';
import {ask} from './harness.mjs';

// A chat request that `sent` keeps under its name: it has not left the gateway before `earliest`,
// when it was asked for and, as the gateway tells, had waited.
export async function notedPost(gateway, sent) {
  const id = `noted-${sent.length}`;
  const one = {id, earliest: Date.now()};
  sent.push(one);
  const answer = await gateway.post('/v1/chat/completions', ask(), {'x-request-id': id});
  await answer.text();
  one.earliest += Number(answer.headers.get('x-sluice-queue-ms') ?? 0);
  return answer;
}

// A provider that stood still reads at once what came over a while. So a request counts from the
// earliest moment at which it can have left the gateway, the one that is too many as it was read.
export async function neverMoreIn(windowMs, limit, mock, sent) {
  const earliest = new Map(sent.map((one) => [one.id, one.earliest]));
  const arrived = await mock.requests();
  for (const one of arrived) assert.ok(earliest.has(one.request_id), one.request_id);
  arrived.sort((a, b) => a.read_at_ms - b.read_at_ms);
  for (let i = 0; i + limit < arrived.length; ++i) {
    const some = arrived.slice(i, i + limit + 1);
    const began = Math.min(...some.map((one) => earliest.get(one.request_id)));
    const span = some.at(-1).read_at_ms - began;
    assert.ok(span >= windowMs, `${limit + 1} requests within ${span} ms`);
  }
}
