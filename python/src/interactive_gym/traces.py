"""One episode under one condition, frame by frame and field by field, for the doctor to compare."""

from __future__ import annotations

import gc
import hashlib
import random
import types
from typing import Any

from . import canonical, graph, parts, seeding, snapshots
from .errors import GymError, from_exception
from .opening import painter_of, simulation_of
from .picture import Painter
from .simulation import NOTHING, UNCHECKED, Simulation
from .suspects import Watch, ranked

Trace = dict[str, Any]


def trace(configuration: dict[str, Any], condition: str = "plain", frames: int = 120, seed: int = 1) -> Trace:
    """Plays one episode under a condition. `plain` is what the others are compared with; `watched` also
    notes suspicious calls. The result is plain JSON."""
    watch = Watch()
    try:
        if condition == "watched":
            with watch:
                played = _play(configuration, condition, frames, seed)
        else:
            played = _play(configuration, condition, frames, seed)
        error = None
    except (Exception, SystemExit) as raised:
        played, error = [], from_exception("playing", raised).to_dict()
    return {
        "condition": condition,
        "hash_seed": seeding.hash_seed(),
        "frames": played,
        "suspects": [list(call) for call in ranked(watch.calls, _package(configuration))],
        "error": error,
    }


def _package(configuration: dict[str, Any]) -> str:
    """The package that an environment comes from, as far as its name says so."""
    spec = configuration.get("environment") or {}
    return str(spec.get("target") or "").partition(":")[0].partition(".")[0]


def compare(first: Trace, second: Trace) -> dict[str, Any] | None:
    """The first frame in which two traces differ and what differs in it, or `None`."""
    for frame, (ours, theirs) in enumerate(zip(first["frames"], second["frames"])):
        if ours == theirs:
            continue
        fields = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name) and name != AT]
        fields.sort(key=lambda name: (name.startswith("state"), list({**ours, **theirs}).index(name)))
        name = fields[0] if fields else AT
        return {
            "frame": frame,
            "at": ours.get(AT, ["", f"frame {frame}"])[1],
            "field": name,
            "values": _apart(_shown(ours.get(name)), _shown(theirs.get(name))),
            "fields": fields[:20],
        }
    lengths = len(first["frames"]), len(second["frames"])
    if lengths[0] != lengths[1]:
        last = min(lengths)
        return {
            "frame": last, "at": f"frame {last}", "field": "end", "values": list(map(str, lengths)), "fields": [],
        }  # fmt: skip
    return None


def _play(configuration: dict[str, Any], condition: str, frames: int, seed: int) -> list[dict[str, Any]]:
    simulation, painter = _open(configuration, condition)
    if condition == "after_others":
        for other in (seed + 1000, seed + 1001):
            inputs = Inputs(simulation, other)
            simulation.reset(other)
            for _ in range(frames):
                simulation.step(inputs.next())
    inputs = Inputs(simulation, seed)
    kept = _shake() if condition == "fresh" else None
    simulation.reset(seed)
    played = [fields(simulation, 0)]
    episode = 0
    while len(played) <= frames:
        if simulation.ended:
            # Short episodes follow each other, so that enough is seen.
            episode += 1
            simulation.reset(seed + episode)
            played.append(fields(simulation, episode))
            continue
        if painter is not None:
            for viewer in range(len(simulation.adapter.ids)):
                painter.draw(viewer)
        now = inputs.next()
        if condition == "rollback":
            _detour(simulation, inputs.wrong())
        simulation.step(now)
        played.append(fields(simulation, episode))
    del kept
    return played


def _detour(simulation: Simulation, wrong: list[list[bytes]]) -> None:
    """Plays some frames with inputs that turn out to be wrong, and comes back."""
    frame = simulation.frame
    simulation.save()
    for inputs in wrong[: 1 + frame % len(wrong)]:
        simulation.step(inputs)
        if not simulation.ended:
            simulation.save()
    simulation.load(frame)
    simulation.forget_before(frame)


