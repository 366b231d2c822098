// Requests and answers by their bytes, for what fetch and the SDK do not show: fields as they were
// sent, bodies not decoded, requests in pieces, clients that leave.
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import {atEnd, CLIENT_KEY, eventually} from './harness.mjs';

const JSON_FIELDS = {
  authorization: `Bearer ${CLIENT_KEY}`,
  'content-type': 'application/json',
};

// One request on a connection of its own: {status, headers, fields, body, whole}. `fields` are
// [name, value] as they came, `body` a Buffer without its framing; `whole`: it came to its end.
export function exchange(url, route, {method = 'POST', headers = JSON_FIELDS, body = ''} = {}) {
  const {hostname, port} = new URL(url);
  return new Promise((resolve, reject) => {
    const request = http.request({hostname, port, path: route, method, headers, agent: false});
    request.on('error', reject).on('response', (answer) => {
      const pieces = [];
      const {rawHeaders} = answer;
      const fields = rawHeaders.flatMap(
        (name, i) => (i % 2 === 0 ? [[name.toLowerCase(), rawHeaders[i + 1]]] : []));
      answer.on('data', (piece) => pieces.push(piece)).on('error', () => {}).on('close', () =>
        resolve({
          status: answer.statusCode,
          headers: answer.headers,
          fields,
          body: Buffer.concat(pieces),
          whole: answer.complete,
        }));
    });
    request.end(body);
  });
}

// The bytes of a request; its length is told unless `headers` say how it is framed.
export function requestText(route, body = '', headers = {}, method = 'POST') {
  const fields = {host: 'gateway.example', ...JSON_FIELDS, ...headers};
  const framed = 'transfer-encoding' in fields || 'content-length' in fields;
  if (!framed && method !== 'GET') fields['content-length'] = Buffer.byteLength(body);
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${route} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

// RawClient - a connection, over TLS for https: `received` grows as bytes come, `ended` when the
// other side closed it.
export class RawClient {
  constructor(url, tlsOptions = {}) {
    const {protocol, hostname: host, port} = new URL(url);
    this.received = '';
    this.ended = false;
    this.socket = protocol === 'https:' ? tls.connect({host, port, ...tlsOptions})
      : net.connect({host, port, allowHalfOpen: true});
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes) => (this.received += bytes.toString('latin1')));
    for (const event of ['end', 'close', 'error']) this.socket.on(event, () => (this.ended = true));
  }

  // Resolves when the kernel has taken all of it, or the connection is gone.
  send(bytes) {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  async receives(pattern) {
    return eventually(() => pattern.exec(this.received), `${pattern} in ${this.received}`);
  }

  // The end of the answers; the connection is closed.
  async ends() {
    await eventually(() => this.ended, `the end of ${this.received.slice(0, 200)}`);
    this.socket.destroy();
  }

  leave() {
    this.socket.destroy();
  }
}

// A client that is closed when the test ends.
export function rawClient(t, url) {
  const client = new RawClient(url);
  atEnd(t, () => client.leave());
  return client;
}
