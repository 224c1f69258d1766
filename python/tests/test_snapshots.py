"""States are kept and come back, whatever they are made of; equal ones have equal digests."""

import os
import random
import subprocess
import sys

import numpy
import pytest

from interactive_gym import GymError, Surface, graph, loader, seeding, snapshots
from interactive_gym.adapter import Adapter
from interactive_gym.simulation import Rules, Simulation

HERE = os.path.dirname(os.path.abspath(__file__))


def simulate(attribute, snapshot="auto", file="stateful.py", **kwargs):
    spec = {"file": file, "attribute": attribute, "kwargs": kwargs}
    adapter = Adapter(loader.factory(spec, HERE), attribute)
    return Simulation(adapter, Rules(60, 1, [["agent"]], 0), snapshot)


def move(number):
    return numpy.array([number % 3 / 4 - 0.25, 0.125], dtype="<f4").tobytes()


def roll_back_and_forth(simulation):
    """The records of an episode in which every frame is left for wrong inputs and come back to."""
    simulation.reset(7)
    records = []
    deepest = 0
    for frame in range(30):
        simulation.save()
        for wrong in range(frame % 4 + 1):
            simulation.step([move(wrong + 1)])
            simulation.save()
        deepest = max(deepest, simulation.frame - frame)
        simulation.load(frame)
        assert simulation.kept()[-1] == frame, "later ones are of another past"
        records.append(simulation.step([move(frame)]))
        simulation.forget_before(frame)
    assert deepest >= 4
    return records


def straight_on(simulation):
    simulation.reset(7)
    return [simulation.step([move(frame)]) for frame in range(30)]


#: Which ways lose something of each.
LOSERS = {
    "Views": {"pickle", "cloudpickle", "deepcopy"},
    "Closure": {"pickle", "deepcopy"},
    "OnlyArguments": {"pickle", "cloudpickle", "deepcopy"},
    "Linked": {"pickle", "cloudpickle", "deepcopy"},
    "Hidden": {"in_place"},
    "Partial": set(),
    "Own": set(),
    "Forgetful": {"own"},
}


@pytest.mark.parametrize("attribute", LOSERS)
def test_a_way_is_found_that_survives_rollbacks(attribute):
    simulation = simulate(attribute)
    assert set(simulation.choice.refused) == LOSERS[attribute], simulation.choice.refused
    assert (simulation.strategy.name == "own") == (attribute == "Own")
    straight = straight_on(simulation)
    assert roll_back_and_forth(simulation) == straight
    assert len({record.digest for record in straight}) == 30, "every frame is another state"
    assert len({record.outcome for record in straight}) > 10


@pytest.mark.parametrize("name", ["in_place", "pickle", "cloudpickle", "deepcopy"])
def test_each_way_works_and_all_give_the_same_digests(name):
    simulation = simulate("Single", name, file="worlds.py")
    assert simulation.strategy.name == name
    assert roll_back_and_forth(simulation) == straight_on(simulate("Single", "in_place", file="worlds.py"))


def test_what_nobody_can_keep_is_refused_by_its_place():
    with pytest.raises(GymError) as raised:
        simulate("Running")
    assert raised.value.kind == "state"
    for word in ("env.story", "generator", "get_state"):
        assert word in raised.value.message
    with pytest.raises(GymError, match="possible are auto, own, in_place"):
        simulate("Own", "heap")


def test_a_missing_snapshot_is_an_error_of_the_host():
    simulation = simulate("Own")
    with pytest.raises(GymError, match="no snapshot of frame 3"):
        simulation.load(3)


class Part:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


def test_equal_states_have_equal_digests_however_they_came_about():
    one = Part(b={"x": 1, "y": [2.5]}, a={"p", "q", "r"}, n=numpy.array([1.0, numpy.nan]))
    other = Part(a={"r", "q", "p"}, n=numpy.array([1.0, -numpy.nan]), b={"y": [2.5], "x": 1})
    assert graph.digest(one) == graph.digest(other)
    assert len(graph.digest(one)) == 16


@pytest.mark.parametrize(
    "different",
    [
        {"a": 2}, {"a": True}, {"a": 1.0}, {"a": "1"}, {"a": b"1"}, {"a": [1]}, {"a": (1,)}, {"a": {1}},
        {"a": {"1": 1}}, {"a": numpy.int64(1)}, {"a": numpy.array(1)}, {"a": None}, {"b": 1}, {"a": 1 << 80},
        {"a": -(1 << 80)}, {"a": "é"}, {"a": "\ud800"}, {"a": 1j}, {"a": len}, {"a": int}, {"a": {1: 1}},
        {"a": numpy.array([1], dtype="complex64")}, {"a": random.Random(1)}, {"a": random.Random(2)},
        {"a": numpy.random.PCG64(1)}, {"a": numpy.random.PCG64(2)}, {"a": frozenset({1})}, {"a": Part(z=1)},
    ],
    ids=repr,
)  # fmt: skip
def test_different_states_have_different_digests(different):
    digests = {graph.digest(Part(**attributes)) for attributes in ({"a": 1}, different)}
    assert len(digests) == 2
    assert graph.digest(Part(**different)) == graph.digest(Part(**different))


