#!/usr/bin/env node
// How the cost of a request grows with connections, accounts and shards: workload `a` of compare
// (1 KiB prompt, 2 KiB answer, accounting, client keys and limits on) with more of one of them at a
// time, in turns within one run.
//
// usage: bench/compare/growth.mjs [--connections 1,8,64,256,1000,4000,10000]
//          [--accounts 1,11,100,1000] [--shards 1,2] [--rounds 5] [--seconds 3]
//          [--proxy-core 0] [--load-core 1] [--json FILE]
//
// An empty list leaves that table out. N shards have N cores from the proxy's on; where that is all
// that the machine has, load and upstream share one of them. Ratios are to the first of each list.
// Needs what compare needs. Loopback only; ends what it has started.
import {writeFile} from 'node:fs/promises';
import {readArguments} from '../arguments.mjs';
import {makeCertificates} from './certificates.mjs';
import {Comparison} from './comparison.mjs';
import {machine, machineText, measured} from './machine.mjs';
import {summarize, table} from './report.mjs';
import {WORKLOADS} from './workloads.mjs';

const values = readArguments(import.meta.url, {
  'connections': {type: 'string', default: '1,8,64,256,1000,4000,10000'},
  'accounts': {type: 'string', default: '1,11,100,1000'},
  'shards': {type: 'string', default: '1,2'},
  'rounds': {type: 'string', default: '5', least: 1},
  'seconds': {type: 'string', default: '3', least: 1},
  'proxy-core': {type: 'string', default: '0', least: 0},
  'load-core': {type: 'string', default: '1', least: 0},
  'json': {type: 'string'},
});
const {rounds, seconds, 'proxy-core': proxyCore, 'load-core': loadCore} = values;

function sizes(option) {
  const list = values[option].split(',').filter(Boolean).map(Number);
  for (const size of list) {
    if (!(Number.isInteger(size) && size > 0))
      throw new Error(`--${option}: "${values[option]}" is no list of numbers from 1 on`);
  }
  return list;
}

const coresOf = (shards) => Array.from({length: shards}, (_, i) => proxyCore + i).join();

// A table's rows, in turns: {summary, runs, failures}.
async function grow(folder, what) {
  const certificates = makeCertificates(folder);
  const rows = new Map(sizes(what).map((size) => [`${size} ${what}`, new Comparison(
    `${what}-${size}`, {...WORKLOADS.a, [what]: size},
    {folder, certificates, loadCore, seconds, proxyCore: coresOf(what === 'shards' ? size : 1)})]));
  const runs = [];
  for (const row of rows.values()) await row.open();
  for (let round = 0; round < rounds; ++round) {
    const done = {};
    for (const [name, row] of rows) {
      const {sluice} = await row.round(['sluice']);
      if (sluice) done[name] = sluice;
    }
    runs.push(done);
  }
  for (const row of rows.values()) await row.close();
  const names = [...rows.keys()];
  return {summary: summarize(runs, names, {first: names[0]}), runs,
    failures: [...rows.values()].flatMap((row) => row.failures)};
}

await measured('growth', loadCore, async (folder) => {
  const report = {machine: machine(), rounds, seconds};
  console.log(`${machineText(report.machine)}; ${rounds} rounds of ${seconds} s; one shard on ` +
    `core ${proxyCore}, load and upstream on core ${loadCore}`);
  const failures = [];
  for (const what of ['connections', 'accounts', 'shards']) {
    if (sizes(what).length === 0) continue;
    const {summary, ...more} = await grow(folder, what);
    report[what] = {...summary, ...more};
    console.log(`\n${table('request', summary).join('\n')}`);
    for (const failure of more.failures) console.log(`FAILED ${failure}`);
    failures.push(...more.failures);
  }
  if (values.json) await writeFile(values.json, `${JSON.stringify(report, null, 1)}\n`);
  return failures.length === 0 ? 0 : 1;
});
