"""Environments that wait for input, and actions that are held."""

import json
import random

import numpy
import pytest
from test_runtime import PULL, PUSH, Batch, open_world, read

from interactive_gym import GymError, outcome, runtime
from interactive_gym.doctor import diagnose, trace

NOTHING = b"\0"


def pressed(actions):
    return b"\1" + actions


def steps_of(one):
    return one.simulation.world.env.steps


def play(one, *inputs, flags=runtime.WITH_APPLIED):
    batch = Batch(flags)
    for place, frame in enumerate(inputs):
        batch.step(one.simulation.frame + place, *frame)
    return read(one.run(batch.data))


def test_an_environment_that_waits_is_stepped_when_somebody_presses():
    one = open_world("Single", step="on_input", bindings=[[1, 0]])
    told = json.loads(one.describe())
    assert told["step"] == "on_input"
    assert told["default_inputs"] == ["00"]
    assert told["bindings"] == [["01" + numpy.array([1, 0], "<f4").tobytes().hex()]]
    one.reset(4)
    before = one.simulation.digest()
    # Nothing pressed; bytes that are no action; none at all; actions without the mark.
    quiet = play(one, [NOTHING], [pressed(b"\7")], [], [PUSH], [b""])
    assert steps_of(one) == 0 and one.simulation.frame == 5
    assert one.simulation.digest() == before
    waited = b"\0\1" + outcome.name("agent") + b"\0"
    assert [entry["outcome"] for entry in quiet[:-1]] == [waited] * 5
    assert not any(entry["terminal"] for entry in quiet[:-1])
    assert [entry["applied"] for entry in quiet[:-1]] == [[b""]] * 5
    first, second, _ = play(one, [pressed(PUSH)], [NOTHING])
    assert steps_of(one) == 1
    assert first["applied"] == [PUSH] and first["outcome"] != waited
    assert second["outcome"] == waited


def test_one_player_who_presses_is_enough_and_the_others_do_the_default():
    one = open_world("Dict", step="on_input", seats=[["0"], ["1"]])
    one.reset(0)
    answer = play(one, [NOTHING, NOTHING], [pressed(b"\5"), NOTHING], [NOTHING, pressed(b"\1\1\0")])
    assert [entry["applied"] for entry in answer[:-1]] == [
        [b"", b""], [b"\5", b"\0\0\0"], [b"\0", b"\1\1\0"],
    ]  # fmt: skip
    assert one.simulation.world.env.time == 2


def test_max_steps_counts_the_steps_of_the_environment():
    one = open_world("Single", step="on_input", max_steps=3)
    one.reset(0)
    entries = play(one, *[[pressed(PUSH) if frame % 4 == 3 else NOTHING] for frame in range(20)])
    assert [entry["step"] for entry in entries if entry.get("terminal")] == [11]
    assert one.simulation.steps == 3 and entries[-1]["ended"]


@pytest.mark.parametrize("last", [NOTHING, pressed(PUSH)])
def test_nobody_waits_for_ever(last):
    one = open_world("Comers", step="on_input", max_frames=6, default_action=6)
    one.reset(0)
    last = NOTHING if last == NOTHING else pressed(b"\1")
    inputs = [[last if frame == 5 else NOTHING] * len(one.simulation.seats) for frame in range(9)]
    entries = play(one, *inputs)
    assert [entry["step"] for entry in entries if entry.get("terminal")] == [5]
    assert entries[-1]["ended"] and len(entries) == 7
    assert one.simulation.steps == (last != NOTHING)
    stopped = [cell for cell in one.simulation.cells if cell.truncated]
    assert stopped and all(cell.platform_truncated for cell in stopped)


