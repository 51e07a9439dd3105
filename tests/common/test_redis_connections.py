"""Commands on their way to Redis are packed as redis-py packs them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import BlockingConnectionPool, Connection
from redis.asyncio.connection import Connection as PlainConnection

from libs.common.redis_connections import UNCOPIED_BYTES, use_own_connections

ARGUMENTS = st.one_of(
    st.binary(max_size=20),
    st.text(max_size=20),
    st.integers(),
    st.floats(allow_nan=False),
    st.integers(UNCOPIED_BYTES - 1, UNCOPIED_BYTES + 1).map(bytes),
)
NAMES = st.sampled_from(["XADD", "SCRIPT LOAD", b"GET", b"CLIENT  LIST"])


def own_connection() -> Connection:
    pool = BlockingConnectionPool.from_url("redis://127.0.0.1:1/0")
    use_own_connections(pool)
    made = pool.make_connection()  # type: ignore[no-untyped-call] # redis-py left it without types
    assert isinstance(made, Connection)
    return made


@given(st.lists(st.tuples(NAMES, st.lists(ARGUMENTS, max_size=6)), min_size=1, max_size=5))
def test_commands_are_packed_as_redis_py_packs_them(commands: list[tuple[Any, list[Any]]]) -> None:
    whole = [(name, *arguments) for name, arguments in commands]
    assert b"".join(own_connection().pack_commands(whole)) == b"".join(PlainConnection().pack_commands(whole))


def test_a_picture_is_not_copied() -> None:
    picture = bytes(50_000)
    assert any(piece is picture for piece in own_connection().pack_commands([("XADD", "s", "*", "jpeg", picture)]))
