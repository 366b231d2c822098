// Asks the gateway. Errors of its API become ApiError with its sentence and its fields' faults.

export class ApiError extends Error {
  // `code`: of admin/openapi.json; undefined where the error has none. `ended`: the page was told
  // by onLoggedOut().
  constructor(status, detail, errors = [], code = undefined) {
    super(detail);
    this.status = status;
    this.errors = errors;
    this.code = code;
    this.ended = false;
  }
}

let loggedOut = () => {};
// Called when the gateway wants a login.
export const onLoggedOut = (call) => (loggedOut = call);

async function failure(answer) {
  let body = {};
  try {
    body = await answer.json();
  } catch {
    // not the gateway itself, but something before it
  }
  return new ApiError(answer.status, body.detail ?? `${answer.status} ${answer.statusText}`,
    body.errors ?? [], body.code);
}

// The answer, when it is a good one.
export async function ask(method, path, {json, body, type, signal, match, quiet = false} = {}) {
  const headers = {};
  if (match) headers['if-match'] = match;
  if (json !== undefined) headers['content-type'] = 'application/json';
  else if (type) headers['content-type'] = type;
  let answer;
  try {
    answer = await fetch(path, {method, headers, signal, cache: 'no-store',
      credentials: 'same-origin', body: json === undefined ? body : JSON.stringify(json)});
  } catch (fault) {
    if (fault.name === 'AbortError') throw fault;
    throw new ApiError(0, '');  // no connection; whoever shows it finds the words
  }
  if (answer.ok) return answer;
  const error = await failure(answer);
  if (answer.status === 401 && !quiet) {
    error.ended = true;
    loggedOut();
  }
  throw error;
}

const asJson = async (promise) => (await promise).json();

export const get = (path, options) => asJson(ask('GET', path, options));
// With the tag of what was read, for a change that must not undo another's.
export async function getTagged(path) {
  const answer = await ask('GET', path);
  return {value: await answer.json(), tag: answer.headers.get('etag')};
}
export const post = (path, json, options) => asJson(ask('POST', path, {json, ...options}));
export const put = (path, json, options) => asJson(ask('PUT', path, {json, ...options}));
export const patch = (path, json, options) => asJson(ask('PATCH', path, {json, ...options}));
export const remove = (path, options) => asJson(ask('DELETE', path, options));
export const postText = (path, body, type) => asJson(ask('POST', path, {body, type}));
export const open = (path, options) => ask('GET', path, options);

// '/api/admin/usage' and {from: ..., model: undefined} make a target.
export function target(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}
