#!/usr/bin/python3
"""A WHEP viewer on GStreamer's webrtcbin, independent of every browser: gst_whep.py URL SECONDS.

Decodes what it receives and prints one JSON line: the answer's status and headers, decoded pictures and audio, key
frames, and the connection's state. Runs on Debian's python3 with PyGObject and the GStreamer plugins.
"""

import json
import sys

from gst_webrtc import AUDIO, VIDEO, GLib, Gst, GstWebRTC, Session

DECODE = {
    "video": "rtph264depay ! h264parse ! identity name=key ! avdec_h264 ! fakesink name=out sync=false",
    "audio": "rtpopusdepay ! opusdec ! fakesink name=out sync=false",
}


class Viewer(Session):
    """One WHEP session from the offer to the counts."""

    def __init__(self, url):
        super().__init__(url)
        self.result.update(video=0, audio=0, key=0, samples=0)
        self.webrtc.set_property("latency", 50)
        self.webrtc.connect("pad-added", self.on_pad)

    def run(self, seconds):
        self.pipeline.set_state(Gst.State.PLAYING)
        for caps in (f"{VIDEO},profile-level-id=(string)42e01f", AUDIO):
            direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
            self.webrtc.emit("add-transceiver", direction, Gst.Caps.from_string(caps))
        self.offer()
        GLib.timeout_add(int(seconds * 1000), self.loop.quit)
        self.loop.run()
        self.result["state"] = self.webrtc.get_property("connection-state").value_nick
        self.pipeline.set_state(Gst.State.NULL)
        return self.result

    def on_pad(self, _, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        media = pad.get_current_caps().get_structure(0).get_string("media")
        chain = Gst.parse_bin_from_description(DECODE[media], True)
        out = chain.get_by_name("out").get_static_pad("sink")
        out.add_probe(Gst.PadProbeType.BUFFER, self.on_decoded, media)
        if media == "video":
            key = chain.get_by_name("key").get_static_pad("src")
            key.add_probe(Gst.PadProbeType.BUFFER, self.on_encoded)
        self.pipeline.add(chain)
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad("sink"))

    def on_decoded(self, _, info, media):
        self.result[media] += 1
        if media == "audio":
            # 16 bits, two channels
            self.result["samples"] += info.get_buffer().get_size() // 4
        return Gst.PadProbeReturn.OK

    def on_encoded(self, _, info):
        if not info.get_buffer().has_flags(Gst.BufferFlags.DELTA_UNIT):
            self.result["key"] += 1
        return Gst.PadProbeReturn.OK


if __name__ == "__main__":
    Gst.init(None)
    print(json.dumps(Viewer(sys.argv[1]).run(float(sys.argv[2]))), flush=True)
