// The gateways and relays that are compared, each configured to do its best at the work, in one
// thread on one core.
import {existsSync, readFileSync} from 'node:fs';
import {mkdir, writeFile} from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import {accepting, descriptorsMax, eventually, freePort, listening, start} from './processes.mjs';
import {isStreams} from './workloads.mjs';

export const root = path.resolve(new URL('../..', import.meta.url).pathname);
export const built = path.resolve(process.env.SLUICE_BUILD ?? path.join(root, 'build/release'));
export const programs = {
  sluice: process.env.SLUICE ?? path.join(built, 'engine/cli/sluice'),
  uring_relay: path.join(built, 'bench/relay/uring_relay'),
  epoll_relay: path.join(built, 'bench/relay/epoll_relay'),
  canned_upstream: path.join(built, 'bench/relay/canned_upstream'),
  stream_load: path.join(built, 'bench/relay/stream_load'),
};
export const npmFolder = path.join(root, 'build/bench-peers');
export const portkey =
  path.join(npmFolder, 'node_modules/@portkey-ai/gateway/build/start-server.js');

// A client key may ask a million times a minute at most: as many keys as the load needs, in turn. A
// limit of a million takes 8 MB, which hides what connections take: less where those are measured.
export const CLIENT_KEYS = Array.from({length: 8}, (_, i) => `sk-test-bench-client-${i}`);
const clientRpm = (workload) => (workload.unit === 'request' ? 1_000_000 : 100_000);
const REQUESTS_PER_SECOND_MAX = 400_000;  // of all accounts: their limits refuse nobody
const TPM_LIMIT_MAX = 1_000_000_000;
const CONNECTIONS_MAX = 16_384;
const ADMIN_TOKEN = 'sk-test-bench-administrator';
const BOOKED_MS_MAX = 20_000;  // the store's thread has the core to itself then

// What each start function has: {core, folder, name, workload, upstream: URL, certificates}.
async function startSluice({core, folder, name, workload, upstream, certificates}) {
  const file = path.join(folder, `${name}.yaml`);
  const {accounts: accountsMax = 4, shards = 1} = workload;
  const accounts = Array.from({length: accountsMax}, (_, i) => ({
    name: `team-${i}`, base_url: `${upstream}/v1`, api_key: `sk-test-bench-${i}`,
    rpm_limit: Math.ceil(REQUESTS_PER_SECOND_MAX / accountsMax), window: '1s',
    tpm_limit: TPM_LIMIT_MAX,
    concurrent_limit: 1_000_000, cost: {input: 2.5, output: 10},
    ...(workload.tls === 'upstream' ? {ca_file: certificates.ca} : {})}));
  const clients = CLIENT_KEYS.map((key, i) => ({
    name: `client-${i}`, key, rpm_limit: clientRpm(workload), tpm_limit: TPM_LIMIT_MAX,
    concurrent_limit: 1_000_000}));
  await writeFile(file, JSON.stringify({
    listen: ['127.0.0.1:0'], shards, log: {level: 'warning'}, accounts, clients,
    limits: {connections_max: CONNECTIONS_MAX}, timeouts: {keep_alive: '10min'},
    health: {interval: '0s'},
    metrics: {listen: ['127.0.0.1:0']}, store: {directory: path.join(folder, `${name}-data`)},
    ...(workload.tls === 'client'
      ? {tls: [{certificate: certificates.certificate, key: certificates.key}]} : {}),
  }), {mode: 0o600});
  const program = start(core, programs.sluice, ['serve', '-c', file],
    {env: {...process.env, SIDECAR_ADMIN_TOKEN: ADMIN_TOKEN}});
  return {program, url: await listening(program), certificates};
}

function getText(url, options) {
  return new Promise((resolve, reject) => {
    const {get} = url.startsWith('https') ? https : http;
    get(url, {...options, agent: false}, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (more) => (text += more));
      answer.on('end', () => resolve(text)).on('error', reject);
    }).on('error', reject);
  });
}

// Accounting was on: each of `requests`, all that this gateway has served, is in the database in a
// while.
async function checkBooked({program, url, certificates}, requests) {
  const options = {ca: readFileSync(certificates.ca),
    headers: {authorization: `Bearer ${ADMIN_TOKEN}`}};
  let booked = 0;
  await eventually(program, async () => {
    const text = await getText(`${url}/metrics`, options);
    booked = Number(/^sluice_store_records_booked_total (\d+)/m.exec(text)?.[1]);
    return booked >= requests;
  }, `${requests} booked requests`, BOOKED_MS_MAX).catch((fault) => {
    throw new Error(`${fault.message}: ${booked} are booked`);
  });
}