def test_an_action_is_held():
    one = open_world("Single", action_repeat=4)
    one.reset(0)
    frames = [[PUSH], [PULL], [PULL], [b""], [PULL], [PUSH], [PUSH], [PUSH], [b"\7"], [PUSH]]
    entries = play(one, *frames)
    nothing = bytes(8)
    assert [entry["applied"][0] for entry in entries[:-1]] == [PUSH] * 4 + [PULL] * 4 + [nothing] * 2
    free = open_world("Single")
    free.reset(0)
    play(free, *[[entry["applied"][0]] for entry in entries[:-1]])
    assert (free.simulation.world.env.place == one.simulation.world.env.place).all()


def test_a_press_is_done_for_as_many_steps_as_it_is_held():
    one = open_world("Single", step="on_input", action_repeat=3)
    one.reset(0)
    quiet, press = [NOTHING], [pressed(PUSH)]
    entries = play(one, quiet, press, quiet, [pressed(PULL)], quiet, press)
    assert [entry["applied"][0] for entry in entries[:-1]] == [b"", PUSH, PUSH, PUSH, b"", PUSH]
    assert steps_of(one) == 4


@pytest.mark.parametrize(
    "settings", [{"step": "on_input"}, {"action_repeat": 3}, {"step": "on_input", "action_repeat": 3}]
)
@pytest.mark.parametrize("attribute", ["Single", "Comers"])
def test_pacing_survives_rollbacks(settings, attribute):
    settings = {**settings, "digest_interval": 1, "default_action": 6 if attribute == "Comers" else 0}
    straight, rolled = open_world(attribute, **settings), open_world(attribute, **settings)
    noise = random.Random(str(settings))
    actions = [PUSH, PULL] if attribute == "Single" else [b"\0", b"\1", b"\2"]

    def inputs():
        found = []
        for _ in straight.simulation.seats:
            found.append(straight.simulation.input(noise.choice(actions)) if noise.random() < 0.5 else NOTHING)
        return found

    assert straight.reset(7) == rolled.reset(7)
    waited = 0
    for frame in range(30):
        now = inputs()
        batch = Batch().step(frame, *now)
        expected = read(straight.run(batch.data))
        guesses = Batch().save(frame)
        for ahead in range(noise.randrange(1, 5)):
            guesses.step(frame + ahead, *inputs())
        rolled.run(guesses.data)
        assert read(rolled.run(Batch().load(frame).step(frame, *now).data)) == expected
        if straight.simulation.ended:
            break
        waited += straight.simulation.frame - straight.simulation.steps > waited
    assert straight.simulation.steps > 8
    assert (waited > 0) == ("step" in settings)


def test_what_is_held_belongs_to_the_state():
    one = open_world("Single", action_repeat=5)
    digests = []
    for first in (PUSH, PULL):
        one.reset(0)
        play(one, [first])
        # As if both had led to the same place.
        one.simulation.world.env.place[:] = 0
        digests.append(one.simulation.digest())
    assert digests[0] != digests[1]


def test_the_doctor_examines_what_waits():
    configuration = {"environment": {"id": "CartPole-v1"}, "step": "on_input", "action_repeat": 2}
    traces = {condition: trace(configuration, condition, 60) for condition in ("plain", "again", "rollback")}
    report = diagnose(traces, "CartPole")
    assert report["deterministic"], report
    rows = [frame["state random"] for frame in traces["plain"]["frames"]]
    moved = [frame["observation of agent"] for frame in traces["plain"]["frames"]]
    assert len(rows) == 61 and len({text for _, text in moved}) > 20
    assert any(now == later for now, later in zip(moved, moved[1:])), "in some frames it waited"


def test_measuring_steps_the_environment():
    one = open_world("Single", step="on_input", action_repeat=2, kwargs={"length": 5})
    measured = json.loads(one.measure())
    assert "error" not in measured and measured["step_us"] > 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"step": "on_key"}, "possible are clock, on_input"), ({"action_repeat": 0}, "set action_repeat to 1 or more")],
)
def test_wrong_pacing_is_refused(settings, words):
    with pytest.raises(GymError, match=words):
        open_world("Single", **settings)
