"""Several agents by number: lists of actions, observations and rewards."""

import json
import os

import pytest
from test_runtime import Batch

from interactive_gym import GymError, doctor, runtime

HERE = os.path.dirname(os.path.abspath(__file__))


def configured(how):
    return {
        "environment": {"file": "listed_worlds.py", "attribute": "Foragers", "kwargs": {"how": how}},
        "base": HERE,
        "bindings": [1, 2],
        "default_action": 0,
    }


@pytest.mark.parametrize("how", ["listed", "plain list"])
def test_agents_are_called_by_their_numbers(how):
    one = runtime.open_runtime(configured(how))
    told = json.loads(one.describe())
    assert told["agents"] == ["0", "1"] and told["style"] == "dict"
    assert [space["n"] for space in told["spaces"]] == [3, 2]
    assert told["bindings"] == [["01", "01"], ["02", None]]
    one.reset(3)
    batch = Batch()
    for frame in range(3):
        batch.save(frame).step(frame, b"\x01", b"\x00")
    one.run(bytes(batch.data))
    simulation = one.simulation
    assert simulation.ended
    assert [cell.reward for cell in simulation.cells] == [3.0, -3.0]
    assert [cell.terminated for cell in simulation.cells] == [True, True]
    # What is about all of them stands with the first.
    assert simulation.cells[0].info == {"sum": 0}
    simulation.load(1)
    assert simulation.world.env.unwrapped.places == [1, -1]


def test_they_are_rolled_back_and_play_the_same_each_time():
    report = doctor.examine(configured("listed"), frames=30)
    assert report["deterministic"], doctor.report_text(report)


def test_one_agent_with_several_actions_is_refused_with_what_to_do():
    with pytest.raises(GymError, match="rewards are a float, not a list with .* Dict by agent"):
        runtime.open_runtime(configured("one reward"))
    with pytest.raises(GymError, match="which people cannot play"):
        runtime.open_runtime({**configured("listed"), "style": "single"})
