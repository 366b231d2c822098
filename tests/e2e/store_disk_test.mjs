// Data directories that cannot be used, and disks that take nothing for a while.
import assert from 'node:assert/strict';
import {chmod, mkdir, readFile, writeFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import {account, ask, CLIENT_KEY, eventually, program, run, startMock} from './harness.mjs';
import {dumpChecked, eventuallyStored, logLines, makeSite, serve} from './store.mjs';

const MEMORY = /the disk takes no more of the usage journals/;
const ON_DISK = /the usage journals are on the disk again/;
const TROUBLE = /usage cannot be booked/;
const BOOKED = /usage is booked again/;

async function makeOne(t, config = {}) {
  const mock = await startMock(t, ['--tokens', '2']);
  const site = await makeSite(t, {
    accounts: [account(mock, {rpm_limit: 1_000_000})], shards: 1, log: {format: 'json'}, ...config,
  });
  return {mock, ...site};
}

const times = (gateway, pattern) =>
  logLines(gateway).filter((line) => pattern.test(line.message)).length;

async function send(gateway, id) {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: {authorization: `Bearer ${CLIENT_KEY}`, 'content-type': 'application/json',
      'x-request-id': id},
    body: JSON.stringify(ask()),
  });
  await answer.text();
  return answer.status;
}

async function sendMany(gateway, name, count) {
  for (let i = 0; i < count; ++i) assert.equal(await send(gateway, `${name}-${i}`), 200);
}

// How large a file of the process may become: beyond that, writing fails as on a full disk.
async function limitFiles(gateway, bytes) {
  const {code, errors} =
    await run('prlimit', ['--pid', `${gateway.child.pid}`, `--fsize=${bytes}:unlimited`]);
  assert.equal(code, 0, errors);
}

test('a data directory that cannot be used is said at the start, with an exit code', async (t) => {
  const {file, directory} = await makeOne(t);
  const config = JSON.parse(await readFile(file, 'utf8'));
  const folder = path.dirname(file);
  await writeFile(path.join(folder, 'a-file'), 'no folder');
  await mkdir(path.join(folder, 'no-store'));
  await writeFile(path.join(folder, 'no-store', 'data.mdb'), 'x'.repeat(100_000));
  const running = await serve(t, file);
  for (const [where, codes] of [
    [path.join(folder, 'missing', 'data'), [73]],
    [path.join(folder, 'a-file'), [73, 65, 74, 77]],
    [path.join(folder, 'no-store'), [65]],
    ['/proc/sluice-data', [73, 77]],
    [directory, [75]],
  ]) {
    const other = path.join(folder, 'other.yaml');
    await writeFile(other, JSON.stringify({...config, store: {directory: where}}), {mode: 0o600});
    const {code, errors, output} = await run(program, ['serve', '-c', other]);
    assert.ok(codes.includes(code), `${where}: ${code} ${errors}`);
    assert.ok(errors.includes(where), `${where}: ${errors}`);
    assert.doesNotMatch(output, /listening/);
  }
  assert.equal(await send(running, 'undisturbed'), 200);
  await running.stopCleanly();
});

test('a data directory without the right to write: exit code 77', async (t) => {
  const {file, directory} = await makeOne(t);
  await mkdir(directory);
  await chmod(directory, 0o500);
  // Root may write everywhere, unless this right is taken from it.
  const asOthers = process.getuid() === 0
    ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : [];
  const [command, ...args] = [...asOthers, program, 'serve', '-c', file];
  const {code, errors} = await run(command, args);
  assert.equal(code, 77, errors);
});

test('a disk that is full from the start: journals in memory, then on the disk', async (t) => {
  const {file, directory} = await makeOne(t);
  // In units of 512 bytes: enough for the database, too little for the journal's files.
  const command = ['sh', '-c', 'ulimit -S -f 1536; exec "$@"', 'sh', program];
  const gateway = await serve(t, file, {command});
  await eventually(() => times(gateway, MEMORY) === 1, 'the log');
  await sendMany(gateway, 'full', 20);
  await eventuallyStored(directory, (now) => now.rows.length === 20, 'the requests');
  await limitFiles(gateway, 'unlimited');
  await eventually(() => times(gateway, ON_DISK) === 1, 'the end of it in the log');
  await sendMany(gateway, 'room', 20);
  await gateway.stopCleanly();
  assert.equal(times(gateway, MEMORY), 1);
  assert.equal((await dumpChecked(directory)).total.requests, 40);
});

test('a disk that is full for a while: requests are served, and booked later', async (t) => {
  const {file, directory} = await makeOne(t);
  const gateway = await serve(t, file);
  await sendMany(gateway, 'before', 5);
  for (const round of [1, 2, 3]) {
    await sendMany(gateway, `just-before-${round}`, 1);
    // Booked, so that no write is under way: one that fails half done closes the database.
    const booked = 5 + 26 * (round - 1) + 1;
    await eventuallyStored(directory, (now) => now.rows.length === booked, 'those before');
    await limitFiles(gateway, 4096);
    await sendMany(gateway, `full-${round}`, 20);
    await eventually(() => times(gateway, TROUBLE) === round, 'the log');
    await sendMany(gateway, `still-${round}`, 5);
    await limitFiles(gateway, 'unlimited');
    await eventually(() => times(gateway, BOOKED) === round, 'the end of it in the log');
  }
  await gateway.stopCleanly();
  assert.equal(times(gateway, TROUBLE), 3);
  const dump = await dumpChecked(directory);
  assert.deepEqual([dump.total.requests, dump.rows.length, dump.total.unknown], [83, 83, 0]);
});

test('an end while the disk is full loses nothing that is in the journal\'s files', async (t) => {
  const {file, directory} = await makeOne(t);
  const gateway = await serve(t, file);
  await sendMany(gateway, 'before', 5);
  await limitFiles(gateway, 4096);
  await sendMany(gateway, 'full', 20);
  await gateway.stopCleanly();
  const next = await serve(t, file);
  await next.stopCleanly();
  const {total} = await dumpChecked(directory);
  assert.deepEqual([total.requests, total.unknown], [25, 0]);
});

// Nothing can be booked, and the journals have no files: what there is, is in memory.
async function fillMemory(t) {
  const site = await makeOne(t);
  const command = ['sh', '-c', 'ulimit -S -f 1536; exec "$@"', 'sh', program];
  const gateway = await serve(t, site.file, {command});
  await eventually(() => times(gateway, MEMORY) === 1, 'the log');
  await limitFiles(gateway, 4096);
  await sendMany(gateway, 'full', 20);
  return {...site, gateway};
}
const LOST = /they are lost with this process/;

test('an end waits for a full disk that has room again', async (t) => {
  const {directory, file, gateway} = await fillMemory(t);
  const ended = gateway.stopCleanly();
  setTimeout(() => limitFiles(gateway, 'unlimited'), 500);
  await ended;
  assert.equal(times(gateway, LOST), 0);
  await (await serve(t, file)).stopCleanly();
  const {total} = await dumpChecked(directory);
  assert.deepEqual([total.requests, total.unknown], [20, 0]);
});

test('an end that a full disk makes lose something says how much', async (t) => {
  const {gateway} = await fillMemory(t);
  gateway.endsWith = 74; // EX_IOERR
  await gateway.stopCleanly();
  const told = logLines(gateway).filter((line) => LOST.test(line.message));
  assert.equal(told.length, 1);
  assert.ok(told[0].records >= 20, JSON.stringify(told[0]));
});
