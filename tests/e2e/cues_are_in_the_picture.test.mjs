/**
 * Cues as messages of the pictures themselves (SEI, docs/spec/sei.md): the stream's own are in the access unit they hold
 * from, by LL-HLS and by WHEP; a publisher's forgeries reach nobody, and what others put there reaches everybody.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { getCue, insertCue, showCue, streamInfo, waitLive } from './lib/api.mjs';
import { launchBrowser, playback, watch, whepStats } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { presentation, SegmentRecorder } from './lib/hls-client.mjs';
import { output, start } from './lib/processes.mjs';
import { ffmpegArgs, publishFfmpeg } from './lib/publishers.mjs';
import { scratch } from './lib/scratch.mjs';
import { keepUnits, seiUnit, unitsOfSegments, userData, UUID, withUnits } from './lib/sei.mjs';
import { until } from './lib/wait.mjs';
import { publishAiortc } from './lib/whip-clients.mjs';

const GOP = 30;
const FOREIGN = { uuid: '0bd4a1f2-77aa-4c11-9e3b-5a6b7c8d9eaf', text: 'of a camera' };
const SECRET = 'forged by the publisher';

/** What a publisher would send to show a card of its own. */
const forgery = () => {
  const payload = { level: 'warning', text: SECRET };
  const cue = { v: 1, stream: 'demo', epoch: 1, seq: 1, card_id: 'c9', rev: 1, op: 'show', pts: 900_000, duration: null, kind: 'notice', payload };
  return { uuid: UUID.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'), text: `\x11${JSON.stringify(cue)}` };
};

const notice = (card, at) => ({ card_id: card, kind: 'notice', op: 'show', at, duration_ms: null, payload: { level: 'info', text: card } });

/** A stream, recorded from both sides. */
async function follow(t, server) {
  const { k } = await streamInfo(server, 'demo');
  const viewer = keepUnits(t, `${server.origin}/whep/demo`, k);
  await until('access units by WHEP', () => viewer.units().length > 0);
  const { video } = await presentation(server, 'demo');
  const recorder = new SegmentRecorder(server, 'demo', video);
  return {
    viewer,
    /** @returns what came by both ways */
    async end() {
      await recorder.stop();
      await viewer.stop();
      return { hls: unitsOfSegments(recorder.segments), whep: viewer.units() };
    },
  };
}

const seqOf = (message) => (message.type === 'cue' ? message.decoded.cue.seq : message.seq);

test('each cue is in the first picture at or past its threshold', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp('demo'), { gop: GOP });
  await waitLive(server, 'demo');
  const followed = await follow(t, server);
  const cues = [await insertCue(server, 'demo', showCue('c1', { at: { after_ms: 2_500 } }))];
  // Six on one frame: four of them whole, two by reference.
  for (let n = 2; n <= 7; n += 1) cues.push(await insertCue(server, 'demo', notice(`n${n}`, { pts: cues[0].pts + 60_000 })));
  const taken = await insertCue(server, 'demo', notice('taken', { pts: cues[0].pts + 60_000 }));
  const back = await fetch(`${server.origin}/v1/streams/demo/cues/${taken.seq}`, { method: 'DELETE' });
  assert.equal(back.status, 200);
  const clear = await insertCue(server, 'demo', { op: 'clear', at: { pts: cues[0].pts + 180_000 } });
  const frames = await until('every frame is known', async () => {
    const known = await Promise.all([...cues, clear].map(({ seq }) => getCue(server, 'demo', seq)));
    return known.every(({ frame_pts }) => frame_pts !== null) && known;
  }, { within: 30_000 });
  await until('it went on for a while', async () => (await streamInfo(server, 'demo')).newest_pts > clear.pts + 2 * 90_000);
  const ways = await followed.end();
  for (const [way, units] of Object.entries(ways)) {
    t.diagnostic(`${way}: ${units.length} access units, ${units.filter(({ ours }) => ours.length > 0).length} of them with messages`);
    const malformed = units.flatMap(({ ours }) => ours).filter(({ type }) => type === 'malformed');
    assert.deepEqual(malformed, [], way);
    for (const { seq, pts, frame_pts } of frames) {
      const first = units.find((unit) => unit.pts >= pts);
      const holders = units.filter(({ ours }) => ours.some((m) => m.type !== 'snapshot' && seqOf(m) === seq));
      assert.deepEqual(holders.map((unit) => unit.pts), [first.pts], `${way}: cue ${seq} of ${pts}`);
      assert.equal(first.pts, frame_pts, `${way}: the frame that was reported`);
    }
    const burst = units.find(({ pts }) => pts >= cues[1].pts).ours.filter(({ type }) => type !== 'snapshot');
    // The one taken back is not there; that it was is told.
    assert.deepEqual(burst.map(seqOf), [2, 3, 4, 5, 6, 7, 9], way);
    assert.deepEqual(burst.map(({ type }) => type), [...Array(4).fill('cue'), ...Array(3).fill('reference')], way);
    assert.ok(!units.some(({ ours }) => ours.some((m) => m.type === 'cue' && seqOf(m) === taken.seq)), `${way}: taken back`);
    const snapshots = units.flatMap((unit) => unit.ours.filter(({ type }) => type === 'snapshot').map((m) => ({ ...m, at: unit.pts })));
    assert.ok(snapshots.length >= 3, `${way}: ${snapshots.length} snapshots`);
    for (const snapshot of snapshots) {
      assert.equal(snapshot.pts, snapshot.at, way);
      const shown = snapshot.cues.map(({ cue }) => cue.seq);
      const expected = snapshot.pts >= clear.pts ? [] : [1, 2, 3, 4, 5, 6, 7].filter((seq) => cues[seq - 1].pts <= snapshot.pts);
      const told = snapshot.references.length > 0 ? snapshot.references.map(({ seq }) => seq) : shown;
      assert.deepEqual(told, expected, `${way}: the state at ${snapshot.pts}`);
    }
  }
  assert.ok(ways.whep.filter(({ pictures }) => pictures === 1).length >= ways.whep.length - 2, 'aiortc decodes them');
});

