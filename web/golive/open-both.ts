/**
 * The first camera and the first microphone, by one question to the seller where the browser allows it.
 */

import { cameraConstraints, type PictureInput } from "./picture-input.ts";
import { microphoneConstraints, type SoundInput } from "./sound-input.ts";
import { troubleOf } from "./trouble.ts";

export async function openBoth(
  devices: MediaDevices,
  picture: PictureInput,
  sound: SoundInput,
): Promise<void> {
  let stream: MediaStream;
  try {
    stream = await devices.getUserMedia({
      video: cameraConstraints({}),
      audio: microphoneConstraints(null),
    });
  } catch (error) {
    if (error instanceof Error && error.name === "NotAllowedError") {
      picture.fail(troubleOf(error, "camera and microphone"));
      return;
    }
    // One of the two is missing or broken, and took the other with it.
    await picture.openCamera();
    await sound.openMicrophone();
    return;
  }
  for (const track of stream.getVideoTracks().slice(0, 1)) picture.adopt(track);
  for (const track of stream.getAudioTracks().slice(0, 1)) sound.adopt(track);
}