def test_who_refers_to_whom_counts_and_cycles_end():
    shared = [1]
    assert graph.digest(Part(a=shared, b=shared)) != graph.digest(Part(a=[1], b=[1]))
    one, other = [1], [1]
    assert graph.digest([one, other, one]) != graph.digest([one, other, other])
    loop = Part()
    loop.self = loop
    again = Part()
    again.self = again
    assert graph.digest(loop) == graph.digest(again)
    one, two = Part(name="one"), Part(name="two")
    assert graph.digest({one, two, (one, 1)}) == graph.digest({(one, 1), two, one})


def test_a_surface_is_no_state():
    drawn = Surface(10, 10)
    drawn.circle(1, 1, 1, id="x", persistent=True)
    drawn.commit()
    assert graph.digest(Part(s=drawn)) == graph.digest(Part(s=Surface(10, 10)))


def test_a_digest_does_not_depend_on_the_interpreter():
    """Other hash seed, other addresses, other order of sets: same digest."""
    code = (
        "import sys; sys.path[:0] = [%r, %r]\n"
        "import random, numpy, stateful\n"
        "from interactive_gym import graph\n"
        "env = stateful.Linked(); env.reset(seed=5); random.seed(1); numpy.random.seed(1)\n"
        "import numpy as np\n"
        "for n in range(7): env.step(np.zeros(2, np.float32))\n"
        "env.words = {'w%%d' %% n for n in range(50)}; env.parts = {frozenset({n, n + 1}) for n in range(9)}\n"
        "print(next(iter(env.words)), graph.digest(env).hex())\n"
    ) % (HERE, os.path.join(os.path.dirname(HERE), "src"))
    answers = [
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True, text=True, check=True,
        ).stdout.split()
        for seed in range(3)
    ]  # fmt: skip
    assert len({first for first, _ in answers}) > 1, "the order of sets differed"
    assert len({found for _, found in answers}) == 1


def test_the_global_generators_are_kept_however_they_were_used():
    seeding.seed_globals(3)
    pristine = seeding.GlobalGenerators()
    drawn = (random.random(), numpy.random.random(), numpy.random.normal())
    # The second number of a pair of normal ones is kept apart from the words of the generator.
    used = seeding.GlobalGenerators()
    after = (random.gauss(0, 1), numpy.random.normal(), numpy.random.random())
    used.restore()
    assert (random.gauss(0, 1), numpy.random.normal(), numpy.random.random()) == after
    pristine.restore()
    assert (random.random(), numpy.random.random(), numpy.random.normal()) == drawn
    assert pristine.parts() != used.parts()
    # A second normal number waits beside the words of this generator too.
    random.gauss(0, 1)
    waiting = seeding.GlobalGenerators()
    expected = random.gauss(0, 1)
    passed = seeding.GlobalGenerators()
    assert passed.parts() != waiting.parts()
    waiting.restore()
    assert random.gauss(0, 1) == expected
    numpy.random.seed(4)
    reseeded = seeding.GlobalGenerators()
    expected = numpy.random.random()
    pristine.restore()
    reseeded.restore()
    assert numpy.random.random() == expected


def test_own_states_keep_who_is_there():
    """cogrid empties `agents` at the end and leaves it out of its state."""
    spec = {"target": "cogrid.envs.registry:make", "kwargs": {"environment_id": "Overcooked-CrampedRoom-V0"}}
    adapter = Adapter(loader.factory({**spec, "imports": ["cogrid.envs"]}), "overcooked")
    simulation = Simulation(adapter, Rules(2000, 0, [["0"], ["1"]], 0))
    assert simulation.strategy.name == "own"
    adapter._make = lambda make=adapter._make: shortened(make())
    simulation.reset(1)
    while simulation.frame < 29:
        simulation.step([bytes([simulation.frame % 6]), bytes([simulation.frame % 5])])
    simulation.save()
    first = simulation.step([b"\0", b"\0"])
    assert first.terminal and simulation.world.env.agents == []
    simulation.load(29)
    assert simulation.world.env.agents == [0, 1]
    assert simulation.step([b"\0", b"\0"]) == first


def shortened(env):
    env.max_steps = 30
    return env


def test_names_of_strategies_are_those_of_the_settings():
    assert snapshots.NAMES == ("own", "in_place", "pickle", "cloudpickle", "deepcopy")
