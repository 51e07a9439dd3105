"""The pure parts of the gateway's security."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from libs.common.addresses import is_refused_address
from libs.common.errors import ConfigurationError
from services.gateway.security.attempts import Attempts
from services.gateway.security.camera_urls import url_problem
from services.gateway.security.rules import is_loopback_host, is_origin_allowed, roles_for
from services.gateway.security.sessions import make_session, read_session
from services.gateway.security.tokens import TokenSet, load_tokens
from services.gateway.serving.connections import ConnectionCounter, counted_as

VIEWER, WORKER, ADMIN = "viewer-0123456789abcdef", "worker-0123456789abcdef", "admin-0123456789abcdef"


@pytest.mark.parametrize(
    ("method", "path", "roles"),
    [
        ("GET", "/", None),
        ("GET", "/assets/index.js", None),
        ("GET", "/healthz", None),
        ("POST", "/login", None),
        ("GET", "/api/session", None),
        ("GET", "/metrics", {"viewer", "admin"}),
        ("GET", "/ws/viewer/detection", {"viewer", "kiosk", "admin"}),
        ("GET", "/api/cameras", {"viewer", "kiosk", "admin"}),
        ("GET", "/api/cameras/a/snapshot.jpg", {"viewer", "kiosk", "admin"}),
        ("GET", "/api/system", {"admin"}),
        ("GET", "/api/cameras/a/space-proposals", {"admin"}),
        ("GET", "/api/anything/new", {"viewer", "admin"}),
        ("POST", "/api/cameras", {"admin"}),
        ("PUT", "/api/cameras/a/spaces", {"admin"}),
        ("DELETE", "/api/cameras/a", {"admin"}),
        ("PATCH", "/api/anything/new", {"admin"}),
        ("POST", "/api/broadcast-detection", {"worker", "admin"}),
        ("GET", "/api/broadcast-status", {"viewer", "worker", "admin"}),
    ],
)
def test_who_may_do_what(method: str, path: str, roles: set[str] | None) -> None:
    assert roles_for(method, path) == roles


def test_tokens_give_roles(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# of the gate\n\nadmin:{ADMIN}\nworker:{WORKER}\n")
    tokens = load_tokens(f"viewer:{VIEWER}", file)
    grants = [tokens.grant_of(token) for token in (VIEWER, WORKER, ADMIN)]
    assert [grant and grant.role for grant in grants] == ["viewer", "worker", "admin"]
    assert [tokens.grant_of(token) for token in ("", VIEWER[:-1], VIEWER + "x", "ü")] == [None] * 4
    assert VIEWER not in repr(vars(tokens)), "only hashes are kept"
    assert not load_tokens("", None)


@pytest.mark.parametrize("entry", ["viewer", "guest:0123456789abcdef", "viewer:short", "viewer:with space 0123456789"])
def test_a_bad_token_is_named_but_not_shown(entry: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^GATEWAY_TOKENS: ") as caught:
        load_tokens(entry, None)
    token = entry.partition(":")[2]
    assert not token or token not in str(caught.value)


def test_a_token_is_of_one_role(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"viewer:{VIEWER}\n")
    assert load_tokens(f"viewer:{VIEWER}", file).roles == ["viewer"], "twice the same does no harm"
    file.write_text(f"admin:{VIEWER}\n")
    with pytest.raises(ConfigurationError, match="line 1: the admin's token is the viewer's, too") as caught:
        load_tokens(f"viewer:{VIEWER}", file)
    assert VIEWER not in str(caught.value)


def test_a_missing_token_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^GATEWAY_TOKENS_FILE: cannot read"):
        load_tokens("", tmp_path / "absent")


def test_a_session_is_good_until_its_end_and_nowhere_else() -> None:
    (grant,) = TokenSet([("viewer", VIEWER)]).grants
    session = make_session(grant, 1000)
    assert read_session(session, 999, [grant]) == "viewer"
    assert read_session(session, 1000, [grant]) is None
    for changed in (session.replace("viewer", "admin"), session.replace("1000", "9999"), session[:-1], "", "..", "ü"):
        assert read_session(changed, 0, [grant]) is None


def test_only_a_kiosks_session_has_no_end() -> None:
    (kiosk,) = TokenSet([("kiosk", WORKER)]).grants
    (viewer,) = TokenSet([("viewer", VIEWER)]).grants
    assert read_session(make_session(kiosk, None), 1e12, [kiosk]) == "kiosk"
    assert read_session(make_session(kiosk, None), 1e12, [viewer]) is None, "its token was taken away"
    assert read_session(make_session(viewer, None), 0, [viewer]) is None


def test_a_session_lives_as_long_as_its_token() -> None:
    new = "another-0123456789abcdef"
    (grant,) = TokenSet([("viewer", VIEWER)]).grants
    session = make_session(grant, 1000)
    added, taken_away = TokenSet([("viewer", new), ("viewer", VIEWER)]), TokenSet([("viewer", new)])
    assert read_session(session, 0, added.grants) == "viewer"
    assert read_session(session, 0, taken_away.grants) is None


def test_nobody_signs_a_session_of_another_role() -> None:
    tokens = TokenSet([("viewer", VIEWER), ("admin", ADMIN)])
    forged = make_session(tokens.grants[0]._replace(role="admin"), 1000)
    assert read_session(forged, 0, tokens.grants) is None
    endless = make_session(tokens.grants[0], int("9" * 4000))
    assert read_session(endless, 0, tokens.grants) is None


@pytest.mark.parametrize(
    ("origin", "host", "is_allowed"),
    [
        ("http://park.example", "park.example", True),
        ("https://park.example", "park.example:443", True),
        ("http://127.0.0.1:8069", "127.0.0.1:8069", True),
        ("http://[::1]:8069", "[::1]:8069", True),
        ("https://wall.example", "park.example", True),
        ("http://park.example:8080", "park.example", False),
        ("http://park.example.evil", "park.example", False),
        ("http://evil", "park.example", False),
        ("null", "park.example", False),
        ("", "", False),
        ("http://", "", False),
        ("http://[", "[", False),
    ],
)
def test_origins(origin: str, host: str, is_allowed: bool) -> None:
    assert is_origin_allowed(origin, host, {"https://wall.example"}) is is_allowed


@pytest.mark.parametrize(("origin", "is_allowed"), [("https://park.example", True), ("http://park.example", False)])
def test_behind_tls_our_pages_came_by_tls(origin: str, is_allowed: bool) -> None:
    assert is_origin_allowed(origin, "park.example", (), is_tls=True) is is_allowed


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8069", "127.0.0.1:8069", "127.1.2.3", "[::1]:80", "a.localhost"]
)
def test_hosts_that_are_this_machine(host: str) -> None:
    assert is_loopback_host(host)


@pytest.mark.parametrize("host", ["", "evil.example", "192.168.1.2", "127.0.0.1.evil.example", "localhost.evil", "["])
def test_hosts_that_are_not(host: str) -> None:
    assert not is_loopback_host(host)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "169.254.1.1", "fe80::1", "::ffff:169.254.169.254", "0.0.0.0", "::", "224.0.0.1",
                "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254", "::169.254.169.254",
                "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"],
)  # fmt: skip
def test_addresses_that_no_camera_has(address: str) -> None:
    assert is_refused_address(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["192.168.1.7", "10.0.0.1", "127.0.0.1", "203.0.113.9", "fd12::1", "::1", "64:ff9b::c0a8:107"]
)
def test_addresses_that_a_camera_may_have(address: str) -> None:
    assert not is_refused_address(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest", "http://2852039166/", "http://0xa9fea9fe/", "http://169.254.43518/",
     "http://[::ffff:a9fe:a9fe]/", "http://[fe80::1%25eth0]/", "http://metadata.google.internal./", "rtsp://0/x",
     "file:///etc/passwd"],
)  # fmt: skip
def test_urls_that_are_refused(url: str) -> None:
    assert url_problem(url, {"http", "https", "rtsp"}) is not None


@pytest.mark.parametrize(
    "url", ["http://192.168.1.7/stream", "rtsp://user:pass@cam.local:554/x", "https://[2001:db8::1]/"]
)
def test_urls_that_are_taken(url: str) -> None:
    assert url_problem(url, {"http", "https", "rtsp"}) is None


def test_attempts_are_counted_for_a_minute() -> None:
    attempts = Attempts(2)
    assert [attempts.allow("a", now) for now in (0, 1, 2)] == [True, True, False]
    assert attempts.allow("b", 2)
    assert not attempts.allow("a", 59.9)
    assert attempts.allow("a", 60)


@pytest.mark.parametrize(
    ("address", "name"),
    [("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::/64"),
     ("2001:db8::ffff:0:0:1", "2001:db8::/64"), ("fe80::1%eth0", "fe80::/64"), ("a-name", "a-name"), ("", "")],
)  # fmt: skip
def test_an_ipv6_address_is_counted_with_its_neighbours(address: str, name: str) -> None:
    assert counted_as(address) == name


def test_connections_are_counted_by_address() -> None:
    counter = ConnectionCounter(2, ["10.0.0.1"])
    assert [counter.enter("a") for _ in range(3)] == [True, True, False]
    counter.leave("a")
    assert counter.enter("a")
    assert all(counter.enter("10.0.0.1") for _ in range(9))
    assert (len(counter), counter.refused) == (2, 1)
    proxied = ConnectionCounter(1, ["172.16.0.0/12", "::1"])
    assert all(proxied.enter(address) for address in ("172.18.0.5", "172.18.0.5", "::1", "::1", None, None))
    assert all(ConnectionCounter(1, ["*"]).enter("a") for _ in range(3))
    with pytest.raises(ConfigurationError, match=r"^GATEWAY_TRUSTED_PROXIES: "):
        ConnectionCounter(1, ["nginx"])
