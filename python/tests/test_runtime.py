"""The border to the host: bytes in, bytes out."""

import itertools
import json
import os
import struct

import numpy
import pytest

from interactive_gym import canonical, runtime, worker

HERE = os.path.dirname(os.path.abspath(__file__))


class Batch:
    """Writes a batch as a host does."""

    def __init__(self, flags=0):
        self.data = bytearray((runtime.PROTOCOL, flags))

    def load(self, frame):
        return self._frame(runtime.LOAD, frame)

    def save(self, frame):
        return self._frame(runtime.SAVE, frame)

    def forget(self, frame):
        return self._frame(runtime.FORGET, frame)

    def step(self, frame, *inputs):
        self._frame(runtime.STEP, frame)
        self.data.append(len(inputs))
        for data in inputs:
            self.data += bytes([len(data)]) + data
        return self

    def draw(self, viewer):
        self.data += bytes([runtime.DRAW, viewer])
        return self

    def observe(self):
        self.data.append(runtime.OBSERVE)
        return self

    def digest(self):
        self.data.append(runtime.DIGEST)
        return self

    def _frame(self, operation, frame):
        self.data += struct.pack("<BI", operation, frame)
        return self


def read(answer):
    """The entries of an answer, as a host reads them."""
    assert answer[0] == runtime.PROTOCOL
    at = 1
    entries = []

    def take(count):
        nonlocal at
        part = answer[at : at + count]
        assert len(part) == count
        at += count
        return part

    def number():
        return int.from_bytes(take(4), "little")

    while at < len(answer):
        kind = take(1)[0]
        if kind == runtime.STEP:
            frame, flags = number(), take(1)[0]
            entry = {"step": frame, "terminal": bool(flags & 1), "outcome": take(number())}
            if flags & 2:
                entry["digest"] = take(16)
            if flags & 4:
                entry["observations"] = take(number())
            if flags & 8:
                entry["applied"] = [take(take(1)[0]) for _ in range(take(1)[0])]
        elif kind == runtime.DRAW:
            assets = json.loads(take(number()) or b"null")
            picture = json.loads(take(number()))
            width, height = number(), number()
            entry = {"draw": picture, "assets": assets, "pixels": (width, height, take(width * height * 3))}
        elif kind == runtime.OBSERVE:
            entry = {"observations": take(number())}
        elif kind == runtime.DIGEST:
            entry = {"digest": take(16)}
        elif kind == runtime.STATE:
            frame, ended, count = number(), take(1)[0], take(1)[0]
            agents = [struct.unpack("<dB", take(9)) for _ in range(count)]
            entry = {"state": frame, "ended": bool(ended), "agents": agents}
        else:
            assert kind == runtime.ERROR
            entry = {"error": json.loads(take(number()))}
        entries.append(entry)
    return entries


def open_world(attribute, file="worlds.py", **settings):
    kwargs = settings.pop("kwargs", {})
    environment = {"file": file, "attribute": attribute, "kwargs": kwargs}
    return runtime.open_runtime(json.dumps({"environment": environment, "base": HERE, **settings}))


PUSH = numpy.array([0.25, 0.5], "<f4").tobytes()
PULL = numpy.array([-1, 0], "<f4").tobytes()


def test_a_rollback_is_one_call():
    straight, rolled = open_world("Single", digest_interval=3), open_world("Single", digest_interval=3)
    for one in (straight, rolled):
        start = read(one.reset(5))
        assert [list(entry)[0] for entry in start] == ["observations", "observations", "state"]
        assert canonical.encode({"agent": {"start": True}}) == start[1]["observations"]
    batch = Batch()
    for frame in range(8):
        batch.save(frame).step(frame, PUSH)
    expected = read(straight.run(batch.digest().data))
    first = Batch().save(0).step(0, PUSH).save(1).step(1, PUSH)
    for frame in range(2, 5):
        first.save(frame).step(frame, PULL)
    assert [entry.get("step") for entry in read(rolled.run(first.data))] == [0, 1, 2, 3, 4, None]
    second = Batch().load(2)
    for frame in range(2, 8):
        second.step(frame, PUSH).save(frame + 1)
    got = read(rolled.run(second.digest().forget(6).data))
    assert got == expected[2:]
    assert [bool(entry.get("digest")) for entry in got] == [True, False, False, True, False, False, True, False]
    assert rolled.simulation.kept() == [6, 7, 8]
    assert got[-1]["agents"][0][0] == straight.simulation.returns[0] != 0.0


