// An authority of the measurement's own, and a certificate by it for 127.0.0.1 and localhost.
import {execFileSync} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';

// {ca, certificate, key, both}: PEM files in `folder`. `both` is certificate and key in one, as
// HAProxy wants them.
export function makeCertificates(folder) {
  const openssl = (...args) => execFileSync('openssl', args, {cwd: folder, stdio: 'pipe'});
  const p256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...p256, '-keyout', 'ca.key', '-out', 'ca.pem',
    '-subj', '/CN=bench authority');
  openssl('req', '-x509', ...p256, '-keyout', 'host.key', '-out', 'host.pem', '-CA', 'ca.pem',
    '-CAkey', 'ca.key', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost',
    '-addext', 'basicConstraints=critical,CA:FALSE');
  const file = (name) => path.join(folder, name);
  writeFileSync(file('both.pem'),
    readFileSync(file('host.pem'), 'utf8') + readFileSync(file('host.key'), 'utf8'), {mode: 0o600});
  return {ca: file('ca.pem'), certificate: file('host.pem'), key: file('host.key'),
    both: file('both.pem')};
}
