"""A WHEP viewer on aiortc that keeps what it received: aiortc_units.py ENDPOINT FILE.

Writes one JSON line to FILE for each access unit of H.264, as the decoder gets it: its RTP timestamp, the beginning of its
bytes (Annex B) in hexadecimal, and how many pictures the decoder made of it. SIGTERM ends the session with DELETE.
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

decode = H264Decoder.decode


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
