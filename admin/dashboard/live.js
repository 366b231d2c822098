// The stream of snapshots: what the gateway is doing now, once a second, and how old that is.
import {ApiError, open} from './api.js';

const STALE_MS = 3500;   // three snapshots are missing
const DEAD_MS = 8000;    // nothing comes any more: another connection is tried
const RETRY_MS = 500;    // first wait; doubles ...
const RETRY_MS_MAX = 15_000;

// state   'connecting', 'live', 'stale' (connected, but nothing comes) or 'lost'
// stored    false: there is no store, so nobody knows what was used
// mayWrite  false: without a sign-in this gateway may be looked at, not changed
export const live = {snapshot: null, state: 'connecting', retryAt: 0, stored: true,
  mayWrite: true};

// `node`, for those who may change something; nothing for others.
export const forWriters = (node) => live.mayWrite ? node : null;

const listeners = new Set();
let heardAt = 0;        // performance.now() of the last snapshot ...
let aliveAt = 0;        // ... and of the last sign of life, a new connection included
let abort = null;       // of the connection that counts; any other has ended or ends
let failures = 0;
let retry = 0;
let running = false;

// `call` gets ('snapshot') for each, ('state') and ('stored') whenever live.state, live.stored
// changes.
export function listen(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

function tell(what) {
  for (const call of [...listeners]) call(what);
}

function become(state) {
  if (live.state === state) return;
  live.state = state;
  tell('state');
}

export function tellStored(stored) {
  if (live.stored === stored) return;
  live.stored = stored;
  tell('stored');
}

// The gateway's clock now, from its last snapshot: a reader's own clock may be wrong.
export const gatewayNow = () => live.snapshot
  ? live.snapshot.timestamp * 1000 + performance.now() - heardAt : Date.now();
export const ageSeconds = () => live.snapshot ? (performance.now() - heardAt) / 1000 : 0;

function heard(text) {
  const snapshot = JSON.parse(text);
  if (snapshot.type !== 'snapshot') return;
  live.snapshot = snapshot;
  heardAt = performance.now();
  aliveAt = heardAt;
  failures = 0;
  become('live');
  tellStored(snapshot.stored !== false);
  tell('snapshot');
}

async function read(answer, mine) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const {done, value} = await reader.read();
    if (done || abort !== mine) return;
    const events = (rest + value).split(/\r?\n\r?\n/);
    rest = events.pop();
    // Only the latest matters when a busy page has several before it.
    const last = events.filter((event) => event.startsWith('data:')).at(-1);
    if (last) heard(last.slice(5));
  }
}

async function connect() {
  clearTimeout(retry);
  abort?.abort();
  const mine = new AbortController();
  abort = mine;
  aliveAt = performance.now();
  let refused = false;
  try {
    await read(await open('/dashboard/sse', {signal: mine.signal}), mine);
  } catch (fault) {
    refused = fault instanceof ApiError && fault.status === 401;
  }
  if (abort !== mine) return;
  if (refused) return stop();
  become('lost');
  const wait = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** failures++) * (0.75 + Math.random() / 2);
  live.retryAt = performance.now() + wait;
  retry = setTimeout(connect, wait);
}

function watch() {
  if (!running) return;
  const age = performance.now() - aliveAt;
  if (live.state === 'live' && age > STALE_MS) become('stale');
  if (age > DEAD_MS) abort.abort();  // also one that is tried while the state is 'lost'
}
setInterval(watch, 250);

export function start() {
  if (running) return;
  running = true;
  failures = 0;
  become('connecting');
  connect();
}

export function stop() {
  running = false;
  clearTimeout(retry);
  abort?.abort();
  abort = null;
}

// Whoever looks at the page again, or is in the network again, does not wait out the backoff.
export function hurry() {
  if (!running) return;
  failures = 0;
  if (live.state === 'lost') connect();
  if (live.state === 'stale') abort.abort();  // and then again
}
document.addEventListener('visibilitychange', () => document.hidden || hurry());
addEventListener('online', hurry);
