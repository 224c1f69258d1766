"""An environment whose agents are numbered, as many packages outside PettingZoo have them."""

import numpy
from gymnasium import spaces


class Foragers:
    """The first two actions are -1 and 1; whoever reaches 3 ends it for all."""

    def __init__(self, how="listed"):
        self.how = how
        each = [spaces.Discrete(3), spaces.Discrete(2)]
        self.action_space = each if how == "plain list" else spaces.Tuple(each)
        self.observation_space = spaces.Tuple([spaces.Box(-9, 9, (1,))] * 2)

    def reset(self, seed=None, options=None):
        self.places = [0, 0]
        return self._seen(), {"seed": seed}

    def step(self, actions):
        assert type(actions) is list
        for agent, action in enumerate(actions):
            self.places[agent] += [-1, 1, 0][action]
        over = max(self.places) >= 3
        rewards = [float(place) for place in self.places]
        if self.how == "one reward":
            return self._seen(), sum(rewards), over, False, {}
        ended = [over, over] if self.how == "plain list" else over
        return self._seen(), rewards, ended, False, {"sum": sum(self.places)}

    def _seen(self):
        return tuple(numpy.array([place], dtype="float32") for place in self.places)
