"""A draw list as an SVG, so that a picture can be kept, compared as text, and looked at."""

import json
import math
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr


def as_svg(picture, size, assets=(), folder="."):
    """`picture` as it goes to the host; images are referred to in `folder`, which must have them."""
    width, height = size
    files = {asset["name"]: asset for asset in assets}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    ]
    for item in picture["objects"]:
        alpha = "" if item["alpha"] == 1 else f' opacity="{item["alpha"]:g}"'
        lines.append(f"<g id={quoteattr(item['id'])}{alpha}>{_shape(item['shape'], files, folder)}</g>")
    if picture.get("hud"):
        lines.append(f"<!-- {escape(picture['hud'])} -->")
    return "\n".join([*lines, "</svg>", ""])


def _shape(shape, files, folder):
    kind = shape["kind"]
    style = _style(shape)
    if kind == "rect":
        radius = min(shape["border_radius"], shape["width"] / 2, shape["height"] / 2)
        place = _attributes(shape, "x", "y", "width", "height")
        return f'<rect {place} rx="{radius:g}"{style}/>'
    if kind == "circle":
        return f'<circle cx="{shape["x"]:g}" cy="{shape["y"]:g}" r="{shape["radius"]:g}"{style}/>'
    if kind == "ellipse":
        radii = f'rx="{shape["radius_x"]:g}" ry="{shape["radius_y"]:g}"'
        return f'<ellipse cx="{shape["x"]:g}" cy="{shape["y"]:g}" {radii}{style}/>'
    if kind == "arc":
        return f'<path d="{_slice(shape)}"{style}/>'
    if kind == "line":
        line = f'fill="none" stroke="{shape["color"]}" stroke-width="{shape["width"]:g}"'
        return f'<polyline points="{_points(shape)}" {line}/>'
    if kind == "polygon":
        return f'<polygon points="{_points(shape)}"{style}/>'
    if kind == "text":
        anchor = {"left": "start", "center": "middle", "right": "end"}[shape["align"]]
        return (
            f'<text x="{shape["x"]:g}" y="{shape["y"] + shape["size"] * 0.86:g}" font-size="{shape["size"]:g}" '
            f'font-family={quoteattr(shape["font"])} text-anchor="{anchor}" fill="{shape["color"]}">'
            f"{escape(shape['text'])}</text>"
        )
    return _image(shape, files[shape["image"]], folder)


def _image(shape, asset, folder):
    place = _attributes(shape, "x", "y", "width", "height")
    turn = ""
    if shape["angle"]:
        middle = shape["x"] + shape["width"] / 2, shape["y"] + shape["height"] / 2
        turn = f' transform="rotate({shape["angle"]:g} {middle[0]:g} {middle[1]:g})"'
    path = asset["path"] if asset["kind"] == "image" else asset["image_path"]
    assert (Path(folder) / path).is_file(), path
    if asset["kind"] == "image":
        return f'<image href={quoteattr(path)} {place} preserveAspectRatio="none"{turn}/>'
    atlas = json.loads((Path(folder) / asset["json_path"]).read_text(encoding="utf-8"))
    cut = atlas["frames"][shape["frame"]]["frame"]
    whole = atlas["meta"]["size"]
    return (
        f'<g{turn}><svg {place} viewBox="{cut["x"]} {cut["y"]} {cut["w"]} {cut["h"]}" preserveAspectRatio="none">'
        f'<image href={quoteattr(path)} width="{whole["w"]}" height="{whole["h"]}"/></svg></g>'
    )


def _slice(shape):
    x, y, radius = shape["x"], shape["y"], shape["radius"]
    sweep = min(shape["end_angle"] - shape["start_angle"], 359.99)

    def at(degrees):
        turn = math.radians(degrees)
        return f"{x + radius * math.cos(turn):.2f} {y + radius * math.sin(turn):.2f}"

    start = shape["start_angle"]
    return f"M{x:g} {y:g}L{at(start)}A{radius:g} {radius:g} 0 {int(sweep > 180)} 1 {at(start + sweep)}Z"


def _points(shape):
    return " ".join(f"{x:g},{y:g}" for x, y in shape["points"])


def _attributes(shape, *names):
    return " ".join(f'{name}="{shape[name]:g}"' for name in names)


def _style(shape):
    if "color" not in shape:
        return ""
    stroke = shape.get("stroke")
    line = f' stroke="{stroke["color"]}" stroke-width="{stroke["width"]:g}"' if stroke else ""
    return f' fill="{shape["color"]}"{line}'
