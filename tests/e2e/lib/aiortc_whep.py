"""A WHEP viewer on aiortc: aiortc_whep.py ENDPOINT PICTURES SAMPLES SECONDS [STEADY [RATE]].

Decodes what it receives until it has so many pictures and samples of sound, and has been steady for so many seconds of
pictures (one second after the first), with so many of them in each second, at most SECONDS after it connected. Prints one JSON line: how many it decoded, the
pictures' size and all sizes there were, the loudest sample, and how many pictures of how many seconds were decoded steadily;
where it is refused, the status and the problem.
"""

import asyncio
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpreceiver import TimestampMapper

# What comes at the join is decoded by then.
SETTLE_SECONDS = 1
RTP_CLOCK = 90_000
# Whatever kept the machine busy may pass: so often it is counted anew.
TRIES = 4


def ask(url, method, body=None):
    request = urllib.request.Request(url, body, {"Content-Type": "application/sdp"} if body else {}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, answer.headers.get("Location"), answer.read().decode()


class Steady:
    """Pictures of a decoder that has settled, each once: what a viewer lost is sent again from the key frame on."""

    def __init__(self):
        self.settled = None
        self.first = None
        self.times = set()
        self.tries = 1

    def has_enough(self, seconds, rate):
        """Of so many seconds. Where there were too few it begins anew."""
        now = self.result()
        if now["seconds"] < seconds:
            return False
        if now["pictures"] >= rate * now["seconds"] or self.tries == TRIES:
            return True
        self.first, self.times, self.tries = None, set(), self.tries + 1
        return False

    def note(self, rtp, now):
        self.settled = now + SETTLE_SECONDS if self.settled is None else self.settled
        if now < self.settled:
            return
        self.first = rtp if self.first is None else self.first
        since = (rtp - self.first + 2**31) % 2**32 - 2**31
        if since >= 0:
            self.times.add(since)

    def result(self):
        return {"pictures": len(self.times), "seconds": max(self.times, default=0) / RTP_CLOCK}


async def count(track, result, steady):
    now = asyncio.get_running_loop().time
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if track.kind == "video":
            result["pictures"] += 1
            result["size"] = f"{frame.width}x{frame.height}"
            if result["size"] not in result["sizes"]:
                result["sizes"].append(result["size"])
            steady.note(frame.pts, now())
        else:
            result["samples"] += frame.samples
            # Half of all samples of a tone are loud: the first ones of each frame will do.
            result["loudest"] = max(result["loudest"], *(abs(int(v)) for v in memoryview(frame.planes[0]).cast("h")[:480]))


async def watch(endpoint, pictures, samples, seconds, steadily=0.0, rate=0.0):
    result = {"status": None, "pictures": 0, "samples": 0, "loudest": 0, "size": None, "sizes": []}
    # What it makes of timestamps that go back is a wrap of the clock.
    TimestampMapper.map = lambda mapper, timestamp: timestamp
    steady = Steady()
    peer = RTCPeerConnection()
    connected = asyncio.Event()
    counting = []
    peer.on("track", lambda track: counting.append(asyncio.ensure_future(count(track, result, steady))))
    peer.on("connectionstatechange", lambda: peer.connectionState == "connected" and connected.set())
    video = peer.addTransceiver("video", direction="recvonly")
    # aiortc takes no notice of preferences set later.
    codecs = RTCRtpReceiver.getCapabilities("video").codecs
    video.setCodecPreferences([codec for codec in codecs if codec.mimeType in ("video/H264", "video/rtx")])
    peer.addTransceiver("audio", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    try:
        result["status"], location, answer = await asyncio.to_thread(ask, endpoint, "POST", peer.localDescription.sdp.encode())
    except urllib.error.HTTPError as refusal:
        print(json.dumps({**result, "status": refusal.code, "problem": json.load(refusal)}), flush=True)
        await peer.close()
        return
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await asyncio.wait_for(connected.wait(), 15)
    now = asyncio.get_running_loop().time
    end = now() + seconds
    while now() < end:
        result["steady"] = steady.result()
        if result["pictures"] >= pictures and result["samples"] >= samples and steady.has_enough(steadily, rate):
            break
        await asyncio.sleep(0.05)
    result["state"] = peer.connectionState
    result["deleted"], _, _ = await asyncio.to_thread(ask, urllib.parse.urljoin(endpoint, location), "DELETE")
    await peer.close()
    print(json.dumps(result), flush=True)


endpoint, *numbers = sys.argv[1:]
asyncio.run(watch(endpoint, *(float(number) for number in numbers)))
