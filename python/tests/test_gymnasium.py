"""Gymnasium's own environments and wrappers, and PettingZoo's, through the border: what people bring."""

import json
import random
import struct

import gymnasium
import numpy
import pytest
from gymnasium import spaces
from test_runtime import Batch, read

from interactive_gym import GymError, canonical, runtime


def opened(environment, **settings):
    return runtime.open_runtime(json.dumps({"environment": environment, **settings}))


#: By id: what its keys do, and what of it is special.
KNOWN = {
    "Pendulum-v1": ([[-2.0], [2.0], [0.5]], {"default_action": [0.0]}),
    "MountainCarContinuous-v0": ([[-1.0], [1.0]], {}),
    "Acrobot-v1": ([0, 2], {"default_action": 1}),
    "FrozenLake-v1": ([0, 1, 2, 3], {}),
    "Blackjack-v1": ([1], {}),
}


@pytest.mark.parametrize("name", KNOWN)
def test_gymnasiums_environments_play_and_roll_back(name):
    bindings, settings = KNOWN[name]
    settings = {"bindings": bindings, "digest_interval": 1, "step": "clock", **settings}
    straight, rolled = opened({"id": name}, **settings), opened({"id": name}, **settings)
    told = json.loads(straight.describe())
    choices = [bytes.fromhex(one[0]) for one in told["bindings"]] + [bytes.fromhex(told["default_inputs"][0])]
    noise = random.Random(name)
    seen = set()
    played = 0
    for seed in range(12):
        assert straight.reset(seed) == rolled.reset(seed)
        for frame in range(20):
            data = noise.choice(choices)
            batch = Batch(runtime.WITH_OBSERVATIONS).step(frame, data)
            expected = straight.run(batch.data)
            wrong = Batch().save(frame).step(frame, noise.choice(choices)).step(frame + 1, noise.choice(choices))
            assert "error" not in read(rolled.run(wrong.data))[-1]
            got = rolled.run(Batch(runtime.WITH_OBSERVATIONS).load(frame).step(frame, data).data)
            assert got == expected
            seen.add(read(expected)[0]["observations"])
            played += 1
            if straight.simulation.ended:
                break
    assert played > 12 and len(seen) > 5


def test_keys_of_a_box():
    one = opened({"id": "Pendulum-v1"}, bindings=[[-2.0], 1.5], default_action=[0.25])
    told = json.loads(one.describe())
    assert told["bindings"] == [[struct.pack("<f", -2.0).hex()], [struct.pack("<f", 1.5).hex()]]
    assert told["default_inputs"] == [struct.pack("<f", 0.25).hex()]
    for wrong in ([-2.5], [1.0, 1.0], "left", [None], {"speed": 1}):
        told = json.loads(opened({"id": "Pendulum-v1"}, bindings=[wrong]).describe())
        assert told["bindings"] == [[None]], wrong


#: What a study may write for a key: in a file of TOML or JSON there are no arrays and tuples.
SPACES = [
    (spaces.MultiDiscrete([3, 300]), [2, 299], "022b01"),
    (spaces.MultiDiscrete([[2, 3], [4, 5]]), [[1, 2], [3, 4]], "01020304"),
    (spaces.MultiBinary(10), [1, 0, 0, 0, 0, 0, 0, 0, 0, 1], "0102"),
    (spaces.MultiBinary((2, 2)), [[0, 1], [1, 0]], "06"),
    (spaces.Box(-1, 1, (2, 2), numpy.float64), [[0, 1], [-1, 0.5]], struct.pack("<4d", 0, 1, -1, 0.5).hex()),
    (spaces.Box(0, 255, (3,), numpy.uint8), [1, 2, 255], "0102ff"),
    (spaces.Discrete(4, start=-2), -1, "01"),
    (
        spaces.Dict({"steer": spaces.Box(-1, 1, (1,), numpy.float32), "gear": spaces.Discrete(6), "lamps": spaces.MultiBinary(2)}),
        {"steer": [0.5], "gear": 3, "lamps": [1, 1]},
        "03" + "03" + struct.pack("<f", 0.5).hex(),
    ),
]  # fmt: skip


