"""Counts what is pressed, and needs no package."""


class Discrete:
    def __init__(self, n):
        self.n, self.start = n, 0

    def contains(self, value):
        return 0 <= int(value) < self.n

    def sample(self):
        return 0


class Counter:
    def __init__(self):
        self.action_space, self.observation_space = Discrete(3), None

    def reset(self, seed=None, options=None):
        self.count = 0
        return self.count, {}

    def step(self, action):
        self.count += int(action)
        return self.count, float(action), self.count >= 1000, False, {}
