// Starts programs on a core of their choice, knows what they use, and ends them by their id.
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readdirSync, readFileSync} from 'node:fs';
import net from 'node:net';

const START_MS_MAX = 20_000;
const STOP_MS_MAX = 8_000;  // a gateway that drains; then SIGKILL

const running = new Set();
let ending = false;

export const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A program on `core`, or on each of a list of them ("0,1"): {child, pid, output, errors, ended}.
export function start(core, command, args, options = {}) {
  if (ending) throw new Error('it was told to end');
  const child = spawn('taskset', ['-c', String(core), command, ...args],
    {stdio: ['pipe', 'pipe', 'pipe'], ...options});
  const program = {name: command, child, pid: child.pid, output: '', errors: ''};
  child.stdout.setEncoding('utf8').on('data', (text) => (program.output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (program.errors += text));
  child.stdin.on('error', () => {});  // it may end before it has read what it is told
  program.ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({code, signal}));
  });
  program.ended.then((status) => (program.status = status), (fault) => (program.fault = fault))
    .finally(() => running.delete(program));
  running.add(program);
  return program;
}

// Waits for what `look` returns when it is true; an error when the program ends before.
export async function eventually(program, look, what, msMax = START_MS_MAX) {
  for (const end = Date.now() + msMax; ; await delay(5)) {
    const got = await look();
    if (got) return got;
    if (program.fault) throw program.fault;
    if (program.status)
      throw new Error(`${program.name} ended before ${what}: ${program.output}${program.errors}`);
    if (Date.now() > end)
      throw new Error(`${program.name}: no ${what} in ${msMax} ms: ${program.errors}`);
  }
}

// The URL of a program that says what it listens on.
export async function listening(program) {
  const pattern = /listening on (https?:\/\/\S+)/;
  const found = await eventually(program, () => pattern.exec(program.output), 'address');
  return found[1];
}

// Waits until somebody accepts on a port of a program that does not say so.
export async function accepting(program, port) {
  await eventually(program, async () => {
    const socket = net.connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }, `listener on port ${port}`);
}

export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export async function stop(program) {
  if (!program.status && !program.fault) program.child.kill('SIGTERM');
  const killer = setTimeout(() => program.child.kill('SIGKILL'), STOP_MS_MAX);
  await program.ended.catch(() => {});
  clearTimeout(killer);
}

// Nothing can be started any more.
export async function stopAll() {
  ending = true;
  await Promise.all([...running].map(stop));
}

// Its end, or an error when it takes longer; its output is whole then.
export async function finished(program, msMax) {
  const killer = setTimeout(() => program.child.kill('SIGKILL'), msMax);
  const {code} = await program.ended;
  clearTimeout(killer);
  if (code !== 0)
    throw new Error(`${program.name} ended with ${code}: ${program.output}${program.errors}`);
  return program.output;
}

// The process and those that it has started, as nginx' master starts its worker.
export function family(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return [pid, ...children.split(' ').filter(Boolean).flatMap((child) => family(Number(child)))];
}

// How many files this process and those that it starts may have open.
export function descriptorsMax() {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)[1];
  return hard === 'unlimited' ? Infinity : Number(hard);
}

// {total_ns, busiest_ns, user_ticks, system_ticks} of processes up to now; `busiest_ns` is of the
// one thread that worked most, which in a gateway of one shard is that shard. The scheduler's
// nanoseconds are exact; how they are shared between user and system is sampled, in ticks of 10 ms.
export function cpuOf(pids) {
  const sum = {total_ns: 0, busiest_ns: 0, user_ticks: 0, system_ticks: 0};
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
    sum.user_ticks += Number(fields[11]);
    sum.system_ticks += Number(fields[12]);
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      try {
        const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8');
        const ns = Number(text.split(' ')[0]);
        sum.total_ns += ns;
        sum.busiest_ns = Math.max(sum.busiest_ns, ns);
      } catch (fault) {
        if (fault.code !== 'ENOENT' && fault.code !== 'ESRCH') throw fault;  // it has just ended
      }
    }
  }
  return sum;
}

// KiB: {rss_kib, pss_kib, own_kib}. `own_kib` is what no file backs; the rest is code and the page
// cache of a database, which the system takes back when it likes.
export function memoryOf(pids) {
  const sum = {rss_kib: 0, pss_kib: 0, own_kib: 0};
  for (const pid of pids) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    sum.rss_kib += Number(/^Rss:\s+(\d+)/m.exec(text)[1]);
    sum.pss_kib += Number(/^Pss:\s+(\d+)/m.exec(text)[1]);
    sum.own_kib += Number(/^Pss_Anon:\s+(\d+)/m.exec(text)[1]) +
      Number(/^Pss_Shmem:\s+(\d+)/m.exec(text)[1]);
  }
  return sum;
}

// Nanoseconds that all cores of the machine were not idle, stolen time included.
const TICK_NS = 10_000_000;
export function machineBusyNs() {
  const fields = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].split(/\s+/).slice(1, 9)
    .map(Number);
  const [user, nice, system, , , irq, softirq, steal] = fields;
  return (user + nice + system + irq + softirq + steal) * TICK_NS;
}
