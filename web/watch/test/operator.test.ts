import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, type RepairView, type StreamView } from "@shopcast/api";

import { ASKING, answered, facts, failed, pieces } from "../operator.ts";

const LIVE: StreamView = {
  name: "show",
  state: "live",
  video: {
    codec: "h264",
    codecs: "avc1.64001f",
    profile: "High",
    width: 1280,
    height: 720,
    frame_rate: 29.97,
    b_frames: false,
    repair: null,
    gop_ms: 8333,
    bitrate_bps: 2_512_000,
    frames: 900,
  },
  audio: {
    codec: "aac",
    codecs: "mp4a.40.2",
    sample_rate_hz: 44_100,
    channels: 2,
    bitrate_bps: 159_000,
  },
  encoder: "obs-output module",
  verdicts: [{ code: "long_gop", found: "f", cost: "c", remedy: "r", detail: "f c r" }],
  viewers: { webrtc: 3, hls: 4, events: 2 },
};

const refusal = (status: number, retryAfterMs: number | null = null): ApiError =>
  new ApiError({ type: "about:blank", title: "t", status, detail: "the words" }, retryAfterMs);

test("numbers of a stream are said as people say them", () => {
  assert.deepEqual(Object.fromEntries(facts(LIVE)), {
    State: "live",
    Video: "H.264 High (avc1.64001f)",
    Picture: "1280 × 720",
    Frames: "30/s",
    "Key frames": "every 8.3 s",
    "Encoded again": "no",
    "Video rate": "2.5 Mbit/s",
    Sound: "AAC, 44.1 kHz, stereo",
    "Sound rate": "159 kbit/s",
    "WebRTC viewers": "3",
    "LL-HLS viewers": "4",
    Encoder: "obs-output module",
  });
});

test("what is encoded again is said, for whom and why", () => {
  const said = (repair: RepairView): string | undefined =>
    LIVE.video === null
      ? undefined
      : Object.fromEntries(facts({ ...LIVE, video: { ...LIVE.video, repair } }))["Encoded again"];
  assert.equal(
    said({ why: "b_frames", state: "running", ll_hls: false }),
    "for WebRTC viewers, B-frames: running",
  );
  assert.equal(
    said({ why: "chroma", state: "resting", ll_hls: true }),
    "for every viewer, colours: not for now",
  );
});

test("what is not known is a dash", () => {
  const bare = Object.fromEntries(facts({ ...LIVE, video: null, audio: null, encoder: null }));
  for (const name of [
    "Video",
    "Picture",
    "Frames",
    "Key frames",
    "Video rate",
    "Sound",
    "Encoder",
  ]) {
    assert.equal(bare[name], "–", name);
  }
});

test("an answer shows its verdicts, and a note while nobody is live", () => {
  const desk = answered(LIVE);
  assert.deepEqual([desk.note, desk.verdicts[0]?.code, desk.wantsToken], ["", "long_gop", false]);
  assert.match(answered({ ...LIVE, state: "interrupted" }).note, /waits for its return/);
  assert.match(answered({ ...LIVE, state: "starting" }).note, /first key frame/);
});

test("a refusal asks for a token and shows nothing more of the stream", () => {
  for (const status of [401, 403]) {
    const desk = failed(answered(LIVE), refusal(status), false);
    assert.deepEqual([desk.wantsToken, desk.facts, desk.verdicts], [true, null, []]);
    assert.match(desk.note, /token is needed/);
  }
  assert.match(failed(ASKING, refusal(401), true).note, /does not do: the words/);
});

test("a stream that nobody publishes is no failure", () => {
  const desk = failed(answered(LIVE), refusal(404), false);
  assert.deepEqual([desk.facts, desk.wantsToken], [null, false]);
});

test("anything else leaves what was known, and waits as long as the server asks", () => {
  const before = answered(LIVE);
  const limited = failed(before, refusal(429, 30_000), false);
  assert.deepEqual([limited.facts, limited.pauseMs], [before.facts, 30_000]);
  const away = failed(before, new TypeError("fetch failed"), false);
  assert.deepEqual([away.facts, away.verdicts], [before.facts, before.verdicts]);
  assert.match(away.note, /could not be reached/);
});

test("what is to be typed is told from what is said about it", () => {
  assert.deepEqual(pieces("add `bframes=0` here"), [
    { text: "add ", isCode: false },
    { text: "bframes=0", isCode: true },
    { text: " here", isCode: false },
  ]);
  assert.deepEqual(pieces("`-ar 48000`"), [{ text: "-ar 48000", isCode: true }]);
});
