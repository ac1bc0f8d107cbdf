import assert from "node:assert/strict";
import { test } from "node:test";

import { PictureInput } from "../picture-input.ts";
import { FakeDevices, settle } from "./fakes.ts";

function phone(): { devices: FakeDevices; picture: PictureInput; changes: () => number } {
  const devices = new FakeDevices();
  devices.plugged.set("front", { kind: "video", facingMode: "user" });
  devices.plugged.set("back", { kind: "video", facingMode: "environment" });
  let changes = 0;
  const picture = new PictureInput(devices.asMediaDevices(), () => (changes += 1));
  return { devices, picture, changes: () => changes };
}

test("a phone's camera is closed before the other one is opened", async () => {
  const { devices, picture } = phone();
  await picture.openCamera({ facing: "user" });
  assert.deepEqual(
    [picture.facing, picture.deviceId, devices.live()],
    ["user", "front", ["front"]],
  );
  const opening = picture.flip();
  assert.deepEqual(devices.live(), []);
  await opening;
  assert.deepEqual([picture.facing, devices.live()], ["environment", ["back"]]);
  await picture.flip();
  assert.deepEqual([picture.facing, devices.live()], ["user", ["front"]]);
});

test("a camera that cannot be opened leaves the one before, and says why", async () => {
  const { devices, picture } = phone();
  await picture.openCamera({ deviceId: "front" });
  devices.broken.set("back", "NotReadableError");
  await picture.openCamera({ deviceId: "back" });
  assert.equal(picture.track?.label, "front");
  assert.equal(picture.trouble?.title, "The camera cannot be read");
  devices.broken.clear();
  await picture.openCamera({ deviceId: "back" });
  assert.deepEqual([picture.track?.label, picture.trouble], ["back", null]);
});

test("of two wishes the later one counts, whatever comes first", async () => {
  const { devices, picture } = phone();
  await Promise.all([
    picture.openCamera({ deviceId: "front" }),
    picture.openCamera({ deviceId: "back" }),
  ]);
  assert.deepEqual([picture.track?.label, devices.live()], ["back", ["back"]]);
});

test("an unplugged camera is said, and comes back by itself", async () => {
  const { devices, picture } = phone();
  await picture.openCamera({ deviceId: "front" });
  devices.track("front").end();
  assert.deepEqual([picture.track, picture.trouble?.title], [null, "The camera was disconnected"]);
  picture.devicesChanged(["back"]);
  await settle();
  assert.deepEqual(devices.live(), []);
  picture.devicesChanged(["back", "front"]);
  await settle();
  assert.deepEqual([picture.track?.label, picture.trouble], ["front", null]);
});

test("devices that come and go do not disturb a camera in use", async () => {
  const { devices, picture } = phone();
  await picture.openCamera({ deviceId: "front" });
  picture.devicesChanged(["front", "back"]);
  await settle();
  assert.equal(devices.requests, 1);
});

test("a screen replaces the camera until it ends, in the browser or on the page", async () => {
  const { devices, picture } = phone();
  await picture.openCamera({ deviceId: "back" });
  devices.screen = ["screen", "screen sound"];
  assert.equal((await picture.shareScreen())?.label, "screen sound");
  assert.deepEqual([picture.source, picture.facing, devices.live()[0]], ["screen", null, "screen"]);
  assert.equal(devices.track("screen").contentHint, "detail");
  devices.track("screen").end();
  await settle();
  assert.deepEqual([picture.source, picture.track?.label], ["camera", "back"]);
  assert.equal(devices.track("back").contentHint, "motion");
});

test("a screen that was not chosen changes nothing", async () => {
  const { devices, picture } = phone();
  await picture.openCamera({ deviceId: "back" });
  devices.screen = "NotAllowedError";
  assert.equal(await picture.shareScreen(), null);
  assert.deepEqual([picture.track?.label, picture.trouble], ["back", null]);
});

test("a camera that the system holds back is said, until it goes on", async () => {
  const { devices, picture } = phone();
  await picture.openCamera({ deviceId: "back" });
  devices.track("back").onmute?.();
  assert.equal(picture.trouble?.title, "The camera has paused");
  devices.track("back").onunmute?.();
  assert.equal(picture.trouble, null);
});
