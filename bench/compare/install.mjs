// Installs what is missing: nginx, HAProxy and wrk from Debian, Portkey's gateway from npm.
import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync} from 'node:fs';
import {npmFolder, portkey} from './peers.mjs';

// Installed by apt, nginx and HAProxy would be started as services, on ports of the machine's: a
// policy-rc.d that refuses stays only as long as this takes where there is none.
const APT_SCRIPT = `set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"; chmod +x "$policy"; trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update || echo 'the package lists may be old' >&2
apt-get -qq install -y --no-install-recommends nginx-light haproxy wrk openssl util-linux`;

const PORTKEY = '@portkey-ai/gateway@1.15.2';

export function install() {
  const command = process.getuid() === 0 ? ['bash'] : ['sudo', 'bash'];
  execFileSync(command[0], [...command.slice(1), '-c', APT_SCRIPT], {stdio: 'inherit'});
  if (existsSync(portkey)) return;
  mkdirSync(npmFolder, {recursive: true});
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix',
    npmFolder, PORTKEY], {stdio: 'inherit'});
}
