// Runs of several peers under one workload.
import path from 'node:path';
import {measure} from './loads.mjs';
import {PEERS, programs} from './peers.mjs';
import {descriptorsMax, listening, start, stop} from './processes.mjs';
import {connectionsWithin, isStreams} from './workloads.mjs';

// One workload, and what serves it: `workload` as in workloads.mjs, `folder` for files, the cores
// of proxies and of load and upstream, the seconds of a run.
export class Comparison {
  constructor(name, workload, {folder, certificates, proxyCore, loadCore, seconds}) {
    Object.assign(this, {name, folder, certificates, proxyCore, loadCore, seconds});
    this.workload = {...workload};
    this.targets = {};
    this.started = 0;
    this.rounds = 0;
    this.failures = [];
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
    const program = start(this.loadCore, programs.canned_upstream, ['--counters', counters,
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
    const target = await PEERS[peer].start({core: this.proxyCore, folder: this.folder,
      name: `${this.name}-${peer}-${this.started++}`, workload: this.workload,
      upstream: this.upstream.url, certificates: this.certificates});
    return {...target, upstream: this.upstream};
  }

  async run(peer, seconds) {
    const {workload, folder, certificates, loadCore} = this;
    const target = this.targets[peer] ?? await this.startTarget(peer);
    if (!workload.fresh) this.targets[peer] = target;
    try {
      const result = await measure({workload, target, upstream: target.upstream,
        seconds, loadCore, folder, certificates});
      target.served = (target.served ?? 0) + result.served;
      await PEERS[peer].check?.(target, target.served);
      return result;
    } finally {
      if (workload.fresh && target.program) await stop(target.program);
    }
  }

  async open() {
    this.upstream = await this.startUpstream(this.workload.tls === 'upstream');
    this.direct = this.workload.tls === 'client' ? await this.startUpstream(true) : this.upstream;
  }

  // A run of each peer, in turn: {peer: run}. What failed is in `failures`, a line each.
  async round(peers) {
    const done = {};
    for (const peer of peers) {
      try {
        // The first run only warms up: code, pools and connections.
        if (this.rounds === 0 && this.workload.unit === 'request') await this.run(peer, 1);
        done[peer] = await this.run(peer, this.seconds);
      } catch (fault) {
        this.failures.push(`${this.name}, round ${this.rounds + 1}, ${peer}: ${fault.message}`);
      }
    }
    ++this.rounds;
    return done;
  }

  async close() {
    const programs = [...Object.values(this.targets).map((target) => target.program),
      this.upstream.program, this.direct.program];
    await Promise.all(programs.filter(Boolean).map(stop));
  }
}
