// Reads what wrk --latency prints.

const MICROSECONDS = {us: 1, ms: 1e3, s: 1e6, m: 60e6};

// Microseconds of "1.25ms".
export function microseconds(text) {
  const match = /^([\d.]+)(us|ms|s|m)$/.exec(text);
  if (!match) throw new Error(`"${text}" is no duration of wrk's`);
  return Number(match[1]) * MICROSECONDS[match[2]];
}

// {requests, seconds, p50_us, p99_us, errors}: `errors` is what went wrong in words, empty when all
// was answered with a 2xx or 3xx.
export function parseWrk(output) {
  const requests = /(\d+) requests in ([\d.]+)(us|ms|s|m),/.exec(output);
  const at = (percent) => new RegExp(`^\\s+${percent}%\\s+(\\S+)\\s*$`, 'm').exec(output)?.[1];
  if (!requests || !at(50) || !at(99)) throw new Error(`wrk's output is not understood: ${output}`);
  const errors = [/^\s*Non-2xx or 3xx responses: \d+/m, /^\s*Socket errors: .*/m]
    .map((pattern) => pattern.exec(output)?.[0].trim()).filter(Boolean);
  return {
    requests: Number(requests[1]),
    seconds: microseconds(requests[2] + requests[3]) / 1e6,
    p50_us: microseconds(at(50)),
    p99_us: microseconds(at(99)),
    errors: errors.join('; '),
  };
}
