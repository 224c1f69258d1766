"""The canvas that environments draw on, as `igym_gym::Surface`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from .color import Color, to_wire

Points = Iterable[tuple[float, float]]


class Surface:
    """What an environment, or the function that draws it, draws on.

    Each call draws one object for one frame. With `persistent=True` (and an `id`) it stays until it is
    drawn anew, removed, or the surface is reset; draw persistent objects in every frame all the same:
    what the page shows already is not sent again, and a picture drawn whole is right after a rollback,
    a reload and a late arrival. Coordinates and lengths are pixels of the surface, y grows downwards.

    Keywords of every call: `id` follows the object from frame to frame; `persistent`; `relative`:
    coordinates and extents are fractions of width and height, radii of circles and arcs of the longer
    one (stroke, line width, text size and corner radius stay pixels); `depth`: greater is above, at
    equal depth what is drawn later is; `alpha` from 0 to 1; `tween_duration` in milliseconds: the page
    moves an object that is already shown to its new place in this time.

    A surface is not state: it is left out of snapshots and digests.
    """

    #: See `graph.is_constant`.
    igym_no_state = True

    def __init__(self, width: int, height: int):
        self.width = int(width)
        self.height = int(height)
        self._assets: dict[str, dict[str, str]] = {}
        self._drafts: list[_Sketch] = []
        self._persistent: dict[str, _Placed] = {}
        #: The last picture's objects by id: what is drawn alike again, as most is, is not made anew.
        self._last: dict[str, _Placed] = {}
        self._sequence = 0
        self._hud: str | None = None

    # Copies of an environment share its surface; a pickle of one has an empty one.
    def __deepcopy__(self, memo: dict) -> Surface:
        return self

    def __reduce__(self):
        return (_unpickled, (self.width, self.height, list(self._assets.values())))

    @property
    def assets(self) -> list[dict[str, str]]:
        """What the page must load, in the order of registration."""
        return list(self._assets.values())

    def register_image(self, name: str, path: str) -> None:
        """Makes an image known by a name; of two with one name the later one stays. The path is
        relative to the study's assets."""
        self._assets.pop(name, None)
        self._assets[name] = {"kind": "image", "name": name, "path": path}

    def register_atlas(self, name: str, img_path: str, json_path: str) -> None:
        """Makes an atlas (an image and the JSON file that lists its frames) known by a name."""
        self._assets.pop(name, None)
        self._assets[name] = {"kind": "atlas", "name": name, "image_path": img_path, "json_path": json_path}

    def rect(
        self, x: float, y: float, w: float, h: float, color: Color = "white", border_radius: float = 0,
        stroke_color: Color | None = None, stroke_width: float = 1, **keywords: Any,
    ) -> None:  # fmt: skip
        """A rectangle by its top left corner."""
        shape = {"kind": "rect", "x": x, "y": y, "width": w, "height": h, "border_radius": border_radius}
        self._filled(shape, color, stroke_color, stroke_width, keywords)

    def circle(
        self, x: float, y: float, radius: float, color: Color = "white",
        stroke_color: Color | None = None, stroke_width: float = 1, **keywords: Any,
    ) -> None:  # fmt: skip
        """A disc by its centre."""
        shape = {"kind": "circle", "x": x, "y": y, "radius": radius}
        self._filled(shape, color, stroke_color, stroke_width, keywords)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, color: Color = "white",
        stroke_color: Color | None = None, stroke_width: float = 1, **keywords: Any,
    ) -> None:  # fmt: skip
        """An ellipse by its centre and its two radii."""
        shape = {"kind": "ellipse", "x": x, "y": y, "radius_x": rx, "radius_y": ry}
        self._filled(shape, color, stroke_color, stroke_width, keywords)

    def arc(
        self, x: float, y: float, radius: float, start_angle: float, end_angle: float,
        color: Color = "white", stroke_color: Color | None = None, stroke_width: float = 1, **keywords: Any,
    ) -> None:  # fmt: skip
        """A filled slice of a circle, clockwise between two angles in degrees from the positive x
        axis: 180 to 360 is the upper half."""
        shape = {
            "kind": "arc", "x": x, "y": y, "radius": radius,
            "start_angle": start_angle, "end_angle": end_angle,
        }  # fmt: skip
        self._filled(shape, color, stroke_color, stroke_width, keywords)

    def line(self, points: Points, color: Color = "white", width: float = 1, **keywords: Any) -> None:
        """A line through points, `width` pixels wide."""
        shape = {"kind": "line", "points": _pairs(points), "width": width, "color": to_wire(color)}
        self._draw(shape, keywords)

    def polygon(
        self, points: Points, color: Color = "white",
        stroke_color: Color | None = None, stroke_width: float = 1, **keywords: Any,
    ) -> None:  # fmt: skip
        """A filled polygon."""
        shape = {"kind": "polygon", "points": _pairs(points)}
        self._filled(shape, color, stroke_color, stroke_width, keywords)

    def text(
        self, text: str, x: float, y: float, size: float = 16, color: Color = "black", font: str = "Arial",
        align: str = "left", **keywords: Any,
    ) -> None:  # fmt: skip
        """A text by its top; `align` ("left", "center", "right") says which point `x` names."""
        if align not in ("left", "center", "right"):
            raise ValueError(f'align must be "left", "center" or "right", not {align!r}')
        shape = {
            "kind": "text", "text": str(text), "x": x, "y": y, "size": size, "font": font,
            "align": align, "color": to_wire(color),
        }  # fmt: skip
        self._draw(shape, keywords)

    def image(
        self, image_name: str, x: float, y: float, w: float, h: float, frame: str | None = None,
        angle: float = 0, **keywords: Any,
    ) -> None:  # fmt: skip
        """A registered image, or the `frame` of a registered atlas, scaled to a size, by its top left
        corner; turned around its centre by `angle`, in degrees clockwise."""
        shape: dict[str, Any] = {"kind": "image", "image": image_name}
        if frame is not None:
            shape["frame"] = str(frame)
        shape.update(x=x, y=y, width=w, height=h, angle=angle)
        self._draw(shape, keywords)

    def hud(self, text: str | None) -> None:
        """The line of text beside the game, for this frame."""
        self._hud = None if text is None else str(text)

    def remove(self, id: str) -> None:
        """Takes a persistent object away."""
        self._persistent.pop(id, None)

    def reset(self) -> None:
        """Takes everything away but the registered assets. The host does so when an episode starts."""
        self._drafts.clear()
        self._persistent.clear()
        self._hud = None

    def commit(self) -> DrawList:
        """Ends the frame: the whole picture, persistent objects of earlier frames included. Of two
        objects with one id the one drawn later is in it."""
        omitted = 0
        unnamed: dict[str, int] = {}
        frame: dict[str, _Placed] = {}
        last, self._last = self._last, {}
        drafts, self._drafts = self._drafts, []
        for sketch in drafts:
            self._sequence += 1
            kind = sketch.shape["kind"]
            name = sketch.id
            if name is None:
                unnamed[kind] = unnamed.get(kind, 0) + 1
                name = f"~{kind}{unnamed[kind]}"
            known = last.get(name)
            if known is not None and known.sketch.is_like(sketch):
                placed = known.moved(sketch, self._sequence)
            else:
                placed = self._place(sketch, name)
            if placed is None:
                omitted += 1
                continue
            self._last[name] = placed
            if sketch.persistent:
                frame.pop(name, None)
                self._persistent[name] = placed
            else:
                self._persistent.pop(name, None)
                frame[name] = placed
        stack = sorted([*self._persistent.values(), *frame.values()], key=lambda placed: placed.place)
        hud, self._hud = self._hud, None
        objects = [placed.object for placed in stack]
        return DrawList(objects, omitted, hud, self.assets, [placed.text for placed in stack])

    def _filled(self, shape: dict[str, Any], color, stroke_color, stroke_width, keywords) -> None:
        shape["color"] = to_wire(color)
        if stroke_color is not None:
            shape["stroke"] = {"color": to_wire(stroke_color), "width": stroke_width}
        self._draw(shape, keywords)

    def _draw(self, shape: dict[str, Any], keywords: dict[str, Any]) -> None:
        self._drafts.append(_Sketch(shape, **keywords))

    def _place(self, sketch: _Sketch, name: str) -> _Placed | None:
        """The sketch in final pixels, or `None` if it cannot be shown."""
        shape = sketch.shape
        if shape["kind"] == "image" and shape["image"] not in self._assets:
            return None
        scale = (self.width, self.height) if sketch.relative else None
        final = {
            key: value if type(value) is str else _final(key, value, scale, shape["kind"])
            for key, value in shape.items()
        }
        depth, alpha = float(sketch.depth), float(sketch.alpha)
        if any(value is None for value in final.values()) or not math.isfinite(depth + alpha):
            return None
        item: dict[str, Any] = {"id": name, "shape": final, "alpha": rounded(min(max(alpha, 0.0), 1.0))}
        if sketch.tween_duration is not None:
            item["tween_ms"] = max(0, int(sketch.tween_duration))
        return _Placed((depth + 0.0, self._sequence), item, _encoded(item), sketch)


