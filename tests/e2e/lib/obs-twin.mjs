/**
 * What OBS Studio does when it publishes by WHIP, on the library it does it with, libdatachannel. After
 * plugins/obs-webrtc/whip-output.cpp of obs-studio 32, down to the order of its calls:
 *
 * - gathers candidates only after the answer, and never sends a PATCH: the offer has none;
 * - says `profile-level-id=42e01f` whatever its encoder makes, here High;
 * - has no RTX and no transport-wide feedback: a NACK is answered with the same packet again;
 * - hears no PLI and no FIR: a key frame comes when the encoder makes one;
 * - starts its encoder with the answer and drops what comes before DTLS is done, so its first key frame is lost;
 * - wants exactly 201, a Location and a body; ends the transport first, then sends DELETE, and wants exactly 200.
 *
 * Not as OBS: from 32.1 on it puts the `mid` header extension on its video packets. What is sent here is as of 32.0, because
 * the library's Node binding cannot set it.
 *
 *   node lib/obs-twin.mjs '{"endpoint": "http://…/whip/show", "encoder": [FFmpeg's arguments]}'
 *
 * Prints one JSON object a line. SIGTERM is the button "Stop Streaming".
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import rtc from 'node-datachannel';

const { endpoint, encoder, fps, port } = JSON.parse(process.argv[2]);

const MICROSECONDS = 1_000_000;
const OPUS_US = 20_000;
const FRAGMENT_MAX = 1200;
/** About 3 seconds of 8.5 Mbit/s. */
const NACK_BUFFER = 4000;
/** OBS sends ten times as fast as it encodes at most, every 5 ms. */
const PACE = { bps: 12_000_000, everyMs: 5 };
const HTTP_MS = 8_000;
const AUDIO = { mid: '0', payloadType: 111, clock: 48_000 };
const VIDEO = { mid: '1', payloadType: 96, clock: 90_000 };

const say = (fact) => process.stdout.write(`${JSON.stringify(fact)}\n`);
const word = () => Array.from({ length: 16 }, () => randomInt(36).toString(36)).join('');

/** A track and what is sent on it. */
function track(peer, description, ssrc, { mid, payloadType, clock }, packetizerOf, names) {
  description.addSSRC(ssrc, names.cname, names.stream, `${names.stream}-${mid}`);
  const config = new rtc.RtpPacketizationConfig(ssrc, names.cname, payloadType, clock);
  const packetizer = packetizerOf(config);
  packetizer.addToChain(new rtc.RtcpSrReporter(config));
  packetizer.addToChain(new rtc.RtcpNackResponder(NACK_BUFFER));
  if (mid === VIDEO.mid) packetizer.addToChain(new rtc.PacingHandler(PACE.bps, PACE.everyMs));
  const sender = peer.addTrack(description);
  sender.setMediaHandler(packetizer);
  let last = 0;
  let sent = 0;
  return {
    sent: () => sent,
    /** WHIPOutput::Data and ::Send. What cannot be sent yet does not move the RTP clock. */
    send(bytes, dtsUs) {
      const duration = dtsUs - last;
      last = dtsUs;
      if (!sender.isOpen()) return;
      config.timestamp = (config.timestamp + Math.round((duration * clock) / MICROSECONDS)) % 2 ** 32;
      sender.sendMessageBinary(bytes);
      sent += 1;
    },
  };
}

function connectionOf() {
  const peer = new rtc.PeerConnection('obs', { iceServers: [] });
  peer.onStateChange((state) => say({ state }));
  const ssrc = randomInt(2 ** 31);
  const names = { cname: word(), stream: word() };
  const audio = new rtc.Audio(AUDIO.mid, 'SendOnly');
  audio.addOpusCodec(AUDIO.payloadType);
  const video = new rtc.Video(VIDEO.mid, 'SendOnly');
  video.addH264Codec(VIDEO.payloadType);
  const tracks = {
    audio: track(peer, audio, ssrc, AUDIO, (config) => new rtc.RtpPacketizer(config), names),
    video: track(peer, video, ssrc + 1, VIDEO, (config) => new rtc.H264RtpPacketizer('StartSequence', config, FRAGMENT_MAX), names),
  };
  peer.setLocalDescription();
  return { peer, tracks };
}

