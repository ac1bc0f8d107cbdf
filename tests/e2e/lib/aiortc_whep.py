"""A WHEP viewer on aiortc: aiortc_whep.py ENDPOINT PICTURES SAMPLES SECONDS.

Decodes what it receives until it has so many pictures and samples of sound, at most so long after it connected, and prints
one JSON line: how many it decoded, the pictures' size and the loudest sample.
"""

import asyncio
import json
import sys
import urllib.parse
import urllib.request

from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError


def ask(url, method, body=None):
    request = urllib.request.Request(url, body, {"Content-Type": "application/sdp"} if body else {}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, answer.headers.get("Location"), answer.read().decode()


async def count(track, result):
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if track.kind == "video":
            result["pictures"] += 1
            result["size"] = f"{frame.width}x{frame.height}"
        else:
            result["samples"] += frame.samples
            # Half of all samples of a tone are loud: the first ones of each frame will do.
            result["loudest"] = max(result["loudest"], *(abs(int(v)) for v in memoryview(frame.planes[0]).cast("h")[:480]))


async def watch(endpoint, pictures, samples, seconds):
    result = {"status": None, "pictures": 0, "samples": 0, "loudest": 0, "size": None}
    peer = RTCPeerConnection()
    connected = asyncio.Event()
    counting = []
    peer.on("track", lambda track: counting.append(asyncio.ensure_future(count(track, result))))
    peer.on("connectionstatechange", lambda: peer.connectionState == "connected" and connected.set())
    video = peer.addTransceiver("video", direction="recvonly")
    # aiortc takes no notice of preferences set later.
    codecs = RTCRtpReceiver.getCapabilities("video").codecs
    video.setCodecPreferences([codec for codec in codecs if codec.mimeType in ("video/H264", "video/rtx")])
    peer.addTransceiver("audio", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    result["status"], location, answer = await asyncio.to_thread(ask, endpoint, "POST", peer.localDescription.sdp.encode())
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await asyncio.wait_for(connected.wait(), 15)
    now = asyncio.get_running_loop().time
    end = now() + seconds
    while (result["pictures"] < pictures or result["samples"] < samples) and now() < end:
        await asyncio.sleep(0.05)
    result["state"] = peer.connectionState
    result["deleted"], _, _ = await asyncio.to_thread(ask, urllib.parse.urljoin(endpoint, location), "DELETE")
    await peer.close()
    print(json.dumps(result), flush=True)


asyncio.run(watch(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
