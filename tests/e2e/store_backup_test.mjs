// What the data directory and its backups are worth: damage, backups that are kept, who may write.
import assert from 'node:assert/strict';
import {chmod, mkdir, readFile, rename, writeFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import {Commands} from './commands.mjs';
import {ask, CLIENT_KEY, startMock} from './harness.mjs';
import {makeSite, serve} from './store.mjs';

const CHAT = '/v1/chat/completions';
const NOBODY = {name: 'nobody', base_url: 'http://127.0.0.1:1/v1', api_key: 'sk-test-n'};

async function post(gateway) {
  const answer = await fetch(gateway.url + CHAT, {
    method: 'POST',
    headers: {authorization: `Bearer ${CLIENT_KEY}`, 'content-type': 'application/json'},
    body: JSON.stringify(ask()),
  });
  await answer.text();
  return answer.status;
}

const stop = async (gateway) => assert.equal((await gateway.stop()).code, 0, gateway.errors);

test('backup and restore --dry-run: a good file and a damaged one', async (t) => {
  const mock = await startMock(t);
  const site = await makeSite(t, {});
  const commands = new Commands(site);
  await commands.addProvider('team-x', mock.url, 'sk-test-canary-9');
  const gateway = await serve(t, site.file);
  assert.equal(await post(gateway), 200);
  const file = (await commands.ok(['backup'])).output.trim();
  const look = (name) => commands.run(['restore', '--dry-run', name], {config: false});
  const good = await look(file);
  assert.match(good.output, /rows, 0 faults/, good.errors);
  const bytes = await readFile(file);
  const damaged = path.join(path.dirname(site.file), 'damaged.mdb');
  for (const spoil of [(copy) => copy.subarray(0, 5000), (copy) => copy.fill(0x5a, 0, 9000),
    () => Buffer.from('no database')]) {
    await writeFile(damaged, spoil(Buffer.from(bytes)));
    const told = await look(damaged);
    assert.equal(told.code, 65, told.output + told.errors);
    assert.match(told.errors, /damaged\.mdb/);
  }
  assert.equal((await look('/nonexistent.mdb')).code, 66);
  await stop(gateway);
  await commands.expectSecretsKept(gateway.errors);
});

// LMDB trusts its pages: whatever a damaged one makes of it, the command itself must live to tell.
test('backup: damaged at any place, it is told by its digest, and no command crashes without one',
  async (t) => {
    const site = await makeSite(t, {});
    const commands = new Commands(site);
    await commands.addProvider('team-x', 'https://api.example.com', 'sk-test-canary-10');
    const file = (await commands.ok(['backup'])).output.trim();
    const look = (name) => commands.run(['restore', '--dry-run', name], {config: false});
    assert.match((await look(file)).output, /SHA-256.* 0 faults/);
    const bytes = await readFile(file);
    const digest = await readFile(`${file}.sha256`, 'utf8');
    assert.match(digest, new RegExp(`^[0-9a-f]{64}  ${path.basename(file)}\n$`));
    const folder = path.dirname(site.file);
    const [told, untold] = ['told.mdb', 'untold.mdb'].map((name) => path.join(folder, name));
    await writeFile(`${told}.sha256`, digest);
    let seed = 20240607;
    const random = (below) => {  // as in POSIX' rand(), the upper bits
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return Math.floor(seed / 65536) % below;
    };
    let refused = 0;
    for (let round = 0; round < 60; ++round) {
      const copy = Buffer.from(bytes);
      const page = random(bytes.length / 4096) * 4096;
      // The first bytes of a page are its header and where its rows lie.
      for (let flips = 0; flips < 8; ++flips)
        copy[page + random(round % 2 === 0 ? 64 : 4096)] ^= 1 + random(255);
      const changed = !copy.equals(bytes);
      await Promise.all([writeFile(told, copy), writeFile(untold, copy)]);
      const [byDigest, byRows] = await Promise.all([look(told), look(untold)]);
      assert.equal(byDigest.code, changed ? 65 : 0, byDigest.errors);
      if (changed) assert.match(byDigest.errors, /told\.mdb is damaged: .*sha256/);
      assert.ok(byRows.code === 0 || byRows.code === 65, `${round}: ${byRows.code}`);
      if (byRows.code === 65) {
        ++refused;
        assert.match(byRows.errors + byRows.output, /untold\.mdb/);
      }
    }
    assert.ok(refused > 5, `${refused} of 60 were seen without the digest`);
    await writeFile(untold, '');
    assert.match((await look(untold)).errors, /the file is empty/);
    assert.match((await look(folder)).errors, /no file/);
    await commands.expectSecretsKept();
  });

test('store check: a damaged database is told, not crashed over', async (t) => {
  const site = await makeSite(t, {});
  const commands = new Commands(site);
  await commands.addProvider('team-x', 'https://api.example.com', 'sk-test-canary-11');
  await commands.ok(['store', 'check']);
  const database = path.join(site.directory, 'data.mdb');
  const bytes = await readFile(database);
  for (let page = 2 * 4096; page < bytes.length; page += 4096) {
    const copy = Buffer.from(bytes);
    copy.fill(0xff, page, page + 4096);
    await writeFile(database, copy);
    const {code, errors} = await commands.run(['store', 'check']);
    assert.ok(code === 0 || code === 65, `page ${page / 4096}: ${code} ${errors}`);
  }
  await writeFile(database, bytes);
  await commands.ok(['store', 'check']);
});

// Flips a bit behind each place in the pages that name `account` where a value sealed under the
// master key `keyId` begins: version 1, the key's id, 12 bytes of nonce.
function damageKeyOf(bytes, account, keyId) {
  const begin = Buffer.concat([Buffer.from([1]), Buffer.from(keyId, 'hex')]);
  let damaged = 0;
  for (let page = 0; page < bytes.length; page += 4096) {
    const content = bytes.subarray(page, page + 4096);
    if (!content.includes(account)) continue;
    for (let at = content.indexOf(begin); at >= 0; at = content.indexOf(begin, at + 1)) {
      content[at + begin.length + 12] ^= 1;
      ++damaged;
    }
  }
  return damaged;
}

test('a damaged key takes its account out of use, and nothing else', async (t) => {
  const mock = await startMock(t);
  const site = await makeSite(t, {accounts: [{...NOBODY, base_url: `${mock.url}/v1`}]});
  const commands = new Commands(site);
  await commands.addProvider('team-spoiled', mock.url, 'sk-test-canary-13');
  const {output} = await commands.ok(['keys', 'status']);
  const database = path.join(site.directory, 'data.mdb');
  const bytes = await readFile(database);
  const keyId = /under master key ([0-9a-f]{16})/.exec(output)[1];
  assert.ok(damageKeyOf(bytes, 'team-spoiled', keyId) > 0);
  await writeFile(database, bytes);

  const checked = await commands.run(['store', 'check']);
  assert.equal(checked.code, 65, checked.errors);
  assert.match(checked.output, /'team-spoiled': .* cannot be decrypted: it is damaged/);

  const gateway = await serve(t, site.file);
  assert.equal(await post(gateway), 200);
  assert.equal(gateway.errors.match(/error the key of .*account=team-spoiled/g)?.length, 1,
    gateway.errors);
  assert.match((await commands.ok(['providers', 'list'])).output, /team-spoiled/);
  await commands.ok(['providers', 'remove', 'team-spoiled']);
  await commands.ok(['store', 'check']);
  await stop(gateway);
});

test('backup: one that is asked for takes no other away', async (t) => {
  for (const keep of [0, 1]) {
    const site = await makeSite(t, {backup: {keep}});
    const commands = new Commands(site);
    await commands.addProvider('team-x', 'https://api.example.com', 'sk-test-canary-12');
    const first = (await commands.ok(['backup'])).output.trim();
    const old = path.join(path.dirname(first), 'sluice-20200101T000000Z.mdb');
    await rename(first, old);
    await commands.ok(['backup']);
    assert.ok((await readFile(old)).length > 0);
  }
});

test('a data directory that others may write to is warned of', async (t) => {
  const site = await makeSite(t, {accounts: [NOBODY]});
  for (const [mode, warned] of [[0o700, false], [0o755, false], [0o770, true], [0o777, true]]) {
    await mkdir(site.directory, {recursive: true});
    await chmod(site.directory, mode);
    const gateway = await serve(t, site.file);
    await stop(gateway);
    assert.equal(/can be written by others than its owner/.test(gateway.errors), warned, `${mode}`);
  }
});

test('reading before anything is stored says so', async (t) => {
  const site = await makeSite(t, {});
  const commands = new Commands(site);
  await commands.refused(['usage', 'total'], 66, /nothing is stored yet: start sluice serve first/);
});
