"""`rediss://` with a certificate authority of one's own, on a real redis-server that speaks TLS."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from libs.common import keys
from libs.common.bus import connect
from libs.common.errors import ConfigurationError
from libs.common.settings import ServiceSettings
from tests.support.cameras import multipart_camera, serving
from tests.support.pictures import make_jpeg
from tests.support.ports import free_port
from tests.support.processes import SERVICES, running
from tests.support.redis_server import RedisServer, find_redis_server
from tests.support.waiting import wait_for


def speaks_tls() -> bool:
    """Whether the redis-server that tests run was built with TLS: it then misses a certificate, and not TLS itself."""
    command = [str(find_redis_server()), "--port", "0", "--tls-port", str(free_port())]
    told = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    return "Failed to configure TLS" in told


needs_tls = pytest.mark.skipif(not speaks_tls(), reason="this redis-server was built without TLS")


@dataclass(frozen=True)
class TlsRedis:
    """A redis-server that speaks TLS beside its ordinary port, and the authority that signed its certificate."""

    server: RedisServer
    port: int
    ca_file: Path

    def url(self, host: str = "localhost") -> str:
        """The admin's address over TLS, which a service that is started with it makes its own user's."""
        return self.server.url.replace("redis://", "rediss://").replace(
            f"127.0.0.1:{self.server.port}", f"{host}:{self.port}"
        )


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsRedis]:
    folder = tmp_path_factory.mktemp("tls")
    ca, certificate, port = trustme.CA(), folder / "server.pem", free_port()
    issued = ca.issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(str(certificate))
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    options = ["--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(certificate)]
    options += ["--tls-ca-cert-file", str(folder / "ca.pem"), "--tls-auth-clients", "no"]
    server = RedisServer(folder, with_users=True, options=options)
    server.start()
    yield TlsRedis(server, port, folder / "ca.pem")
    server.stop()


@needs_tls
async def test_frames_come_over_tls(tls: TlsRedis, tmp_path: Path) -> None:
    async with connect(tls.server.url) as redis:
        async with serving(multipart_camera([make_jpeg()])) as camera:
            environment = {
                "REDIS_URL": tls.url(),
                "REDIS_CA_FILE": str(tls.ca_file),
                "INGEST_CAMERAS": f"CAM1={camera}/stream",
            }
            with running("services.ingest", environment, tmp_path / "log") as ingest:

                async def frames() -> int:
                    return int(await redis.xlen(keys.frames("CAM1")))

                await wait_for(frames)
                assert ingest.stop() == 0


@needs_tls
@pytest.mark.parametrize("service", ["detector", "gateway"])
async def test_every_service_runs_over_tls(service: keys.Role, tls: TlsRedis, tmp_path: Path) -> None:
    async with connect(tls.server.url) as redis:
        environment = {"REDIS_URL": tls.url(), "REDIS_CA_FILE": str(tls.ca_file), "GATEWAY_PORT": str(free_port())}
        with running(f"services.{service}", environment, tmp_path / "log") as process:

            async def members() -> int:
                return int(await redis.zcard(keys.members(service)))

            await wait_for(members)
            assert process.stop() == 0


@needs_tls
@pytest.mark.parametrize("service", SERVICES)
def test_another_authority_is_refused_at_once(service: str, tls: TlsRedis, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    environment = {
        "REDIS_URL": tls.url(),
        "REDIS_CA_FILE": str(tmp_path / "other.pem"),
        "GATEWAY_PORT": str(free_port()),
    }
    log = _log_of_refused(service, environment, tmp_path)
    assert "shows a certificate that is not to be trusted" in log
    assert "REDIS_CA_FILE must name a file with the authority that signed it" in log


@needs_tls
@pytest.mark.parametrize(
    ("host", "ca", "said"),
    [
        ("127.0.0.1", True, "REDIS_URL must name the host as the certificate does"),
        ("localhost", False, "REDIS_CA_FILE must name a file with the authority that signed it"),
    ],
)
def test_what_does_not_fit_is_named(host: str, ca: bool, said: str, tls: TlsRedis, tmp_path: Path) -> None:
    environment = {"REDIS_URL": tls.url(host)} | ({"REDIS_CA_FILE": str(tls.ca_file)} if ca else {})
    assert said in _log_of_refused("ingest", environment, tmp_path)


@needs_tls
def test_a_server_that_wants_certificates_of_its_clients_is_named(tls: TlsRedis, tmp_path: Path) -> None:
    with tls.server.client() as client:
        client.config_set("tls-auth-clients", "yes")  # what Redis does unless told otherwise
        try:
            environment = {"REDIS_URL": tls.url(), "REDIS_CA_FILE": str(tls.ca_file)}
            assert "Redis needs `tls-auth-clients no`" in _log_of_refused("ingest", environment, tmp_path)
        finally:
            client.config_set("tls-auth-clients", "no")


def _log_of_refused(service: str, environment: dict[str, str], folder: Path) -> str:
    with running(f"services.{service}", environment, folder / "log") as process:
        assert process.process.wait(20) == 1
    assert "Traceback" not in process.log
    return process.log


@pytest.mark.parametrize(
    ("url", "content", "problem"),
    [
        ("rediss://h/0", None, "cannot be read"),
        ("rediss://h/0", "no certificate", "holds no certificate"),
        ("redis://h/0", "no certificate", "REDIS_URL does not begin with rediss://"),
    ],
)
def test_what_is_wrong_with_an_authority_file_is_named(
    url: str, content: str | None, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content, "utf-8")
    monkeypatch.setenv("REDIS_URL", url)
    monkeypatch.setenv("REDIS_CA_FILE", str(file))
    with pytest.raises(ConfigurationError, match=f"^REDIS_CA_FILE: .*{problem}"):
        ServiceSettings.from_environment()