/** The offer as it is before anything was gathered; the binding cannot put that off. */
const ungathered = (sdp) => sdp
  .replaceAll(/a=(candidate:.*|end-of-candidates)\r\n/g, '')
  .replaceAll(/^m=(\w+) \d+ /gm, 'm=$1 9 ')
  .replaceAll(/^c=IN .*$/gm, 'c=IN IP4 0.0.0.0');

/** WHIPOutput::Connect. @returns the session's address and the answer */
async function connect(sdp) {
  const response = await fetch(endpoint, {
    method: 'POST', headers: { 'content-type': 'application/sdp' }, body: sdp, signal: AbortSignal.timeout(HTTP_MS),
  });
  const answer = await response.text();
  if (response.status !== 201) throw new Error(`HTTP endpoint returned response code ${response.status}: ${answer}`);
  if (answer === '') throw new Error('no data returned from HTTP endpoint request');
  const location = response.headers.get('location');
  if (!location) throw new Error('WHIP server did not provide a resource URL via the Location header');
  let session = new URL(response.url);
  if (location.startsWith('http')) {
    session = new URL(location);
  } else {
    // Not resolved, put in place of the path: what is relative to the endpoint's folder does not work.
    session.pathname = location;
    session.search = '';
  }
  return { session: session.href, answer: answer.slice(answer.indexOf('v=0')) };
}

/** The encoder: H.264 with access unit delimiters to one pipe, Ogg Opus to the other. */
function encode(tracks) {
  const ffmpeg = spawn('ffmpeg', encoder, { stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe'] });
  let frames = 0;
  ffmpeg.stdio[3].on('data', accessUnits((unit) => {
    tracks.video.send(unit, Math.floor((frames * MICROSECONDS) / fps));
    frames += 1;
  }));
  let packets = -OPUS_HEADERS;
  ffmpeg.stdio[4].on('data', oggPackets((packet) => {
    if (packets >= 0) tracks.audio.send(packet, packets * OPUS_US);
    packets += 1;
  }));
  return ffmpeg;
}

const DELIMITER = Buffer.from([0, 0, 0, 1, 9]);
/** With its one byte of payload: OBS's encoders make none, so it is taken off. */
const DELIMITER_BYTES = 6;

function accessUnits(take) {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const next = rest.indexOf(DELIMITER, DELIMITER_BYTES);
      if (next < 0) return;
      take(rest.subarray(DELIMITER_BYTES, next));
      rest = rest.subarray(next);
    }
  };
}

const OPUS_HEADERS = 2;

/** RFC 3533 section 6: pages, whose segment table says where packets end. */
function oggPackets(take) {
  let rest = Buffer.alloc(0);
  let parts = [];
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 27 && rest.length >= 27 + rest[26]) {
      const table = rest.subarray(27, 27 + rest[26]);
      const body = 27 + table.length;
      const size = table.reduce((sum, lace) => sum + lace, 0);
      if (rest.length < body + size) return;
      let at = body;
      for (const lace of table) {
        parts.push(rest.subarray(at, at + lace));
        at += lace;
        if (lace < 255) {
          take(Buffer.concat(parts));
          parts = [];
        }
      }
      rest = rest.subarray(at);
    }
  };
}

const { peer, tracks } = connectionOf();
const sdp = ungathered(peer.localDescription().sdp);
say({ offer: sdp });
const { session, answer } = await connect(sdp);
say({ session, answer });
// A relay that loses packets stands in front of the server.
peer.setRemoteDescription(port ? answer.replaceAll(/(a=candidate:(?:\S+ ){5})\d+/g, `$1${port}`) : answer, 'answer');
const ffmpeg = encode(tracks);

process.once('SIGTERM', async () => {
  ffmpeg.kill('SIGKILL');
  // WHIPOutput::StopThread
  peer.close();
  const { status } = await fetch(session, { method: 'DELETE', signal: AbortSignal.timeout(HTTP_MS) });
  say({ deleted: status, frames: tracks.video.sent(), packets: tracks.audio.sent() });
  rtc.cleanup();
  process.exit(0);
});
