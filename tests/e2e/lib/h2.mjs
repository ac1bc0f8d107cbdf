/** A client that speaks HTTP/2 and nothing else. */
import { connect } from 'node:http2';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';

/**
 * @param {import('node:test').TestContext} t
 * @param {string} origin `http:` speaks it by prior knowledge
 * @param {object} options of `http2.connect`, for example `{ca}`
 */
export async function openH2(t, origin, options = {}) {
  const session = connect(origin, options);
  t.after(() => session.destroy());
  await once(session, 'connect');
  return session;
}

/** @returns `{status, headers, text, ms}`, with the time from the request to the end of the answer */
export async function getH2(session, path, headers = {}) {
  const began = performance.now();
  const request = session.request({ ':path': path, ...headers });
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  const ended = once(request, 'end');
  const [answer] = await once(request, 'response');
  await ended;
  return { status: answer[':status'], headers: answer, text: Buffer.concat(chunks).toString('utf8'), ms: performance.now() - began };
}

/**
 * Asks and takes it back, `count` times in one go (CVE-2023-44487), in frames of our own making: a library would spare the
 * server the requests.
 * @returns the error code of the GOAWAY that it is answered with
 */
export async function resetFlood(t, port, count) {
  const socket = connectTcp(port, '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  // RFC 7541: GET, http, /, and the authority as a literal.
  const fields = Buffer.concat([Buffer.from([0x82, 0x86, 0x84, 0x41, 9]), Buffer.from('localhost')]);
  const cancel = Buffer.from([0, 0, 0, 8]);
  const frames = [Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, Buffer.alloc(0))];
  for (let i = 0; i < count; i += 1) {
    const id = 2 * i + 1;
    frames.push(frame(1, 0x5, id, fields), frame(3, 0, id, cancel));
  }
  socket.write(Buffer.concat(frames));
  let heard = Buffer.alloc(0);
  for await (const chunk of socket) {
    heard = Buffer.concat([heard, chunk]);
    for (let length; heard.length >= 9 && heard.length >= 9 + (length = heard.readUIntBE(0, 3)); heard = heard.subarray(9 + length)) {
      // RFC 9113 section 6.8: the last stream, then the code.
      if (heard[3] === 7) return heard.readUInt32BE(13);
    }
  }
  throw new Error('the server closed without GOAWAY');
}

/** RFC 9113 section 4.1. */
function frame(type, flags, stream, payload) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
