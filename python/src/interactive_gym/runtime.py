"""The border to the host: bytes in, bytes out. The layout is in python/README.md, byte by byte.

A host makes one `Runtime` per scene with `open_runtime(configuration)`, asks what it found with
`describe()`, starts episodes with `reset(seed)`, and then makes one call of `run(batch)` per tick,
however far a rollback goes back. Nothing here raises: an error is a part of the answer.
"""

from __future__ import annotations

import gc
import json
import math
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

from . import __version__, canonical, seeding
from .errors import GymError, from_exception, setup_error
from .opening import STEPS, painter_of, simulation_of
from .simulation import NOTHING

#: Of the bytes; the first byte of every batch and answer.
PROTOCOL = 1

LOAD, SAVE, STEP, FORGET, DRAW, OBSERVE, DIGEST = range(1, 8)
STATE, ERROR = 0x7F, 0xFF

#: Flags of a batch.
WITH_OBSERVATIONS, WITH_APPLIED = 1, 2
#: Flags of a step's result.
TERMINAL, HAS_DIGEST, HAS_OBSERVATIONS, HAS_APPLIED = 1, 2, 4, 8
#: The viewer of a spectator.
SPECTATOR = 0xFF

#: A participant waits while the environment is measured: after so long, so many repeats are enough.
_MEASURING_SECONDS, _FEWEST_REPEATS = 1.5, 5

_SETTINGS = {
    "environment", "style", "omit_infos", "snapshot", "draw", "size", "seats", "bindings",
    "default_action", "max_steps", "digest_interval", "base", "step", "action_repeat",
    "max_frames",
}  # fmt: skip


