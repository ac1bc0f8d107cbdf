/**
 * A seller in a browser, for tests: a canvas with the frame counter burnt in and a tone, sent by WHIP (RFC 9725). Frames
 * are drawn by a timer, so they come as unevenly as a camera's.
 */
(() => {
  /**
   * @param {string} endpoint
   * @param {{bits: number, cell: number, x: number, y: number, h: number}} layout
   * @param {{width: number, height: number, fps: number, first: number, audio: boolean, codec: string}} options `codec` as in `video/VP8`
   */
  window.__publishWhip = async (endpoint, layout, { width, height, fps, first, audio, codec }) => {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width, height });
    const paint = canvas.getContext('2d');
    const video = canvas.captureStream(0).getVideoTracks()[0];
    video.contentHint = 'motion';
    let drawn = first;
    const frame = () => {
      draw(paint, layout, drawn, canvas);
      drawn += 1;
      video.requestFrame();
    };
    let timer = setInterval(frame, 1000 / fps);
    const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    const sender = peer.addTransceiver(video, { direction: 'sendonly', sendEncodings: [{ maxBitrate: 1_500_000 }] });
    const wanted = new Set([`video/${codec}`, 'video/rtx'].map((type) => type.toLowerCase()));
    sender.setCodecPreferences(RTCRtpSender.getCapabilities('video').codecs.filter(({ mimeType }) => wanted.has(mimeType.toLowerCase())));
    if (audio) peer.addTransceiver(tone(), { direction: 'sendonly' });
    await peer.setLocalDescription();
    const answer = await fetch(endpoint, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: peer.localDescription.sdp });
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    const location = new URL(answer.headers.get('location'), answer.url).href;
    await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
    window.__whip = {
      peer,
      drawn: () => drawn,
      rate: (to) => {
        clearInterval(timer);
        timer = setInterval(frame, 1000 / to);
      },
      resize: (w, h) => Object.assign(canvas, { width: w, height: h }),
      /** Ends it in good order. */
      stop: async () => {
        clearInterval(timer);
        const { status } = await fetch(location, { method: 'DELETE' });
        peer.close();
        return status;
      },
      /** Vanishes, as a page whose network is gone. */
      vanish: () => {
        clearInterval(timer);
        peer.close();
      },
    };
  };

  function tone() {
    const context = new AudioContext();
    const oscillator = new OscillatorNode(context, { frequency: 440 });
    const to = context.createMediaStreamDestination();
    oscillator.connect(to);
    oscillator.start();
    return to.stream.getAudioTracks()[0];
  }

  /** The strip of lib/barcode.mjs, for a picture of any size: cells are scaled with it. */
  function draw(paint, { bits, cell, x, y, h }, number, { width, height }) {
    const [sx, sy] = [width / 640, height / 360];
    paint.fillStyle = `hsl(${number % 360} 50% 50%)`;
    paint.fillRect(0, 0, width, height);
    const box = (i, on) => {
      paint.fillStyle = on ? '#fff' : '#000';
      paint.fillRect((x + i * cell) * sx, y * sy, cell * sx, h * sy);
    };
    const set = Array.from({ length: bits }, (_, i) => Math.floor(number / 2 ** i) % 2 === 1);
    [true, false, ...set, set.filter(Boolean).length % 2 === 1].forEach((on, i) => box(i, on));
  }
})();
