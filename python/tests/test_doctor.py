"""The doctor finds what makes an environment play differently, and accuses nobody else."""

import os

import pytest

from interactive_gym import doctor, suspects

HERE = os.path.dirname(os.path.abspath(__file__))
FRAMES = 40

#: What each environment's disease is, and a word of the line that is suspected.
DISEASES = {
    "UnseededRandom": ("random", "random.Random without a seed"),
    "UnseededNumpy": ("random", "generator without a seed"),
    "SystemRandomness": ("random", "randomness"),
    "Urandom": ("random", "os.urandom"),
    "Uuid": ("random", "uuid4"),
    "Clock": ("time", "time.time"),
    "PerformanceClock": ("time", "time.perf_counter"),
    "Today": ("time", "datetime.now"),
    "SetOrder": ("set order", None),
    "HashOfText": ("hash()", "hash"),
    "Address": ("id()", "id"),
    "SetOfObjects": ("set order", None),
    "ModuleCounter": ("module state", None),
    "ClassAttribute": ("module state", None),
    "MutableDefault": ("module state", None),
    "ModuleGenerator": ("module state", None),
    "Cache": ("module state", None),
    "ProcessNumber": ("process", "os.getpid"),
    "File": ("files", "open"),
    "DrawingChangesModule": ("drawing", None),
}


def examine(name, **kwargs):
    environment = {"file": "restless.py", "attribute": name, "kwargs": kwargs}
    return doctor.examine({"environment": environment, "base": HERE}, frames=FRAMES)


@pytest.mark.parametrize("name", DISEASES)
def test_a_disease_is_found_and_named(name, tmp_path):
    cause, suspect = DISEASES[name]
    report = examine(name, **({"path": str(tmp_path / "file")} if name == "File" else {}))
    assert not report["deterministic"]
    assert report["findings"], report["errors"]
    finding = report["findings"][0]
    assert finding["cause"] == cause, report
    assert 0 <= finding["frame"] <= FRAMES
    assert finding["field"] == "observation of agent"
    if suspect is not None:
        assert any(suspect in line and "restless.py, line" in line for line in finding["suspects"]), finding
    text = doctor.report_text(report)
    assert cause in text
    assert "frame" in text


def test_what_cannot_be_played_is_said_once():
    report = doctor.examine({"environment": {"file": "worlds.py", "attribute": "Broken"}, "base": HERE}, frames=9)
    assert not report["deterministic"] and len(report["errors"]) > 3
    first, second = doctor.report_text(report).split("\n")
    assert first == "worlds.py:Broken cannot be played."
    assert second.startswith("  It fails: worlds.py:Broken: step failed (worlds.py, line ")


NESTED = """
import time

import worlds


class Body:
    def __init__(self):
        self.started = time.time()
        self.weight = 3


class World:
    def __init__(self):
        self.bodies = [Body(), Body()]


class Wrapped(worlds.Single):
    def __init__(self):
        super().__init__()
        self.world = World()


class Wrapper:
    def __init__(self):
        self.aec_env = Wrapped()
        self.action_space = self.aec_env.action_space
        self.observation_space = self.aec_env.observation_space

    def reset(self, seed=None, options=None):
        return self.aec_env.reset(seed=seed)

    def step(self, action):
        return self.aec_env.step(action)
"""


def test_what_differs_is_named_to_the_leaf(tmp_path, monkeypatch):
    (tmp_path / "nested.py").write_text(NESTED)
    monkeypatch.setenv("PYTHONPATH", HERE)
    environment = {"file": "nested.py", "attribute": "Wrapper"}
    report = doctor.examine({"environment": environment, "base": str(tmp_path)}, frames=5)
    finding = report["findings"][0]
    assert finding["field"] == "state env.aec_env.world.bodies[0].started"
    one, other = (float(value.strip("…")) for value in finding["values"])
    assert one != other
    assert finding["suspects"] and "nested.py, line 9" in finding["suspects"][0]


def test_what_an_environment_does_itself_is_suspected_first():
    library = (os.path.dirname(os.__file__) + os.sep) + "random.py"
    calls = [
        ("random", "a", library, 1),
        ("random", "b", "/x/site-packages/other/one.py", 2),
        ("random", "c", "/x/site-packages/mpe2/env.py", 3),
        ("time", "d", library, 4),
    ]
    assert [call[1] for call in suspects.ranked(calls, "mpe2")] == ["c", "b", "d"]


def test_at_least_twelve_kinds_are_told_apart():
    assert len(DISEASES) >= 12
    assert len({cause for cause, _ in DISEASES.values()}) >= 8


def test_a_package_from_pypi_is_healthy_through_many_short_episodes():
    configuration = {"environment": {"id": "CartPole-v1"}, "default_action": 0}
    report = doctor.examine(configuration, frames=60)
    assert report["deterministic"], doctor.report_text(report)
    frames = doctor.trace(configuration, frames=60)["frames"]
    assert len(frames) == 61
    assert len({frame["at"][1].rpartition(" ")[2] for frame in frames}) >= 3, "several episodes"
    assert len({frame["observation of agent"][0] for frame in frames}) > 50


@pytest.mark.parametrize("name", ["Calm", "CalmWithoutSuper"])
def test_a_healthy_environment_is_not_accused(name):
    report = examine(name)
    assert report["deterministic"], doctor.report_text(report)
    assert report["frames"] == FRAMES + 1
    assert "the same way under all conditions" in doctor.report_text(report)


def test_the_first_difference_is_where_it_is():
    frames = [{"reward of a": ["1", "1.0"], "state x": ["2", "2"]} for _ in range(5)]
    plain = {"frames": frames, "error": None}
    other = [dict(frame) for frame in frames]
    other[3] = {"reward of a": ["9", "9.0"], "state x": ["8", "8"]}
    other[4] = {"reward of a": ["7", "7.0"], "state x": ["8", "8"]}
    assert doctor.compare(plain, {"frames": other, "error": None}) == {
        "frame": 3,
        "at": "frame 3",
        "field": "reward of a",
        "values": ["1.0", "9.0"],
        "fields": ["reward of a", "state x"],
    }
    assert doctor.compare(plain, {"frames": frames[:4], "error": None})["field"] == "end"
    assert doctor.compare(plain, plain) is None