class Runtime:
    """An environment that is ready to play episodes."""

    def __init__(self, configuration: dict[str, Any]):
        unknown = sorted(set(configuration) - _SETTINGS)
        if unknown:
            raise setup_error(f"unknown settings: {', '.join(unknown)}")
        self.simulation = simulation_of(
            configuration,
            int(configuration.get("digest_interval", 0)),
            configuration.get("snapshot", "auto"),
        )
        self.painter = painter_of(configuration, self.simulation)
        self._bindings = [self._binding(value) for value in configuration.get("bindings", ())]
        self._shown_assets = self.painter.assets
        self._failed: GymError | None = None
        # What was imported stays, so the collector need not walk through it in the midst of play.
        gc.unfreeze()
        gc.collect()
        gc.freeze()

    def describe(self) -> bytes:
        """What the host must know, as the JSON of an object."""
        simulation = self.simulation
        adapter = simulation.adapter
        choice = simulation.choice
        document = {
            "protocol": PROTOCOL,
            "version": __version__,
            "python": ".".join(map(str, sys.version_info[:3])),
            "platform": sys.platform,
            "hash_seed": seeding.hash_seed(),
            "environment": adapter.name,
            "style": adapter.style,
            "agents": adapter.agents,
            "spaces": [space.describe() for space in adapter.spaces],
            "seats": [[adapter.agents[agent] for agent in seat] for seat in simulation.seats],
            "default_inputs": [self._nothing(player).hex() for player in range(len(simulation.seats))],
            "default_actions": [
                space.pack(idle).hex() for space, idle in zip(adapter.spaces, simulation.idle, strict=True)
            ],
            "bindings": [[data if data is None else data.hex() for data in binding] for binding in self._bindings],
            "step": STEPS[simulation.rules.on_input],
            "action_repeat": simulation.rules.action_repeat,
            "render_fps": _rate(adapter.metadata.get("render_fps")),
            "size": list(self.painter.size),
            "assets": self.painter.assets,
            "snapshot": simulation.strategy.name,
            "snapshot_costs_us": {name: round(cost, 1) for name, cost in choice.costs.items()},
            "snapshots_refused": choice.refused,
            "drawing_guarded": self.painter.guarded,
            "notes": adapter.notes,
        }
        return _json(document)

    def reset(self, seed: int) -> bytes:
        """Starts an episode: an answer with the observations of frame 0 and the infos of the reset."""
        out = _answer()
        try:
            self._failed = None
            self.simulation.reset(int(seed))
            self.painter.reset()
            _block(out, OBSERVE, self.simulation.encoded_observations())
            _block(out, OBSERVE, self._reset_infos())
            self._state(out)
        except BaseException as error:  # sys.exit is an error here like any other
            self._fail(out, error, 0)
        return bytes(out)

    def run(self, batch: Any) -> bytes:
        """Does all that a batch asks for, in its order. Steps and saves after a terminal step are
        skipped, up to the next load. After an error nothing more is done, and every later batch gets
        the same error until the next reset."""
        out = _answer()
        if self._failed is not None:
            _block(out, ERROR, _json(self._failed.to_dict()))
            return bytes(out)
        try:
            self._run(bytes(batch), out)
            self._state(out)
        except BaseException as error:
            self._fail(out, error, self.simulation.frame)
        return bytes(out)

    def measure(self, frames: int = 10, repeats: int = 9) -> bytes:
        """Times a step (and the environment's own part of it), a save, a load and a rollback of
        `frames` frames on this machine, from a fresh episode: JSON with medians in microseconds and
        in `least` the smallest, or with `error`. Of a slow environment there are fewer repeats, for
        somebody waits. Ends the episode that is played."""
        try:
            return _json(self._measured(frames, repeats))
        except BaseException as error:
            return _json({"error": from_exception(self.simulation.adapter.name, error).to_dict()})

    def _measured(self, frames: int, repeats: int) -> dict[str, Any]:
        simulation = self.simulation
        inputs = [simulation.input(data) for data in simulation.defaults]
        bare, steps, saves, loads, rollbacks = [], [], [], [], []
        began = time.perf_counter()
        for repeat in range(repeats):
            if repeat >= _FEWEST_REPEATS and time.perf_counter() - began > _MEASURING_SECONDS:
                break
            simulation.reset(0)
            env = simulation.world.env
            for _ in range(frames):
                # The same step without anything of ours around it.
                actions = simulation.actions([])
                action = actions[simulation.adapter.ids[0]] if simulation.adapter.style == "single" else actions
                bare.append(_timed(lambda env=env, action=action: env.step(action)))
                if simulation.adapter.style == "parallel" and not env.agents:
                    break
            simulation.reset(0)
            for _ in range(frames):
                saves.append(_timed(simulation.save))
                steps.append(_timed(lambda: simulation.step(inputs)))
                if simulation.ended:
                    break
            played = simulation.frame
            start = time.perf_counter()
            simulation.load(0)
            loads.append(time.perf_counter() - start)
            for _ in range(played):
                simulation.step(inputs)
                simulation.save()
            rollbacks.append((time.perf_counter() - start) * frames / max(played, 1))
        simulation.reset(0)
        values = {"bare_step": bare, "step": steps, "save": saves, "load": loads, f"rollback_{frames}": rollbacks}
        medians = {f"{name}_us": round(_median(times) * 1e6, 1) for name, times in values.items()}
        least = {f"{name}_us": round(min(times) * 1e6, 1) for name, times in values.items()}
        return {**medians, "least": least}

    def _run(self, batch: bytes, out: bytearray) -> None:
        simulation = self.simulation
        if len(batch) < 2 or batch[0] != PROTOCOL:
            raise GymError("protocol", f"a batch starts with {PROTOCOL} and its flags")
        wanted = batch[1]
        over = False
        for operation, number, inputs in _operations(batch):
            if operation == STEP:
                if not over:
                    self._expect(number, "step")
                    over = self._step(out, inputs, wanted)
            elif operation == SAVE:
                if not over:
                    self._expect(number, "save")
                    simulation.save()
            elif operation == LOAD:
                simulation.load(number)
                over = simulation.ended
            elif operation == FORGET:
                simulation.forget_before(number)
            elif operation == DRAW:
                self._draw(out, number)
            elif operation == OBSERVE:
                _block(out, OBSERVE, simulation.encoded_observations())
            else:
                out.append(DIGEST)
                out += simulation.digest()

    def _step(self, out: bytearray, inputs: list[bytes], wanted: int) -> bool:
        simulation = self.simulation
        frame = simulation.frame
        record = simulation.step(inputs)
        flags = TERMINAL if record.terminal else 0
        if record.digest is not None:
            flags |= HAS_DIGEST
        if wanted & WITH_OBSERVATIONS:
            flags |= HAS_OBSERVATIONS
        if wanted & WITH_APPLIED:
            flags |= HAS_APPLIED
        out += _STEP.pack(STEP, frame, flags, len(record.outcome))
        out += record.outcome
        if record.digest is not None:
            out += record.digest
        if wanted & WITH_OBSERVATIONS:
            observations = simulation.encoded_observations()
            out += len(observations).to_bytes(4, "little")
            out += observations
        if wanted & WITH_APPLIED:
            applied = simulation.applied(record)
            out.append(len(applied))
            for data in applied:
                out.append(len(data))
                out += data
        return record.terminal

    def _draw(self, out: bytearray, viewer: int) -> None:
        if viewer != SPECTATOR and viewer >= len(self.simulation.adapter.ids):
            raise GymError("protocol", f"there is no agent number {viewer} to draw for")
        picture = self.painter.draw(None if viewer == SPECTATOR else viewer)
        assets = self.painter.assets
        data = b""
        if assets != self._shown_assets:
            self._shown_assets = assets
            data = _json(assets)
        out.append(DRAW)
        out += len(data).to_bytes(4, "little") + data
        out += picture.to_bytes()

    def _state(self, out: bytearray) -> None:
        simulation = self.simulation
        out += _STATE.pack(STATE, simulation.frame, simulation.ended, len(simulation.returns))
        for score, live in zip(simulation.returns, simulation.live):
            out += _AGENT.pack(score, live)

    def _expect(self, frame: int, doing: str) -> None:
        if frame != self.simulation.frame:
            raise GymError("protocol", f"cannot {doing} frame {frame}: the state is at frame {self.simulation.frame}")

    def _fail(self, out: bytearray, error: BaseException, frame: int) -> None:
        failed = from_exception(f"{self.simulation.adapter.name}", error)
        failed.frame = frame
        self._failed = failed
        _block(out, ERROR, _json(failed.to_dict()))

    def _reset_infos(self) -> bytes:
        adapter = self.simulation.adapter
        infos = {agent: info for agent, info in zip(adapter.agents, self.simulation.infos, strict=True) if info}
        try:
            return canonical.encode(infos)
        except canonical.Unencodable as error:
            raise GymError(
                "value",
                f"{adapter.name}: the infos of reset hold {error}, which cannot be recorded; leave it out "
                f"with omit_infos",
            ) from None

    def _binding(self, value: Any) -> list[bytes | None]:
        """A key's action as each player's input; `None` for a player none of whose agents can do it.
        The host, which knows the key and its line, says so if nobody can."""
        return [self._input(seat, value) for seat in self.simulation.seats]

    def _input(self, seat: list[int], value: Any) -> Any:
        """The input of a player all of whose agents do `value`; those that cannot do the default."""
        adapter = self.simulation.adapter
        data = b""
        possible = value is None
        for agent in seat:
            space = adapter.spaces[agent]
            part = space.pack(self.simulation.idle[agent])
            own = value.get(adapter.agents[agent], value) if isinstance(value, dict) else value
            if own is not None:
                try:
                    part = space.encode(own)
                    possible = True
                except (ValueError, TypeError, AssertionError):
                    pass
            data += part
        return self.simulation.input(data) if possible else None

    def _nothing(self, player: int) -> bytes:
        """The input of a player who presses nothing."""
        return NOTHING if self.simulation.rules.on_input else self.simulation.defaults[player]


