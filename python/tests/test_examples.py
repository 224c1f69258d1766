"""The Python studies in examples/: they open, play, and look as their golden pictures do.

`IGYM_BLESS=1 pytest tests/test_examples.py` draws the golden pictures anew; open them in a browser.
"""

import json
import os
import random
import sys
from pathlib import Path

import pytest
from svg import as_svg
from test_runtime import Batch, read

from interactive_gym import runtime

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EXAMPLES = Path(__file__).parents[2] / "examples"
GOLDEN = Path(__file__).parent / "golden"

#: Frames whose pictures are kept, and who looks at them.
PICTURES = {
    "python_slime_volleyball": [(0, 0), (45, 1), (120, 0)],
    "mountain_car": [(0, 0), (90, 0)],
    "cart_pole": [(0, 0), (9, 0)],
    "overcooked": [(0, 0), (30, 1), (47, 0), (53, 1)],
    "pettingzoo_pursuit": [(0, 0), (60, 1)],
}
#: What the players do, by the first letters of their keys, where random keys lead nowhere: soup is cooked.
SCRIPTS = {"overcooked": ("UDLRT", ["RTLUTRTLUTRTLUTRD" + "." * 40, "LDT" + "." * 44 + "URUT.."])}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Each study has an interpreter of its own; here their files would be modules of one name."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = {name: sys.modules.pop(name, None) for name in {file.stem for file in EXAMPLES.glob("*/*.py")}}
    yield
    for name, module in before.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


def stubs(python):
    """What stands in for the packages that are left out."""
    return [{"opencv-python": "cv2"}.get(package, package) for package in python.get("omit", [])]


def configuration(name):
    """What the host makes of a study."""
    study = tomllib.loads((EXAMPLES / name / "study.toml").read_text(encoding="utf-8"))
    (scene,) = (scene for scene in study["scenes"] if scene["type"] == "gym")
    said = dict(scene["environment"])
    named = {key: said.pop(key) for key in ("file", "attribute", "id", "target", "kwargs") if key in said}
    python = study["python"]
    controls = scene.get("controls", {})
    bindings = [
        value["action"] if isinstance(value, dict) and "label" in value else value
        for value in controls["bindings"].values()
    ]
    return {
        **said,
        "environment": {**named, "imports": python.get("imports", []), "stubs": stubs(python)},
        "base": str(EXAMPLES / name),
        "bindings": bindings,
        "default_action": controls.get("default_action", 0),
        "max_steps": scene.get("max_steps", 10_000),
    }


def played(name, frames, seed, viewer):
    """Plays as people might, pressing keys for a while; gives the pictures of some frames."""
    one = runtime.open_runtime(json.dumps(configuration(name)))
    told = json.loads(one.describe())
    noise = random.Random(seed)
    agents = len(told["agents"])
    choices = [[None, *(binding[agent] for binding in told["bindings"])] for agent in range(agents)]
    held = [None] * agents
    letters, script = SCRIPTS.get(name, ("", []))
    answer = read(one.reset(seed))
    for frame in range(max(frames) + 1):
        assert "error" not in answer[-1], answer[-1]
        if frame in frames:
            (entry, _) = read(one.run(Batch().draw(viewer).data))
            yield frame, entry["draw"], told
        for agent in range(agents):
            if script:
                held[agent] = choices[agent][letters.find(script[agent][frame : frame + 1] or ".") + 1]
            elif noise.random() < 0.15:
                held[agent] = noise.choice(choices[agent])
        inputs = [
            bytes.fromhex(told["default_inputs"][agent] if held[agent] is None else held[agent])
            for agent in range(agents)
        ]
        answer = read(one.run(Batch().step(frame, *inputs).data))
        if answer[-1]["ended"]:
            return


@pytest.mark.parametrize("name", PICTURES)
def test_an_example_looks_as_its_golden_pictures_do(name):
    for frame, viewer in PICTURES[name]:
        ((_, picture, told),) = played(name, [frame], 1, viewer)
        assert picture["omitted"] == 0
        found = as_svg(picture, told["size"], told["assets"], EXAMPLES / name / "assets")
        golden = GOLDEN / f"{name}-{frame}.svg"
        if os.environ.get("IGYM_BLESS"):
            golden.write_text(found, encoding="utf-8")
        assert golden.read_text(encoding="utf-8") == found


@pytest.mark.parametrize("name", PICTURES)
def test_drawing_an_example_changes_nothing_and_its_study_is_short(name):
    one = runtime.open_runtime(json.dumps(configuration(name)))
    assert not json.loads(one.describe())["drawing_guarded"]
    lines = (EXAMPLES / name / "study.toml").read_text(encoding="utf-8").split("\n")
    assert len([line for line in lines if line.strip() and not line.startswith("#")]) < 40


@pytest.mark.parametrize(
    ("kitchen", "cards"),
    [
        ("AsymmetricAdvantages", 0),
        ("CoordinationRing", 0),
        ("ForcedCoordination", 0),
        ("CounterCircuit", 0),
        ("CrampedMixedKitchen", 2),
    ],
)
def test_all_of_cogrids_kitchens_can_be_drawn(kitchen, cards):
    settings = configuration("overcooked")
    settings["environment"]["kwargs"]["kitchen"] = kitchen
    one = runtime.open_runtime(json.dumps(settings))
    one.reset(2)
    for frame in range(25):
        one.run(Batch().step(frame, bytes([frame % 5]), bytes([frame * 3 % 5])).data)
    (entry, _) = read(one.run(Batch().draw(1).data))
    names = [item["id"] for item in entry["draw"]["objects"]]
    assert entry["draw"]["omitted"] == 0
    assert len([name for name in names if name.startswith("cook ")]) == 2 and "mine" in names
    assert len([name for name in names if name.startswith("order ") and name.endswith("soup")]) == cards
