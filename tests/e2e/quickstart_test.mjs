// tools/quickstart with a program that is built already: what a newcomer sees.
import assert from 'node:assert/strict';
import {readdir, readFile} from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import {fileURLToPath} from 'node:url';
import {atEnd, program, run} from './harness.mjs';

const quickstart = fileURLToPath(new URL('../../tools/quickstart', import.meta.url));
const env = {...process.env, SLUICE: path.resolve(program)};

// A port that nobody listens on.
async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const {port} = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// The processes whose command line holds `text`.
async function processesWith(text) {
  const found = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.split('\0').includes(text)) found.push(pid);
  }
  return found;
}

test('--once prints both answers and how to go on, and leaves nothing behind', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const {code, output, errors} = await run(quickstart, ['--once', address], {env});
  assert.equal(code, 0, output + errors);
  const [, answer, stream, rest] = output.split(/^== .*\n/m);
  assert.ok(output.includes(`== a chat request to http://${address}\n`), output);
  assert.equal(JSON.parse(answer).object, 'chat.completion');
  const events = stream.trim().split('\n\n');
  assert.equal(events.pop(), 'data: [DONE]');
  const words = events.map((event) => JSON.parse(event.replace(/^data: /, '')))
    .filter((event) => event.choices[0].delta.content);
  assert.equal(words.length, 6);
  assert.match(rest, /rpm_limit: 40[^]*MY_KEY=\.\.\. \S+ serve -c sluice\.yaml/);
  assert.ok(rest.includes(`curl http://${address}/v1/models`), rest);
  assert.deepEqual(await processesWith(address), []);
  const socket = net.connect({host: '127.0.0.1', port: address.split(':')[1]});
  await assert.rejects(new Promise((resolve, reject) => {
    socket.on('connect', resolve).on('error', reject);
  }), {code: 'ECONNREFUSED'});
});

test('an address that is taken is told, with exit code 1', async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  atEnd(t, () => server.close());
  await new Promise((resolve) => server.on('listening', resolve));
  const address = `127.0.0.1:${server.address().port}`;
  const {code, errors} = await run(quickstart, ['--once', address], {env});
  assert.equal(code, 1, errors);
  assert.match(errors, /the demo did not start/);
  assert.match(errors, /the port is taken by another process/);
  assert.deepEqual(await processesWith(address), []);
});

test('wrong arguments: exit code 64, and the usage', async () => {
  for (const args of [['--twice'], ['9190'], ['--once', 'here']]) {
    const {code, output, errors} = await run(quickstart, args, {env});
    assert.equal(code, 64, args.join(' '));
    assert.match(errors, /usage: tools\/quickstart \[--once\] \[ADDRESS:PORT\]/);
    assert.equal(output, '');
  }
});
