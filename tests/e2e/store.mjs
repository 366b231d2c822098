// What a gateway has stored, read with tests/tools/store_dump (STORE_DUMP; meson sets it), and
// gateways that are started again on the same data directory.
import assert from 'node:assert/strict';
import path from 'node:path';
import {atEnd, eventually, Program, program, run, writeConfig} from './harness.mjs';

export const storeDump = process.env.STORE_DUMP ?? 'build/release/tests/tools/store_dump';

// The lines of store_dump: {rows, accounts, models, clients, total, open, check}. Rows are oldest
// first; accounts, models and clients are sums by name.
export function readDump(text) {
  const dump = {rows: [], accounts: {}, models: {}, clients: {}};
  for (const line of text.trimEnd().split('\n')) {
    const json = JSON.parse(line);
    if ('request' in json) dump.rows.push(json);
    else if ('account' in json) dump.accounts[json.account] = json.sums;
    else if ('model' in json) dump.models[json.model] = json.sums;
    else if ('client_key' in json) dump.clients[json.client_key] = json.sums;
    else if ('total' in json) Object.assign(dump, {total: json.total, open: json.open_attempts});
    else if ('check' in json) dump.check = json;
  }
  dump.rows.reverse();
  return dump;
}

export async function dumpStore(directory, ...flags) {
  const {code, output, errors} = await run(storeDump, [...flags, directory]);
  assert.equal(code, 0, errors);
  return readDump(output);
}

// A store that nobody writes any more: what it holds, once all of its tables are looked at.
export async function dumpChecked(directory) {
  const dump = await dumpStore(directory, '--check');
  assert.deepEqual(dump.check.faults, []);
  assert.deepEqual(sumsOf(dump.rows), dump.total);
  return dump;
}

// Waits until the gateway has booked what `check` wants to see, and returns what is stored then.
export const eventuallyStored = (directory, check, what) => eventually(async () => {
  const dump = await dumpStore(directory);
  return check(dump) && dump;
}, what);

const has = (row, flag) => row.flags.includes(flag);
const isError = (row) => has(row, 'broken_off') ||
  (row.status === 0 ? !has(row, 'client_gone') : row.status >= 400);
const SUMMED = ['prompt_tokens', 'completion_tokens', 'total_tokens', 'cached_read_tokens',
  'cached_write_tokens', 'reasoning_tokens', 'cost_nano_dollars'];

// What the sums must be where these rows are all there ever was.
export function sumsOf(rows) {
  const sums = {requests: 0, errors: 0, attempts: 0, failed_attempts: 0, unknown: 0, unpriced: 0};
  for (const name of [...SUMMED, 'latency_us', 'first_token_us', 'first_tokens', 'queue_us'])
    sums[name] = 0;
  for (const row of rows) {
    if (row.outcome === 'unknown') {
      const counts = has(row, 'hedged') ? 0 : 1;
      sums.requests += counts;
      sums.errors += counts;
      sums.attempts += 1;
      sums.unknown += 1;
      continue;
    }
    const refused = row.outcome === 'refused';
    if (refused || has(row, 'last')) {
      sums.requests += 1;
      sums.errors += isError(row) ? 1 : 0;
      sums.queue_us += row.queue_us;
    }
    if (refused) continue;
    sums.attempts += 1;
    sums.failed_attempts += isError(row) ? 1 : 0;
    sums.unpriced += row.total_tokens > 0 && !has(row, 'cost_known') ? 1 : 0;
    sums.latency_us += row.latency_us;
    sums.first_token_us += row.first_token_us;
    sums.first_tokens += row.first_token_us > 0 ? 1 : 0;
    for (const name of SUMMED) sums[name] += row[name];
  }
  return sums;
}

// A configuration file and its data directory, on which gateways are started one after the other.
export async function makeSite(t, config) {
  const file = await writeConfig(t, config);
  return {file, directory: path.join(path.dirname(file), 'sluice-data')};
}

// Starts a gateway that the test may kill; what still runs when the test ends is killed.
export function beginGateway(t, file, {command = [program], ...options} = {}) {
  const [first, ...rest] = [...command, 'serve', '-c', file];
  const gateway = new Program(first, rest, options);
  atEnd(t, () => gateway.stop('SIGKILL').catch(() => {}));
  return gateway;
}

export async function serve(t, file, options = {}) {
  const gateway = beginGateway(t, file, options);
  gateway.url = (await gateway.says(/listening on (\S+)/))[1];
  return gateway;
}

// The messages of a log written as JSON.
export const logLines = (gateway) => gateway.errors.split('\n')
  .filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
