"""A WHEP viewer on aiortc that keeps what it received: aiortc_units.py ENDPOINT FILE.

Writes one JSON line to FILE for each access unit of H.264, as the decoder gets it: its RTP timestamp, the beginning of its
bytes (Annex B) in hexadecimal, how many pictures the decoder made of it, and of the last of them the brightness of each cell of
the strip (COUNTER of barcode.mjs). SIGTERM ends the session with DELETE.
"""

import asyncio
import json
import signal
import sys
import urllib.parse
import urllib.request

from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.codecs.h264 import H264Decoder
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpreceiver import TimestampMapper

# FFmpeg puts messages behind the slices as well.
KEPT = 65536

# COUNTER: cells from the left, their width, where the first begins, the row in their middle.
CELLS, CELL, LEFT, ROW = 19, 32, 16, 32

decode = H264Decoder.decode


def brightness(picture):
    luma = picture.planes[0]
    row = memoryview(luma)[ROW * luma.line_size :]
    middles = (LEFT + cell * CELL + CELL // 4 for cell in range(CELLS))
    return [sum(row[at : at + CELL // 2]) // (CELL // 2) for at in middles]


def ask(url, method, body=None):
    request = urllib.request.Request(url, body, {"Content-Type": "application/sdp"} if body else {}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, answer.headers.get("Location"), answer.read().decode()


async def drain(track):
    while True:
        try:
            await track.recv()
        except MediaStreamError:
            return


async def watch(endpoint, path):
    file = open(path, "w", buffering=1)

    def keep(decoder, frame):
        pictures = decode(decoder, frame)
        unit = {"rtp": frame.timestamp, "hex": bytes(frame.data[:KEPT]).hex(), "pictures": len(pictures)}
        if pictures:
            unit["cells"] = brightness(pictures[-1])
        file.write(json.dumps(unit) + "\n")
        return pictures

    H264Decoder.decode = keep
    # What it makes of the timestamps is its own affair: they are wanted as they came.
    TimestampMapper.map = lambda mapper, timestamp: timestamp
    peer = RTCPeerConnection()
    draining = []
    peer.on("track", lambda track: draining.append(asyncio.ensure_future(drain(track))))
    video = peer.addTransceiver("video", direction="recvonly")
    codecs = RTCRtpReceiver.getCapabilities("video").codecs
    video.setCodecPreferences([codec for codec in codecs if codec.mimeType in ("video/H264", "video/rtx")])
    await peer.setLocalDescription(await peer.createOffer())
    _, location, answer = await asyncio.to_thread(ask, endpoint, "POST", peer.localDescription.sdp.encode())
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    await asyncio.to_thread(ask, urllib.parse.urljoin(endpoint, location), "DELETE")
    await peer.close()


asyncio.run(watch(sys.argv[1], sys.argv[2]))
