"""The camera zoo: odd cameras, each after a kind that people run, with what is right for each."""

from tests.ingest.zoo.http import HTTP
from tests.ingest.zoo.logins import LOGINS
from tests.ingest.zoo.odd import ODD
from tests.ingest.zoo.rtsp import RTSP
from tests.ingest.zoo.tls import TLS

__all__ = ["RTSP", "ZOO"]

ZOO = {**HTTP, **ODD, **TLS, **LOGINS, **RTSP}