def test_steps_and_saves_after_the_end_are_skipped():
    one = open_world("Single", kwargs={"length": 3})
    one.reset(1)
    batch = Batch()
    for frame in range(6):
        batch.save(frame).step(frame, PUSH)
    entries = read(one.run(batch.data))
    assert [entry.get("step") for entry in entries] == [0, 1, 2, None]
    assert [entry.get("terminal") for entry in entries] == [False, False, True, None]
    assert entries[2]["digest"], "after the last frame there is always one"
    assert entries[3] == {"state": 3, "ended": True, "agents": [(one.simulation.returns[0], 0)]}
    assert one.simulation.kept() == [0, 1, 2]
    # A wrong guess may end the episode; the right input goes on.
    batch = Batch().load(1).step(1, PULL).save(2).step(2, PULL).step(3, PULL).load(2).step(2, PUSH)
    entries = read(one.run(batch.data))
    assert [entry.get("step") for entry in entries] == [1, 2, 2, None]


def test_observations_come_on_demand():
    one = open_world("Single")
    one.reset(1)
    step, seen, _ = read(one.run(Batch(runtime.WITH_OBSERVATIONS).step(0, PUSH).observe().data))
    assert step["observations"] == seen["observations"]
    place = one.simulation.world.env.place
    assert seen["observations"] == canonical.encode({"agent": place})


def test_what_the_host_is_told():
    one = open_world(
        "Dict", seats=[["1"], ["0"]], bindings=[[1, 0, 1], {"0": [1, 1, 1], "1": [2, 299]}], default_action=0
    )
    told = json.loads(one.describe())
    assert told["agents"] == ["0", "1"]
    assert told["seats"] == [["1"], ["0"]]
    assert told["default_inputs"] == ["000000", "00"]
    assert told["bindings"] == [[None, "05"], ["022b01", "07"]]
    assert told["snapshot"] in ("in_place", "pickle", "cloudpickle", "deepcopy")
    assert told["style"] == "dict" and told["protocol"] == 1
    assert told["spaces"][0] == {"kind": "multi_binary", "n": 3}
    # The host knows which key that is, and says so.
    assert json.loads(open_world("Dict", bindings=[[9]]).describe())["bindings"] == [[None, None]]
    with pytest.raises(runtime.GymError, match="unknown settings: max_step"):
        open_world("Single", max_step=3)
    measured = json.loads(one.measure())
    least = measured.pop("least")
    assert all(0 < least[name] <= measured[name] for name in measured)
    assert set(measured) == {"bare_step_us", "step_us", "save_us", "load_us", "rollback_10_us"}
    assert all(value > 0 for value in measured.values())


@pytest.mark.parametrize("tick, repeats", [(1e-6, 9), (1.0, 5)])
def test_nobody_waits_long_for_the_costs_of_a_slow_environment(monkeypatch, tick, repeats):
    one = open_world("Single")
    made = []
    reset = one.simulation.reset
    monkeypatch.setattr(one.simulation, "reset", lambda seed: (made.append(seed), reset(seed)))
    clock = itertools.count(step=tick)
    monkeypatch.setattr(runtime.time, "perf_counter", lambda: next(clock))
    assert "error" not in json.loads(one.measure())
    # Two in each repeat, and one that cleans up.
    assert len(made) == 2 * repeats + 1


def test_the_host_is_told_how_fast_the_environment_wants_to_be_played():
    rates = {"Single": None, "Dict": 12.5}
    for attribute, rate in rates.items():
        assert json.loads(open_world(attribute).describe())["render_fps"] == rate
    told = json.loads(runtime.open_runtime(json.dumps({"environment": {"id": "CartPole-v1"}})).describe())
    assert (told["render_fps"], told["step"], told["action_repeat"]) == (50.0, "clock", 1)


def test_without_seats_there_is_one_player_per_agent():
    told = json.loads(open_world("Comers", default_action=6, bindings=[5, {"late": 7}]).describe())
    assert told["seats"] == [["first"], ["second"], ["late"]]
    assert told["default_inputs"] == ["01", "01", "01"]
    assert told["bindings"] == [["00", "00", "00"], [None, None, "02"]]


