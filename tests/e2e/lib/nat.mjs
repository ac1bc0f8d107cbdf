/**
 * A server and a viewer, each behind a NAT of its own, and a public network between them:
 *
 *   server 10.77.0.2 -- 10.77.0.1 gate 203.0.113.7 ---- 203.0.113.50 home 192.168.50.1 -- 192.168.50.2 viewer
 *
 * The gate passes HTTP and WebRTC on to the server. The home router lets nothing in that nobody inside asked for, and gives
 * UDP a source port of its own choosing (RFC 4787 section 4.2.1: no port preservation).
 */

export const PUBLIC = '203.0.113.7';
export const PRIVATE = '10.77.0.2';

/** @param {ReturnType<import('./netns.mjs').network>} net */
export function natted(net) {
  const [server, gate, home, viewer] = ['server', 'gate', 'home', 'viewer'].map((role) => net.namespace(role));
  net.link([server, 'eth0', `${PRIVATE}/24`], [gate, 'lan', '10.77.0.1/24']);
  net.link([gate, 'wan', `${PUBLIC}/24`], [home, 'wan', '203.0.113.50/24']);
  net.link([home, 'lan', '192.168.50.1/24'], [viewer, 'eth0', '192.168.50.2/24']);
  server.run('ip', 'route', 'add', 'default', 'via', '10.77.0.1');
  viewer.run('ip', 'route', 'add', 'default', 'via', '192.168.50.1');
  for (const router of [gate, home]) router.setting('net/ipv4/ip_forward', 1);

  gate.nft('add table ip nat');
  gate.nft('add chain ip nat pre { type nat hook prerouting priority dstnat; }');
  gate.nft(`add rule ip nat pre iifname wan tcp dport { 8080, 8189 } dnat to ${PRIVATE}`);
  gate.nft(`add rule ip nat pre iifname wan udp dport 8189 dnat to ${PRIVATE}`);

  home.nft('add table ip nat');
  home.nft('add chain ip nat post { type nat hook postrouting priority srcnat; }');
  // Without an entry a datagram would reach the router itself, which would answer that nobody is there.
  home.drop('iifname wan ct state new');
  const mapper = new Mapper(home, gate);
  return { server, gate, home, viewer, mapper };
}

/** The home router's choice of source ports, and what the gate sees of them. */
class Mapper {
  #home;
  #gate;
  #watched = 0;

  constructor(home, gate) {
    this.#home = home;
    this.#gate = gate;
  }

  /** Forgets what is mapped, as a router that restarts, and takes UDP ports of this range from now on. */
  use([from, to]) {
    this.#home.nft('flush chain ip nat post');
    this.#home.nft(`add rule ip nat post oifname wan meta l4proto udp snat to 203.0.113.50:${from}-${to}`);
    this.#home.nft('add rule ip nat post oifname wan masquerade');
    this.#home.run('conntrack', '-F');
  }

  /** Source ports of the UDP flows towards the server, as it sees them. */
  ports() {
    const flows = this.#gate.run('conntrack', '-L', '-p', 'udp', '--dst', PUBLIC);
    return [...flows.matchAll(/src=203\.0\.113\.50 dst=\S+ sport=(\d+) dport=8189/g)].map(([, port]) => Number(port));
  }

  /**
   * Watches the ports of a range, which nobody has used: is media sent to one before a STUN check came from it?
   * @returns a function: `early` packets other than checks came from a port before its first check, `unasked` packets of
   *   media were sent to one, and `moved` ones to a port that had been checked
   */
  watch([from, to]) {
    this.#watched += 1;
    const table = `inet watch${this.#watched}`;
    const rule = (text) => this.#gate.nft(`add rule ${table} way ${text}`);
    this.#gate.nft(`add table ${table}`);
    this.#gate.nft(`add set ${table} checked { type inet_service; flags dynamic; size 1024; }`);
    this.#gate.nft(`add chain ${table} way { type filter hook forward priority 0; }`);
    for (const counter of ['early', 'unasked', 'moved']) this.#gate.nft(`add counter ${table} ${counter}`);
    // RFC 7983 section 7: STUN's first byte is 0 to 3, that of DTLS and SRTP 20 and above.
    rule(`udp sport ${from}-${to} udp dport 8189 @th,64,8 < 4 add @checked { udp sport }`);
    rule(`udp sport ${from}-${to} udp dport 8189 @th,64,8 >= 20 udp sport != @checked counter name early`);
    rule(`udp sport 8189 udp dport ${from}-${to} @th,64,8 >= 20 udp dport != @checked counter name unasked`);
    rule(`udp sport 8189 udp dport ${from}-${to} @th,64,8 >= 20 udp dport @checked counter name moved`);
    return () => Object.fromEntries(['early', 'unasked', 'moved'].map((name) => [name, this.#gate.counted(table, name)]));
  }
}
