"""Which process of a role works on which camera: the same answer in every process, without talking. Pure.

Rendezvous hashing (Thaler and Ravishankar, 1998): every pair of camera and member has a weight that depends on these
two alone, and the heaviest pair is settled first. A member that is full is passed over, so that nobody carries more
than its share; a member that comes or goes changes only its own pairs, so that few cameras move.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b


def assign(camera_ids: Iterable[str], members: Iterable[str]) -> dict[str, str]:
    """Share cameras among members as evenly as their numbers allow.

    Args:
        camera_ids: in any order.
        members: names of processes, in any order.

    Returns:
        Camera id → member. Every member has `floor(cameras / members)` cameras or one more, so at most the cap
        `ceil(cameras / members)`. Empty if there are no members.
    """
    cameras, shares = set(camera_ids), dict.fromkeys(members, 0)
    if not shares:
        return {}
    floor, with_one_more = divmod(len(cameras), len(shares))
    pairs = sorted(((_weight(camera, member), camera, member) for camera in cameras for member in shares), reverse=True)
    assigned: dict[str, str] = {}
    for _, camera, member in pairs:
        if camera in assigned or shares[member] > floor or (shares[member] == floor and not with_one_more):
            continue
        if shares[member] == floor:
            with_one_more -= 1
        assigned[camera] = member
        shares[member] += 1
    return assigned


def _weight(camera_id: str, member: str) -> bytes:
    return blake2b(f"{camera_id}\0{member}".encode(), digest_size=8).digest()