def test_an_error_is_an_answer_and_stays_until_the_next_reset():
    one = open_world("Broken", kwargs={"length": 2})
    one.simulation.adapter._make = lambda make=one.simulation.adapter._make: longer(make())
    one.reset(0)
    batch = Batch().step(0, PUSH).step(1, PUSH).step(2, PUSH).step(3, PUSH)
    entries = read(one.run(batch.data))
    assert [entry.get("step") for entry in entries] == [0, 1, None]
    error = entries[2]["error"]
    assert error["kind"] == "environment" and error["frame"] == 2
    assert error["file"].endswith("worlds.py") and error["line"] > 1
    assert "the ball is gone" in error["message"]
    assert read(one.run(Batch().observe().data)) == [{"error": error}]
    assert "error" not in read(one.reset(0))[-1]


def longer(env):
    env.length = 100
    return env


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "starts with 1"),
        (b"\x02\x00", "starts with 1"),
        (b"\x01\x00\x63", "operation 99 is unknown"),
        (bytes(Batch().step(0, PUSH).data[:-1]), "ends too early"),
        (bytes(Batch().step(1, PUSH).data), "cannot step frame 1: the state is at frame 0"),
        (bytes(Batch().save(4).data), "cannot save frame 4"),
        (bytes(Batch().load(4).data), "no snapshot of frame 4"),
        (bytes(Batch().draw(7).data), "no agent number 7"),
    ],
)
def test_a_wrong_batch_is_refused(data, words):
    one = open_world("Single")
    one.reset(0)
    error = read(one.run(data))[-1]["error"]
    assert error["kind"] == "protocol"
    assert words in error["message"]


def test_the_worker_gives_errors_as_answers_too():
    answer = worker.open_for_js(json.dumps({"environment": {"file": "nowhere.py"}}))
    error = read(answer)[0]["error"]
    assert error["kind"] == "setup" and "there is no file nowhere.py" in error["message"]
    good = worker.open_for_js(json.dumps({"environment": {"file": "worlds.py", "attribute": "Single"}, "base": HERE}))
    assert read(good.reset(1))[-1]["state"] == 0
    assert json.loads(good.describe())["agents"] == ["agent"]
    assert read(good.run(Batch().step(0, PUSH).data))[0]["step"] == 0


def test_the_worker_examines_for_a_host_that_starts_the_interpreters():
    configuration = json.dumps({"environment": {"file": "restless.py", "attribute": "ModuleCounter"}, "base": HERE})
    traces = {
        condition: json.loads(worker.trace(configuration, condition, 10, 1))
        for condition in ("plain", "again", "watched")
    }
    assert [len(found["frames"]) for found in traces.values()] == [11, 11, 11]
    report = json.loads(worker.diagnose(json.dumps(traces), "restless"))
    assert [finding["cause"] for finding in report["findings"]] == ["module state"]
    assert "Played twice in one interpreter, it differs first in frame 0 of episode 0" in report["text"]


LEAVING = """
import sys

import worlds


class Leaving(worlds.Single):
    def reset(self, seed=None, options=None):
        if seed == 5:
            sys.exit(3)
        return super().reset(seed=seed)
"""


def test_leaving_python_is_an_error_of_the_environment(tmp_path, monkeypatch):
    (tmp_path / "leaving.py").write_text(LEAVING)
    monkeypatch.syspath_prepend(HERE)
    environment = {"file": "leaving.py", "attribute": "Leaving"}
    one = runtime.open_runtime({"environment": environment, "base": str(tmp_path)})
    answer = one.reset(5)
    assert answer[1] == runtime.ERROR
    error = json.loads(answer[6:])
    assert error["kind"] == "environment" and error["line"] == 10
    assert error["file"].endswith("leaving.py") and "SystemExit: 3" in error["message"]
    # What a researcher reads begins with a line of theirs.
    assert "interactive_gym" not in error["details"] and "leaving.py" in error["details"]
    assert one.reset(4)[1] != runtime.ERROR
    (tmp_path / "left.py").write_text("import sys\n\nsys.exit(4)\n")
    opened = worker.open_for_js(json.dumps({"environment": {"file": "left.py"}, "base": str(tmp_path)}))
    error = json.loads(opened[6:])
    assert error["line"] == 3 and "SystemExit: 4" in error["message"]
