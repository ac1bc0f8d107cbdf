/** A receiver of webhooks, and the checks a real one makes, by libraries that share nothing with the server. */
import { createPublicKey, verify as verifySignature } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Webhook } from 'standardwebhooks';

/**
 * Listens on loopback and keeps what it gets.
 * @param {import('node:test').TestContext} t
 * @param {{answer?: (n: number) => number | null | object, port?: number, tls?: object}} options `answer` gives the status of the
 *   n-th request from 0, or `{status, headers}`; null never answers
 */
export async function receive(t, { answer = () => 204, port = 0, tls } = {}) {
  const got = [];
  const handle = (request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const result = answer(got.length);
      got.push({ at: Date.now(), method: request.method, path: request.url, headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
      if (result === null) return;
      const { status = result, headers = {} } = typeof result === 'object' ? result : {};
      response.writeHead(status, headers).end();
    });
  };
  const server = tls ? createTlsServer(tls, handle) : createServer(handle);
  await new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const close = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  t.after(close);
  const origin = tls ? `https://localhost:${server.address().port}` : `http://127.0.0.1:${server.address().port}`;
  return { url: `${origin}/hooks`, port: server.address().port, got, close, types: () => got.map((message) => JSON.parse(message.body).type) };
}

/** Verifies a symmetric signature with the standard's own library; throws when it does not fit. @returns the event */
export const verified = (secret, { body, headers }) => new Webhook(secret).verify(body, headers);

/** Verifies an Ed25519 signature with Node. @param {string} publicKey `whpk_…` */
export function verifiedBy(publicKey, { body, headers }) {
  const x = Buffer.from(publicKey.replace(/^whpk_/, ''), 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const content = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`);
  return headers['webhook-signature'].split(' ').filter((entry) => entry.startsWith('v1a,'))
    .some((entry) => verifySignature(null, content, key, Buffer.from(entry.slice(4), 'base64')));
}

/** The configuration of `endpoints`, each `{name, url, secret, events}`. */
export function webhooksToml(endpoints) {
  const line = ([key, value]) => `${key} = ${JSON.stringify(value)}\n`;
  const table = (endpoint) => `[[webhooks.endpoints]]\n${Object.entries(endpoint).map(line).join('')}`;
  return `[webhooks]\nallow_private = true\n${endpoints.map(table).join('')}`;
}
