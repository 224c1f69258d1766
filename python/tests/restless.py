"""Environments that play differently from run to run, each in its own way, and some that do not."""

import datetime
import functools
import os
import random
import secrets
import time
import uuid

import gymnasium
import numpy
from gymnasium import spaces

COUNTER = 0
SHARED = random.Random(11)
SEEN = []


class Base(gymnasium.Env):
    """Adds up the actions; `noise` is what a subclass puts into the observation."""

    action_space = spaces.Discrete(4)
    observation_space = spaces.Box(-1e9, 1e9, (2,), numpy.float64)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.sum = 0
        self.steps = 0
        self.begin()
        return self.observe(), {}

    def step(self, action):
        self.sum += int(action)
        self.steps += 1
        return self.observe(), float(self.sum), self.steps >= 100, False, {}

    def observe(self):
        return numpy.array([self.sum, self.noise()], dtype=numpy.float64)

    def begin(self):
        pass

    def noise(self):
        return 0.0


class Calm(Base):
    """The same each time, with every generator that it may use."""

    def begin(self):
        self.own = random.Random(self.np_random.integers(1 << 30).item())
        self.words = {"one": 1, "two": 2}

    def noise(self):
        return self.np_random.random() + random.random() + numpy.random.random() + self.own.random()


class CalmWithoutSuper(Base):
    """Forgets to hand its seed on; the platform seeds np_random all the same."""

    def reset(self, *, seed=None, options=None):
        self.sum = self.steps = 0
        return self.observe(), {}

    def noise(self):
        return self.np_random.random()


class UnseededRandom(Base):
    def begin(self):
        self.own = random.Random()

    def noise(self):
        return self.own.random()


class UnseededNumpy(Base):
    def begin(self):
        self.own = numpy.random.default_rng()

    def noise(self):
        return self.own.random()


class SystemRandomness(Base):
    def noise(self):
        return secrets.randbelow(1000)


class Urandom(Base):
    def noise(self):
        return int.from_bytes(os.urandom(2), "little")


class Uuid(Base):
    def noise(self):
        return uuid.uuid4().int % 1000


class Clock(Base):
    def noise(self):
        return time.time()


class PerformanceClock(Base):
    def begin(self):
        self.start = time.perf_counter()

    def noise(self):
        return time.perf_counter() - self.start


class Today(Base):
    def noise(self):
        return datetime.datetime.now().microsecond


class SetOrder(Base):
    def begin(self):
        self.items = {f"item {number}" for number in range(20)}

    def noise(self):
        return float(next(iter(self.items)).split()[1])


class HashOfText(Base):
    def noise(self):
        return hash("some text") % 1000


class Address(Base):
    def begin(self):
        self.things = [object() for _ in range(4)]

    def noise(self):
        return id(self.things[self.steps % 4]) % 1_000_000


class Thing:
    def __init__(self, number):
        self.number = number


class SetOfObjects(Base):
    def begin(self):
        self.things = {Thing(number) for number in range(30)}

    def noise(self):
        return float(sum(place * thing.number for place, thing in enumerate(self.things)))


class ModuleCounter(Base):
    def noise(self):
        global COUNTER
        COUNTER += 1
        return float(COUNTER)


class ClassAttribute(Base):
    history = []

    def noise(self):
        self.history.append(self.sum)
        return float(len(self.history))


class MutableDefault(Base):
    def noise(self, memory=[]):  # noqa: B006
        memory.append(self.sum)
        return float(len(memory))


class ModuleGenerator(Base):
    def noise(self):
        return SHARED.random()


@functools.lru_cache(maxsize=None)
def remembered(key):
    SEEN.append(key)
    return len(SEEN)


class Cache(Base):
    def noise(self):
        return float(remembered((self.sum, self.steps % 7)))


class ProcessNumber(Base):
    def noise(self):
        return float(os.getpid())


class File(Base):
    def __init__(self, path):
        self.path = path

    def noise(self):
        with open(self.path, "a") as file:
            file.write("x")
        with open(self.path) as file:
            return float(len(file.read()))


class DrawingChangesModule(Base):
    """Its own state is put back after a picture, the module's is not."""

    render_mode = "rgb_array"

    def noise(self):
        return float(len(SEEN))

    def render(self):
        SEEN.append("picture")
        return numpy.zeros((4, 4, 3), dtype=numpy.uint8)
