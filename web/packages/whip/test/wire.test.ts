import assert from "node:assert/strict";
import { test } from "node:test";

import { hasH264, preferH264 } from "../src/codecs.ts";
import { videoBitrateMax } from "../src/encoding.ts";
import { answerForBrowser, offerForServer } from "../src/sdp.ts";
import { UplinkMeter } from "../src/uplink.ts";
import { OFFER, h264 } from "../../webrtc/test/fakes.ts";

test("constrained baseline comes before baseline, before other H.264, before the rest in its order", () => {
  const vp8 = { mimeType: "video/VP8", clockRate: 90_000 };
  const rtx = { mimeType: "video/rtx", clockRate: 90_000 };
  const mode0 = h264("42e01f", 0);
  const given = [vp8, rtx, mode0, h264("64001f"), h264("42001f"), h264("42E034"), h264("42e01f")];
  assert.deepEqual(preferH264(given), [
    h264("42E034"),
    h264("42e01f"),
    h264("42001f"),
    h264("64001f"),
    vp8,
    rtx,
    mode0,
  ]);
  assert.equal(hasH264(given), true);
  assert.equal(hasH264([vp8, rtx, mode0]), false);
});

test("the bit rate goes with the picture's size, whichever way it is turned", () => {
  assert.equal(videoBitrateMax(1280, 720), 2_500_000);
  assert.equal(videoBitrateMax(720, 1280), 2_500_000);
  assert.equal(videoBitrateMax(640, 480), 1_200_000);
  assert.equal(videoBitrateMax(1920, 1080), 4_500_000);
  assert.equal(videoBitrateMax(3840, 2160), 6_000_000);
  assert.equal(videoBitrateMax(undefined, undefined), 2_500_000);
});

test("the server is told of stereo and not of turned pictures", () => {
  const offer = offerForServer(OFFER);
  assert.match(offer, /^a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1\r$/m);
  assert.doesNotMatch(offer, /3gpp/);
  assert.equal(offerForServer(offer), offer);
  assert.equal(offerForServer("v=0\r\n"), "v=0\r\n");
});

test("stereo is sent unless the server says no", () => {
  const answer = (fmtp: string): string => `v=0\r\na=rtpmap:96 opus/48000/2\r\n${fmtp}a=mid:0\r\n`;
  const cases: readonly [string, string][] = [
    ["", "a=fmtp:96 stereo=1\r\n"],
    ["a=fmtp:96 useinbandfec=1\r\n", "a=fmtp:96 useinbandfec=1;stereo=1\r\n"],
    ["a=fmtp:96 sprop-stereo=1\r\n", "a=fmtp:96 sprop-stereo=1;stereo=1\r\n"],
    ["a=fmtp:96 stereo=0;usedtx=1\r\n", "a=fmtp:96 stereo=0;usedtx=1\r\n"],
  ];
  for (const [given, wanted] of cases) {
    assert.equal(answerForBrowser(answer(given)), answer(wanted));
  }
});

function report(atMs: number, bytes: number): unknown[] {
  return [
    {
      type: "outbound-rtp",
      kind: "video",
      timestamp: atMs,
      bytesSent: bytes,
      headerBytesSent: bytes / 100,
      frameWidth: 1280,
      frameHeight: 720,
      framesPerSecond: 30,
      qualityLimitationReason: "bandwidth",
    },
    { type: "outbound-rtp", kind: "audio", timestamp: atMs, bytesSent: 0 },
    { type: "remote-inbound-rtp", kind: "video", roundTripTime: 0.042, fractionLost: 0.02 },
    { type: "remote-inbound-rtp", kind: "audio", roundTripTime: 0.04, fractionLost: 0 },
  ];
}

test("the uplink is what left between two readings", () => {
  const meter = new UplinkMeter();
  assert.equal(meter.read(report(1000, 10_000)).bitrateBps, null);
  assert.deepEqual(meter.read(report(3000, 510_000)), {
    bitrateBps: 2_020_000,
    width: 1280,
    height: 720,
    frameRate: 30,
    roundTripMs: 42,
    lossPercent: 2,
    limitedBy: "bandwidth",
  });
  // A new session.
  assert.equal(meter.read(report(5000, 100)).bitrateBps, null);
});

test("what a browser or a server does not say is not known", () => {
  const pair = { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.01 };
  assert.deepEqual(new UplinkMeter().read([pair]), {
    bitrateBps: null,
    width: null,
    height: null,
    frameRate: null,
    roundTripMs: 10,
    lossPercent: null,
    limitedBy: null,
  });
});