test('forged cues reach nobody, and others\' messages everybody', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp('demo'), { gop: GOP, output: userData(forgery(), FOREIGN) });
  await waitLive(server, 'demo');
  const followed = await follow(t, server);
  const browser = await launchBrowser(t);
  const { seq } = await insertCue(server, 'demo', showCue('c1'));
  await plays(browser, server, 'whep', async (page) => {
    const { video } = await until('90 pictures by WHEP', async () => {
      const stats = await whepStats(page);
      return stats?.video.framesDecoded >= 90 && stats;
    }, { within: 40_000 });
    assert.ok(video.keyFramesDecoded >= 3);
    assert.equal(video.pliCount, 0, 'what cannot be decoded is asked for anew');
  });
  await plays(browser, server, 'hls', async (page) => {
    const { error } = await until('90 pictures by hls.js', async () => {
      const now = await playback(page);
      return (now.frames >= 90 || now.error) && now;
    }, { within: 40_000 });
    assert.equal(error, null);
  });
  assertNothingForged(t, await followed.end(), seq, 1);
  await assertCounted(server);
});

test('forged cues of a WHIP publisher reach nobody', { timeout: 120_000 }, async (t) => {
  const { uuid, text } = FOREIGN;
  const foreign = [5, Buffer.concat([Buffer.from(uuid.replaceAll('-', ''), 'hex'), Buffer.from(text)])];
  // So large that it is cut into fragments, with the forgery in the second.
  const large = [5, Buffer.concat([foreign[1], Buffer.alloc(1500, 7)])];
  const flv = await recorded(t, (n) => seiUnit(n % 5 === 0 ? large : foreign, forged()));
  const file = flv.replace(/flv$/, 'ts');
  await output('ffmpeg', ['-loglevel', 'error', '-i', flv, '-c:v', 'copy', '-c:a', 'libopus', '-b:a', '96k', '-ac', '2', '-frame_duration', '20', file]);
  const server = await startServer(t);
  await publishAiortc(t, `${server.origin}/whip/demo`, { file });
  await waitLive(server, 'demo');
  const followed = await follow(t, server);
  const { seq } = await insertCue(server, 'demo', showCue('c1'));
  await until('its frame', async () => (await getCue(server, 'demo', seq)).frame_pts !== null);
  const { newest_pts } = await streamInfo(server, 'demo');
  await until('it went on for a while', async () => (await streamInfo(server, 'demo')).newest_pts > newest_pts + 3 * 90_000);
  // Its packets are forwarded as they are: the cue is in the pictures of LL-HLS alone.
  assertNothingForged(t, await followed.end(), seq, 0);
  await assertCounted(server);
});

