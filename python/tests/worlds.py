"""Small environments of every style, as their authors might write them."""

import random

import gymnasium
import numpy
from gymnasium import spaces


class Single(gymnasium.Env):
    """One agent, a box of numbers, an observation that is one array changed in place."""

    metadata = {"render_modes": ["rgb_array"]}
    action_space = spaces.Box(-1.0, 1.0, (2,), numpy.float32)
    observation_space = spaces.Box(-100.0, 100.0, (2,), numpy.float32)

    def __init__(self, length=50, render_mode=None):
        self.length = length
        self.render_mode = render_mode
        self.place = numpy.zeros(2, dtype=numpy.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place[:] = self.np_random.random(2)
        self.steps = 0
        return self.place, {"start": True}

    def step(self, action):
        assert self.action_space.contains(action)
        self.place += action
        self.steps += 1
        info = {"nested": {"steps": self.steps, "list": [1, 2.5, None]}, "far": self.place.sum() > 3}
        return self.place, float(self.place[0]), bool(self.steps >= self.length), False, info

    def render(self):
        return numpy.full((4, 6, 3), self.steps, dtype=numpy.uint8)


class Comers:
    """PettingZoo's parallel interface: `late` comes after five frames, `first` goes after eight, and
    is not there any more; the rest is over after twelve, when nobody is left."""

    possible_agents = ["first", "second", "late"]
    metadata = {"name": "comers"}

    def __init__(self):
        self.agents = []
        self.asked = []

    def observation_space(self, agent):
        return spaces.Discrete(1000)

    def action_space(self, agent):
        return spaces.Discrete(3, start=5)

    def reset(self, seed=None, options=None):
        self.agents = ["first", "second"]
        self.time = 0
        self.random = random.Random(seed)
        return {agent: 0 for agent in self.agents}, {agent: {} for agent in self.agents}

    def step(self, actions):
        assert set(actions) == set(self.agents), (actions, self.agents)
        assert all(5 <= action < 8 for action in actions.values())
        self.asked.append(dict(actions))
        self.time += 1
        acted = list(self.agents)
        ends = {agent: agent == "first" and self.time == 8 for agent in acted}
        if self.time == 5:
            self.agents.append("late")
            acted.append("late")
            ends["late"] = False
        self.agents = [agent for agent in self.agents if not ends[agent]]
        if self.time == 12:
            self.agents = []
        rewards = {agent: float(actions.get(agent, 0)) for agent in acted}
        infos = {agent: {"roll": self.random.randrange(6)} for agent in acted}
        return {agent: self.time for agent in acted}, rewards, ends, {agent: False for agent in acted}, infos


class Dict(gymnasium.Env):
    """A dict of actions, `__all__`, agents that are numbers."""

    metadata = {"render_fps": 12.5}
    action_space = spaces.Dict({0: spaces.MultiBinary(3), 1: spaces.MultiDiscrete([3, 300])})
    observation_space = spaces.Dict({0: spaces.Discrete(9), 1: spaces.Discrete(9)})

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return {0: 0, 1: 0}, {}

    def step(self, actions):
        self.time += 1
        self.last = actions
        rewards = {agent: float(numpy.sum(action)) for agent, action in actions.items()}
        ended = {0: self.time >= 4, 1: False, "__all__": self.time >= 7}
        return {0: self.time, 1: self.time}, rewards, ended, {0: False, 1: False, "__all__": False}, {"shared": 1}


class Old(gymnasium.Env):
    """The interface before 0.26."""

    action_space = spaces.Discrete(2)
    observation_space = spaces.Discrete(2)

    def reset(self):
        return 0

    def step(self, action):
        return 0, 0.0, False, {}


class Broken(Single):
    """Raises in the third frame."""

    def step(self, action):
        if self.steps == 2:
            raise RuntimeError("the ball is gone")
        return super().step(action)


class OddInfo(Single):
    def step(self, action):
        observation, reward, terminated, truncated, _ = super().step(action)
        return observation, reward, terminated, truncated, {"referee": object()}


class Tuples(Single):
    action_space = spaces.Tuple((spaces.Discrete(2), spaces.Discrete(2)))


class Turns:
    """As much of PettingZoo's turn-based interface as one needs to know it."""

    possible_agents = agents = ["a", "b"]
    metadata = {"name": "turns", "is_parallelizable": False}

    def agent_iter(self):
        return iter(self.agents)

    def last(self):
        return None, 0.0, False, False, {}

    def reset(self, seed=None, options=None):
        pass

    def step(self, action):
        pass
