"""Who draws what: the study's function, the environment itself, colours, or the plain view."""

import json
import random

import numpy
import pytest
from test_runtime import PUSH, Batch, open_world, read

from interactive_gym import GymError, Surface, runtime


def drawn(one, viewer=0):
    (entry, _) = read(one.run(Batch().draw(viewer).data))
    return entry


def texts(entry):
    return [item["shape"]["text"] for item in entry["draw"]["objects"] if item["shape"]["kind"] == "text"]


def test_a_function_of_the_study_draws(tmp_path):
    (tmp_path / "draw.py").write_text(
        "def register_assets(surface):\n"
        "    surface.register_image('sky', 'sky.png')\n"
        "def draw(env, surface, agent_id):\n"
        "    surface.image('sky', 0, 0, surface.width, surface.height, depth=-1, id='sky')\n"
        "    surface.circle(env.place[0], 0.5, 0.1, relative=True, id='ball')\n"
        "    surface.text(f'{agent_id} {env.steps}', 5, 5)\n"
        "    surface.hud(f'step {env.steps}')\n"
    )
    one = open_world("Single", draw=str(tmp_path / "draw.py") + ":draw", size=[300, 200])
    told = json.loads(one.describe())
    assert told["assets"] == [{"kind": "image", "name": "sky", "path": "sky.png"}]
    assert told["size"] == [300, 200]
    one.reset(2)
    one.run(Batch().step(0, PUSH).data)
    entry = drawn(one)
    assert [item["id"] for item in entry["draw"]["objects"]] == ["sky", "ball", "~text1"]
    ball = entry["draw"]["objects"][1]["shape"]
    assert ball["x"] == pytest.approx(float(one.simulation.world.env.place[0]) * 300, abs=0.01)
    assert (ball["y"], ball["radius"]) == (100.0, 30.0)
    assert texts(entry) == ["agent 1"]
    assert texts(drawn(one, runtime.SPECTATOR)) == ["None 1"]
    assert entry["draw"]["hud"] == "step 1"
    assert entry["assets"] is None, "they have not changed"
    assert entry["pixels"][:2] == (0, 0)


def test_drawing_is_tried_for_agents_alone(tmp_path):
    (tmp_path / "own.py").write_text("def draw(env, surface, agent_id):\n    surface.text(agent_id.upper(), 5, 5)\n")
    one = open_world("Single", draw=str(tmp_path / "own.py") + ":draw")
    one.reset(0)
    assert texts(drawn(one)) == ["AGENT"]


def test_colours_are_shown_as_an_image():
    one = open_world("Single", kwargs={"render_mode": "rgb_array"})
    one.reset(0)
    one.run(Batch().step(0, PUSH).data)
    entry = drawn(one)
    assert entry["pixels"] == (6, 4, bytes([1] * 72))
    assert entry["draw"]["objects"] == []


def test_without_any_drawing_there_is_a_plain_view():
    one = open_world("Comers", default_action=6)
    one.reset(0)
    one.run(Batch().step(0, b"\0", b"\1").data)
    mine = texts(drawn(one, 1))
    assert mine[0].startswith("second    score 6    last reward 6")
    assert len(texts(drawn(one, runtime.SPECTATOR))) > len(mine)


def test_an_environment_draws_itself_for_each_agent(tmp_path):
    (tmp_path / "artist.py").write_text(
        "import worlds\n"
        "from interactive_gym import Surface\n"
        "class OnHost(worlds.Dict):\n"
        "    def render(self, surface, agent_id):\n"
        "        surface.text(f'for {agent_id}', 1, 1)\n"
        "class OnItsOwn(worlds.Single):\n"
        "    def reset(self, *, seed=None, options=None):\n"
        "        self.surface = Surface(80, 60)\n"
        "        self.surface.register_image('hat', 'hat.png')\n"
        "        return super().reset(seed=seed)\n"
        "    def render(self):\n"
        "        self.surface.rect(0, 0, 80, 60, id='ground', persistent=True)\n"
        "        self.surface.text(str(self.steps), 1, 1)\n"
        "        return self.surface.commit()\n"
    )
    one = open_world("OnHost", file=str(tmp_path / "artist.py"))
    one.reset(0)
    assert [texts(drawn(one, viewer)) for viewer in (0, 1)] == [["for 0"], ["for 1"]]
    other = open_world("OnItsOwn", file=str(tmp_path / "artist.py"), kwargs={"render_mode": "surface"})
    assert json.loads(other.describe())["assets"] == [{"kind": "image", "name": "hat", "path": "hat.png"}]
    other.reset(0)
    first = drawn(other)
    assert [item["id"] for item in first["draw"]["objects"]] == ["ground", "~text1"]
    other.run(Batch().save(0).step(0, PUSH).step(1, PUSH).load(0).step(0, PUSH).data)
    assert texts(drawn(other)) == ["1"]


def test_drawing_changes_neither_state_nor_generators(tmp_path):
    (tmp_path / "sparks.py").write_text(
        "import random, numpy\n"
        "def draw(env, surface, agent_id):\n"
        "    env.drawn = getattr(env, 'drawn', 0) + 1\n"
        "    env.place += 1\n"
        "    surface.circle(random.random(), numpy.random.normal(), env.np_random.random())\n"
    )
    one = open_world("Single", draw=str(tmp_path / "sparks.py") + ":draw")
    assert json.loads(one.describe())["drawing_guarded"]
    one.reset(3)
    before = one.simulation.digest(), random.getstate(), numpy.random.get_state()[1].tobytes()
    assert len(drawn(one)["draw"]["objects"]) == 1
    assert (one.simulation.digest(), random.getstate(), numpy.random.get_state()[1].tobytes()) == before
    assert not json.loads(open_world("Single").describe())["drawing_guarded"]


def test_an_error_while_drawing_names_the_line(tmp_path):
    (tmp_path / "slip.py").write_text("def draw(env, surface, agent_id):\n    surface.circle(env.nowhere, 1, 2)\n")
    with pytest.raises(GymError) as raised:
        open_world("Single", draw=str(tmp_path / "slip.py") + ":draw")
    assert raised.value.line == 2 and raised.value.file.endswith("slip.py")
    with pytest.raises(GymError, match="defines no function 'paint'"):
        open_world("Single", draw=str(tmp_path / "slip.py") + ":paint")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda surface: surface.circle(1, 1, 1, color="reddish"), "#rrggbb"),
        (lambda surface: surface.circle(1, 1, 1, color=(1, 2)), "#rrggbb"),
        (lambda surface: surface.circle(1, 1, 1, color=(1, 2, 256)), "0 to 255"),
        (lambda surface: surface.text("x", 1, 1, align="middle"), "center"),
        (lambda surface: surface.rect(1, 1, 1, 1, persistent=True), "needs an id"),
    ],
)
def test_wrong_drawing_calls_say_what_is_right(call, words):
    with pytest.raises(ValueError, match=words):
        call(Surface(10, 10))


def test_what_cannot_be_shown_is_left_out_and_counted():
    surface = Surface(10, 10)
    surface.circle(float("nan"), 1, 1)
    surface.image("unknown", 0, 0, 1, 1)
    surface.line([(0, 0), (float("inf"), 1)])
    surface.circle(1, 1, 1)
    picture = surface.commit()
    assert picture.omitted == 3
    assert [item["id"] for item in picture.objects] == ["~circle2"]
