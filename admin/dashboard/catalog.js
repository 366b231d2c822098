// What changes seldom: accounts with their settings, client keys, prices. Read when a page needs
// them, and again when the gateway says that something has changed.
import {get} from './api.js';
import {live, listen} from './live.js';

const PATHS = {
  accounts: '/api/admin/backends',
  clients: '/api/admin/clients',
  prices: '/api/admin/prices',
};
const kept = new Map();  // name -> {revision, promise}
const listeners = new Set();
let revision = null;

export function read(name) {
  const found = kept.get(name);
  if (found && found.revision === revision) return found.promise;
  const entry = {revision, promise: get(PATHS[name])};
  kept.set(name, entry);
  entry.promise.catch(() => kept.delete(name));
  return entry.promise;
}

// After a change of one's own: the next read asks again, without waiting for the stream.
export function forget() {
  kept.clear();
  for (const call of [...listeners]) call();
}

export function onChange(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

listen((what) => {
  if (what !== 'snapshot' || live.snapshot.revision === revision) return;
  const first = revision === null;
  revision = live.snapshot.revision;
  if (!first) forget();
});
