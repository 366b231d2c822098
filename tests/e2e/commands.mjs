// Runs the commands of `sluice` that read and change a store, and keeps what they said.
import assert from 'node:assert/strict';
import {readdir, readFile} from 'node:fs/promises';
import path from 'node:path';
import {Program, program} from './harness.mjs';

// Secrets are made up here; none may turn up in what was printed, nor in any file of `directory`.
export class Commands {
  constructor(site, env = {}) {
    this.site = site;
    this.env = env;
    this.said = '';
    this.secrets = [];
  }

  secret(text) {
    this.secrets.push(text);
    return text;
  }

  // {code, output, errors}; `shows`: the output may be a secret, and is not kept.
  async run(args, {input = '', env = {}, shows = false, config = true} = {}) {
    const flags = config ? ['-c', this.site.file] : [];
    const done = new Program(program, [...args, ...flags], {
      stdio: ['pipe', 'pipe', 'pipe'], env: {...process.env, ...this.env, ...env},
    });
    done.child.stdin.on('error', () => {});  // it may not want to read all of it
    done.child.stdin.end(input);
    const {code, signal} = await done.exited;
    this.said += done.errors + (shows ? '' : done.output);
    return {code: code ?? signal, output: done.output, errors: done.errors};
  }

  // The same for a command that must do what it is for.
  async ok(args, options) {
    const done = await this.run(args, options);
    assert.equal(done.code, 0, `${args.join(' ')}: ${done.errors}${done.output}`);
    return done;
  }

  async refused(args, code, pattern, options) {
    const done = await this.run(args, options);
    assert.equal(done.code, code, `${args.join(' ')}: ${done.errors}${done.output}`);
    assert.match(done.errors, pattern, args.join(' '));
    return done;
  }

  addProvider(name, url, key, ...more) {
    return this.ok(['providers', 'add', name, '--url', `${url}/v1`, '--rpm', '1000', ...more],
      {input: `${this.secret(key)}\n`});
  }

  // A new client key's text.
  async createClient(name, ...more) {
    const {output} = await this.ok(['clients', 'create', name, ...more], {shows: true});
    return this.secret(output.trim());
  }

  async expectSecretsKept(...logs) {
    const told = [this.said, ...logs].join('\n');
    for (const secret of this.secrets) assert.ok(!told.includes(secret), 'a secret was printed');
    for (const file of await filesBelow(this.site.directory)) {
      if (path.basename(file) === 'master.key') continue;
      const bytes = await readFile(file);
      for (const secret of this.secrets) assert.ok(!bytes.includes(secret), `a secret in ${file}`);
    }
  }
}

export async function filesBelow(directory) {
  const entries = await readdir(directory, {withFileTypes: true, recursive: true});
  return entries.filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}
