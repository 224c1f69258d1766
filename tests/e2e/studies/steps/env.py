"""One person climbs, by as many steps as the study says."""


class Discrete:
    def __init__(self, n):
        self.n = n

    def contains(self, action):
        return isinstance(action, int) and 0 <= action < self.n


class Stairs:
    metadata = {"render_fps": 30}

    def __init__(self, by=1):
        self.by = by
        self.action_space = Discrete(2)
        self.observation_space = Discrete(100_000)

    def reset(self, seed=None, options=None):
        self.height = 0
        return self.height, {}

    def step(self, action):
        self.height += self.by * (1 + action)
        return self.height, float(self.height), False, False, {"by": self.by}
