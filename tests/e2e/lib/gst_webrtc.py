"""What a WHIP publisher and a WHEP viewer on GStreamer's webrtcbin share: the certificate, the offer, the answer."""

import hashlib
import re
import ssl
import subprocess
import urllib.error
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

VIDEO = "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000,packetization-mode=(string)1"
AUDIO = (
    "application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000,"
    "encoding-params=(string)2"
)
KEY = "-----BEGIN PRIVATE KEY"


def ecdsa_certificate():
    """A fresh certificate and its key in PEM, in this order, in which GStreamer reads them."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=peer -days 2 -keyout - -out -"
    printed = subprocess.run(command.split(), check=True, capture_output=True, text=True).stdout
    at = printed.index("-----BEGIN CERTIFICATE")
    return printed[at:] + printed[:at]


class Session:
    """One session, from the offer to the connection."""

    def __init__(self, url):
        self.url = url
        self.loop = GLib.MainLoop()
        self.result = {"status": None, "error": None}
        self.kept = []
        self.fingerprint = None
        self.pipeline = Gst.Pipeline.new(None)
        self.webrtc = Gst.ElementFactory.make("webrtcbin", None)
        self.webrtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        # libnice leaves loopback out by itself and ties its sockets to their interface, but the server under test listens
        # on loopback only. The agent is kept: PyGObject would take webrtcbin's own reference away with its wrapper.
        self.ice = self.webrtc.get_property("ice-agent")
        self.ice.emit("add-local-ip-address", "127.0.0.1")
        self.pipeline.add(self.webrtc)
        self.webrtc.connect("deep-element-added", self.on_element)
        self.webrtc.connect("notify::ice-gathering-state", self.on_gathering)

    def offer(self):
        self.webrtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self.on_offer))

    def on_element(self, _, __, element):
        # GStreamer 1.22 makes an RSA certificate for itself. What every WebRTC endpoint has to take is ECDSA on P-256
        # (RFC 8827 section 6.5), and our DTLS takes nothing else.
        if element.get_factory() and element.get_factory().get_name() == "dtlsdec":
            pem = ecdsa_certificate()
            element.set_property("pem", pem)
            der = ssl.PEM_cert_to_DER_cert(pem[: pem.index(KEY)])
            self.fingerprint = hashlib.sha256(der).digest().hex(":").upper()

    def on_offer(self, promise, *_):
        # The text is copied into a message of our own and all of it is kept: PyGObject frees what the reply owns under
        # webrtcbin's feet.
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        _, message = GstSdp.SDPMessage.new_from_text(offer.sdp.as_text())
        self.kept += [promise, reply, offer, message]
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, message)
        self.webrtc.emit("set-local-description", description, None)

    def on_gathering(self, *_):
        complete = GstWebRTC.WebRTCICEGatheringState.COMPLETE
        if self.webrtc.get_property("ice-gathering-state") == complete and self.result["status"] is None:
            self.result["status"] = 0
            GLib.idle_add(self.post)

    def post(self):
        text = self.webrtc.get_property("local-description").sdp.as_text()
        # webrtcbin wrote the fingerprint of the certificate that was there before.
        offer = re.sub(r"(?m)^(a=fingerprint:sha-256) \S+", rf"\1 {self.fingerprint}", text)
        headers = {"Content-Type": "application/sdp"}
        try:
            answer = urllib.request.urlopen(urllib.request.Request(self.url, offer.encode(), headers), timeout=10)
        except urllib.error.HTTPError as refusal:
            self.result.update(status=refusal.code, error=refusal.read().decode())
            self.loop.quit()
            return
        self.result.update(status=answer.status, location=answer.headers.get("Location"))
        text = answer.read().decode()
        self.on_answer(offer, text)
        _, message = GstSdp.SDPMessage.new_from_text(text)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self.webrtc.emit("set-remote-description", description, None)

    def on_answer(self, offer, answer):
        """Told when both are known."""
