#!/usr/bin/env node
// What a request costs in sluice, with accounting, client keys and limits on, beside nginx,
// HAProxy, Portkey's gateway and relays that parse nothing: in turns, on one core each, before a
// canned upstream.
//
// usage: bench/compare/compare.mjs [--workload a,b256,...] [--peers sluice,nginx,...]
//          [--rounds 5] [--seconds 4] [--proxy-core 0] [--load-core 1] [--json FILE] [--install]
//
// Prints medians of the runs, and ratios within the rounds. Needs build/release with
// -Dbenchmarks=true (or SLUICE_BUILD=folder), wrk, and the peers; --install fetches what is
// missing. Loopback only; ends what it has started.
import {execFileSync} from 'node:child_process';
import {chmod, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {readFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {readArguments} from '../arguments.mjs';
import {makeCertificates} from './certificates.mjs';
import {install} from './install.mjs';
import {measure} from './loads.mjs';
import {PEERS, programs} from './peers.mjs';
import {descriptorsMax, listening, start, stop, stopAll} from './processes.mjs';
import {summarize, table} from './report.mjs';
import {chosen, connectionsWithin, isIdle, isStreams, WORKLOADS} from './workloads.mjs';

const values = readArguments(import.meta.url, {
  'workload': {type: 'string', default: Object.keys(WORKLOADS).join(',')},
  'peers': {type: 'string', default: Object.keys(PEERS).join(',')},
  'rounds': {type: 'string', default: '5', least: 1},
  'seconds': {type: 'string', default: '4', least: 1},
  'proxy-core': {type: 'string', default: '0', least: 0},
  'load-core': {type: 'string', default: '1', least: 0},
  'json': {type: 'string'}, 'install': {type: 'boolean'},
});
const {rounds, seconds, 'proxy-core': proxyCore, 'load-core': loadCore} = values;

function machine() {
  const processor = /^model name\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  return {processor: processor ?? os.arch(), cores: os.cpus().length,
    kernel: os.release().split('-')[0], memory_gib: Math.round(os.totalmem() / 2 ** 30)};
}

// The peers that are here, and a line for each that is not.
function peersHere() {
  const names = chosen(values.peers, Object.keys(PEERS), '--peers');
  for (const name of names.filter((one) => !PEERS[one].there()))
    console.error(`${name} is left out: it is not here. To have it: ${PEERS[name].mend}`);
  return names.filter((one) => PEERS[one].there());
}

class Comparison {
  constructor(name, folder, certificates) {
    this.name = name;
    this.workload = {...WORKLOADS[name]};
    this.folder = folder;
    this.certificates = certificates;
    this.targets = {};
    this.started = 0;
    const fits = connectionsWithin(this.workload.connections, descriptorsMax());
    if (fits < this.workload.connections) {
      console.error(`${name}: ${fits} connections instead of ${this.workload.connections}: the ` +
        `limit of open files is ${descriptorsMax()} (ulimit -Hn)`);
      this.workload.connections = fits;
    }
  }

  async startUpstream(tls) {
    const counters = path.join(this.folder, `counters-${this.name}-${tls}`);
    const {workload, certificates} = this;
    const program = start(loadCore, programs.canned_upstream, ['--counters', counters,
      ...(isStreams(workload)
        ? ['--mode', 'streams', '--event-bytes', `${workload.event_bytes}`,
          '--step-us', `${workload.step_ms * 1000}`]
        : ['--answer-bytes', `${workload.answer_bytes}`]),
      ...(tls ? ['--certificate', certificates.certificate, '--key', certificates.key] : [])]);
    return {program, counters, url: await listening(program)};
  }

  // What the peer's load goes to: a proxy, or for `direct` the upstream itself, under TLS where any
  // side is.
  async startTarget(peer) {
    if (peer === 'direct') return {url: this.direct.url, upstream: this.direct};
    const target = await PEERS[peer].start({core: proxyCore, folder: this.folder,
      name: `${this.name}-${peer}-${this.started++}`, workload: this.workload,
      upstream: this.upstream.url, certificates: this.certificates});
    return {...target, upstream: this.upstream};
  }

  async run(peer, runSeconds) {
    const {workload, folder, certificates} = this;
    const target = this.targets[peer] ?? await this.startTarget(peer);
    if (!workload.fresh) this.targets[peer] = target;
    try {
      const result = await measure({workload, target, upstream: target.upstream,
        seconds: runSeconds, loadCore, folder, certificates});
      target.served = (target.served ?? 0) + result.served;
      await PEERS[peer].check?.(target, target.served);
      return result;
    } finally {
      if (workload.fresh && target.program) await stop(target.program);
    }
  }

  async runRounds(peers) {
    this.upstream = await this.startUpstream(this.workload.tls === 'upstream');
    this.direct = this.workload.tls === 'client' ? await this.startUpstream(true) : this.upstream;
    const done = [];
    const failures = [];
    for (let round = 0; round < rounds; ++round) {
      done.push({});
      for (const peer of peers) {
        try {
          // The first run only warms up: code, pools and connections.
          if (round === 0 && this.workload.unit === 'request') await this.run(peer, 1);
          done[round][peer] = await this.run(peer, seconds);
        } catch (fault) {
          failures.push(`${this.name}, round ${round + 1}, ${peer}: ${fault.message}`);
        }
      }
    }
    const programs = [...Object.values(this.targets).map((target) => target.program),
      this.upstream.program, this.direct.program];
    await Promise.all(programs.filter(Boolean).map(stop));
    return {rounds: done, failures};
  }
}

// The share of the intervals that nobody disturbed.
function quietness(done) {
  const runs = done.flatMap((round) => Object.values(round)).filter((run) => run.intervals);
  const sum = (what) => runs.reduce((all, run) => all + run[what], 0);
  return runs.length > 0 ? `, ${sum('quiet')} of ${sum('intervals')} intervals quiet` : '';
}

async function compare(folder) {
  const peers = peersHere();
  const report = {machine: machine(), rounds, seconds, workloads: {}};
  const {cores, kernel, processor, memory_gib} = report.machine;
  console.log(`${cores} cores (${processor}), ${memory_gib} GiB, Linux ${kernel}; ${rounds} ` +
    `rounds of ${seconds} s; proxies on core ${proxyCore}, load and upstream on core ${loadCore}`);
  const certificates = makeCertificates(folder);
  const failures = [];
  for (const name of chosen(values.workload, Object.keys(WORKLOADS), '--workload')) {
    const comparison = new Comparison(name, folder, certificates);
    const {workload} = comparison;
    const able = peers.filter((peer) => (PEERS[peer].can?.(workload) ?? true) &&
      !(peer === 'direct' && isIdle(workload)));
    const result = await comparison.runRounds(able);
    const summary = summarize(result.rounds, able);
    report.workloads[name] = {what: workload.what, unit: workload.unit,
      connections: workload.connections, ...summary, runs: result.rounds,
      failures: result.failures};
    console.log(`\n(${name}) ${workload.what}${quietness(result.rounds)}`);
    console.log(table(workload.unit, summary).join('\n'));
    for (const failure of result.failures) console.log(`FAILED ${failure}`);
    failures.push(...result.failures);
  }
  if (values.json) await writeFile(values.json, `${JSON.stringify(report, null, 1)}\n`);
  return failures.length === 0 ? 0 : 1;
}

const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-compare-'));
await chmod(folder, 0o755);  // nginx' workers may be somebody else

async function end(code) {
  await stopAll();
  await rm(folder, {recursive: true, force: true});
  process.exit(code);
}
process.on('SIGINT', () => end(130));
process.on('SIGTERM', () => end(143));

try {
  if (values.install) install();
  // The measurement's own readings must not fall on the proxy's core.
  execFileSync('taskset', ['-a', '-cp', `${loadCore}`, `${process.pid}`], {stdio: 'pipe'});
  await end(await compare(folder));
} catch (fault) {
  console.error(`compare: ${fault.message}`);
  await end(1);
}
