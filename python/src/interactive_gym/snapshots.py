"""Ways to keep a state and to come back to it.

`own` is the environment's `get_state` and `set_state`; the others need nothing of the environment:
`in_place` (see `memento`), `pickle`, `cloudpickle` and `deepcopy`. All of them also keep the
generators of `random` and `numpy.random`, and what the agents saw last.

`choose` tries each on a real episode: a state that is kept, left and come back to must have the same
digest, and the frames after it must come out the same, twice. `own` is taken if it passes; else the
cheapest of those that do.
"""

from __future__ import annotations

import copy
import pickle
import time
from typing import Any, Protocol

from . import graph, memento, parts
from .adapter import World
from .errors import GymError
from .seeding import GlobalGenerators


class Snapshot:
    """One state of a world."""

    __slots__ = ("contents", "generators")

    def __init__(self, contents: Any, generators: GlobalGenerators):
        self.contents = contents
        self.generators = generators


class Strategy:
    """A way to keep states."""

    name = ""

    def save(self, world: World) -> Snapshot:
        return Snapshot(self.capture(world), GlobalGenerators())

    def load(self, world: World, snapshot: Snapshot) -> None:
        self.restore(world, snapshot.contents)
        snapshot.generators.restore()

    def capture(self, world: World) -> Any:
        raise NotImplementedError

    def restore(self, world: World, contents: Any) -> None:
        raise NotImplementedError


class Own(Strategy):
    """`get_state` and `set_state` of the environment, and who is there, which few of them keep."""

    name = "own"

    def capture(self, world: World) -> Any:
        env = world.env
        return _frozen((env.get_state(), _agents(env), world.observations))

    def restore(self, world: World, contents: Any) -> None:
        state, agents, observations = _thawed(contents)
        world.env.set_state(state)
        if agents is not None and list(world.env.agents) != agents:
            world.env.agents = agents
        world.observations = observations


class InPlace(Strategy):
    name = "in_place"

    def capture(self, world: World) -> Any:
        # Of what was seen, only what the environment itself still holds can change.
        return memento.Memento((world.env,)), world.env, world.observations

    def restore(self, world: World, contents: Any) -> None:
        kept, world.env, world.observations = contents
        kept.restore()


class Pickle(Strategy):
    name = "pickle"

    def capture(self, world: World) -> bytes:
        return pickle.dumps((world.env, world.observations), pickle.HIGHEST_PROTOCOL)

    def restore(self, world: World, contents: bytes) -> None:
        world.env, world.observations = pickle.loads(contents)


class Cloudpickle(Pickle):
    """Pickles closures and classes of the study's own file too. Needs the package."""

    name = "cloudpickle"

    def __init__(self) -> None:
        import cloudpickle

        self._dumps = cloudpickle.dumps

    def capture(self, world: World) -> bytes:
        return self._dumps((world.env, world.observations), pickle.HIGHEST_PROTOCOL)


class Deepcopy(Strategy):
    name = "deepcopy"

    def capture(self, world: World) -> Any:
        return copy.deepcopy((world.env, world.observations))

    def restore(self, world: World, contents: Any) -> None:
        # The snapshot must survive being used.
        world.env, world.observations = copy.deepcopy(contents)


GENERIC: tuple[type[Strategy], ...] = (InPlace, Pickle, Cloudpickle, Deepcopy)
NAMES = (Own.name, *(strategy.name for strategy in GENERIC))


def has_own(env: Any) -> bool:
    """Whether the outermost environment itself offers its state. What a wrapper merely passes on
    would leave out the wrapper's own."""
    kind = type(env)
    return callable(getattr(kind, "get_state", None)) and callable(getattr(kind, "set_state", None))


def digest(world: World, own: bool, more: tuple[Any, ...] = ()) -> bytes:
    """Sixteen bytes that equal states share, whatever keeps them. Of `get_state` where that is the
    state; else of all that can be reached from the environment. `more` is what belongs to it besides."""
    if own:
        state = (world.env.get_state(), _agents(world.env))
    else:
        state = (world.env, None)
    return graph.digest(*state, GlobalGenerators().parts(), *more)


def _agents(env: Any) -> list[Any] | None:
    agents = getattr(env, "agents", None)
    return list(agents) if isinstance(agents, list) else None


def _frozen(value: Any) -> Any:
    try:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except Exception:
        return _Copied(copy.deepcopy(value))


def _thawed(contents: Any) -> Any:
    if isinstance(contents, _Copied):
        return copy.deepcopy(contents.value)
    return pickle.loads(contents)


class _Copied:
    __slots__ = ("value",)

    def __init__(self, value: Any):
        self.value = value