_STEP = struct.Struct("<BIBI")
_STATE = struct.Struct("<BI?B")
_AGENT = struct.Struct("<d?")
_number = struct.Struct("<I").unpack_from
_frame_and_players = struct.Struct("<IB").unpack_from


def open_runtime(configuration: Any) -> Runtime:
    """From the JSON of a configuration (text or bytes); raises `GymError`."""
    if isinstance(configuration, (bytes, bytearray, memoryview, str)):
        configuration = json.loads(configuration if isinstance(configuration, str) else bytes(configuration).decode())
    if not isinstance(configuration, dict):
        raise setup_error("a configuration is a JSON object")
    return Runtime(configuration)


def _operations(batch: bytes) -> list[tuple[int, int, list[bytes]]]:
    """What a batch asks for: per operation its number (a frame or a viewer) and inputs. A batch that cannot
    be read to its end changes nothing."""
    found = []
    at, end = 2, len(batch)
    try:
        while at < end:
            operation = batch[at]
            at += 1
            number, inputs = 0, _NONE
            if operation == STEP:
                number, players = _frame_and_players(batch, at)
                at += 5
                inputs = []
                for _ in range(players):
                    start = at + 1
                    at = start + batch[at]
                    inputs.append(batch[start:at])
            elif operation in _WITH_FRAME:
                (number,) = _number(batch, at)
                at += 4
            elif operation == DRAW:
                number = batch[at]
                at += 1
            elif operation != OBSERVE and operation != DIGEST:
                raise GymError("protocol", f"operation {operation} is unknown")
            found.append((operation, number, inputs))
    except (IndexError, struct.error):
        at = end + 1
    if at != end:
        raise GymError("protocol", "the batch ends too early")
    return found


_NONE: list[bytes] = []
_WITH_FRAME = (LOAD, SAVE, FORGET)


def _answer() -> bytearray:
    return bytearray((PROTOCOL,))


def _block(out: bytearray, kind: int, data: bytes) -> None:
    out.append(kind)
    out += len(data).to_bytes(4, "little")
    out += data


def _rate(value: Any) -> float | None:
    """Frames per second, if it is a number of them."""
    try:
        rate = float(value)
    except (TypeError, ValueError):
        return None
    return rate if 0.0 < rate < math.inf else None


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _median(times: list[float]) -> float:
    return sorted(times)[len(times) // 2] if times else 0.0
