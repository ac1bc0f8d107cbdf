#!/usr/bin/env bash
# The pictures of crates/transcoder/src/warm/grey.rs: prints the body of each FLV video tag in hexadecimal, first the
# configuration. The first five bytes (FLV's own) are left out. Then each temporal unit of AV1 without its delimiter. Needs
# ffmpeg with libx264 and libaom, and python3.
set -euo pipefail
ffmpeg -v error -f lavfi -i color=gray:s=64x64:r=30 -frames:v 3 -pix_fmt yuv420p \
  -c:v libx264 -preset veryfast -bf 0 -bsf:v filter_units=remove_types=6 -f flv pipe:1 \
  | python3 -c '
import sys
flv, at = sys.stdin.buffer.read(), 13
while at < len(flv):
    size = int.from_bytes(flv[at + 1:at + 4], "big")
    if flv[at] == 9 and flv[at + 12] < 2:
        print(flv[at + 16:at + 11 + size].hex(" "))
    at += size + 15
'
ffmpeg -v error -f lavfi -i color=gray:s=64x64:r=30 -frames:v 3 -pix_fmt yuv420p \
  -c:v libaom-av1 -usage realtime -cpu-used 8 -f ivf pipe:1 \
  | python3 -c '
import sys
ivf, at = sys.stdin.buffer.read(), 32
while at < len(ivf):
    size = int.from_bytes(ivf[at:at + 4], "little")
    print(ivf[at + 14:at + 12 + size].hex(" "))
    at += size + 12
'