async function startNginx({core, folder, name, workload, upstream, certificates}) {
  const prefix = path.join(folder, name);
  await mkdir(prefix);
  const port = await freePort();
  const tls = workload.tls;
  const asRoot = process.getuid() === 0 ? 'user root;' : '';
  await writeFile(`${prefix}/nginx.conf`, `daemon off; pid ${prefix}/pid; worker_processes 1;
    ${asRoot} error_log ${prefix}/errors crit;
    events { worker_connections 40000; }
    http {
      access_log off; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 600s;
      client_body_temp_path ${prefix}/body; proxy_temp_path ${prefix}/proxy;
      fastcgi_temp_path ${prefix}/f; uwsgi_temp_path ${prefix}/u; scgi_temp_path ${prefix}/s;
      client_max_body_size 32m; client_body_buffer_size 128k;
      upstream provider { server ${new URL(upstream).host}; keepalive 1024;
        keepalive_requests 1000000000; keepalive_timeout 600s; }
      server {
        listen 127.0.0.1:${port} backlog=4096 ${tls === 'client' ? 'ssl' : ''};
        ${tls === 'client' ? `ssl_certificate ${certificates.certificate};
        ssl_certificate_key ${certificates.key}; ssl_protocols TLSv1.2 TLSv1.3;` : ''}
        location / {
          proxy_pass ${tls === 'upstream' ? 'https' : 'http'}://provider;
          proxy_http_version 1.1; proxy_set_header Connection ""; proxy_read_timeout 600s;
          proxy_set_header Host 127.0.0.1;
          ${tls === 'upstream' ? `proxy_ssl_verify on; proxy_ssl_name localhost;
          proxy_ssl_trusted_certificate ${certificates.ca}; proxy_ssl_protocols TLSv1.2 TLSv1.3;`
      : ''}
          ${isStreams(workload) ? 'proxy_buffering off;'
      : 'proxy_buffer_size 16k; proxy_buffers 8 32k; proxy_busy_buffers_size 64k;'}
        }
      }
    }\n`);
  const program = start(core, 'nginx', ['-c', `${prefix}/nginx.conf`, '-e', `${prefix}/errors`]);
  await accepting(program, port);
  return {program, url: `${tls === 'client' ? 'https' : 'http'}://127.0.0.1:${port}`};
}

async function startHaproxy({core, folder, name, workload, upstream, certificates}) {
  const file = path.join(folder, `${name}.cfg`);
  const port = await freePort();
  const tls = workload.tls;
  const bind = tls === 'client' ? ` ssl crt ${certificates.both} alpn http/1.1` : '';
  const server = tls === 'upstream'
    ? ` ssl ca-file ${certificates.ca} verify required verifyhost localhost` : '';
  await writeFile(file, `global
  nbthread 1
  maxconn ${Math.min(CONNECTIONS_MAX, Math.floor(descriptorsMax() / 2) - 50)}
  ssl-server-verify required
defaults
  mode http
  http-reuse always
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  ${isStreams(workload) ? 'option http-no-delay' : ''}
frontend clients
  bind 127.0.0.1:${port} backlog 4096${bind}
  default_backend provider
backend provider
  server one ${new URL(upstream).host}${server} pool-max-conn -1\n`);
  // -db: in the foreground, one process.
  const program = start(core, 'haproxy', ['-db', '-f', file]);
  await accepting(program, port);
  return {program, url: `${tls === 'client' ? 'https' : 'http'}://127.0.0.1:${port}`};
}

const startRelay = (program, more) => async ({core, workload, upstream}) => {
  const args = ['--upstream', new URL(upstream).host, ...more(workload)];
  const relay = start(core, programs[program], args);
  return {program: relay, url: await listening(relay)};
};

async function startPortkey({core, upstream}) {
  const port = await freePort();
  const program = start(core, 'node', [portkey, `--port=${port}`, '--headless'],
    {env: {...process.env, NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1'}});
  await accepting(program, port);
  return {program, url: `http://127.0.0.1:${port}`, headers: {
    'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${upstream}/v1`}};
}

const installed = (command) => (process.env.PATH ?? '').split(':').concat('/usr/sbin')
  .some((folder) => existsSync(path.join(folder, command)));
const isBuilt = (file) => existsSync(file);

// Each peer: how it is started, what is checked after its runs, whether it is there, what to do
// when it is not, and which work it can do. `direct` is no proxy at all.
const APT = 'apt-get install nginx haproxy wrk (or --install)';
const BUILD = 'meson configure build/release -Dbenchmarks=true && ninja -C build/release';
export const PEERS = {
  'sluice': {start: startSluice, check: checkBooked,
    there: () => isBuilt(programs.sluice), mend: BUILD},
  'nginx': {start: startNginx, there: () => installed('nginx'), mend: APT},
  'haproxy': {start: startHaproxy, there: () => installed('haproxy'), mend: APT},
  'relay-uring': {start: startRelay('uring_relay', (load) => ['--buffers', load.buffers]),
    there: () => isBuilt(programs.uring_relay), mend: BUILD, can: (load) => load.relays},
  'relay-epoll': {start: startRelay('epoll_relay', () => []),
    there: () => isBuilt(programs.epoll_relay), mend: BUILD, can: (load) => load.relays},
  'direct': {there: () => true},
  'portkey': {start: startPortkey, there: () => isBuilt(portkey),
    mend: 'npm install @portkey-ai/gateway in build/bench-peers (or --install)',
    can: (load) => load.unit === 'request' && !load.tls},
};
