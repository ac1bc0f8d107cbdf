import assert from "node:assert/strict";
import { test } from "node:test";

import { parseIceServers } from "../src/ice-servers.ts";

test("ICE servers are read out of Link headers", () => {
  const link = [
    "<stun:stun.example.net>; rel=ice-server",
    '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="u,\\"1"; credential="p;2"; credential-type="password"',
    '<turns:turn.example.net>; rel="ice-server"',
    '<https://live.example/events>; rel="urn:ietf:params:whep:ext:core:server-sent-events"',
    '<javascript:x>; rel="ice-server"',
  ].join(", ");
  assert.deepEqual(parseIceServers(link), [
    { urls: "stun:stun.example.net" },
    { urls: "turn:turn.example.net?transport=udp", username: 'u,"1', credential: "p;2" },
  ]);
  for (const none of [null, "", "nonsense", "<", '<stun:a>; title="ice-server"']) {
    assert.deepEqual(parseIceServers(none), []);
  }
  assert.equal(parseIceServers("<stun:a>; rel=ice-server,".repeat(50)).length, 4);
});
