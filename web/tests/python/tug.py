"""Two players pull at a rope: an environment for tests, in plain Python."""

import random

import ropes


class Discrete:
    def __init__(self, n):
        self.n = n

    def contains(self, action):
        return isinstance(action, int) and 0 <= action < self.n


class Tug:
    possible_agents = ["left", "right"]
    metadata = {"name": "tug", "surface_size": [200, 100]}

    def __init__(self, breaks_at=None):
        self.breaks_at = breaks_at
        self.agents = []

    def observation_space(self, agent):
        return Discrete(200)

    def action_space(self, agent):
        return Discrete(3)

    def reset(self, seed=None, options=None):
        self.agents = list(self.possible_agents)
        self.time = 0
        self.place = 0
        self.random = random.Random(seed)
        return self.observations(), {agent: {} for agent in self.agents}

    def step(self, actions):
        self.time += 1
        if self.time == self.breaks_at:
            ropes.snap()
        pull = {"left": -1, "right": 1}
        for agent, action in actions.items():
            self.place += pull[agent] * action
        self.place += self.random.choice((-1, 0, 1))
        over = abs(self.place) >= ropes.STRENGTH
        agents = self.agents
        if over:
            self.agents = []
        rewards = {agent: float(over and self.place * pull[agent] > 0) for agent in agents}
        ends = {agent: over for agent in agents}
        return self.observations(), rewards, ends, {agent: False for agent in agents}, {agent: {} for agent in agents}

    def observations(self):
        return {agent: self.place for agent in self.possible_agents}

    def render(self, surface, agent_id):
        surface.line([(10, 50), (190, 50)], color="brown", width=3, id="rope")
        surface.circle(100 + self.place, 50, 6, color="red", id="knot")
        surface.hud(f"{self.place} for {agent_id}")
