"""Every style of environment under the platform's rules."""

import json
import os

import numpy
import pytest
import worlds

from interactive_gym import GymError, loader, outcome
from interactive_gym.adapter import Adapter
from interactive_gym.simulation import Rules, Simulation

HERE = os.path.dirname(os.path.abspath(__file__))


def simulate(attribute, seats=None, max_steps=100, default=0, style="auto", omit=(), **kwargs):
    spec = {"file": "worlds.py", "attribute": attribute, "kwargs": kwargs}
    adapter = Adapter(loader.factory(spec, HERE), attribute, style, omit)
    seats = [[agent] for agent in adapter.agents] if seats is None else seats
    return Simulation(adapter, Rules(max_steps, 0, seats, default))


def test_one_agent_with_a_box():
    simulation = simulate("Single")
    assert simulation.adapter.style == "single"
    assert simulation.adapter.agents == ["agent"]
    move = numpy.array([0.5, -0.25], dtype="<f4").tobytes()
    simulation.reset(3)
    start = simulation.observations()["agent"].copy()
    assert simulation.infos[0] == {"start": True}
    record = simulation.step([move])
    assert not record.terminal
    assert (simulation.observations()["agent"] - start).tolist() == [0.5, -0.25]
    assert simulation.cells[0].info["nested"]["list"] == [1, 2.5, None]
    # An input that is no action, and one that is missing, count as the default: nothing.
    for inputs in ([numpy.array([2, 0], "<f4").tobytes()], [b"\0"], [], [numpy.array([numpy.nan, 0], "<f4").tobytes()]):
        before = simulation.observations()["agent"].copy()
        simulation.step(inputs)
        assert (simulation.observations()["agent"] == before).all()


def test_the_same_seed_starts_the_same_episode_anew():
    simulation = simulate("Single")
    simulation.reset(3)
    first = simulation.observations()["agent"].tolist()
    made = simulation.world.env
    simulation.reset(3)
    assert simulation.observations()["agent"].tolist() == first
    assert simulation.world.env is not made
    simulation.reset(4)
    assert simulation.observations()["agent"].tolist() != first


def test_the_platform_truncates_and_says_that_it_was_the_platform():
    simulation = simulate("Single", max_steps=3)
    simulation.reset(0)
    records = [simulation.step([]) for _ in range(4)]
    assert [record.terminal for record in records] == [False, False, True, True]
    assert records[2].digest is not None
    assert simulation.frame == 3
    data = records[2].outcome
    flags = data[2 + len(outcome.name("agent"))]
    assert flags & outcome.PLATFORM_TRUNCATED and flags & outcome.TRUNCATED
    assert not flags & outcome.TERMINATED
    # After the end all cells are null.
    assert records[3].outcome == b"\x01\x01" + outcome.name("agent") + b"\0"


def test_agents_come_and_go():
    simulation = simulate("Comers", default=6)
    assert simulation.adapter.style == "parallel"
    simulation.reset(1)
    assert simulation.live == [True, True, False]
    rows = []
    while not simulation.ended:
        simulation.step([b"\0", b"\1", b"\2"])
        rows.append([cell.reward for cell in simulation.cells])
    assert len(rows) == 12
    assert rows[0] == [5.0, 6.0, None]
    assert rows[4] == [5.0, 6.0, 0.0], "it came with this frame and had not acted"
    assert rows[5] == [5.0, 6.0, 7.0]
    assert rows[7][0] == 5.0
    assert rows[8] == [None, 6.0, 7.0], "who has ended has null cells, not 0"
    assert [sorted(asked) for asked in simulation.world.env.asked[7:9]] == [
        ["first", "late", "second"], ["late", "second"],
    ]  # fmt: skip
    assert simulation.returns == [40.0, 72.0, 49.0]


def test_coming_and_going_survives_a_rollback():
    straight, rolled = simulate("Comers", default=6), simulate("Comers", default=6)
    for simulation in (straight, rolled):
        simulation.reset(9)
    expected, got = [], []
    for frame in range(12):
        inputs = [bytes([frame % 3]), b"\1", bytes([frame % 2])]
        expected.append(straight.step(inputs))
        rolled.save()
        for _ in range(5):
            rolled.step([b"\2", b"\2", b"\2"])
        rolled.load(frame)
        got.append(rolled.step(inputs))
    assert got == expected
    assert expected[-1].terminal and not expected[-2].terminal
    assert rolled.returns == straight.returns


def test_a_dict_of_actions_with_numbers_as_agents():
    simulation = simulate("Dict")
    assert simulation.adapter.style == "dict"
    assert simulation.adapter.agents == ["0", "1"]
    simulation.reset(0)
    for frame in range(7):
        record = simulation.step([b"\5", b"\2" + (299).to_bytes(2, "little")])
        if frame == 0:
            assert [cell.reward for cell in simulation.cells] == [2.0, 301.0]
            assert simulation.cells[0].info == {"shared": 1}
        if frame == 4:
            assert simulation.cells[0] == outcome.EMPTY
            assert list(simulation.world.env.last) == [1], "who has ended is not asked"
    assert record.terminal
    assert simulation.cells[1].terminated, "__all__ ends everybody"


def test_an_agent_of_no_player_never_acts():
    simulation = simulate("Dict", seats=[["1"]])
    simulation.reset(0)
    simulation.step([b"\1" + (7).to_bytes(2, "little")])
    assert list(simulation.world.env.last) == [1]