class Trial(Protocol):
    """What `choose` needs: an episode that can be played, kept and come back to."""

    strategy: Strategy
    world: World
    frame: int
    ended: bool

    def start_trial(self) -> None:
        """Starts the same episode anew."""

    def play_trial(self, frame: int) -> bytes:
        """Plays one frame and returns what can be seen of it."""

    def save(self) -> None:
        """Keeps the current state by `strategy`."""

    def load(self, frame: int) -> None:
        """Returns to a kept state by `strategy`."""


class Choice:
    """The strategy that was taken, and how the others fared."""

    def __init__(self, strategy: Strategy, own: bool, costs: dict[str, float], refused: dict[str, str]):
        self.strategy = strategy
        #: Digests are of `get_state`.
        self.own = own
        #: Microseconds of a save and a fifth of a load, per strategy that passed.
        self.costs = costs
        #: Per strategy that did not, why.
        self.refused = refused


#: Frames before the snapshot that is tried, and after it.
_BEFORE, _AFTER = 4, 6


def choose(trial: Trial, wanted: str = "auto") -> Choice:
    """Tries the strategies; raises `GymError` of kind "state" if none passes. `wanted` names one, so
    that only it is tried."""
    if wanted != "auto" and wanted not in NAMES:
        raise GymError("setup", f"snapshot = {wanted!r} is unknown; possible are auto, {', '.join(NAMES)}")
    costs: dict[str, float] = {}
    refused: dict[str, str] = {}
    passed: list[tuple[float, Strategy]] = []
    if wanted in ("auto", Own.name):
        trial.start_trial()
        if has_own(trial.world.env):
            cost = _try(Own(), trial, True, refused)
            if cost is not None:
                costs[Own.name] = cost
                return Choice(Own(), True, costs, refused)
        elif wanted == Own.name:
            refused[Own.name] = "the environment has no get_state and set_state"
    for kind in GENERIC:
        if wanted not in ("auto", kind.name):
            continue
        try:
            strategy = kind()
        except ImportError as error:
            refused[kind.name] = str(error)
            continue
        cost = _try(strategy, trial, False, refused)
        if cost is not None:
            costs[kind.name] = cost
            passed.append((cost, strategy))
    if not passed:
        raise GymError("state", _no_way(refused))
    return Choice(min(passed, key=lambda entry: entry[0])[1], False, costs, refused)


_OTHER_STATE = "what comes back is not the state that was kept"
_OTHER_FRAMES = "after coming back, the same inputs give other frames"


def _no_way(refused: dict[str, str]) -> str:
    if set(refused.values()) == {_OTHER_FRAMES}:
        return (
            "after going back to a state that was kept, the same inputs give other frames, in whatever way it is kept. "
            "Something that matters is kept outside of the environment object: in its module, in its class, in a file "
            "or a clock. Keep it in the environment, and set it in reset"
        )
    by_reason: dict[str, list[str]] = {}
    for name, why in refused.items():
        by_reason.setdefault(why, []).append(name)
    reasons = "; ".join(f"{', '.join(names)}: {why}" for why, names in by_reason.items())
    return (
        f"the environment's state can be kept in no way, so it cannot be played with a network between the players "
        f"({reasons}). Give it get_state() and set_state(state)"
    )


def _try(strategy: Strategy, trial: Trial, own: bool, refused: dict[str, str]) -> float | None:
    """Cost in microseconds, or `None` and the reason in `refused`."""
    trial.start_trial()
    trial.strategy = strategy
    came_back = False
    try:
        for frame in range(_BEFORE):
            trial.play_trial(frame)
        if trial.ended:
            # An episode so short is tried from its first frame.
            trial.start_trial()
        at = trial.frame
        start = time.perf_counter()
        trial.save()
        saving = time.perf_counter() - start
        kept = digest(trial.world, own)
        runs = []
        loading = float("inf")
        for _ in range(3):
            seen = [trial.play_trial(at + frame) for frame in range(_AFTER)]
            runs.append((seen, digest(trial.world, own)))
            start = time.perf_counter()
            trial.load(at)
            came_back = True
            loading = min(loading, time.perf_counter() - start)
            if digest(trial.world, own) != kept:
                refused[strategy.name] = _OTHER_STATE
                return None
        if any(run != runs[0] for run in runs):
            refused[strategy.name] = _OTHER_FRAMES
            return None
        for _ in range(4):
            start = time.perf_counter()
            trial.save()
            saving = min(saving, time.perf_counter() - start)
    except GymError as error:
        if error.kind in ("environment", "setup") and not came_back and strategy.name != Own.name:
            raise
        refused[strategy.name] = error.message
        return None
    except parts.Opaque as error:
        refused[strategy.name] = graph.opaque_error(error, trial.world.env).message
        return None
    except Exception as error:
        refused[strategy.name] = f"{type(error).__name__}: {error}"
        return None
    return (saving + loading / 5) * 1e6
