/** Debian's nginx as a cache in front of the server, with the configuration that the project ships. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freeTcpPort, slug } from './harness.mjs';
import { start } from './processes.mjs';
import { Hopeless, until } from './wait.mjs';

const shipped = fileURLToPath(new URL('../../../config/nginx-cache.conf', import.meta.url));

/** Replaces exactly one thing, and says so when it is not there. */
function swap(text, from, to) {
  if (text.split(from).length !== 2) throw new Error(`config/nginx-cache.conf does not have one ${from}`);
  return text.replace(from, to);
}

/**
 * Starts nginx in front of `server` and stops it when the test ends.
 * @returns `{origin, requests(), shippedLog()}`: its address, what it answered under /hls/ (`{uri, status, cache, bearer}`), and
 *   the text of the log that the shipped configuration asks for
 */
export async function startNginx(t, server) {
  const port = await freeTcpPort();
  const home = mkdtempSync(join(tmpdir(), 'shopcast-nginx-'));
  const log = join(home, 'access.log');
  const shippedLog = join(home, 'shipped.log');
  mkdirSync(join(home, 'cache'));
  let site = readFileSync(shipped, 'utf8');
  site = swap(site, 'listen 8081;', `listen 127.0.0.1:${port};`);
  site = swap(site, 'server 127.0.0.1:8080;', `server 127.0.0.1:${server.ports.http};`);
  site = swap(site, '/var/cache/nginx/shopcast', join(home, 'cache'));
  site = swap(site, 'access_log /var/log/nginx/shopcast.log shopcast;', `access_log ${shippedLog} shopcast; access_log ${log} lines;`);
  writeFileSync(join(home, 'site.conf'), site);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${home}/${name};`);
  // One process, which stays ours: it is ended by its pid.
  writeFileSync(join(home, 'nginx.conf'), `daemon off; master_process off; pid ${home}/pid; error_log stderr warn;
events { worker_connections 512; }
http {
  ${temporary.join(' ')}
  log_format lines '$uri $status $upstream_cache_status "$http_authorization"';
  include ${home}/site.conf;
}
`);
  const nginx = start(`${slug(t.name)}.nginx`, 'nginx', ['-p', home, '-c', join(home, 'nginx.conf')]);
  t.after(async () => {
    await nginx.stop();
    rmSync(home, { recursive: true, force: true });
  });
  const origin = `http://127.0.0.1:${port}`;
  await until('nginx is ready', async () => {
    if (nginx.ended) throw new Hopeless(`nginx ended: ${nginx.log()}`);
    return (await fetch(`${origin}/readyz`)).ok;
  });
  return {
    origin,
    requests: () => readFileSync(log, 'utf8').split('\n').flatMap(readLine),
    shippedLog: () => readFileSync(shippedLog, 'utf8'),
  };
}

function readLine(line) {
  const [, uri, status, cache, bearer] = /^(\/hls\/\S+) (\d+) (\S+) "(.*)"$/.exec(line) ?? [];
  return uri === undefined ? [] : [{ uri, status: Number(status), cache, bearer }];
}
