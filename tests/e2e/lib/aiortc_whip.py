"""A WHIP publisher on aiortc: aiortc_whip.py ENDPOINT FILE.

Sends the H.264 and Opus packets of an MPEG transport stream as they are. Prints one JSON object a line; SIGTERM ends the
session with DELETE.
"""

import asyncio
import json
import signal
import sys
import urllib.parse
import urllib.request

from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer


def say(**facts):
    print(json.dumps(facts), flush=True)


def ask(url, method, body=None):
    request = urllib.request.Request(url, body, {"Content-Type": "application/sdp"} if body else {}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, answer.headers.get("Location"), answer.read().decode()


async def publish(endpoint, file):
    player = MediaPlayer(file, decode=False)
    peer = RTCPeerConnection()
    peer.on("connectionstatechange", lambda: say(state=peer.connectionState))
    peer.addTransceiver(player.audio, direction="sendonly")
    video = peer.addTransceiver(player.video, direction="sendonly")
    codecs = RTCRtpSender.getCapabilities("video").codecs
    video.setCodecPreferences([codec for codec in codecs if codec.mimeType in ("video/H264", "video/rtx")])
    await peer.setLocalDescription(await peer.createOffer())
    say(offer=peer.localDescription.sdp)
    status, location, answer = await asyncio.to_thread(ask, endpoint, "POST", peer.localDescription.sdp.encode())
    session = urllib.parse.urljoin(endpoint, location)
    say(status=status, session=session, answer=answer)
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    status, _, _ = await asyncio.to_thread(ask, session, "DELETE")
    say(deleted=status)
    await peer.close()


asyncio.run(publish(*sys.argv[1:]))
