/** An authority of the test's own, and certificates for this machine signed by it, made by OpenSSL. */
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output } from './processes.mjs';
import { scratch } from './scratch.mjs';

const NAMES = 'subjectAltName=DNS:localhost,IP:127.0.0.1';

/**
 * @param {import('node:test').TestContext} t
 * @returns `{ca, caFile, certificate, key, spki, issue}`: the authority in PEM and its file, the server's two files, the
 *   digest by which a browser is told to trust this key alone, and a function that puts a fresh certificate for the same
 *   key into the files and gives its serial number
 */
export async function makeCertificate(t) {
  const folder = scratch(t, 'tls');
  const file = (name) => join(folder, name);
  const openssl = (...args) => output('openssl', args);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl('req', '-x509', ...newKey, '-keyout', file('ca.key'), '-out', file('ca.pem'), '-days', '2', '-subj', '/CN=Shopcast test authority');
  await openssl('req', ...newKey, '-keyout', file('key.pem'), '-out', file('request.pem'), '-subj', '/CN=localhost');
  writeFileSync(file('extensions'), NAMES);
  const issue = async () => {
    const fresh = file('fresh.pem');
    await openssl('x509', '-req', '-in', file('request.pem'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial',
      '-days', '2', '-extfile', file('extensions'), '-out', fresh);
    const { serialNumber } = new X509Certificate(readFileSync(fresh));
    renameSync(fresh, file('certificate.pem'));
    return serialNumber;
  };
  await issue();
  const { publicKey } = new X509Certificate(readFileSync(file('certificate.pem')));
  const spki = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
  return { ca: readFileSync(file('ca.pem'), 'utf8'), caFile: file('ca.pem'), certificate: file('certificate.pem'), key: file('key.pem'), spki, issue };
}
