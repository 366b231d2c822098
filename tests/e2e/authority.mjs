// Certificates for a test, by an authority of its own.
import assert from 'node:assert/strict';
import path from 'node:path';
import {run, temporaryFolder} from './harness.mjs';

async function openssl(folder, ...args) {
  const {code, errors} = await run('openssl', args, {cwd: folder});
  assert.equal(code, 0, errors);
}

// An authority, and a certificate by it for each of `hosts`: {ca, certificate(host), key(host)}.
export async function authority(t, hosts) {
  const folder = await temporaryFolder();
  await openssl(folder, 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
    '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test authority');
  for (const host of hosts) {
    const name = /^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`;
    await openssl(folder, 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
      '-nodes', '-keyout', `${host}.key`, '-out', `${host}.pem`, '-days', '2',
      '-CA', 'ca.pem', '-CAkey', 'ca.key', '-subj', `/CN=${host}`,
      '-addext', `subjectAltName=${name}`, '-addext', 'basicConstraints=critical,CA:FALSE');
  }
  const certificate = (host) => path.join(folder, `${host}.pem`);
  const key = (host) => path.join(folder, `${host}.key`);
  const mockArgs = (host) => ['--tls-certificate', certificate(host), '--tls-key', key(host)];
  return {ca: path.join(folder, 'ca.pem'), certificate, key, mockArgs};
}
