/**
 * The LL-HLS checker is itself on trial here: good playlists pass, and for every rule there are committed playlists
 * that must be rejected by that rule's name and by no other than those named in the file. Needs no server.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe as suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkHistory, checkMedia, checkMultivariant, checkRenditions, describe, RULES } from './lib/hls-checker.mjs';
import { byOurs, disagreement } from './lib/hls-parsers.mjs';

const root = fileURLToPath(new URL('./playlists/', import.meta.url));
const read = (...path) => readFileSync(join(root, ...path), 'utf8');

/** Playlist files of a folder by name, a set's own folder as an object. */
function load(path) {
  if (!statSync(path).isDirectory()) return readFileSync(path, 'utf8');
  return Object.fromEntries(readdirSync(path).map((file) => [basename(file, '.m3u8'), readFileSync(join(path, file), 'utf8')]));
}

/** The `# fetched at=340 asked=108.3 skip=YES` note of a history's file. */
function fetchedFrom(text) {
  const note = /^# fetched(.*)$/m.exec(text)?.[1] ?? '';
  const value = (name) => new RegExp(`${name}=(\\S+)`).exec(note)?.[1];
  const [msn, part] = (value('asked') ?? '').split('.').map(Number);
  return { text, at: value('at') && Number(value('at')), asked: value('asked') ? { msn, part } : undefined, skip: value('skip') };
}

function checkAny(subject) {
  if (typeof subject === 'string') {
    return subject.includes('#EXT-X-STREAM-INF') ? checkMultivariant(subject) : checkMedia(subject);
  }
  if (subject.index) {
    const { index, video, audio } = subject;
    return checkRenditions({ multivariant: index, media: { 'video.m3u8': video, 'audio.m3u8': audio } });
  }
  return checkHistory(Object.keys(subject).sort().map((name) => fetchedFrom(subject[name])));
}

const mutants = readdirSync(join(root, 'bad')).sort();

suite('good playlists pass', () => {
  for (const name of ['video', 'audio', 'ended', 'two-epochs', 'index', 'token-video', 'token-index']) {
    test(name, () => assert.equal(describe(checkAny(read('good', `${name}.m3u8`))), ''));
  }
  test('history with a removal, a new epoch and deltas', () => {
    assert.equal(describe(checkAny(load(join(root, 'good/history')))), '');
  });
  test('the renditions together', () => {
    const [index, video, audio] = ['index', 'video', 'audio'].map((name) => read('good', `${name}.m3u8`));
    assert.equal(describe(checkAny({ index, video, audio })), '');
  });
});

suite('every rule rejects its mutants by name', () => {
  for (const file of mutants) {
    test(file, () => {
      const subject = load(join(root, 'bad', file));
      const text = typeof subject === 'string' ? subject : Object.values(subject)[0];
      const expected = /^# must be rejected by (.*)$/m.exec(text)[1].split(' and ');
      assert.equal(`${expected[0].split(' ')[0]}-`, file.slice(0, expected[0].split(' ')[0].length + 1));
      const violations = checkAny(subject);
      assert.deepEqual([...new Set(violations.map((v) => v.rule))].sort(), expected.sort(), describe(violations));
    });
  }
});

test('no rule lacks a mutant, no number is used twice', () => {
  const covered = new Set(mutants.map((file) => file.split('-')[0]));
  assert.deepEqual(RULES.filter((rule) => !covered.has(rule.id)).map((rule) => rule.title), []);
  assert.equal(new Set(RULES.map((rule) => rule.id)).size, RULES.length);
});

suite('m3u8-parser and hls-parser read the good playlists as we do', () => {
  for (const name of ['video', 'audio', 'ended', 'two-epochs', 'history/3', 'history/5']) {
    test(name, () => {
      const text = read('good', `${name}.m3u8`);
      assert.ok(byOurs(text).segments.length >= 7);
      assert.equal(disagreement(text), null);
    });
  }
});