class Echo(gymnasium.Env):
    """Says what it was told to do."""

    observation_space = spaces.Discrete(1)

    def __init__(self, number):
        self.action_space = SPACES[number][0]

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        assert self.action_space.contains(action), action
        return 0, 1.0, False, False, {"did": action}


@pytest.mark.parametrize("number", range(len(SPACES)))
def test_keys_of_every_space_reach_the_environment(number):
    space, value, data = SPACES[number]
    one = opened({"target": "test_gymnasium:Echo", "kwargs": {"number": number}}, bindings=[value])
    told = json.loads(one.describe())
    assert told["bindings"] == [[data]]
    one.reset(0)
    one.run(Batch().step(0, bytes.fromhex(data)).data)
    did = one.simulation.cells[0].info["did"]
    assert space.contains(did)
    assert canonical.encode(plain(did)) == canonical.encode(plain(value))
    # Nothing of another length is an action.
    one.run(Batch().step(1, bytes.fromhex(data) + b"\0").data)
    assert plain(one.simulation.cells[0].info["did"]) == plain(one.simulation.idle[0])


def plain(value):
    """Numbers and lists, all of them floats."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in sorted(value.items())}
    return numpy.asarray(value, dtype=float).tolist()


def many_keys():
    """A pendulum for two hands."""
    return gymnasium.wrappers.TransformAction(
        gymnasium.make("Pendulum-v1", disable_env_checker=True),
        lambda hands: numpy.array([float(hands[0]) - float(hands[1])], dtype=numpy.float32),
        spaces.MultiDiscrete([3, 3]),
    )


def test_a_wrapped_environment_has_the_wrappers_keys():
    one = opened({"target": "test_gymnasium:many_keys"}, bindings=[[2, 0], [0, 2]])
    told = json.loads(one.describe())
    assert told["bindings"] == [["0200"], ["0002"]]
    assert told["render_fps"] == 30.0
    speeds = []
    for data in (b"\2\0", b"\0\2"):
        one.reset(3)
        one.run(Batch().step(0, data).step(1, data).data)
        speeds.append(float(one.simulation.observations()["agent"][2]))
    assert speeds[0] > speeds[1]


def test_infos_may_vary_from_frame_to_frame():
    one = opened({"id": "Taxi-v4"}, bindings=[0])
    _, infos, _ = read(one.reset(1))
    assert b"action_mask" in infos["observations"]
    (step, _) = read(one.run(Batch().step(0, b"\0").data))
    assert b"action_mask" in step["outcome"] and b"prob" in step["outcome"]


@pytest.mark.parametrize("kwargs", [{}, {"n_pursuers": 2, "surround": False}])
def test_pettingzoos_pursuit_is_turn_based_and_plays_in_parallel(kwargs):
    environment = {"stubs": ["pygame", "scipy"], "kwargs": {"n_evaders": 4, **kwargs}}
    for target in ("parallel_env", "env"):
        one = opened({"target": f"pettingzoo.sisl.pursuit.pursuit:{target}", **environment}, bindings=[0, 3])
        told = json.loads(one.describe())
        assert told["style"] == "parallel"
        assert told["agents"] == [f"pursuer_{agent}" for agent in range(kwargs.get("n_pursuers", 8))]
        assert told["render_fps"] == 5.0
        one.reset(2)
        for frame in range(5):
            answer = read(one.run(Batch().step(frame, *[b"\3"] * len(told["agents"])).data))
            assert "error" not in answer[-1]


def test_turns_that_cannot_be_taken_at_once_are_refused_by_name():
    with pytest.raises(GymError, match=r"tictactoe.* is turn-based .*does not say is_parallelizable"):
        opened({"target": "pettingzoo.classic.tictactoe.tictactoe:env", "stubs": ["pygame"]})