def _open(configuration: dict[str, Any], condition: str) -> tuple[Simulation, Painter | None]:
    snapshot = configuration.get("snapshot", "auto") if condition == "rollback" else UNCHECKED
    simulation = simulation_of(configuration, 0, snapshot)
    return simulation, painter_of(configuration, simulation) if condition == "drawn" else None


class Inputs:
    """The inputs of all players, as people press keys: held for a while. From the seed alone."""

    def __init__(self, simulation: Simulation, seed: int):
        self._simulation = simulation
        self._random = random.Random(seed * 7919 + 5)
        self._held = [self._any(seat) for seat in simulation.seats]

    def next(self) -> list[bytes]:
        for player, seat in enumerate(self._simulation.seats):
            if self._random.random() < 0.3:
                self._held[player] = self._any(seat)
        return list(self._held)

    def wrong(self) -> list[list[bytes]]:
        """Some frames of other inputs, for which the right ones do not change."""
        state = self._random.getstate()
        frames = [[self._any(seat) for seat in self._simulation.seats] for _ in range(4)]
        self._random.setstate(state)
        return frames

    def _any(self, seat: list[int]) -> bytes:
        data = b""
        for agent in seat:
            space = self._simulation.adapter.spaces[agent]
            value = self._value(space.describe())
            try:
                data += space.encode(value)
            except (ValueError, TypeError, AssertionError):
                data += space.pack(self._simulation.idle[agent])
        if self._simulation.rules.on_input and self._random.random() < 0.4:
            return NOTHING
        return self._simulation.input(data)

    def _value(self, space: dict[str, Any]) -> Any:
        kind = space["kind"]
        if kind == "discrete":
            return space["start"] + self._random.randrange(space["n"])
        if kind == "multi_discrete":
            return [start + self._random.randrange(n) for n, start in zip(space["n"], space["start"])]
        if kind == "multi_binary":
            return [self._random.randrange(2) for _ in range(space["n"])]
        if kind == "dict":
            return {name: self._value(part) for name, part in space["entries"].items()}
        low, high = max(space["low"], -1e3), min(space["high"], 1e3)
        count = 1
        for extent in space["shape"]:
            count *= extent
        whole = not space["dtype"].startswith("float")
        numbers = [self._random.uniform(low, high) for _ in range(count)]
        return [round(number) for number in numbers] if whole else numbers


#: The field that says which frame of which episode a row is.
AT = "at"


def fields(simulation: Simulation, episode: int) -> dict[str, Any]:
    """All that can be seen of the current frame, by name: a hash and some text of each."""
    found: dict[str, Any] = {AT: ["", f"frame {simulation.frame} of episode {episode}"]}
    agents = simulation.adapter.agents
    for agent, seen in simulation.observations().items():
        found[f"observation of {agent}"] = _hashed(seen)
    if simulation.frame:
        for agent, cell in zip(agents, simulation.cells, strict=True):
            for name in ("reward", "terminated", "truncated"):
                found[f"{name} of {agent}"] = _hashed(getattr(cell, name))
            for key, value in cell.info.items():
                found[f"info {key} of {agent}"] = _hashed(value)
    for name, value in _state(simulation):
        found[f"state {name}"] = _hashed_state(value)
    return found


def _state(simulation: Simulation) -> list[tuple[str, Any]]:
    generators = seeding.GlobalGenerators().parts()
    found = [("random", generators[0]), ("numpy.random", generators[1])]
    env = simulation.world.env
    if simulation.choice.own and snapshots.has_own(env):
        state = env.get_state()
        entries = state.items() if isinstance(state, dict) else [("", state)]
        return found + [(f"get_state {key}", value) for key, value in entries]
    known = {id(inner) for inner in seeding.chain(env)}
    for depth, inner in enumerate(seeding.chain(env)):
        prefix = "env" + ".env" * depth
        for name, value in sorted((parts.attributes(inner) or {}).items()):
            if name != "env":
                found += _leaves(f"{prefix}.{name}", value, known)
    return found


