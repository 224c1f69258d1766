"""Environments whose states are hard to keep, each for its own reason."""

import collections
import functools
import itertools
import random
import weakref

import numpy
from gymnasium.utils import EzPickle
from worlds import Single


class Views(Single):
    """Two arrays that are one memory; a copy would tear them apart."""

    def reset(self, *, seed=None, options=None):
        result = super().reset(seed=seed)
        self.board = numpy.zeros((3, 3), dtype=numpy.float64)
        self.row = self.board[1]
        return result

    def step(self, action):
        self.row += self.steps
        observation, reward, *rest = super().step(action)
        return observation, reward + self.board.sum().item(), *rest


class Closure(Single):
    """State in a closure, which deepcopy and pickle do not see."""

    def reset(self, *, seed=None, options=None):
        count = 0

        def count_up():
            nonlocal count
            count += 1
            return count

        self.count_up = count_up
        return super().reset(seed=seed)

    def step(self, action):
        observation, _, *rest = super().step(action)
        return observation, float(self.count_up()), *rest


class OnlyArguments(Single, EzPickle):
    """Pickles nothing but the arguments it was made with, as many of Gymnasium's do."""

    def __init__(self):
        EzPickle.__init__(self)
        super().__init__()


class Linked(Single):
    """Cycles, shared parts, slots, weak references, and every generator."""

    class Node:
        __slots__ = ("next", "value", "__weakref__")

    def reset(self, *, seed=None, options=None):
        result = super().reset(seed=seed)
        self.first, self.second = self.Node(), self.Node()
        self.first.next, self.second.next = self.second, self.first
        self.first.value = self.second.value = []
        self.back = weakref.ref(self.first)
        self.recent = collections.deque(maxlen=3)
        self.counts = collections.Counter()
        self.ordered = collections.OrderedDict(a=1)
        self.names = {"x", "y"}
        self.own = random.Random(seed)
        self.legacy = numpy.random.RandomState(seed)
        self.objects = numpy.array([[1], None], dtype=object)
        return result

    def step(self, action):
        self.first.value.append(self.own.random())
        self.first, self.second = self.second, self.first
        self.recent.append(self.legacy.normal())
        self.counts[self.steps % 3] += 1
        self.ordered.move_to_end("a")
        self.ordered[f"k{self.steps % 4}"] = self.steps
        self.names ^= {f"n{self.steps % 5}"}
        self.objects[0].append(random.random() + numpy.random.normal())
        observation, _, *rest = super().step(action)
        seen = [
            sum(self.back().value), sum(self.recent), self.counts[1], sum(self.objects[0][1:]),
            list(self.ordered.values())[0], len(self.names), self.np_random.random(),
        ]  # fmt: skip
        return observation, float(sum(seen)), *rest


class Counting(itertools.count):
    """What counts is not among its attributes."""


class Hidden(Single):
    """State in an object of C with attributes, behind a partial function, and in a seed sequence."""

    def reset(self, *, seed=None, options=None):
        self.count = Counting(5)
        self.push = functools.partial(list.append, [])
        self.children = numpy.random.SeedSequence(seed)
        return super().reset(seed=seed)

    def step(self, action):
        self.push(next(self.count))
        observation, _, *rest = super().step(action)
        return observation, float(sum(self.push.args[0])), *rest


class Partial(Single):
    """State behind a partial function."""

    def reset(self, *, seed=None, options=None):
        self.push = functools.partial(list.append, [])
        return super().reset(seed=seed)

    def step(self, action):
        self.push(self.steps)
        observation, _, *rest = super().step(action)
        return observation, float(sum(self.push.args[0])), *rest


class Running(Single):
    """A generator that runs: its state can be kept by nobody."""

    def reset(self, *, seed=None, options=None):
        self.story = (number for number in range(1000))
        return super().reset(seed=seed)

    def step(self, action):
        observation, _, *rest = super().step(action)
        return observation, float(next(self.story)), *rest


class Own(Single):
    """Offers its state."""

    def get_state(self):
        return {"place": self.place, "steps": self.steps, "random": self.np_random.bit_generator.state}

    def set_state(self, state):
        self.place = state["place"]
        self.steps = state["steps"]
        self.np_random.bit_generator.state = state["random"]

    def step(self, action):
        observation, reward, *rest = super().step(action)
        return observation, reward + self.np_random.random(), *rest


class Forgetful(Own):
    """Offers too little of it."""

    def set_state(self, state):
        super().set_state({**state, "random": self.np_random.bit_generator.state})
