"""GStreamer's RTSP server with test pictures, run by Debian's own Python; prints `ready` and its port when it listens.

/usr/bin/python3 rtsp_server.py [--login USER PASSWORD | --tls PEM_FILE]
"""

from __future__ import annotations

import argparse
import sys

import gi  # type: ignore[import-not-found]  # Debian's package, for Debian's Python

for name in ("Gst", "GstRtsp", "GstRtspServer"):
    gi.require_version(name, "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402 - after the choice of versions

PICTURE = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=20/1 ! "
H264 = "openh264enc gop-size=10 ! h264parse ! rtph264pay config-interval=1 name=pay0 pt=96"
H265 = "x265enc key-int-max=10 speed-preset=ultrafast tune=zerolatency ! h265parse ! rtph265pay name=pay0"
JPEG = "jpegenc ! rtpjpegpay name=pay0"
# A client that asks for the video only makes the server unlink the audio. Without `errorignore`, an audio source that
# is still sending then ends the whole stream with "not-linked".
SOUND = "audiotestsrc is-live=true ! errorignore ignore-notlinked=true convert-to=ok ! alawenc ! rtppcmapay name=pay1"
SOUND_FIRST = f"{H264.replace('pay0', 'pay1')} {SOUND.replace('pay1', 'pay0')}"
TCP, UDP = GstRtsp.RTSPLowerTrans.TCP, GstRtsp.RTSPLowerTrans.UDP
MEDIA = {
    "/h264": (H264, TCP | UDP),
    "/udp-only": (H264, UDP),
    "/tcp-only": (H264, TCP),
    "/h265": (H265, TCP | UDP),
    "/mjpeg": (JPEG, TCP | UDP),
    "/with-sound": (H264, TCP | UDP),
    "/sound-first": (SOUND_FIRST, TCP | UDP),
}


def main() -> None:
    """Serve until killed."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service("0")  # any free port: one that was looked up before may be taken by now
    parser = argparse.ArgumentParser()
    parser.add_argument("--login", nargs=2)
    parser.add_argument("--tls")
    options = parser.parse_args()
    is_guarded = bool(options.login or options.tls)
    if is_guarded:
        token = GstRtspServer.RTSPToken.new()
        token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
        auth = GstRtspServer.RTSPAuth.new()
        if options.login:
            auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
            auth.add_digest(*options.login, token)
        else:
            auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(options.tls))
            auth.set_default_token(token)
        server.set_auth(auth)
    for path, (chain, transports) in MEDIA.items():
        factory = GstRtspServer.RTSPMediaFactory.new()
        factory.set_shared(True)
        factory.set_launch(f"( {PICTURE}{chain} {SOUND if path == '/with-sound' else ''} )")
        factory.set_protocols(transports)
        if is_guarded:
            permissions = GstRtspServer.RTSPPermissions.new()
            for right in (
                GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS,
                GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT,
            ):
                permissions.add_permission_for_role("viewer", right, True)
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory(path, factory)
    if not server.attach(None):
        sys.exit("cannot listen")
    print("ready", server.get_bound_port(), flush=True)  # noqa: T201 - what the test waits for
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
