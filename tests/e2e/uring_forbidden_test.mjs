// Where io_uring is forbidden, the program says so, with the cause and the mend, and exits with 69.
import assert from 'node:assert/strict';
import {fileURLToPath} from 'node:url';
import path from 'node:path';
import test from 'node:test';
import {atEnd, program, Program, run, writeConfig} from './harness.mjs';

const launcher = fileURLToPath(new URL('without_io_uring.py', import.meta.url));
const CAUSES = [
  ['EPERM', /Operation not permitted/, /seccomp profile forbids it/],
  ['ENOSYS', /Function not impl/, /built without io_uring, or a seccomp profile hides it/],
];

const forbidden = (errno, ...args) =>
  run('python3', [launcher, errno, path.resolve(program), ...args]);

for (const [errno, reason, cause] of CAUSES) {
  test(`serve, demo and mock under ${errno}: exit code 69, the cause and the mend`, async (t) => {
    const file = await writeConfig(t, {accounts: [
      {name: 'a', base_url: 'http://127.0.0.1:1/v1', api_key: 'sk-test-a'}]});
    for (const args of [['serve', '-c', file], ['demo', '--listen', '127.0.0.1:0'],
      ['mock', '--listen', '127.0.0.1:0']]) {
      const {code, output, errors} = await forbidden(errno, ...args);
      assert.equal(code, 69, `${args[0]}: ${errors}`);
      assert.match(errors, /io_uring cannot be used here/, args[0]);
      assert.match(errors, reason, args[0]);
      assert.match(errors, cause, args[0]);
      for (const call of ['io_uring_setup', 'io_uring_enter', 'io_uring_register']) {
        assert.ok(errors.includes(call), `${args[0]}: ${call} in ${errors}`);
      }
      assert.doesNotMatch(output, /listening on/);
      assert.doesNotMatch(errors, /Sanitizer|invariant/);
    }
  });

  test(`what needs no io_uring works under ${errno}`, async (t) => {
    const file = await writeConfig(t, {accounts: [
      {name: 'a', base_url: 'http://127.0.0.1:1/v1', api_key: 'sk-test-a'}]});
    const {code, errors} = await forbidden(errno, 'check-config', '-c', file);
    assert.equal(code, 0, errors);
  });
}

test('nothing of it outlives the program: the same command starts here', async (t) => {
  const mock = new Program(program, ['mock', '--listen', '127.0.0.1:0']);
  atEnd(t, () => mock.stopCleanly());
  await mock.says(/listening on/);
});
