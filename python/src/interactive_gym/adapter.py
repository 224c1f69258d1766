"""One interface to environments as their authors wrote them.

Three styles: Gymnasium (0.26 or newer) with one agent, Gymnasium with a dict of actions (or, see
`listed`, a list), and PettingZoo's parallel environments. Turn-based PettingZoo environments go through PettingZoo's own
conversion, or are refused by name. Nothing here is inherited from: methods and their results decide.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import Any

from . import outcome, seeding, spaces
from .errors import GymError, from_exception, setup_error
from .listed import ByNumber, is_listed
from .loader import Factory
from .outcome import Cell

#: The name of the agent of an environment that has one.
ONLY_AGENT = "agent"
ALL = "__all__"
STYLES = ("single", "dict", "parallel")


class World:
    """All that changes in an episode: what a snapshot covers."""

    __slots__ = ("env", "observations")

    def __init__(self, env: Any, observations: dict[Any, Any]):
        self.env = env
        #: What each agent that is there saw last, by agent id.
        self.observations = observations


class Step:
    """What the environment said about one frame."""

    __slots__ = ("agents", "all_ended", "cells")

    def __init__(self, cells: list[Cell | None], agents: list[bool] | None, all_ended: bool):
        #: Per agent; `None` if the environment did not mention it.
        self.cells = cells
        #: Per agent, whether it is there now; `None` if the environment does not say.
        self.agents = agents
        #: `__all__` was set.
        self.all_ended = all_ended


class Adapter:
    """An environment, whatever its style. Makes a new one for each episode."""

    def __init__(
        self,
        make: Factory,
        name: str,
        style: str = "auto",
        omit_infos: tuple[str, ...] = (),
    ):
        self.name = name
        self.notes: list[str] = []
        self._make = make
        self._style = style
        self._omit_infos = frozenset(omit_infos)
        if style != "auto" and style not in STYLES:
            raise setup_error(f"style = {style!r} is unknown; possible are auto, {', '.join(STYLES)}")
        env = self._new(0)
        self.style = style if style != "auto" else guess_style(env)
        #: The environment's own names, in a fixed order.
        self.ids: list[Any] = agent_ids(env, self.style, name)
        #: The same as texts, as the study and the data know them.
        self.agents = [str(agent) for agent in self.ids]
        if len(set(self.agents)) != len(self.agents):
            raise setup_error(f"{name} has two agents with one name: {', '.join(self.agents)}")
        self._index = {agent: index for index, agent in enumerate(self.ids)}
        self.spaces = [
            spaces.wrap(action_space(env, self.style, agent), text)
            for agent, text in zip(self.ids, self.agents, strict=True)
        ]
        self.metadata = dict(getattr(env, "metadata", None) or {})
        self._seedable = _takes(env.reset, "seed")
        if not self._seedable:
            self.notes.append(f"{name}: reset takes no seed; only random, numpy.random and np_random are seeded")
        close(env)

    def reset(self, seed: int) -> tuple[World, list[bool], list[dict[str, Any]]]:
        """A new environment at the start of an episode, who is there, and the infos."""
        env = self._new(seed)
        seeding.seed_globals(seed)
        seeding.seed_np_random(env, seed)
        try:
            result = env.reset(seed=seed) if self._seedable else env.reset()
        except Exception as error:
            raise from_exception(f"{self.name}: reset", error) from error
        if not isinstance(result, tuple) or len(result) != 2:
            raise setup_error(
                f"{self.name}: reset returned {_shape(result)}, not (observation, info): this is an old "
                f"interface; use Gymnasium 0.26 or newer"
            )
        observation, infos = result
        world = World(env, self._observations(observation))
        there = self._there(env)
        return world, there or [True] * len(self.ids), [self._info(infos, agent) for agent in self.ids]

    def step(self, world: World, actions: dict[Any, Any]) -> Step:
        """One frame; `actions` has those who act, by their ids."""
        try:
            if self.style == "single":
                result = world.env.step(actions[self.ids[0]])
            else:
                result = world.env.step(actions)
        except Exception as error:
            raise from_exception(f"{self.name}: step", error) from error
        if not isinstance(result, tuple) or len(result) != 5:
            raise setup_error(
                f"{self.name}: step returned {_shape(result)}, not (observation, reward, terminated, "
                f"truncated, info): this is an old interface; use Gymnasium 0.26 or newer"
            )
        observation, rewards, terminated, truncated, infos = result
        world.observations = self._observations(observation)
        if self.style == "single":
            cell = self._cell(self.ids[0], rewards, terminated, truncated, self._kept(infos))
            return Step([cell], None, False)
        for what, value in (("rewards", rewards), ("terminated", terminated), ("truncated", truncated)):
            if type(value) is not dict and not isinstance(value, Mapping):
                raise setup_error(
                    f"{self.name}: step returned {what} of type {type(value).__name__}, not a dict by "
                    f'agent; set style = "single" if it has one agent'
                )
        return self._many(world, rewards, terminated, truncated, infos)

    def space_of(self, agent: str) -> spaces.ActionSpace:
        return self.spaces[self.agents.index(agent)]

    def _many(self, world: World, rewards, terminated, truncated, infos) -> Step:
        for agent in rewards:
            if agent not in self._index and agent != ALL:
                raise setup_error(
                    f"{self.name}: step returned a reward for agent {agent!r}, which is not among "
                    f"{', '.join(self.agents)}"
                )
        everyone_terminated = bool(terminated.get(ALL, False))
        everyone_truncated = bool(truncated.get(ALL, False))
        cells: list[Cell | None] = []
        for agent in self.ids:
            known = agent in rewards or agent in terminated or agent in truncated
            if not known and not (everyone_terminated or everyone_truncated):
                cells.append(None)
                continue
            cells.append(
                self._cell(
                    agent,
                    rewards.get(agent),
                    everyone_terminated or terminated.get(agent),
                    everyone_truncated or truncated.get(agent),
                    self._info(infos, agent) if infos else outcome.NO_INFO,
                )
            )
        return Step(cells, self._there(world.env), everyone_terminated or everyone_truncated)

    def _cell(self, agent, reward, terminated, truncated, info) -> Cell:
        try:
            return Cell(
                None if reward is None else float(reward),
                None if terminated is None else bool(terminated),
                None if truncated is None else bool(truncated),
                False,
                info,
            )
        except (TypeError, ValueError):
            raise GymError(
                "value",
                f"{self.name}: step returned the reward {reward!r} for agent {agent!r}; it must be a number",
            ) from None

    def _kept(self, info: Any) -> Mapping[str, Any]:
        if not info:
            return outcome.NO_INFO
        if type(info) is not dict and not isinstance(info, Mapping):
            return {"info": info}
        if self._omit_infos:
            return {key: value for key, value in info.items() if key not in self._omit_infos}
        return info

    def _info(self, infos: Any, agent: Any) -> Mapping[str, Any]:
        """An agent's part of the infos. What stands beside the agents is kept with the first one."""
        if self.style == "single":
            return self._kept(infos)
        if not infos or not isinstance(infos, Mapping):
            return outcome.NO_INFO
        own = self._kept(infos.get(agent))
        if agent == self.ids[0]:
            common = {key: value for key, value in infos.items() if key not in self._index}
            if common:
                return {**self._kept(common), **own}
        return own

    def _observations(self, observation: Any) -> dict[Any, Any]:
        if self.style == "single":
            return {self.ids[0]: observation}
        if type(observation) is not dict and not isinstance(observation, Mapping):
            raise setup_error(
                f"{self.name}: the observations are of type {type(observation).__name__}, not a dict by "
                f'agent; set style = "single" if it has one agent'
            )
        return {agent: observation[agent] for agent in self.ids if agent in observation}

    def _there(self, env: Any) -> list[bool] | None:
        if self.style != "parallel":
            return None
        present = env.agents
        for agent in present:
            if agent not in self._index:
                raise setup_error(
                    f"{self.name}: agent {agent!r} came, which is not in possible_agents ({', '.join(self.agents)})"
                )
        return [agent in present for agent in self.ids]

    def _new(self, seed: int) -> Any:
        seeding.seed_globals(seed)
        env = self._make()
        if is_turn_based(env):
            env = to_parallel(env, self.name)
        elif self._style != "single" and is_listed(env):
            env = ByNumber(env, self.name)
        return env


