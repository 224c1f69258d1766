"""What one viewer sees: by the study's drawing function, by the environment's own `render`, or, with
neither, a plain view of observations and rewards."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from . import loader, seeding
from .errors import from_exception, setup_error
from .simulation import Simulation
from .surface import DrawList, Surface

#: Pixels of a surface whose size nobody gave.
WIDTH, HEIGHT = 600, 400


class Picture:
    """A picture, and an image of colours that lies under it."""

    __slots__ = ("list", "pixels")

    def __init__(self, draw_list: DrawList, pixels: Any = None):
        self.list = draw_list
        #: Height, width and three colours, or nothing.
        self.pixels = pixels

    def to_bytes(self) -> bytes:
        """Length and JSON of the draw list, width and height, then RGB row by row."""
        text = self.list.to_json().encode("utf-8", "replace")
        head = len(text).to_bytes(4, "little") + text
        if self.pixels is None:
            return head + bytes(8)
        height, width = self.pixels.shape[:2]
        size = width.to_bytes(4, "little") + height.to_bytes(4, "little")
        return head + size + self.pixels.tobytes()


class Painter:
    """Draws one simulation for its viewers, each on a surface of its own. Drawing changes nothing: the
    generators are put back afterwards, and so is the state if this environment's drawing changes it."""

    def __init__(self, simulation: Simulation, draw: str | None, size: tuple[int, int] | None, base: str):
        self._simulation = simulation
        self._draw: Callable | None = loader.function(draw, base) if draw else None
        self._register = getattr(inspect.getmodule(self._draw), "register_assets", None) if draw else None
        self.size = size or simulation.adapter.metadata.get("surface_size") or (WIDTH, HEIGHT)
        self._surfaces: dict[int, Surface] = {}
        self._assets: dict[str, dict[str, str]] = {}
        self._own = self._render_keywords()
        #: Drawing changes the state, so the state is put back after each picture.
        self.guarded = False
        self._check()

    @property
    def assets(self) -> list[dict[str, str]]:
        """All that was registered so far, for any viewer."""
        return list(self._assets.values())

    def reset(self) -> None:
        """A new episode starts."""
        for surface in self._surfaces.values():
            surface.reset()

    def draw(self, viewer: int | None) -> Picture:
        """What agent number `viewer` sees, or a spectator."""
        simulation = self._simulation
        generators = seeding.GlobalGenerators()
        contents = simulation.strategy.capture(simulation.world) if self.guarded else None
        try:
            picture = self._picture(viewer)
            for asset in picture.list.assets:
                self._assets[asset["name"]] = asset
            return picture
        finally:
            if self.guarded:
                simulation.strategy.restore(simulation.world, contents)
            generators.restore()

    def _picture(self, viewer: int | None) -> Picture:
        adapter = self._simulation.adapter
        env = self._simulation.world.env
        agent = None if viewer is None else adapter.ids[viewer]
        surface = self._surface(viewer)
        try:
            if self._draw is not None:
                result = self._draw(env, surface, agent)
            elif self._own is not None:
                keywords = {"surface": surface, "agent_id": agent}
                result = env.render(**{name: keywords[name] for name in self._own})
            else:
                return plain(self._simulation, surface, viewer)
        except Exception as error:
            name = self._draw.__name__ if self._draw else "render"
            raise from_exception(f"{adapter.name}: {name}", error) from error
        return self._interpreted(result, surface, viewer)

    def _interpreted(self, result: Any, surface: Surface, viewer: int | None) -> Picture:
        if isinstance(result, Surface):
            result = result.commit()
        if isinstance(result, DrawList):
            return Picture(result)
        if isinstance(result, (list, tuple)) and result and hasattr(result[-1], "shape"):
            result = result[-1]
        pixels = None
        if hasattr(result, "shape"):
            pixels = _colours(result, self._simulation.adapter.name)
        elif isinstance(result, str):
            for row, line in enumerate(result.split("\n")):
                surface.text(line, 10, 10 + 18 * row, size=14, font="monospace")
        elif result is None and self._draw is None and not surface._drafts and not surface._persistent:
            return plain(self._simulation, surface, viewer)
        return Picture(surface.commit(), pixels)

    def _surface(self, viewer: int | None) -> Surface:
        key = -1 if viewer is None else viewer
        if key not in self._surfaces:
            surface = self._surfaces[key] = Surface(*self.size)
            if self._register is not None:
                self._register(surface)
        return self._surfaces[key]

    def _render_keywords(self) -> tuple[str, ...] | None:
        """Which arguments the environment's own `render` takes; `None` if there is nothing to call."""
        if self._draw is not None:
            return None
        env = self._simulation.world.env
        inner = seeding.chain(env)[-1]
        render = getattr(env, "render", None)
        if not callable(render):
            return None
        try:
            named = set(inspect.signature(getattr(inner, "render", render)).parameters)
        except (TypeError, ValueError):
            named = set()
        keywords = tuple(name for name in ("surface", "agent_id") if name in named)
        if not keywords and getattr(inner, "render_mode", None) in (None, "human"):
            # Gymnasium draws nothing without a mode, and a window with "human".
            return None
        return keywords

    def _check(self) -> None:
        """Draws the first frames for everybody: finds errors, assets, and drawing that changes state."""
        simulation = self._simulation
        # Pages show what some agent sees: what people write need not know what a spectator would.
        viewers = range(len(simulation.adapter.ids))
        simulation.reset(0)
        for frame in range(3):
            before = simulation.digest()
            for viewer in viewers:
                self.draw(viewer)
            if simulation.digest() != before:
                self.guarded = True
            simulation.play_trial(frame)
        self.reset()
        simulation.reset(0)


