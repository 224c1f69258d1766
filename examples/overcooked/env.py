import copy

from cogrid.cogrid_env import CoGridEnv
from cogrid.envs import registry
from cogrid.envs.overcooked.agent import OvercookedAgent


def make_env(kitchen, steps):
    """One of cogrid's kitchens for two, such as "CrampedRoom", which closes after so many steps."""
    known = registry.ENVIRONMENT_REGISTRY[f"Overcooked-{kitchen}-V0"]
    config = copy.copy(known.keywords["config"])
    config["max_steps"] = steps
    return CoGridEnv(config=config, agent_class=OvercookedAgent)
