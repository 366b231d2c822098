// A gateway with a store, and its administrator.
import assert from 'node:assert/strict';
import * as contract from './contract.mjs';
import {account, ask as chat, CLIENT_KEY, startMock} from './harness.mjs';
import {makeSite, serve} from './store.mjs';

export const TOKEN = 'admin-token-0123456789abcdef';
export const KEY = 'sk-test-secret-0123456789abcdef';
export const MASKED = 'sk-tes****cdef';

// A gateway with an account of the file at `mock`, the administrator's ask(), a client's post().
export async function start(t, {env = {}, mockArgs = [], ...config} = {}) {
  const mock = await startMock(t, ['--tokens', '2', ...mockArgs]);
  const site = await makeSite(t, {
    accounts: [account(mock, {name: 'of-file', models: {'file-model': 'mock-large'}})],
    admin: {private_upstreams: true},
    ...config,
  });
  const begin = async () => {
    const gateway = await serve(t, site.file,
      {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN, ...env}});
    gateway.ask = (method, target, json, more = {}) =>
      contract.ask(gateway.url, method, target, {token: TOKEN, json, ...more});
    gateway.post = async (model, headers = {}) => {
      const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: {authorization: `Bearer ${CLIENT_KEY}`, 'content-type': 'application/json',
          ...headers},
        body: JSON.stringify(chat({model})),
      });
      await answer.text();
      return answer.status;
    };
    return gateway;
  };
  return {mock, site, begin, gateway: await begin()};
}

export const stop = async (gateway) => assert.equal((await gateway.stop()).code, 0, gateway.errors);

export const backend = (mock, more = {}) => ({
  name: 'team-x',
  api_base_url: `${mock.url}/v1`,
  api_key: KEY,
  rpm_limit: 1000,
  model_mappings: {'x-model': {native_id: 'mock-large'}},
  ...more,
});