class DrawList:
    """A whole picture, from the bottom to the top."""

    __slots__ = ("_texts", "assets", "hud", "objects", "omitted")

    def __init__(
        self, objects: list[dict[str, Any]], omitted: int = 0, hud: str | None = None,
        assets: list[dict[str, str]] | None = None, texts: list[str] | None = None,
    ):  # fmt: skip
        #: As `igym_gym::DrawObject` is in JSON. No two have the same id.
        self.objects = objects
        #: Drawing calls that are not in the list: a coordinate was not finite, or the image was never
        #: registered.
        self.omitted = omitted
        #: The text beside the game.
        self.hud = hud
        #: What was registered with the surface; not in the JSON.
        self.assets = assets or []
        #: The JSON of each object.
        self._texts = texts

    def to_json(self) -> str:
        texts = self._texts
        if texts is None:
            texts = [_encoded(item) for item in self.objects]
        hud = "" if self.hud is None else f',"hud":{_encoded(self.hud)}'
        return f'{{"objects":[{",".join(texts)}],"omitted":{self.omitted}{hud}}}'


#: `json.dumps` would make an encoder for each call.
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class _Sketch:
    """A drawing call before it becomes an object."""

    __slots__ = ("alpha", "depth", "id", "persistent", "relative", "shape", "tween_duration")

    def __init__(
        self, shape: dict[str, Any], id: str | None = None, persistent: bool = False, relative: bool = False,
        depth: float = 0, alpha: float = 1, tween_duration: int | None = None,
    ):  # fmt: skip
        if persistent and id is None:
            raise ValueError("a persistent object needs an id")
        self.shape = shape
        self.id = None if id is None else str(id)
        self.persistent = persistent
        self.relative = relative
        self.depth = depth
        self.alpha = alpha
        self.tween_duration = tween_duration

    def is_like(self, other: _Sketch) -> bool:
        """Whether both are the same object on the page, at whatever depth."""
        return (
            self.shape == other.shape
            and self.alpha == other.alpha
            and self.relative == other.relative
            and self.tween_duration == other.tween_duration
        )


