// What is measured: the requests, their number at once, and what the upstream answers.
//
// `unit` is what CPU is counted per. `tls`: the side that is encrypted. `fresh`: each run starts
// the proxy anew, because its memory is measured from its start. `relays`: a relay that parses
// nothing can do this work. `buffers`: of the io_uring relay, those that are the faster here.

const KIB = 1024;

const requests = {unit: 'request', prompt_bytes: KIB, answer_bytes: 2 * KIB, connections: 64,
  relays: true, buffers: 'plain'};
const streams = {unit: 'event', prompt_bytes: KIB, event_bytes: 256, step_ms: 20, relays: true,
  buffers: 'incremental'};
const idle = {unit: 'connection', prompt_bytes: KIB, answer_bytes: 2 * KIB, connections: 10_000,
  fresh: true, relays: true, buffers: 'plain'};

export const WORKLOADS = {
  'a': {...requests, what: '1 KiB prompt, 2 KiB answer, 64 connections'},
  'b256': {...requests, connections: 256, what: 'as a, 256 connections'},
  'b1000': {...requests, connections: 1000, what: 'as a, 1,000 connections'},
  'c-in': {...requests, connections: 32, prompt_bytes: 60_000, buffers: 'incremental',
    what: '60 KB prompt, 2 KiB answer, 32 connections'},
  'c-out': {...requests, connections: 32, answer_bytes: 64 * KIB, buffers: 'incremental',
    what: '1 KiB prompt, 64 KiB answer, 32 connections'},
  'd64': {...streams, connections: 64, what: 'SSE, 256-byte events every 20 ms, 64 streams'},
  'd1000': {...streams, connections: 1000,
    what: 'SSE, 256-byte events every 20 ms, 1,000 streams'},
  'e': {...requests, tls: 'upstream', relays: false, what: 'as a, TLS to the provider'},
  'f': {...requests, tls: 'client', relays: false, what: 'as a, TLS to the client'},
  'g': {...requests, connections: 1, what: 'as a, one connection'},
  'h': {...idle, what: '10,000 idle connections after one request each'},
  'h-tls': {...idle, tls: 'client', relays: false, what: 'as h, TLS to the client'},
  // Ten thousand streams at 20 ms would be half a million events a second, more than one core of
  // load can make; models that many people share speak slower, too.
  'i': {...streams, connections: 10_000, step_ms: 500, fresh: true,
    what: '10,000 streams, a 256-byte event every 500 ms on each'},
};

export const isStreams = (workload) => workload.unit === 'event';
export const isIdle = (workload) => workload.unit === 'connection';

// Of `names` (comma-separated) those of `known`; throws on another, and says which there are.
export function chosen(names, known, option) {
  const list = names.split(',').map((name) => name.trim()).filter(Boolean);
  for (const name of list) {
    if (!known.includes(name))
      throw new Error(`${option}: "${name}" is none of ${known.join(', ')}`);
  }
  if (list.length === 0) throw new Error(`${option} names none of ${known.join(', ')}`);
  return [...new Set(list)];
}

// The number of connections that fit: a proxy has two descriptors for each, and some of its own.
const DESCRIPTORS_OF_ITS_OWN = 500;
export function connectionsWithin(wanted, descriptors) {
  return Math.min(wanted, Math.floor((descriptors - DESCRIPTORS_OF_ITS_OWN) / 2));
}
