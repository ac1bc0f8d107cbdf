/**
 * Runs in the page before anything else, beside hooks.js: what each player on the page shows and lets hear, and which of its
 * requests the server refused, in any browser.
 */
(() => {
  /** The newest problem (RFC 9457) by the kind of path it was about. */
  const problems = {};
  const { fetch } = window;
  window.fetch = async (...args) => {
    const answer = await fetch(...args);
    const [, kind] = /\/(whep|hls)\//.exec(answer.url) ?? [];
    if (kind) problems[kind] = answer.ok ? null : await answer.clone().json().catch(() => ({ status: answer.status, title: answer.statusText }));
    return answer;
  };

  /**
   * Firefox does not count what it decodes of a file's sound, and starts no AudioContext where there is no device: pieces of what
   * the element lets hear are recorded, and those counted that are loud.
   */
  const LOUD = 0.01;
  const PIECE_MS = 400;
  const ears = new WeakMap();
  const heard = (video) => {
    if (video.webkitAudioDecodedByteCount !== undefined) return video.webkitAudioDecodedByteCount;
    if (!ears.has(video)) {
      const ear = { loud: 0 };
      ears.set(video, ear);
      listen(video, ear);
    }
    return ears.get(video).loud;
  };
  const listen = async (video, ear) => {
    const stream = video.mozCaptureStream();
    for (;;) {
      const tracks = stream.getAudioTracks().filter((track) => track.readyState === 'live');
      const piece = tracks.length > 0 ? await record(tracks) : await pause(null);
      if (piece && (await loudest(piece)) > LOUD) ear.loud += 1;
    }
  };
  const record = async (tracks) => {
    const recorder = new MediaRecorder(new MediaStream(tracks));
    const data = new Promise((resolve) => { recorder.ondataavailable = (event) => resolve(event.data); });
    recorder.start();
    await pause();
    recorder.stop();
    return Promise.race([data, pause(null)]);
  };
  const loudest = async (piece) => {
    const decoder = new OfflineAudioContext(1, 1, 48_000);
    const sound = await piece.arrayBuffer().then((bytes) => decoder.decodeAudioData(bytes)).catch(() => null);
    return sound?.getChannelData(0).reduce((most, sample) => Math.max(most, sample), 0) ?? 0;
  };
  const pause = (value) => new Promise((resolve) => { setTimeout(resolve, PIECE_MS, value); });

  /** A connection that is closed meanwhile may never answer. */
  const statistics = () => Promise.race([window.__whepStats(), pause(null)]);
  const played = (video) => {
    const isReady = !video.paused && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
    return { pictures: video.getVideoPlaybackQuality().totalVideoFrames, sound: isReady ? heard(video) : 0 };
  };
  const received = async () => {
    const { video, audio } = (await statistics()) ?? { video: {}, audio: {} };
    return { pictures: video.framesDecoded ?? 0, sound: audio.totalAudioEnergy ?? 0 };
  };

  /**
   * @returns `{whep, hls}`, those that are on the page: `at` when, ms, `pts` of the picture on screen and `time` of the media, of
   *   `pictures` and `sound` how much there was so far, `notice` and `problem` what viewer and player were told
   */
  window.__observe = async () => {
    const seen = {};
    for (const player of window.__players()) {
      const { video, protocol } = player;
      // The players start muted, as pages must.
      video.muted = false;
      const box = player.shadowRoot.querySelector('.notice');
      seen[protocol] = {
        at: performance.now(), status: player.status, pts: player.pts, time: video.currentTime,
        size: video.videoWidth ? `${video.videoWidth}x${video.videoHeight}` : null,
        ...(protocol === 'whep' ? await received() : played(video)), problem: problems[protocol] ?? null,
        notice: [...box.querySelectorAll('strong, p')].map((line) => line.textContent).filter(Boolean),
      };
    }
    return seen;
  };
})();
