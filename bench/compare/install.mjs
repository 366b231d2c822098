// Installs what is missing: nginx, HAProxy and wrk from Debian, Portkey's gateway from npm; and
// builds sluice, the relays and the load.
import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync} from 'node:fs';
import path from 'node:path';
import {built, npmFolder, portkey, programs, root} from './peers.mjs';

// Installed by apt, nginx and HAProxy would be started as services, on ports of the machine's: a
// policy-rc.d that refuses stays only as long as this takes where there is none.
const APT_SCRIPT = `set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"; chmod +x "$policy"; trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update || echo 'the package lists may be old' >&2
npm=; command -v npm >/dev/null || npm=npm
apt-get -qq install -y --no-install-recommends libbenchmark-dev libgmock-dev libgtest-dev \\
  nginx-light haproxy wrk openssl util-linux $npm`;

const OPTION = '-Dbenchmarks=true';
const PORTKEY = '@portkey-ai/gateway@1.15.2';

const run = (program, ...words) => execFileSync(program, words, {cwd: root, stdio: 'inherit'});

// A program that lies elsewhere (SLUICE=path) is built by whoever said so.
function build() {
  run(path.join(root, 'tools/install-deps'), 'build');
  if (existsSync(path.join(built, 'build.ninja'))) run('meson', 'configure', built, OPTION);
  else run('meson', 'setup', built, OPTION);
  const targets = Object.values(programs).map((file) => path.relative(built, file))
    .filter((file) => !file.startsWith('..'));
  run('ninja', '-C', built, ...targets);
}

export function install() {
  const command = process.getuid() === 0 ? ['bash'] : ['sudo', 'bash'];
  run(...command, '-c', APT_SCRIPT);
  build();
  if (existsSync(portkey)) return;
  mkdirSync(npmFolder, {recursive: true});
  run('npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', npmFolder,
    PORTKEY);
}