def plain(simulation: Simulation, surface: Surface, viewer: int | None) -> Picture:
    """Rewards and observations as text, for environments that draw nothing."""
    agents = simulation.adapter.agents
    seen = simulation.observations()
    surface.rect(0, 0, surface.width, surface.height, color="#f4f4f0", id="~ground", depth=-1)
    y = 10.0
    for index, agent in enumerate(agents):
        if viewer is not None and index != viewer:
            continue
        reward = simulation.rewards[index]
        last = "" if reward is None else f"    last reward {reward:g}"
        ended = "" if simulation.live[index] else "    ended"
        surface.text(f"{agent}    score {simulation.returns[index]:g}{last}{ended}", 10, y, size=16)
        y += 24
        for line in _lines(seen.get(agent)):
            surface.text(line, 20, y, size=13, color="#444444", font="monospace")
            y += 17
        y += 8
    return Picture(surface.commit())


def _lines(observation: Any, width: int = 72) -> list[str]:
    """At most some lines of text about an observation."""
    if isinstance(observation, dict):
        found = [line for key, value in observation.items() for line in _prefixed(str(key), _lines(value))]
    elif hasattr(observation, "shape") and getattr(observation, "ndim", 0) >= 2:
        found = [f"array {observation.shape} of {observation.dtype}"]
        if observation.ndim == 2 and observation.shape[1] <= 24:
            found += [" ".join(f"{item:g}" for item in row) for row in observation.tolist()]
    elif hasattr(observation, "shape") and getattr(observation, "ndim", 0) == 1:
        found = [" ".join(f"{item:g}" for item in observation.tolist())]
    elif observation is None:
        found = []
    else:
        found = str(observation).split("\n")
    wrapped = [line[at : at + width] for line in found for at in range(0, max(len(line), 1), width)]
    return wrapped[:16]


def _prefixed(key: str, lines: list[str]) -> list[str]:
    return [f"{key}: {lines[0]}", *lines[1:]] if lines else [f"{key}:"]


def _colours(array: Any, name: str) -> Any:
    """An RGB image as bytes: height, width, three."""
    import numpy

    array = numpy.asarray(array)
    if array.ndim == 2:
        array = numpy.repeat(array[:, :, None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] not in (3, 4):
        raise setup_error(f"{name}: render returned an array of shape {array.shape}, not height, width, 3")
    if array.dtype != numpy.uint8:
        raise setup_error(f"{name}: render returned an array of {array.dtype}, not of uint8")
    return numpy.ascontiguousarray(array[:, :, :3])