async function plays(browser, server, protocol, check) {
  const page = await watch(browser, server, 'demo', protocol);
  await check(page);
  assert.deepEqual(page.errors, []);
  assert.ok(!(await page.content()).includes(SECRET));
  await page.close();
}

/** @param {number} byWhep how many access units by WHEP have the cue */
function assertNothingForged(t, ways, seq, byWhep) {
  for (const [way, units] of Object.entries(ways)) {
    const own = units.filter(({ ours }) => ours.some((m) => m.type === 'cue'));
    const foreign = units.filter(({ bytes }) => bytes.includes(FOREIGN.text) && bytes.includes(FOREIGN.uuid.replaceAll('-', ''), 'hex'));
    t.diagnostic(`${way}: ${units.length} access units, ${foreign.length} with the foreign message, ${own.length} with the cue`);
    assert.ok(foreign.length >= 2, `${way}: others' messages`);
    assert.deepEqual(own.flatMap(({ ours }) => ours.filter((m) => m.type === 'cue').map(seqOf)), Array(way === 'whep' ? byWhep : 1).fill(seq), way);
    const strange = units.filter(({ bytes, ours }) => bytes.includes(UUID) && ours.length === 0);
    assert.deepEqual(strange.map(({ pts }) => pts), [], `${way}: the UUID where no message of ours is`);
    for (const { ours } of units) assert.ok(!JSON.stringify(ours).includes(SECRET), way);
  }
}

async function assertCounted(server) {
  assert.ok((await streamInfo(server, 'demo')).cues_forged >= 2);
  const metrics = await (await fetch(`${server.origin}/metrics`)).text();
  assert.ok(Number(/^shopcast_cues_forged_total (\d+)$/m.exec(metrics)[1]) >= 2);
  const told = server.log().match(/the publisher sends cues of its own/g) ?? [];
  assert.equal(told.length, 1, 'the log tells it once');
}

test('captions go through, even from the NAL unit of a forgery', { timeout: 120_000 }, async (t) => {
  const captioned = await recorded(t, () => seiUnit(CAPTIONS, forged()));
  const server = await startServer(t);
  const publisher = start('captions.ffmpeg', 'ffmpeg',
    ['-hide_banner', '-nostats', '-loglevel', 'warning', '-re', '-i', captioned, '-c', 'copy', '-f', 'flv', server.rtmp('demo')]);
  t.after(() => publisher.stop());
  await waitLive(server, 'demo');
  const followed = await follow(t, server);
  const { newest_pts } = await streamInfo(server, 'demo');
  await until('it went on for a while', async () => (await streamInfo(server, 'demo')).newest_pts > newest_pts + 3 * 90_000);
  for (const [way, units] of Object.entries(await followed.end())) {
    t.diagnostic(`${way}: ${units.length} access units`);
    assert.ok(units.length >= 60, way);
    for (const { pts, bytes, ours } of units) {
      assert.ok(bytes.includes(seiUnit(CAPTIONS)), `${way}: captions at ${pts}`);
      assert.ok(!bytes.includes(UUID) && ours.length === 0, `${way}: at ${pts}`);
    }
  }
  assert.ok((await streamInfo(server, 'demo')).cues_forged >= 60);
});

/** CEA-608 in CEA-708 (ATSC A/53 part 4 §6.2.3): T.35 of the USA, ATSC, `GA94`, `cc_data` with one pair. */
const CAPTIONS = [4, Buffer.from('b500314741393403c1fffc942cff', 'hex')];

/** The forgery as a message. */
const forged = () => [5, Buffer.concat([UUID, Buffer.from(forgery().text)])];

/** Records half a minute and puts a NAL unit before each picture. @returns the FLV file's path */
async function recorded(t, unitOf) {
  const folder = scratch(t, 'recorded');
  const [plain, changed] = ['plain.flv', 'changed.flv'].map((name) => join(folder, name));
  const args = ffmpegArgs(plain, { gop: GOP, seconds: 40, output: ['-y'] });
  await output('ffmpeg', args.filter((word) => word !== '-re'));
  writeFileSync(changed, withUnits(readFileSync(plain), unitOf));
  return changed;
}
