/**
 * Runs every test file: `npm test`. First two lanes at once, in each one file at a time; then, one at a time, what must be
 * alone. A file stands in one of the lists below, by the neighbours it can bear.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const LANES = {
  /** They wait more than they compute, for what comes sooner or later. */
  light: [
    'a_lobby_shows_pictures', 'access_by_key_and_token', 'api_answers_bad_input', 'barcode', 'ffmpeg_plays_hls', 'golive_page', 'gstreamer_plays_whep', 'hls-checker',
    'hls_rules_live', 'https_and_rtmps', 'impair_proxy', 'interruption_is_told', 'invariant', 'people_are_removed', 'tokens_are_asked_for',
    'unseen_players_go_on', 'webhooks_survive_a_kill', 'webhooks_tell_a_life', 'whip_http_matrix',
  ],
  /** They keep a processor busy, or hold frames and freezes to a bound that leaves room for a light neighbour. */
  measured: [
    'b_frames_are_repaired', 'cues_are_in_the_picture', 'encoder_cues', 'enhanced_rtmp', 'folds_agree', 'ice_restarts', 'obs_publishes', 'obs_takes_the_service',
    'obs_whip_twin', 'operator_is_told', 'tokens_share_a_cache', 'viewers_behind_nat', 'whep_and_whip_by_tcp', 'whip_changes_size',
    'whip_chromium_publishes', 'whip_clients_publish',
  ],
  /** They hold every frame, latency, or sound against picture to a bound that says something of the server on an idle machine only. */
  alone: [
    'a_show_survives_a_kill', 'cards_of_every_kind', 'channel_falls_silent', 'compatibility', 'cues_reach_a_swarm', 'delivery_is_proved',
    'ffmpeg_publishes_chromium_plays', 'frame-log', 'hls_joins_fast', 'll_hls_is_repaired', 'lost_packets_are_sent_again', 'one_carrier_is_enough',
    'one_frame_in_bad_weather', 'one_frame_in_band', 'one_frame_in_firefox', 'one_insert_one_frame', 'publisher_returns',
    'transcoder_dies_audio_returns', 'transcoder_fails_server_holds', 'whip_codecs',
  ],
};

const here = fileURLToPath(new URL('.', import.meta.url));
const running = new Set();
// Without a handler a signal would end this process alone; a lane ends what it started.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    for (const node of running) node.kill('SIGTERM');
    process.exit(1);
  });
}

checkPlaces();
const codes = [];
for (const lanes of [['light', 'measured'], ['alone']]) {
  for (const lane of lanes.map(begin)) codes.push(await tell(lane));
}
process.exitCode = codes.every((code) => code === 0) ? 0 : 1;

/** Who writes a test says where it runs. */
function checkPlaces() {
  const placed = Object.values(LANES).flat().map((name) => `${name}.test.mjs`);
  const there = readdirSync(here).filter((name) => name.endsWith('.test.mjs'));
  const wrong = [
    ...there.filter((name) => !placed.includes(name)).map((name) => `${name} is in no lane`),
    ...placed.filter((name, i) => placed.indexOf(name) !== i).map((name) => `${name} is in two lanes`),
    ...placed.filter((name) => !there.includes(name)).map((name) => `${name} is in a lane and does not exist`),
  ];
  if (wrong.length === 0) return;
  process.stderr.write(`run.mjs: ${wrong.join('; ')}\n`);
  process.exit(1);
}

/** Begins a lane; what it says is kept until it is told. */
function begin(name) {
  const begun = performance.now();
  const files = LANES[name].map((file) => `${file}.test.mjs`);
  const node = spawn(process.execPath, ['--test', '--test-concurrency=1', ...process.argv.slice(2), ...files], { cwd: here, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(node);
  const lane = { name, kept: [], write: (chunk) => lane.kept.push(chunk) };
  for (const stream of [node.stdout, node.stderr]) stream.on('data', (chunk) => lane.write(chunk));
  lane.ended = new Promise((resolve, reject) => {
    node.on('error', reject);
    node.on('close', (code, signal) => {
      running.delete(node);
      resolve({ code: code ?? signal, seconds: Math.round((performance.now() - begun) / 1000) });
    });
  });
  return lane;
}

/** Prints the whole of a lane, as it comes from now on. @returns how it ended */
async function tell(lane) {
  process.stdout.write(`# lane: ${lane.name}\n`);
  lane.kept.forEach((chunk) => process.stdout.write(chunk));
  lane.write = (chunk) => process.stdout.write(chunk);
  const { code, seconds } = await lane.ended;
  process.stdout.write(`# lane: ${lane.name} ended with ${code} after ${seconds} s\n\n`);
  return code;
}
