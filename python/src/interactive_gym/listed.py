"""Environments whose agents are numbered: a list of action spaces, and lists of what each step brings.

Many packages outside PettingZoo have several agents so: `action_space` is a `Tuple` or a list, `step`
takes a list of actions and returns lists of observations and rewards, and often one truth value for
whether all have ended. Here the agents are called "0", "1", and so on, and everything is by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import setup_error

ALL = "__all__"


def is_listed(env: Any) -> bool:
    """Whether an environment has an action space and an observation space for each of several agents, by
    number."""
    actions, observations = (_listed(getattr(env, name, None)) for name in ("action_space", "observation_space"))
    return actions is not None and observations is not None and len(actions) == len(observations)


def _listed(space: Any) -> list[Any] | None:
    inner = space if isinstance(space, (list, tuple)) else None
    if any(kind.__name__ == "Tuple" for kind in type(space).__mro__):
        inner = getattr(space, "spaces", None)
    return list(inner) if inner else None


class _ByAgent:
    """Spaces by agent, as a `Dict` has them."""

    def __init__(self, spaces: dict[str, Any]):
        self.spaces = spaces


class ByNumber:
    """The same environment with its agents' numbers as names."""

    def __init__(self, env: Any, name: str):
        self.env = env
        self.igym_name = name
        self.agent_ids = [str(number) for number in range(len(_listed(env.action_space) or ()))]

    @property
    def action_space(self) -> _ByAgent:
        return _ByAgent(dict(zip(self.agent_ids, _listed(self.env.action_space), strict=True)))

    @property
    def observation_space(self) -> _ByAgent:
        return _ByAgent(dict.fromkeys(self.agent_ids))

    @property
    def unwrapped(self) -> Any:
        return getattr(self.env, "unwrapped", self.env)

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__") or attribute == "env":
            raise AttributeError(attribute)
        return getattr(self.env, attribute)

    def reset(self, **options: Any) -> Any:
        result = self.env.reset(**options)
        if not isinstance(result, tuple) or len(result) != 2:
            return result
        observations, infos = result
        return self._named("observations", observations), self._infos(infos)

    def step(self, actions: Mapping[str, Any]) -> Any:
        result = self.env.step([actions[agent] for agent in self.agent_ids])
        if not isinstance(result, tuple) or len(result) != 5:
            return result
        observations, rewards, terminated, truncated, infos = result
        return (
            self._named("observations", observations),
            self._named("rewards", rewards),
            self._ends("terminated", terminated),
            self._ends("truncated", truncated),
            self._infos(infos),
        )

    def _named(self, what: str, values: Any) -> Mapping[str, Any]:
        try:
            return dict(zip(self.agent_ids, values, strict=True))
        except (TypeError, ValueError):
            raise setup_error(
                f"{self.igym_name}: its action space is one for each of {len(self.agent_ids)} agents, but its {what} "
                f"are a {type(values).__name__}, not a list with one for each. Wrap it, with action_space and "
                f"observation_space a Dict by agent, or with one action space that is no Tuple"
            ) from None

    def _ends(self, what: str, value: Any) -> Mapping[str, Any]:
        return self._named(what, value) if hasattr(value, "__len__") else {ALL: bool(value)}

    def _infos(self, infos: Any) -> Any:
        return self._named("infos", infos) if isinstance(infos, (list, tuple)) else infos
