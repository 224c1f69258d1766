"""One episode of an environment under the platform's rules, as `igym_gym::Simulation`.

A state "at frame f" is the state before step f, so a fresh one is at frame 0. An episode ends when
nobody is left (`agents` is empty), `__all__` is set, all agents have ended, or `max_steps` frames
were played, which is a truncation marked as the platform's. Steps after the terminal one change
nothing. Only agents that are there and have not ended act; who has ended never acts again.

Two rules concern the time of people. `action_repeat = k`: what the players do in one frame is done for
k steps. `on_input`: where a decision is due and nobody pressed anything, the environment is not
stepped, and the frame brings nothing to anybody. Both count the environment's steps, as `max_steps`
does, and are part of the state.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from . import canonical, outcome, snapshots
from .adapter import Adapter, Step, World
from .errors import GymError, setup_error
from .outcome import Cell
from .spaces import MAX_INPUT_BYTES


#: For `Simulation`: no way to keep states is tried or needed.
UNCHECKED = "unchecked"

#: With `on_input`, the whole input of a player who pressed nothing, and what comes before the actions
#: of one who did.
NOTHING, PRESSED = b"\0", b"\1"


@dataclass
class Rules:
    """What the platform decides about an episode."""

    #: The platform truncates the episode after this many steps of the environment.
    max_steps: int
    #: The state is hashed after every this many frames, and after the last one; 0: only after it.
    digest_interval: int
    #: The agents of each player, by name. An agent of no player never acts.
    seats: list[list[str]] = field(default_factory=list)
    #: What an agent does for want of an input; a value, or one per agent by name.
    default_action: Any = 0
    #: For how many steps of the environment an action is held.
    action_repeat: int = 1
    #: The platform truncates the episode after this many frames, waited or not.
    max_frames: int | None = None
    #: The environment is only stepped in frames in which some player pressed something.
    on_input: bool = False


@dataclass
class Record:
    """What one step gives."""

    #: The encoded outcome.
    outcome: bytes
    #: The episode ended with this frame.
    terminal: bool
    #: Of the state after the step, where the rules ask for it.
    digest: bytes | None
    #: Per player, the actions that its agents were given; empty if the environment was not stepped.
    applied: list[bytes] | None = None


class Simulation:
    """One episode at a time, with the snapshots that a rollback needs, by frame."""

    def __init__(self, adapter: Adapter, rules: Rules, snapshot: str = "auto"):
        if rules.max_steps < 1:
            raise setup_error("an episode needs at least one frame; set max_steps to 1 or more")
        if rules.action_repeat < 1:
            raise setup_error("an action is done at least once; set action_repeat to 1 or more")
        self.adapter = adapter
        self.rules = rules
        self.seats = _seats(adapter, rules.seats)
        self.idle = [self._default(index) for index in range(len(adapter.ids))]
        for player, agents in enumerate(self.seats):
            length = sum(adapter.spaces[agent].length for agent in agents) + rules.on_input
            if length > MAX_INPUT_BYTES:
                raise setup_error(f"the actions of player {player} take {length} bytes, the limit is {MAX_INPUT_BYTES}")
        #: Per player, what its agents do for want of an input, as bytes.
        self.defaults = [b"".join(adapter.spaces[one].pack(self.idle[one]) for one in seat) for seat in self.seats]
        self._paced = rules.on_input or rules.action_repeat > 1
        self._names = [outcome.name(agent) for agent in adapter.agents]
        nobody = [(name, outcome.EMPTY) for name in self._names]
        self._nothing = outcome.encode(nobody, len(nobody), True)
        self._waited = outcome.encode(nobody, len(nobody), False)
        #: Per player, the actions that were asked for before, by their bytes.
        self._decoded: list[dict[bytes, list[Any] | None]] = [{} for _ in self.seats]
        self._kept: dict[int, tuple] = {}
        self.frame = 0
        #: Of the environment; as many as frames unless it waits for input.
        self.steps = 0
        #: Per player, the actions that are held.
        self.held: list[bytes] = self.defaults
        self.ended = False
        self.live: list[bool] = []
        self._gone: list[bool] = []
        self.returns: list[float] = []
        self.rewards: list[float | None] = []
        #: Of the reset, per agent.
        self.infos: list[Any] = []
        #: Of the last step.
        self.cells: list[Cell] = []
        self.world: World = World(None, {})
        self.strategy: snapshots.Strategy = snapshots.InPlace()
        self.choice = snapshots.Choice(self.strategy, False, {}, {})
        if snapshot == UNCHECKED:
            own = snapshots.has_own(self.adapter.reset(0)[0].env)
            self.choice = snapshots.Choice(self.strategy, own, {}, {})
        else:
            self.choice = snapshots.choose(self, snapshot)
        self.strategy = self.choice.strategy
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Starts an episode with a new environment; drops all snapshots."""
        self._kept.clear()
        self.world, there, self.infos = self.adapter.reset(seed)
        count = len(self.adapter.ids)
        self.frame = self.steps = 0
        self.held = self.defaults
        self.live = list(there)
        self._gone = [False] * count
        self.returns = [0.0] * count
        self.rewards = [None] * count
        self.ended = not any(there)

    def step(self, inputs: list[bytes]) -> Record:
        """One frame, with one input per player. An input that is not exactly one action for each of
        the player's agents counts as the default action, and so does one that is missing."""
        if self.ended:
            return Record(self._nothing, True, None)
        if self._paced:
            inputs = self._decided(inputs)
            if inputs is None:
                return self._wait()
        step = self.adapter.step(self.world, self.actions(inputs))
        self.frame += 1
        self.steps += 1
        cells = self.cells = self._apply(step)
        terminal = self.ended
        try:
            encoded = outcome.encode(zip(self._names, cells), len(cells), terminal)
        except canonical.Unencodable as error:
            raise self._info_error(cells, error) from None
        interval = self.rules.digest_interval
        due = terminal or (interval != 0 and self.frame % interval == 0)
        return Record(encoded, terminal, self.digest() if due else None, inputs)

    def applied(self, record: Record) -> list[bytes]:
        """Per player, the actions that its agents were given in the step of a record; none in a frame
        in which the environment was not stepped."""
        if record.applied is None:
            return [b""] * len(self.seats)
        given = self._each(record.applied)
        return [self._valid(player, data) or self.defaults[player] for player, data in enumerate(given)]

    def input(self, actions: bytes) -> bytes:
        """The input of a player whose agents do `actions`."""
        return PRESSED + actions if self.rules.on_input else actions

    def _decided(self, inputs: list[bytes]) -> list[bytes] | None:
        """Per player, the actions of this step; `None` if the environment waits."""
        if self.steps % self.rules.action_repeat:
            return self.held
        given = self._each(inputs)
        if self.rules.on_input:
            given = [data[1:] if data[:1] == PRESSED else None for data in given]
        chosen = [None if data is None else self._valid(player, data) for player, data in enumerate(given)]
        if self.rules.on_input and all(data is None for data in chosen):
            return None
        self.held = [self.defaults[player] if data is None else data for player, data in enumerate(chosen)]
        return self.held

    def _each(self, inputs: list[bytes]) -> list[bytes]:
        return [inputs[player] if player < len(inputs) else b"" for player in range(len(self.seats))]

    def _valid(self, player: int, data: bytes) -> bytes | None:
        return None if self._decode(player, data) is None else data

    def _wait(self) -> Record:
        """A frame in which nothing happens."""
        self.frame += 1
        self.cells = [outcome.EMPTY] * len(self._names)
        if self._out_of_frames():
            # Who is there is stopped; nothing else happened.
            stopped = Cell(None, None, True, True)
            self.cells = [stopped if live else outcome.EMPTY for live in self.live]
            self.ended = True
            self.live = [False] * len(self.live)
            encoded = outcome.encode(zip(self._names, self.cells), len(self.cells), True)
            return Record(encoded, True, self.digest())
        interval = self.rules.digest_interval
        due = interval != 0 and self.frame % interval == 0
        return Record(self._waited, False, self.digest() if due else None)

    def _out_of_frames(self) -> bool:
        return self.rules.max_frames is not None and self.frame >= self.rules.max_frames

    def actions(self, inputs: list[bytes]) -> dict[Any, Any]:
        """What each agent that acts does in the next frame if these are the inputs."""
        actions = {}
        ids = self.adapter.ids
        live = self.live
        for player, agents in enumerate(self.seats):
            chosen = self._decode(player, inputs[player] if player < len(inputs) else b"")
            for place, agent in enumerate(agents):
                if live[agent]:
                    action = self.idle[agent] if chosen is None else chosen[place]
                    actions[ids[agent]] = action if type(action) is int else copy.deepcopy(action)
        return actions

    def digest(self) -> bytes:
        """Sixteen bytes that equal states share."""
        pace = (self.steps, *self.held) if self._paced else ()
        return snapshots.digest(self.world, self.choice.own, pace)

    def save(self) -> None:
        """Keeps the current state, in place of one kept before."""
        self._kept[self.frame] = (
            self.strategy.save(self.world),
            self.live[:], self._gone[:], self.returns[:], self.rewards[:], self.ended, self.steps, self.held,
        )  # fmt: skip

    def load(self, frame: int) -> None:
        """Returns to a kept state. Those of later frames are dropped: they are of another past now."""
        kept = self._kept.get(frame)
        if kept is None:
            raise GymError("protocol", f"no snapshot of frame {frame} is kept")
        snapshot, live, gone, returns, rewards, ended, self.steps, self.held = kept
        self.strategy.load(self.world, snapshot)
        self.live, self._gone, self.returns = list(live), list(gone), list(returns)
        self.rewards, self.ended, self.frame = list(rewards), ended, frame
        for later in [known for known in self._kept if known > frame]:
            del self._kept[later]

    def forget_before(self, frame: int) -> None:
        """Drops the snapshots of frames before `frame`."""
        for known in [known for known in self._kept if known < frame]:
            del self._kept[known]

    def kept(self) -> list[int]:
        """The frames of which snapshots are kept."""
        return sorted(self._kept)

    def observations(self) -> dict[str, Any]:
        """What each agent sees now, by name; those that are not there see nothing."""
        seen = self.world.observations
        return {
            text: seen[agent]
            for agent, text in zip(self.adapter.ids, self.adapter.agents, strict=True)
            if agent in seen
        }

    def encoded_observations(self) -> bytes:
        """The canonical map of `observations`."""
        try:
            return canonical.encode(self.observations())
        except canonical.Unencodable as error:
            raise GymError(
                "value",
                f"{self.adapter.name}: an observation holds {error}, which cannot be recorded; it can hold "
                f"numbers, texts, arrays, and lists and dicts of those",
            ) from None

    def _apply(self, step: Step) -> list[Cell]:
        cells = []
        present, live, gone = step.agents, self.live, self._gone
        for agent, cell in enumerate(step.cells):
            there = present is None or present[agent]
            if gone[agent]:
                cells.append(outcome.EMPTY)
                continue
            if cell is None or not (there or live[agent]):
                cell = outcome.EMPTY
            reward = self.rewards[agent] = cell.reward
            if reward:
                self.returns[agent] += reward
            if cell.terminated or cell.truncated:
                gone[agent] = True
                there = False
            live[agent] = there
            cells.append(cell)
        over = step.all_ended or True not in live
        if not over and (self.steps >= self.rules.max_steps or self._out_of_frames()):
            over = True
            for agent, live in enumerate(self.live):
                if live:
                    cell = cells[agent]
                    cells[agent] = Cell(cell.reward, cell.terminated, True, True, cell.info)
        if over:
            self.ended = True
            self.live = [False] * len(self.live)
        return cells

    def _decode(self, player: int, data: bytes) -> list[Any] | None:
        known = self._decoded[player]
        if data in known:
            return known[data]
        chosen: list[Any] | None = []
        at = 0
        for agent in self.seats[player]:
            space = self.adapter.spaces[agent]
            action = space.decode(data[at : at + space.length])
            if action is None:
                chosen = None
                break
            chosen.append(action)
            at += space.length
        if at != len(data):
            chosen = None
        if len(known) > 2048:
            known.clear()
        known[data] = chosen
        return chosen

    def _default(self, agent: int) -> Any:
        """An agent's action when nobody says: the study's default where it is one of the space's,
        else zeros. As on the native side, a wrong number for a discrete space is an error."""
        space = self.adapter.spaces[agent]
        name = self.adapter.agents[agent]
        value = self.rules.default_action
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif space.describe()["kind"] != "discrete" and isinstance(value, int):
            return space.zero()
        if value is None:
            return space.zero()
        try:
            return space.decode(space.encode(value))
        except (ValueError, TypeError) as error:
            raise setup_error(
                f"{value!r} is not an action of agent {name!r}; choose another default action ({error})"
            ) from None

    def _info_error(self, cells: list[Cell], error: canonical.Unencodable) -> GymError:
        for name, cell in zip(self.adapter.agents, cells, strict=True):
            for key, value in cell.info.items():
                try:
                    canonical.encode({key: value})
                except canonical.Unencodable as found:
                    return GymError(
                        "value",
                        f"{self.adapter.name}: the info {key!r} of agent {name!r} holds {found.what}, which "
                        f"cannot be recorded. Make it a number, a text, an array, a list or a dict, or leave "
                        f"it out with omit_infos = [{str(key)!r}]",
                    )
        return GymError("value", f"{self.adapter.name}: {error}")

    def start_trial(self) -> None:
        self.reset(0)

    def play_trial(self, frame: int) -> bytes:
        """Everybody acts, each its own way."""
        inputs = []
        for agents in self.seats:
            data = b""
            for agent in agents:
                space = self.adapter.spaces[agent]
                guess = bytes((frame * 7 + agent * 3 + place) % 5 for place in range(space.length))
                known = space.decode(guess) is not None
                data += guess if known else space.pack(self.idle[agent])
            inputs.append(self.input(data))
        record = self.step(inputs)
        seen = self._nothing if record.terminal else canonical_or_type(self.observations())
        return record.outcome + seen


def canonical_or_type(value: Any) -> bytes:
    """For comparison within one process: the canonical bytes, if there are any."""
    try:
        return canonical.encode(value)
    except canonical.Unencodable as error:
        return error.what.encode()


def _seats(adapter: Adapter, seats: list[list[str]]) -> list[list[int]]:
    taken: set[str] = set()
    found = []
    for agents in seats:
        row = []
        for agent in map(str, agents):
            if agent not in adapter.agents:
                raise setup_error(f"{adapter.name} has no agent {agent!r}; it has {', '.join(adapter.agents)}")
            if agent in taken:
                raise setup_error(f"agent {agent!r} sits in two seats; give it to one player")
            taken.add(agent)
            row.append(adapter.agents.index(agent))
        found.append(row)
    return found
