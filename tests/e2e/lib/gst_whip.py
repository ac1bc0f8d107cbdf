#!/usr/bin/python3
"""A WHIP publisher on GStreamer's webrtcbin: gst_whip.py URL stream|offer.

A test picture by OpenH264 and a tone by Opus. Prints one JSON object a line; SIGTERM ends the session with DELETE. Runs on
Debian's python3 with PyGObject and the GStreamer plugins.
"""

import json
import signal
import sys
import urllib.parse
import urllib.request

from gst_webrtc import AUDIO, VIDEO, GLib, Gst, GstWebRTC, Session

PICTURE = (
    "videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=30/1 "
    "! openh264enc gop-size=60 rate-control=bitrate bitrate=1200000 complexity=low ! video/x-h264,profile=constrained-baseline "
)
# How the viewers' decoders learn the parameter sets: before every key frame, or from the offer's sprop-parameter-sets alone,
# which is what the payloader does when nothing is asked of it and its input has them apart.
SETS = {
    "stream": "! h264parse config-interval=-1 ! rtph264pay aggregate-mode=zero-latency pt=96 ",
    "offer": "! h264parse ! video/x-h264,stream-format=avc ! rtph264pay aggregate-mode=zero-latency pt=96 ",
}
TONE = "audiotestsrc is-live=true ! audioconvert ! audioresample ! opusenc ! rtpopuspay pt=111 "


class Publisher(Session):
    """One WHIP session, until it is told to end."""

    def __init__(self, url, sets):
        super().__init__(url)
        self.webrtc.connect("notify::connection-state", self.on_state)
        sources = (f'{PICTURE}{SETS[sets]}! capsfilter caps="{VIDEO}"', f'{TONE}! capsfilter caps="{AUDIO}"')
        self.waiting = len(sources)
        for n, description in enumerate(sources):
            source = Gst.parse_bin_from_description(description, True)
            self.pipeline.add(source)
            pad = self.webrtc.request_pad_simple("sink_%u")
            source.get_static_pad("src").link(pad)
            pad.connect("notify::caps", self.on_caps)
            self.kept += [source, pad]
            transceiver = self.webrtc.emit("get-transceiver", n)
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
            # What is lost is sent again; webrtcbin does not by itself.
            transceiver.set_property("do-nack", True)

    def run(self):
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, self.loop.quit)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        if self.result["status"] == 201:
            session = urllib.parse.urljoin(self.url, self.result["location"])
            with urllib.request.urlopen(urllib.request.Request(session, method="DELETE"), timeout=10) as answer:
                self.say(deleted=answer.status)
        self.pipeline.set_state(Gst.State.NULL)

    def on_caps(self, pad, _):
        # What is offered is in the caps: the parameter sets and the SSRC.
        pad.disconnect_by_func(self.on_caps)
        GLib.idle_add(self.on_ready)

    def on_ready(self):
        self.waiting -= 1
        if self.waiting == 0:
            self.offer()

    def on_answer(self, offer, answer):
        self.say(status=self.result["status"], offer=offer, answer=answer)

    def on_state(self, *_):
        self.say(state=self.webrtc.get_property("connection-state").value_nick)

    def say(self, **facts):
        print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    Gst.init(None)
    publisher = Publisher(*sys.argv[1:])
    publisher.run()
    sys.exit(publisher.result["error"])
