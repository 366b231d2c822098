// The load on one proxy for one run, and what was measured meanwhile.
import {readFileSync} from 'node:fs';
import {writeFile} from 'node:fs/promises';
import path from 'node:path';
import {CLIENT_KEYS, programs} from './peers.mjs';
import {cpuOf, delay, eventually, family, finished, machineBusyNs, memoryOf, start}
  from './processes.mjs';
import {INTERVAL_MS, usage} from './sampling.mjs';
import {isIdle, isStreams} from './workloads.mjs';
import {parseWrk} from './wrk_output.mjs';

const WARM_UP_MS = 500;   // connections are made, caches and pools are filled
const READY_MS_MAX = 120_000;
const END_MS_MAX = 60_000;
const WORKED_CONNECTIONS = 64;
const WORKED_S = 2;
const IDLE_MS = 1000;  // before idle connections' memory is read
const ENDED_MS = 200;     // until all that a process has said is read
const ROUTE = '/v1/chat/completions';

// A chat request of exactly `bytes` bytes.
export function prompt(bytes, stream) {
  const text = (content) => JSON.stringify({model: 'm', ...(stream ? {stream: true} : {}),
    messages: [{role: 'user', content}]});
  return text('x'.repeat(bytes - text('').length));
}

// wrk's script: the client keys in turn.
export function wrkScript(body, headers) {
  const fields = Object.entries({'Content-Type': 'application/json', ...headers})
    .map(([name, value]) => `wrk.headers["${name}"] = "${value}"`).join('\n');
  const keys = CLIENT_KEYS.map((key) => `"${key}"`).join(', ');
  return `${fields}
local keys = {${keys}}
local requests, at = {}, 0
function init()
  for i, key in ipairs(keys) do
    wrk.headers["Authorization"] = "Bearer " .. key
    requests[i] = wrk.format("POST", "${ROUTE}", nil, '${body}')
  end
end
function request()
  at = at % #keys + 1
  return requests[at]
end\n`;
}

// {requests, events} that the upstream has answered so far.
export function countersIn(file) {
  const bytes = readFileSync(file);
  return {requests: Number(bytes.readBigUInt64LE(0)), events: Number(bytes.readBigUInt64LE(8))};
}

// Waits until nothing more of an earlier run comes.
const SETTLED_MS = 100;
const SETTLE_MS_MAX = 10_000;
async function settle(file) {
  const text = () => JSON.stringify(countersIn(file));
  for (const end = Date.now() + SETTLE_MS_MAX; Date.now() < end;) {
    const before = text();
    await delay(SETTLED_MS);
    if (text() === before) return;
  }
  throw new Error('the upstream still answers what an earlier run has asked');
}

// One proxy under load: `target` {url, headers, program}, `upstream` {program, counters}.
class Run {
  constructor({workload, target, upstream, seconds, loadCore, folder, certificates}) {
    Object.assign(this, {workload, target, upstream, seconds, loadCore, folder, certificates});
    this.pids = target.program ? family(target.program.pid) : [];
    this.before = countersIn(upstream.counters);
    this.readings = [];
  }

  startLoad(command, args) {
    this.load = start(this.loadCore, command, args);
    return this.load;
  }

  read() {
    const cpu = cpuOf(this.pids);
    const others = cpuOf([this.load.pid, this.upstream.program.pid, process.pid]);
    const counters = countersIn(this.upstream.counters);
    this.readings.push({at_ns: Number(process.hrtime.bigint()), cpu,
      units: isStreams(this.workload) ? counters.events : counters.requests,
      own_ns: cpu.total_ns + others.total_ns, busy_ns: machineBusyNs()});
  }

  async readFor(ms) {
    try {
      const end = Date.now() + ms;
      for (this.read(); Date.now() < end; this.read())
        await delay(Math.min(INTERVAL_MS, Math.max(end - Date.now(), 1)));
      if (this.pids.length > 0) this.memory = memoryOf(this.pids);
    } catch (fault) {
      if (!['ENOENT', 'ESRCH', 'EACCES'].includes(fault.code)) throw fault;
      await delay(ENDED_MS);  // a process is gone: what it has said tells more than that
      const gone = [this.target.program, this.load, this.upstream.program]
        .filter((one) => one?.status);
      throw new Error(gone.map((one) => `${one.name} ended: ${one.output}${one.errors}`).join('; ')
        || fault.message);
    }
  }

  // What this run asked of the upstream, all told.
  asked() {
    const now = countersIn(this.upstream.counters);
    return {requests: now.requests - this.before.requests, events: now.events - this.before.events};
  }

  result(more) {
    const used = usage(this.readings);
    const {units_per_s, intervals, quiet} = used;
    return {...(this.pids.length > 0 ? {...used, ...this.memory}
      : {units_per_s, intervals, quiet}), ...more};
  }
}