@pytest.mark.parametrize(
    ("attribute", "keywords", "words"),
    [
        ("Old", {}, ["reset returned a int", "0.26"]),
        ("Tuples", {}, ["'agent' is Tuple", "Discrete, MultiDiscrete"]),
        ("Turns", {}, ["turn-based", "is_parallelizable", "parallel version"]),
        ("Single", {"seats": [["left"]]}, ["no agent 'left'", "agent"]),
        ("Dict", {"seats": [["0"], ["0"]]}, ["two seats"]),
        ("Single", {"max_steps": 0}, ["max_steps"]),
        ("Comers", {"default": 4}, ["4 is not an action of agent 'first'"]),
        ("Single", {"style": "parallels"}, ["style", "auto, single, dict, parallel"]),
        ("Single", {"size": 3}, ["does not take these kwargs", "size"]),
        ("Missing", {}, ["worlds.py defines no 'Missing'"]),
    ],
)
def test_what_does_not_fit_is_refused_with_a_way_out(attribute, keywords, words):
    with pytest.raises(GymError) as raised:
        simulate(attribute, **keywords)
    assert raised.value.kind == "setup"
    for word in words:
        assert word in raised.value.message


def test_pettingzoo_converts_what_says_that_it_may_be():
    from pettingzoo.utils.conversions import parallel_to_aec

    class Zoo(worlds.Comers):
        render_mode = None
        metadata = {"name": "zoo", "is_parallelizable": True}
        unwrapped = property(lambda self: self)

        def reset(self, seed=None, options=None):
            super().reset(seed, options)
            self.agents = list(self.possible_agents)
            return {agent: 0 for agent in self.agents}, {agent: {} for agent in self.agents}

        def step(self, actions):
            self.time += 1
            if self.time == 3:
                self.agents = []
            every = list(self.possible_agents)
            return (
                {agent: self.time for agent in every}, {agent: float(actions[agent]) for agent in every},
                {agent: self.time == 3 for agent in every}, {agent: False for agent in every},
                {agent: {} for agent in every},
            )  # fmt: skip

        def close(self):
            pass

    adapter = Adapter(lambda: parallel_to_aec(Zoo()), "zoo")
    assert adapter.style == "parallel"
    simulation = Simulation(adapter, Rules(10, 0, [["first"], ["second"], ["late"]], 5))
    simulation.reset(1)
    for _ in range(3):
        record = simulation.step([b"\0", b"\1", b"\2"])
    assert record.terminal
    assert simulation.returns == [15.0, 18.0, 21.0]


def test_an_error_in_an_environment_names_file_and_line():
    simulation = simulate("Broken", length=2)
    simulation.reset(0)
    simulation.step([])
    simulation.world.env.length = 100
    simulation.ended, simulation.live, simulation._gone = False, [True], [False]
    simulation.step([])
    with pytest.raises(GymError) as raised:
        simulation.step([])
    source = open(worlds.__file__).read().split("\n")
    line = next(number for number, text in enumerate(source, 1) if "the ball is gone" in text)
    assert raised.value.file == worlds.__file__
    assert raised.value.line == line
    assert f"(worlds.py, line {line}): RuntimeError: the ball is gone" in raised.value.message
    assert "Traceback" in raised.value.details


def test_an_info_that_cannot_be_recorded_is_named_or_left_out():
    with pytest.raises(GymError) as raised:
        simulate("OddInfo")
    for word in ("OddInfo", "'referee'", "'agent'", "object", "omit_infos = ['referee']"):
        assert word in str(raised.value)
    simulation = simulate("OddInfo", omit=("referee",))
    simulation.reset(0)
    simulation.step([])
    assert simulation.cells[0].info == {}


def test_gymnasium_makes_what_it_knows(tmp_path):
    adapter = Adapter(loader.factory({"id": "CartPole-v1"}), "CartPole-v1")
    assert adapter.spaces[0].describe() == {"kind": "discrete", "n": 2, "start": 0}
    with pytest.raises(GymError, match="knows no environment 'Nothing-v0'"):
        loader.factory({"id": "Nothing-v0"})
    with pytest.raises(GymError, match="exactly one of file, id and target"):
        loader.factory({})
    with pytest.raises(GymError, match="there is no module 'nonesuch'"):
        loader.factory({"target": "nonesuch:Env"})
    with pytest.raises(GymError, match="gymnasium.envs.classic_control has cartpole"):
        loader.factory({"target": "gymnasium.envs.classic_control.cartpole_v3:Env"})
    file = tmp_path / "lonely.py"
    file.write_text("import nothing_at_all\n")
    with pytest.raises(GymError, match="use it, to omit"):
        loader.factory({"file": "lonely.py"}, str(tmp_path))
    file.write_text("import nothing_at_all\nclass Env:\n    def reset(self): ...\n    def step(self): ...\n")
    assert loader.factory({"file": "lonely.py", "stubs": ["nothing_at_all"]}, str(tmp_path))().step
    (tmp_path / "wrong.py").write_text("x = 1\ny = = 2\n")
    with pytest.raises(GymError) as raised:
        loader.factory({"file": "wrong.py"}, str(tmp_path))
    assert (raised.value.line, os.path.basename(raised.value.file)) == (2, "wrong.py")
    assert json.dumps(raised.value.to_dict())
