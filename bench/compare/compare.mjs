#!/usr/bin/env node
// What a request costs in sluice, with accounting, client keys and limits on, beside nginx,
// HAProxy, Portkey's gateway and relays that parse nothing: in turns, on one core each, before a
// canned upstream.
//
// usage: bench/compare/compare.mjs [--workload a,b256,...] [--peers sluice,nginx,...]
//          [--rounds 5] [--seconds 4] [--proxy-core 0] [--load-core 1] [--json FILE] [--install]
//
// Prints medians of the runs, and ratios within the rounds. Needs build/release with
// -Dbenchmarks=true (or SLUICE_BUILD=folder), wrk, and the peers; --install builds the one and
// fetches what is missing of the others. Loopback only; ends what it has started.
import {writeFile} from 'node:fs/promises';
import {readArguments} from '../arguments.mjs';
import {makeCertificates} from './certificates.mjs';
import {Comparison} from './comparison.mjs';
import {install} from './install.mjs';
import {machine, machineText, measured} from './machine.mjs';
import {PEERS} from './peers.mjs';
import {summarize, table} from './report.mjs';
import {chosen, isIdle, WORKLOADS} from './workloads.mjs';

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

// The peers that are here, and a line for each that is not.
function peersHere() {
  const names = chosen(values.peers, Object.keys(PEERS), '--peers');
  for (const name of names.filter((one) => !PEERS[one].there()))
    console.error(`${name} is left out: it is not here. To have it: ${PEERS[name].mend}`);
  return names.filter((one) => PEERS[one].there());
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
  console.log(`${machineText(report.machine)}; ${rounds} rounds of ${seconds} s; proxies on core ` +
    `${proxyCore}, load and upstream on core ${loadCore}`);
  const certificates = makeCertificates(folder);
  const failures = [];
  for (const name of chosen(values.workload, Object.keys(WORKLOADS), '--workload')) {
    const comparison = new Comparison(name, WORKLOADS[name],
      {folder, certificates, proxyCore, loadCore, seconds});
    const {workload} = comparison;
    const able = peers.filter((peer) => (PEERS[peer].can?.(workload) ?? true) &&
      !(peer === 'direct' && isIdle(workload)));
    await comparison.open();
    const runs = [];
    while (runs.length < rounds) runs.push(await comparison.round(able));
    await comparison.close();
    const summary = summarize(runs, able);
    report.workloads[name] = {what: workload.what, unit: workload.unit,
      connections: workload.connections, ...summary, runs, failures: comparison.failures};
    console.log(`\n(${name}) ${workload.what}${quietness(runs)}`);
    console.log(table(workload.unit, summary).join('\n'));
    for (const failure of comparison.failures) console.log(`FAILED ${failure}`);
    failures.push(...comparison.failures);
  }
  if (values.json) await writeFile(values.json, `${JSON.stringify(report, null, 1)}\n`);
  return failures.length === 0 ? 0 : 1;
}

await measured('compare', loadCore, async (folder) => {
  if (values.install) install();
  return compare(folder);
});