def guess_style(env: Any) -> str:
    """How an environment that does not say is played."""
    # Some say who is there only once they are reset.
    if hasattr(env, "possible_agents") and (hasattr(env, "agents") or _is_method(getattr(env, "action_space", None))):
        return "parallel"
    names = _own_agent_ids(env)
    actions = getattr(env, "action_space", None)
    observations = getattr(env, "observation_space", None)
    keys = getattr(actions, "spaces", None)
    if isinstance(keys, Mapping):
        if names and set(names) == set(keys):
            return "dict"
        seen = getattr(observations, "spaces", None)
        if isinstance(seen, Mapping) and set(seen) == set(keys):
            return "dict"
    return "single"


def agent_ids(env: Any, style: str, name: str) -> list[Any]:
    if style == "single":
        return [ONLY_AGENT]
    if style == "parallel":
        ids = list(getattr(env, "possible_agents", None) or getattr(env, "agents", ()))
    else:
        keys = getattr(getattr(env, "action_space", None), "spaces", None)
        ids = sorted(keys if isinstance(keys, Mapping) else _own_agent_ids(env) or (), key=_order)
    if not ids:
        raise setup_error(f"{name} says of no agent that it may ever be there: it needs possible_agents")
    return ids


def action_space(env: Any, style: str, agent: Any) -> Any:
    own = getattr(env, "action_space", None)
    if style == "single":
        return own
    if _is_method(own):
        with warnings.catch_warnings():
            # PettingZoo warns of environments that keep their spaces in a dict.
            warnings.simplefilter("ignore")
            return own(agent)
    spaces_by_agent = getattr(own, "spaces", None) or getattr(env, "action_spaces", None)
    if isinstance(spaces_by_agent, Mapping) and agent in spaces_by_agent:
        return spaces_by_agent[agent]
    raise setup_error(f"there is no action space for agent {agent!r}")


