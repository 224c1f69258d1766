"""Two players pull at a rope: an environment in plain Python, which needs no packages.

`js` is what a page gives to Python: by it a test makes one page's environment differ, or break.
"""

import random

try:
    import js
except ImportError:
    js = None


class Discrete:
    def __init__(self, n):
        self.n = n

    def contains(self, action):
        return isinstance(action, int) and 0 <= action < self.n


PULL = {"left": -1, "right": 1}


class Tug:
    possible_agents = list(PULL)
    metadata = {"name": "tug", "render_fps": 30}

    def __init__(self):
        self.agents = []

    def observation_space(self, agent):
        return Discrete(2001)

    def action_space(self, agent):
        return Discrete(3)

    def reset(self, seed=None, options=None):
        self.agents = list(self.possible_agents)
        self.random = random.Random(seed)
        self.time = 0
        self.place = 0
        return self.observations(), {agent: {} for agent in self.agents}

    def step(self, actions):
        self.time += 1
        if self.time == asked("igymBreakAt"):
            raise RuntimeError("the rope broke")
        self.place += sum(PULL[agent] * action for agent, action in actions.items())
        self.place += self.random.choice((-1, 0, 1))
        if self.time == asked("igymSlipAt"):
            self.place += 1
        rewards = {agent: float(self.place * PULL[agent] > 0) for agent in actions}
        nothing = {agent: False for agent in actions}
        return self.observations(), rewards, nothing, nothing, {agent: {"time": self.time} for agent in actions}

    def observations(self):
        return {agent: self.place + 1000 for agent in self.agents}


def asked(name):
    """What a test wrote into this page, if it did."""
    return getattr(js, name, None)