class _Placed:
    """An object and where it lies in the stack."""

    __slots__ = ("object", "place", "sketch", "text")

    def __init__(self, place: tuple[float, int], item: dict[str, Any], text: str, sketch: _Sketch):
        self.place = place
        self.object = item
        #: The object as JSON.
        self.text = text
        #: What it was made of.
        self.sketch = sketch

    def moved(self, sketch: _Sketch, sequence: int) -> _Placed | None:
        """The same object where another sketch of it has it in the stack."""
        depth = float(sketch.depth)
        if not math.isfinite(depth):
            return None
        return _Placed((depth + 0.0, sequence), self.object, self.text, self.sketch)


_NUMBERS = frozenset({int, float})
_ACROSS = frozenset({"x", "width", "radius_x"})
_DOWN = frozenset({"y", "height", "radius_y"})


def _final(key: str, value: Any, scale: tuple[int, int] | None, kind: str) -> Any:
    """A field of a shape in pixels, to hundredths; `None` if it is not finite."""
    if scale is None and type(value) in _NUMBERS:
        return _number(value)
    if isinstance(value, str):
        return value
    if key == "points":
        across, down = scale or (1, 1)
        points = [(_number(x * across), _number(y * down)) for x, y in value]
        return None if any(x is None or y is None for x, y in points) else points
    if key == "stroke":
        width = _number(value["width"])
        return None if width is None else {"color": value["color"], "width": width}
    if scale is not None:
        # A line's width stays pixels, as that of a stroke does.
        if key in _ACROSS and kind != "line":
            value = value * scale[0]
        elif key in _DOWN:
            value = value * scale[1]
        elif key == "radius":
            value = value * max(scale)
    return _number(value)


def _number(value: Any) -> float | None:
    number = float(value)
    return rounded(number) if math.isfinite(number) else None


def rounded(number: float) -> float:
    """To hundredths, half away from zero, with one zero: nobody sees less, and what is equal on screen
    is equal on the wire."""
    scaled = number * 100.0
    if scaled - scaled != 0.0:
        # Not finite.
        return number
    whole = int(scaled)
    rest = scaled - whole
    if rest >= 0.5:
        whole += 1
    elif rest <= -0.5:
        whole -= 1
    return whole / 100.0 + 0.0


def _pairs(points: Points) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points]


def _unpickled(width: int, height: int, assets: list[dict[str, str]]) -> Surface:
    surface = Surface(width, height)
    surface._assets = {asset["name"]: asset for asset in assets}
    return surface