def _is_method(space: Any) -> bool:
    return callable(space) and not hasattr(space, "contains")


def is_turn_based(env: Any) -> bool:
    return hasattr(env, "agent_selection") or (hasattr(env, "agent_iter") and hasattr(env, "last"))


def to_parallel(env: Any, name: str) -> Any:
    """PettingZoo's conversion, if the environment says that it may be used."""
    metadata = getattr(env, "metadata", None) or {}
    if not metadata.get("is_parallelizable", False):
        raise setup_error(
            f"{name} is turn-based (PettingZoo AEC) and does not say is_parallelizable in its metadata, so "
            f"its agents cannot act in one frame. Offer a parallel version of it"
        )
    try:
        from pettingzoo.utils.conversions import aec_to_parallel
    except ImportError as error:
        raise setup_error(f"{name} is turn-based; converting it needs the package pettingzoo ({error})") from None
    try:
        return aec_to_parallel(env)
    except Exception as error:
        raise from_exception(f"converting {name} to a parallel environment", error) from error


def close(env: Any) -> None:
    """Lets go of an environment; what its close does wrong is of no account any more."""
    try:
        if callable(getattr(env, "close", None)):
            env.close()
    except Exception:
        pass


def _own_agent_ids(env: Any) -> list[Any] | None:
    for attribute in ("possible_agents", "agents", "agent_ids", "_agent_ids"):
        found = getattr(env, attribute, None)
        if isinstance(found, (list, tuple, set, frozenset)) and found:
            return sorted(found, key=_order)
    return None


def _order(agent: Any) -> tuple[str, Any]:
    return (type(agent).__name__, agent)


def _takes(method: Any, parameter: str) -> bool:
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(one.name == parameter or one.kind is one.VAR_KEYWORD for one in parameters)


def _shape(result: Any) -> str:
    if isinstance(result, tuple):
        return f"{len(result)} values"
    return f"a {type(result).__name__}"
