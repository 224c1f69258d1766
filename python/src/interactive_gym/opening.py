"""From a configuration to a simulation and its painter: what the runtime plays and the doctor examines."""

from __future__ import annotations

from typing import Any

from . import loader
from .adapter import Adapter
from .errors import setup_error
from .picture import Painter
from .simulation import Rules, Simulation

#: When the environment is stepped: in every frame, or when somebody pressed something.
STEPS = ("clock", ON_INPUT := "on_input")


def simulation_of(configuration: dict[str, Any], digest_interval: int, snapshot: Any) -> Simulation:
    """The environment that a configuration names, under the platform's rules."""
    spec = configuration.get("environment") or {}
    adapter = Adapter(
        loader.factory(spec, base_of(configuration)),
        loader.describe(spec),
        configuration.get("style", "auto"),
        tuple(configuration.get("omit_infos", ())),
    )
    seats = configuration.get("seats")
    step = configuration.get("step", STEPS[0])
    if step not in STEPS:
        raise setup_error(f"step = {step!r} is unknown; possible are {', '.join(STEPS)}")
    rules = Rules(
        max_steps=int(configuration.get("max_steps", 10_000)),
        max_frames=None if configuration.get("max_frames") is None else int(configuration["max_frames"]),
        digest_interval=digest_interval,
        seats=[[agent] for agent in adapter.agents] if seats is None else seats,
        default_action=configuration.get("default_action", 0),
        action_repeat=int(configuration.get("action_repeat", 1)),
        on_input=step == ON_INPUT,
    )
    return Simulation(adapter, rules, snapshot)


def painter_of(configuration: dict[str, Any], simulation: Simulation) -> Painter:
    """What draws the simulation, as the configuration says."""
    size = configuration.get("size")
    return Painter(simulation, configuration.get("draw"), tuple(size) if size else None, base_of(configuration))


def base_of(configuration: dict[str, Any]) -> str:
    """The folder that the configuration's files are in."""
    return configuration.get("base", ".")
