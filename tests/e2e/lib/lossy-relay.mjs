/** A UDP relay in front of the server that loses what it is told to, for one client. */
import { createSocket } from 'node:dgram';

/**
 * @param {number} port of the server
 * @param {(n: number, packet: Buffer) => boolean} loses asked for the n-th RTP packet of the client
 * @returns where the client is to send to, and what was lost
 */
export async function lossyRelay(t, port, loses) {
  const [front, back] = [createSocket('udp4'), createSocket('udp4')];
  let client;
  const seen = { packets: 0, lost: [], again: 0 };
  const missing = new Set();
  front.on('message', (packet, from) => {
    client = from;
    if (isRtp(packet)) {
      const name = `${packet.readUInt32BE(8)}/${packet.readUInt16BE(2)}`;
      if (missing.delete(name)) {
        seen.again += 1;
      } else {
        seen.packets += 1;
        if (loses(seen.packets, packet)) {
          seen.lost.push(name);
          missing.add(name);
          return;
        }
      }
    }
    back.send(packet, port, '127.0.0.1');
  });
  back.on('message', (packet) => client && front.send(packet, client.port, client.address));
  for (const socket of [front, back]) {
    await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
    t.after(() => socket.close());
  }
  return { port: front.address().port, seen };
}

/** RFC 7983: RTP and RTCP begin with 128 to 191; RFC 5761 section 4: RTCP has 64 to 95 where RTP has its payload type. */
function isRtp(packet) {
  if (packet.length < 12 || packet[0] < 128 || packet[0] > 191) return false;
  const type = packet[1] & 0x7f;
  return type < 64 || type > 95;
}
