"""What one frame brought to all agents, and its canonical bytes, as `igym_gym::Outcome`."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from . import canonical

TERMINAL = 1

REWARD = 1
TERMINATED_KNOWN = 1 << 1
TERMINATED = 1 << 2
TRUNCATED_KNOWN = 1 << 3
TRUNCATED = 1 << 4
PLATFORM_TRUNCATED = 1 << 5
INFO = 1 << 6


#: The infos of an agent that has none.
NO_INFO: Mapping[str, object] = {}

_flags_and_reward = struct.Struct("<Bd").pack


@dataclass(slots=True)
class Cell:
    """One agent's part. `None` where the agent has nothing to report: it had ended before, is not
    there, or was not mentioned; never 0."""

    reward: float | None = None
    terminated: bool | None = None
    truncated: bool | None = None
    #: `truncated` is the platform's own step limit, not the environment's.
    platform_truncated: bool = False
    info: Mapping[str, object] = field(default_factory=lambda: NO_INFO)


EMPTY = Cell()


def encode(cells: Iterable[tuple[bytes, Cell]], count: int, terminal: bool) -> bytes:
    """The canonical bytes of an outcome: each agent's encoded name (see `name`) and its cell, and how
    many there are."""
    out = bytearray((TERMINAL if terminal else 0,))
    canonical.write_varint(out, count)
    for encoded_name, cell in cells:
        out += encoded_name
        write_cell(out, cell)
    return bytes(out)


def name(agent: str) -> bytes:
    """An agent's name as it stands in an outcome."""
    out = bytearray()
    canonical.write_text(out, agent)
    return bytes(out)


def write_cell(out: bytearray, cell: Cell) -> None:
    flags = 0
    reward = cell.reward
    if reward is not None:
        flags = REWARD
    if cell.terminated is not None:
        flags |= TERMINATED_KNOWN | TERMINATED if cell.terminated else TERMINATED_KNOWN
    if cell.truncated is not None:
        flags |= TRUNCATED_KNOWN | TRUNCATED if cell.truncated else TRUNCATED_KNOWN
    if cell.platform_truncated:
        flags |= PLATFORM_TRUNCATED
    if cell.info:
        flags |= INFO
    if reward is None:
        out.append(flags)
    elif reward == reward:
        out += _flags_and_reward(flags, reward)
    else:
        out.append(flags)
        canonical.write_float(out, reward)
    if cell.info:
        canonical.write_map(out, cell.info)
