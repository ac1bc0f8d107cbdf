/** A bad link between one WebRTC viewer and the server: packets are lost and delayed by chance, both ways. */
import { createSocket } from 'node:dgram';

/**
 * @param {number} port of the server
 * @param {{loss: number, jitterMs: number, random: () => number}} weather `loss` is the share of packets lost; each is delayed by
 *   up to `jitterMs`, and by longer where one before it was: a queue does not let packets overtake
 * @returns `port`, where the client is to send to, `counts`, and `prepare(page)`, which leads the page's WHEP there
 */
export async function badLink(t, port, { loss, jitterMs, random }) {
  const [front, back] = [createSocket('udp4'), createSocket('udp4')];
  const counts = { packets: 0, lost: 0 };
  let client;
  let open = true;
  const way = (send) => {
    let last = 0;
    return (packet) => {
      counts.packets += 1;
      if (random() < loss) {
        counts.lost += 1;
        return;
      }
      const now = performance.now();
      last = Math.max(last, now + random() * jitterMs);
      setTimeout(() => open && send(packet), last - now);
    };
  };
  const up = way((packet) => back.send(packet, port, '127.0.0.1'));
  const down = way((packet) => front.send(packet, client.port, client.address));
  front.on('message', (packet, from) => {
    client = from;
    up(packet);
  });
  back.on('message', down);
  t.after(() => {
    open = false;
    for (const socket of [front, back]) socket.close();
  });
  for (const socket of [front, back]) await new Promise((resolve) => { socket.bind(0, '127.0.0.1', resolve); });
  return { port: front.address().port, counts, prepare: (page) => leadThrough(page, front.address().port) };
}

/** The answer's UDP candidates get the link's port; those for TCP, which would go around it, are left out. */
function leadThrough(page, port) {
  return page.route('**/whep/*', async (route) => {
    if (route.request().method() !== 'POST') {
      await route.continue();
      return;
    }
    const response = await route.fetch();
    const lines = (await response.text()).split('\r\n').filter((line) => !/^a=candidate:.* tcp /i.test(line));
    const body = lines.map((line) => line.replace(/^(a=candidate:\S+ \d+ udp \d+) \S+ \d+/i, `$1 127.0.0.1 ${port}`)).join('\r\n');
    await route.fulfill({ response, body });
  });
}
