"""The bytes that Rust and Python must agree on: one file of vectors, checked from both sides."""

import json
import struct
from pathlib import Path

import gymnasium.spaces
import numpy
import pytest

from interactive_gym import Surface, canonical, outcome, spaces

VECTORS = json.loads((Path(__file__).parents[2] / "crates/gym/tests/golden/vectors.json").read_text(encoding="utf-8"))


def value(tagged):
    ((kind, inner),) = tagged.items()
    if kind == "null":
        return None
    if kind == "int":
        return int(inner)
    if kind == "float":
        return double(inner)
    if kind == "bytes":
        return bytes.fromhex(inner)
    if kind == "list":
        return [value(item) for item in inner]
    if kind == "map":
        return {key: value(item) for key, item in inner}
    if kind == "array":
        data = numpy.frombuffer(bytes.fromhex(inner["hex"]), dtype=inner["dtype"])
        return data.reshape(inner["shape"])
    return inner


def double(digits):
    return struct.unpack("<d", bytes.fromhex(digits))[0]


def cell(tagged):
    return outcome.Cell(
        None if tagged["reward"] is None else double(tagged["reward"]),
        tagged["terminated"],
        tagged["truncated"],
        tagged["platform"],
        {key: value(item) for key, item in tagged["info"]},
    )


def space(tagged):
    kind = tagged["kind"]
    if kind == "discrete":
        return gymnasium.spaces.Discrete(tagged["n"])
    if kind == "multi_discrete":
        return gymnasium.spaces.MultiDiscrete(tagged["n"])
    if kind == "multi_binary":
        return gymnasium.spaces.MultiBinary(tagged["n"])
    if kind == "dict":
        return gymnasium.spaces.Dict({name: space(part) for name, part in tagged["entries"].items()})
    return gymnasium.spaces.Box(tagged["low"], tagged["high"], tuple(tagged["shape"]), tagged["dtype"])


@pytest.mark.parametrize("entry", VECTORS["values"], ids=lambda entry: json.dumps(entry["value"])[:40])
def test_a_value_has_the_bytes_that_rust_gives_it(entry):
    assert canonical.encode(value(entry["value"])).hex() == entry["hex"]


@pytest.mark.parametrize("entry", VECTORS["outcomes"], ids=range(len(VECTORS["outcomes"])))
def test_an_outcome_has_the_bytes_that_rust_gives_it(entry):
    cells = [(outcome.name(agent["agent"]), cell(agent)) for agent in entry["outcome"]["agents"]]
    assert outcome.encode(cells, len(cells), entry["outcome"]["terminal"]).hex() == entry["hex"]


@pytest.mark.parametrize("entry", VECTORS["actions"], ids=lambda entry: json.dumps(entry["space"])[:40])
def test_an_action_has_the_bytes_that_rust_gives_it(entry):
    codec = spaces.wrap(space(entry["space"]), "a")
    data = codec.encode(entry["action"])
    assert data.hex() == entry["hex"]
    assert codec.length == len(data)
    again = codec.decode(data)
    assert codec.space.contains(again)
    assert codec.pack(again) == data


@pytest.mark.parametrize("entry", VECTORS["not_actions"], ids=lambda entry: entry["hex"] or "empty")
def test_bytes_that_are_no_action_are_refused_on_both_sides(entry):
    assert spaces.wrap(space(entry["space"]), "a").decode(bytes.fromhex(entry["hex"])) is None


@pytest.mark.parametrize("entry", VECTORS["drawings"], ids=range(len(VECTORS["drawings"])))
def test_drawing_calls_give_the_picture_that_rust_gives(entry):
    surface = Surface(entry["width"], entry["height"])
    frames = []
    for call in entry["calls"]:
        result = getattr(surface, call["call"])(*call["arguments"], **call["keywords"])
        if call["call"] == "commit":
            frames.append(json.loads(result.to_json()))
    assert frames == entry["frames"]
    kinds = {item["shape"]["kind"] for frame in frames for item in frame["objects"]}
    assert kinds, "something is compared"


def test_the_vectors_cover_every_kind():
    kinds = {next(iter(entry["value"])) for entry in VECTORS["values"]}
    assert kinds == {"null", "bool", "int", "float", "str", "bytes", "list", "map", "array"}
    assert {entry["space"]["kind"] for entry in VECTORS["actions"]} == {
        "discrete", "multi_discrete", "multi_binary", "box", "dict",
    }  # fmt: skip
    drawn = {call["call"] for entry in VECTORS["drawings"] for call in entry["calls"]}
    assert {"rect", "circle", "ellipse", "arc", "line", "polygon", "text", "image", "remove", "reset"} <= drawn
