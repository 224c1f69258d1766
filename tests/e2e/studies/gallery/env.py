"""A row of cards that one person leafs through: each shows one thing that can be drawn."""

from draw import CARDS


class Discrete:
    def __init__(self, n):
        self.n = n

    def contains(self, action):
        return isinstance(action, int) and 0 <= action < self.n


class Gallery:
    possible_agents = ["viewer"]
    metadata = {"name": "gallery", "render_fps": 30}

    def __init__(self):
        self.agents = []

    def observation_space(self, agent):
        return Discrete(len(CARDS) + 1)

    def action_space(self, agent):
        return Discrete(2)

    def reset(self, seed=None, options=None):
        self.agents = ["viewer"]
        self.card = 0
        return {"viewer": 0}, {"viewer": {}}

    def step(self, actions):
        self.card += actions["viewer"]
        over = self.card == len(CARDS)
        if over:
            self.agents = []
        return {"viewer": self.card}, {"viewer": 0.0}, {"viewer": over}, {"viewer": False}, {"viewer": {}}
