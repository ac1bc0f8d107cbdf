import assert from "node:assert/strict";
import { test } from "node:test";

import { openBoth } from "../open-both.ts";
import { PictureInput } from "../picture-input.ts";
import { SoundInput } from "../sound-input.ts";
import { FakeDevices, FakeTrack, settle } from "./fakes.ts";

function desk(): {
  devices: FakeDevices;
  picture: PictureInput;
  sound: SoundInput;
  mixes: string[];
} {
  const devices = new FakeDevices();
  devices.plugged.set("webcam", { kind: "video" });
  devices.plugged.set("headset", { kind: "audio" });
  devices.plugged.set("table", { kind: "audio" });
  const mixes: string[] = [];
  const mixer = (tracks: readonly MediaStreamTrack[]) => {
    const label = tracks.map((track) => track.label).join(" + ");
    mixes.push(label);
    const track = new FakeTrack("audio", label) as unknown as MediaStreamTrack;
    return { track, close: () => mixes.splice(mixes.indexOf(label), 1) };
  };
  const sound = new SoundInput(devices.asMediaDevices(), mixer, () => undefined);
  const picture = new PictureInput(devices.asMediaDevices(), () => undefined);
  return { devices, picture, sound, mixes };
}

const screenSound = (): MediaStreamTrack =>
  new FakeTrack("audio", "music") as unknown as MediaStreamTrack;

test("one question opens both", async () => {
  const { devices, picture, sound } = desk();
  await openBoth(devices.asMediaDevices(), picture, sound);
  assert.deepEqual(devices.live(), ["webcam", "headset"]);
  assert.deepEqual([devices.requests, sound.deviceId, picture.facing], [1, "headset", null]);
});

test("a missing microphone does not cost the picture", async () => {
  const { devices, picture, sound } = desk();
  devices.plugged.delete("headset");
  devices.plugged.delete("table");
  await openBoth(devices.asMediaDevices(), picture, sound);
  assert.deepEqual([picture.track?.label, picture.trouble], ["webcam", null]);
  assert.deepEqual([sound.track, sound.trouble?.title], [null, "No microphone was found"]);
});

test("a missing camera does not cost the sound", async () => {
  const { devices, picture, sound } = desk();
  devices.plugged.delete("webcam");
  await openBoth(devices.asMediaDevices(), picture, sound);
  assert.deepEqual([picture.track, picture.trouble?.title], [null, "No camera was found"]);
  assert.equal(sound.track?.label, "headset");
});

test("a seller who refuses is not asked again, and is told how to agree", async () => {
  const { devices, picture, sound } = desk();
  devices.refuses = true;
  await openBoth(devices.asMediaDevices(), picture, sound);
  assert.equal(devices.requests, 1);
  assert.equal(picture.trouble?.title, "The camera and microphone are blocked");
  assert.match(picture.trouble?.detail ?? "", /press Try again/);
});

test("a microphone alone is sent as it is; with a shared screen it is mixed, until that ends", async () => {
  const { devices, sound, mixes } = desk();
  await sound.openMicrophone("headset");
  assert.equal(sound.track?.label, "headset");
  const music = screenSound();
  sound.setScreen(music);
  assert.deepEqual([sound.track?.label, mixes], ["headset + music", ["headset + music"]]);
  await sound.openMicrophone("table");
  assert.deepEqual([sound.track?.label, mixes.length], ["table + music", 1]);
  assert.deepEqual(devices.live(), ["table"]);
  (music as unknown as FakeTrack).end();
  assert.deepEqual([sound.track?.label, mixes], ["table", []]);
});

test("without a microphone a screen's sound is sent alone", () => {
  const { sound } = desk();
  sound.setScreen(screenSound());
  assert.equal(sound.track?.label, "music");
  sound.setScreen(null);
  assert.equal(sound.track, null);
});

test("muting is of the microphone, whichever it is, and not of the screen", async () => {
  const { devices, sound } = desk();
  await sound.openMicrophone("headset");
  const music = screenSound();
  sound.setScreen(music);
  sound.setMuted(true);
  await sound.openMicrophone("table");
  assert.deepEqual([devices.track("table").enabled, music.enabled], [false, true]);
  sound.setMuted(false);
  assert.equal(devices.track("table").enabled, true);
});

test("an unplugged microphone is said, and comes back by itself", async () => {
  const { devices, sound } = desk();
  await sound.openMicrophone("headset");
  devices.track("headset").end();
  assert.deepEqual([sound.track, sound.trouble?.title], [null, "The microphone was disconnected"]);
  sound.devicesChanged(["table", "headset"]);
  await settle();
  assert.deepEqual([sound.track?.label, sound.trouble], ["headset", null]);
});

test("a microphone that cannot be opened leaves the one before", async () => {
  const { devices, sound } = desk();
  await sound.openMicrophone("headset");
  devices.broken.set("table", "NotReadableError");
  await sound.openMicrophone("table");
  assert.deepEqual([sound.track?.label, sound.deviceId], ["headset", "headset"]);
  assert.equal(sound.trouble?.title, "The microphone cannot be read");
});
