"""Modules in place of packages that a study leaves out."""

import copy
import importlib
import json
import os
import pickle
import sys

import numpy
import pytest
from test_runtime import Batch, read

from interactive_gym import GymError, runtime
from interactive_gym.stubs import stub

HERE = os.path.dirname(os.path.abspath(__file__))

WINDOW = """
import numpy
import absent_package as absent
from absent_package.inner.most import Thing

import worlds


class Ball(Thing):
    speed = 3


class Windowed(worlds.Single):
    key = absent.K_UP

    def __init__(self, curious=None):
        super().__init__()
        absent.init()
        self.screen = absent.display.Window([600, 400], flags=absent.FULL | absent.WIDE)
        self.font = self.screen.font("mono", size=3)
        self.ball = Ball()
        self.curious = curious

    def step(self, action):
        if self.curious == "compares" and self.screen.width > 3:
            return None
        if self.curious == "asks" and self.screen.is_open():
            return None
        if self.curious == "looks":
            self.place[0] = self.screen.size()[0]
        if self.curious == "measures":
            self.place[:] = numpy.array(self.screen.pixels())
        return super().step(action)
"""


@pytest.fixture
def windowed(tmp_path):
    (tmp_path / "windowed.py").write_text(WINDOW)

    def opened(**kwargs):
        environment = {"file": "windowed.py", "attribute": "Windowed", "stubs": ["absent_package"], "kwargs": kwargs}
        return runtime.open_runtime(json.dumps({"environment": environment, "base": str(tmp_path)}))

    yield opened
    sys.modules.pop("windowed", None)


def test_what_is_only_for_a_window_is_not_missed(windowed):
    one = windowed()
    assert json.loads(one.describe())["snapshot"]
    answers = []
    for _ in range(2):
        one.reset(3)
        batch = Batch().save(0).step(0, b"").step(1, b"").load(0).step(0, b"").digest()
        answers.append(one.run(batch.data))
    assert answers[0] == answers[1]
    env = one.simulation.world.env
    assert env.ball.speed == 3
    assert pickle.loads(pickle.dumps(type(env).key)) is type(env).key
    for copied in (copy.deepcopy(env.screen), pickle.loads(pickle.dumps(env.screen))):
        assert copied.igym_absent == "absent_package.display.Window()"
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        type(env.ball).missing


@pytest.mark.parametrize(
    ("curious", "words"),
    [
        ("compares", r"absent_package.display.Window\(\).width is compared"),
        ("asks", r"Window\(\).is_open\(\) is asked whether it is true"),
        ("looks", r"Window\(\).size\(\) is looked into"),
        ("measures", r"Window\(\).pixels\(\) is counted with"),
    ],
)
def test_what_would_need_the_package_says_so(windowed, curious, words):
    with pytest.raises(GymError, match=words + r".*leaves the package 'absent_package' out"):
        windowed(curious=curious)


def test_a_real_package_stays_what_it_is():
    stub("numpy")
    assert importlib.import_module("numpy") is numpy
    with pytest.raises(ImportError):
        importlib.import_module("numpy.no_such_module")


def test_a_stub_is_not_missed_in_an_answer(windowed):
    one = windowed()
    one.reset(0)
    assert "error" not in read(one.run(Batch().draw(0).data))[-1]
