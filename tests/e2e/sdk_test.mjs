// The official SDK in front of the gateway, as in front of the provider itself.
import assert from 'node:assert/strict';
import test from 'node:test';
import {account, ask, startGateway, startMock} from './harness.mjs';

const WORDS = 'token-0 token-1 token-2 token-3 token-4 token-5 token-6 token-7';

async function started(t, mockArgs = []) {
  const mock = await startMock(t, ['--tokens', '8', '--tokens-per-second', '1000', ...mockArgs]);
  const gateway = await startGateway(t, {accounts: [account(mock)]});
  return {mock, gateway, client: gateway.openai()};
}

test('chat: the answer, its usage, and the provider sees the account key', async (t) => {
  const {mock, client} = await started(t);
  const answer = await client.chat.completions.create(ask());
  assert.equal(answer.choices[0].message.content.trim(), WORDS);
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(answer.usage.completion_tokens, 8);
  const [request] = await mock.requests();
  assert.deepEqual([request.key, request.target, request.model, request.stream],
    ['sk-test-a', '/v1/chat/completions', 'mock-large', false]);
});

test('chat: what the client sent arrives byte for byte', async (t) => {
  const {mock, gateway} = await started(t);
  const body = '{"model":"mock-large", "x":1.50,"messages":' +
    '[{"role":"user","content":"\\u00fc ü 漢 \\n"}]}';
  const answer = await gateway.post('/v1/chat/completions?a=1&b=%20', body);
  assert.equal(answer.status, 200);
  await answer.text();
  const [last] = await mock.last();
  assert.equal(last.body, body);
  assert.equal(last.target, '/v1/chat/completions?a=1&b=%20');
});

test('chat: the model name is the provider\'s own on the way there', async (t) => {
  const mock = await startMock(t);
  const models = {large: 'mock-large'};
  const gateway = await startGateway(t, {accounts: [account(mock, {models})]});
  await gateway.openai().chat.completions.create(ask({model: 'large'}));
  const [request] = await mock.requests();
  assert.equal(request.model, 'mock-large');
});

test('stream: every word in order, and the end', async (t) => {
  const {client} = await started(t);
  const stream = await client.chat.completions.create(ask({stream: true}));
  let text = '';
  let finish = null;
  for await (const chunk of stream) {
    assert.equal(chunk.usage ?? null, null, 'the client has not asked for usage');
    assert.equal(chunk.choices.length, 1);
    text += chunk.choices[0].delta.content ?? '';
    finish = chunk.choices[0].finish_reason ?? finish;
  }
  assert.equal(text.trim(), WORDS);
  assert.equal(finish, 'stop');
});

test('stream: usage is there when the client asks for it', async (t) => {
  const {client} = await started(t);
  const stream = await client.chat.completions.create(
    ask({stream: true, stream_options: {include_usage: true}}));
  let usage = null;
  for await (const chunk of stream) usage = chunk.usage ?? usage;
  assert.equal(usage.completion_tokens, 8);
});

test('completions, as answer and as stream', async (t) => {
  const {client} = await started(t);
  const request = {model: 'mock-small', prompt: 'Say something.'};
  const answer = await client.completions.create(request);
  assert.equal(answer.choices[0].text.trim(), WORDS);
  let text = '';
  for await (const chunk of await client.completions.create({...request, stream: true})) {
    text += chunk.choices[0]?.text ?? '';
  }
  assert.equal(text.trim(), WORDS);
});

test('embeddings', async (t) => {
  const {client} = await started(t);
  const answer = await client.embeddings.create(
    {model: 'mock-embedding', input: ['a', 'b'], dimensions: 8});
  assert.equal(answer.data.length, 2);
  assert.equal(answer.data[0].embedding.length, 8);
});

test('responses, as answer and as stream', async (t) => {
  const {client} = await started(t);
  const request = {model: 'mock-large', input: 'Say something.'};
  const answer = await client.responses.create(request);
  assert.equal(answer.output_text.trim(), WORDS);
  let text = '';
  let completed = null;
  for await (const event of await client.responses.create({...request, stream: true})) {
    if (event.type === 'response.output_text.delta') text += event.delta;
    if (event.type === 'response.completed') completed = event.response;
  }
  assert.equal(text.trim(), WORDS);
  assert.equal(completed.usage.output_tokens, 8);
});

test('models: the gateway answers itself, sorted, ids with slashes too', async (t) => {
  const mock = await startMock(t);
  const models = {'b/large': 'mock-large', a: 'mock-small'};
  const gateway = await startGateway(t, {accounts: [account(mock, {models})]});
  const client = gateway.openai();
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.deepEqual(ids, ['a', 'b/large']);
  assert.equal((await client.models.retrieve('b/large')).id, 'b/large');
  assert.equal((await mock.count()).requests, 0);
});

test('a request id of the client comes back, and who served is told', async (t) => {
  const {gateway} = await started(t);
  const answer = await gateway.post('/v1/chat/completions', ask(), {'x-request-id': 'e2e-17'});
  assert.equal(answer.headers.get('x-request-id'), 'e2e-17');
  assert.equal(answer.headers.get('x-sluice-account'), 'team-a');
  assert.equal(answer.headers.get('x-sluice-pool'), 'primary');
  assert.equal(answer.headers.get('x-sluice-attempts'), '1');
  assert.match(answer.headers.get('x-sluice-overhead-us'), /^\d+$/);
  await answer.text();
});

test('many clients at once, each gets its own answer', async (t) => {
  const {client} = await started(t);
  const asked = Array.from({length: 64}, (_, i) => client.chat.completions.create(
    ask({model: `mock-large!content=answer-${i}`})));
  const answers = await Promise.all(asked);
  assert.deepEqual(answers.map((answer) => answer.choices[0].message.content.trim()),
    Array.from({length: 64}, (_, i) => `answer-${i}`));
});