// Whole answers as fast as they come, on so many connections.
async function startWrk(run, connections, seconds) {
  const {workload, target} = run;
  const script = path.join(run.folder, 'post.lua');
  await writeFile(script, wrkScript(prompt(workload.prompt_bytes, false), target.headers));
  return run.startLoad('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '20s',
    '--latency', '-s', script, target.url + ROUTE]);
}

async function requestRun(run) {
  const {workload, seconds} = run;
  const load = await startWrk(run, workload.connections, seconds + 2 * WARM_UP_MS / 1000);
  await delay(WARM_UP_MS);
  await run.readFor(seconds * 1000);
  const wrk = parseWrk(await finished(load, END_MS_MAX));
  if (wrk.errors) throw new Error(wrk.errors);
  // What wrk breaks off at its end was asked, but is not among its answers.
  const {requests} = run.asked();
  if (requests < wrk.requests || requests > wrk.requests + workload.connections)
    throw new Error(`wrk had ${wrk.requests} answers, the upstream ${requests} requests`);
  return run.result({served: wrk.requests, p50_us: wrk.p50_us, p99_us: wrk.p99_us});
}

async function loadFile({workload, target, folder}) {
  const file = path.join(folder, 'requests.txt');
  const body = prompt(workload.prompt_bytes, isStreams(workload));
  const fields = Object.entries(target.headers ?? {})
    .map(([name, value]) => `${name}: ${value}\r\n`);
  await writeFile(file, CLIENT_KEYS.map((key) => `POST ${ROUTE} HTTP/1.1\r\n` +
    `Host: ${new URL(target.url).host}\r\nAuthorization: Bearer ${key}\r\n` +
    `Content-Type: application/json\r\n${fields.join('')}Content-Length: ${body.length}\r\n\r\n` +
    body).join('\0'));
  return file;
}

async function startStreamLoad(run, mode) {
  const {target, workload} = run;
  const load = run.startLoad(programs.stream_load, ['--mode', mode, '--url', target.url,
    '--connections', `${workload.connections}`, '--requests', await loadFile(run),
    ...(target.url.startsWith('https') ? ['--ca', run.certificates.ca] : [])]);
  await eventually(load, () => load.output.includes('ready\n'), 'ready', READY_MS_MAX);
  return load;
}

// It ends when its standard input does, and the streams that `upstream` ends then.
async function endStreamLoad(load, upstream) {
  load.child.stdin.end();
  if (upstream) {
    await eventually(load, () => load.output.includes('measured\n'), 'end', END_MS_MAX);
    upstream.child.kill('SIGUSR1');
  }
  const said = JSON.parse((await finished(load, END_MS_MAX)).trim().split('\n').at(-1));
  if (said.failed > 0) throw new Error(`${said.failed} connections failed: ${said.fault}`);
  return said;
}

async function streamRun(run) {
  const {workload} = run;
  const idle = run.pids.length > 0 ? memoryOf(run.pids) : null;
  const load = await startStreamLoad(run, 'streams');
  await run.readFor(run.seconds * 1000);
  const said = await endStreamLoad(load, run.upstream.program);
  const {requests, events} = run.asked();
  if (said.streams !== workload.connections || requests !== said.streams || said.events !== events)
    throw new Error(`${said.streams} streams with ${said.events} events came, ` +
      `${requests} with ${events} were sent`);
  const perConnection = idle && workload.fresh
    ? {connection_bytes: (run.memory.own_kib - idle.own_kib) * 1024 / workload.connections} : {};
  return run.result({served: said.streams, p50_us: said.p50_us, p99_us: said.p99_us,
    ...perConnection});
}

async function idleRun(run) {
  const {workload} = run;
  if (run.pids.length === 0) throw new Error('there is no proxy whose connections could be idle');
  // What a process has once it has worked is not the connections': pools, buffers, records.
  await finished(await startWrk(run, WORKED_CONNECTIONS, WORKED_S), END_MS_MAX);
  const before = memoryOf(run.pids);
  const load = await startStreamLoad(run, 'idle');
  await delay(IDLE_MS);
  const after = memoryOf(run.pids);
  const said = await endStreamLoad(load);
  if (said.open !== workload.connections)
    throw new Error(`${said.open} of ${workload.connections} connections stayed open`);
  return {...after, served: said.open,
    connection_bytes: (after.own_kib - before.own_kib) * 1024 / workload.connections};
}

// One run: metrics for report.mjs. Throws when anything was answered otherwise than well.
export async function measure(what) {
  await settle(what.upstream.counters);
  const run = new Run(what);
  if (isStreams(what.workload)) return streamRun(run);
  return isIdle(what.workload) ? idleRun(run) : requestRun(run);
}