#: How many objects of a state are told apart; what is beyond is compared as a whole.
_MOST_OBJECTS = 60
_DEEPEST = 8
#: Longer lists are compared as a whole.
_LONGEST = 32


def _leaves(path: str, value: Any, known: set[int], depth: int = 0) -> list[tuple[str, Any]]:
    """The parts of an object that are numbers, texts, arrays or the like, each with the path to it.
    An object that is met again stands where it was met first."""
    inner = _inner(value)
    if inner is None or depth == _DEEPEST or len(known) > _MOST_OBJECTS:
        return [(path, value)]
    if id(value) in known:
        return []
    known.add(id(value))
    # Another kind, or another number of parts, is a difference too.
    found: list[tuple[str, Any]] = [(path, f"{canonical.type_name(value)} with {len(inner)} parts")]
    for name, part in inner:
        found += _leaves(path + name, part, known, depth + 1)
    return found


def _inner(value: Any) -> list[tuple[str, Any]] | None:
    """The parts of a plain object, or of a list or dict of such; `None` for everything else."""
    kind = type(value)
    if kind in (list, tuple, dict):
        items = list(value.items() if kind is dict else enumerate(value))
        if len(items) > _LONGEST or not any(_is_plain(item) for _, item in items):
            return None
        named = all(isinstance(key, (str, int)) for key, _ in items)
        return [(f"[{key!r}]", item) for key, item in items] if named else None
    if not _is_plain(value):
        return None
    return [(f".{name}", part) for name, part in sorted((parts.attributes(value) or {}).items())]


def _is_plain(value: Any) -> bool:
    """An object of a class written in Python that keeps all it holds in its attributes."""
    kind = type(value)
    if isinstance(value, (*parts.PLAIN, *parts.CONSTANT, dict, list, tuple, set, frozenset, random.Random)):
        return False
    if isinstance(value, (types.FunctionType, types.MethodType, BaseException)) or parts.is_numpy(kind):
        return False
    if parts.is_constant(value) or parts.other_parts(value) is not None or parts.hides(kind):
        return False
    return parts.attributes(value) is not None


def _hashed(value: Any) -> list[str]:
    try:
        encoded = canonical.encode(value)
    except canonical.Unencodable:
        return _hashed_state(value)
    return [hashlib.blake2b(encoded, digest_size=8).hexdigest(), _text(value)]


def _hashed_state(value: Any) -> list[str]:
    try:
        return [graph.digest(value)[:8].hex(), _text(value)]
    except GymError as error:
        return ["", error.message]


def _text(value: Any) -> str:
    """Some text for people; nothing in it may differ where the hash does not."""
    if isinstance(value, (bool, int, float, str, type(None))) or type(value).__module__ == "numpy":
        text = str(value.tolist() if hasattr(value, "tolist") else value)
        return text if len(text) <= 400 else text[:400] + "…"
    return canonical.type_name(value)


def _shown(entry: list[str] | None) -> str:
    return "nothing" if entry is None else entry[1] or entry[0]


def _apart(one: str, other: str) -> list[str]:
    """Two texts, of long ones the part where they differ."""
    if one == other:
        return [one, f"{other} (it looks the same, but is not)"]
    if max(len(one), len(other)) <= 60:
        return [one, other]
    same = next((place for place, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
    start = max(0, same - 20)
    return [
        ("…" if start else "") + text[start : same + 30] + ("…" if len(text) > same + 30 else "")
        for text in (one, other)
    ]


def _shake() -> list[Any]:
    """Lays the memory out differently: what is made while the result lives has other addresses, also in
    relation to each other, than without it."""
    gc.collect()
    noise = random.Random()
    return [bytes(size) for size in range(0, 512, 8) for _ in range(noise.randrange(1, 60))]
