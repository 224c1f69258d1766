"""Colours: RGB, `#rgb`, `#rrggbb`, names; on the wire always `#rrggbb`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Union

Color = Union[str, Sequence[int]]


def to_wire(color: Color) -> str:
    """`#rrggbb`; raises `ValueError`."""
    if isinstance(color, str):
        return _from_text(color)
    try:
        red, green, blue = (int(part) for part in color)
    except (TypeError, ValueError):
        raise ValueError(_HINT.format(color)) from None
    if not all(0 <= part <= 255 for part in (red, green, blue)):
        raise ValueError(f"the parts of a colour are 0 to 255: {color!r}")
    return f"#{red:02x}{green:02x}{blue:02x}"


_HINT = 'not a colour; write (red, green, blue), #rgb, #rrggbb or a name such as "navy": {0!r}'


@functools.lru_cache(maxsize=1024)
def _from_text(text: str) -> str:
    name = text.strip().lower()
    if name in NAMES:
        return NAMES[name]
    digits = name[1:]
    if name.startswith("#") and all(digit in "0123456789abcdef" for digit in digits):
        if len(digits) == 6:
            return name
        if len(digits) == 3:
            return "#" + "".join(digit * 2 for digit in digits)
    raise ValueError(_HINT.format(text))


#: The names that CSS gives to these colours.
NAMES = {
    "aqua": "#00ffff",
    "beige": "#f5f5dc",
    "black": "#000000",
    "blue": "#0000ff",
    "brown": "#a52a2a",
    "chocolate": "#d2691e",
    "coral": "#ff7f50",
    "crimson": "#dc143c",
    "cyan": "#00ffff",
    "darkblue": "#00008b",
    "darkgray": "#a9a9a9",
    "darkgreen": "#006400",
    "darkgrey": "#a9a9a9",
    "darkred": "#8b0000",
    "fuchsia": "#ff00ff",
    "gold": "#ffd700",
    "gray": "#808080",
    "green": "#008000",
    "grey": "#808080",
    "indigo": "#4b0082",
    "ivory": "#fffff0",
    "khaki": "#f0e68c",
    "lavender": "#e6e6fa",
    "lightblue": "#add8e6",
    "lightgray": "#d3d3d3",
    "lightgrey": "#d3d3d3",
    "lime": "#00ff00",
    "magenta": "#ff00ff",
    "maroon": "#800000",
    "navy": "#000080",
    "olive": "#808000",
    "orange": "#ffa500",
    "pink": "#ffc0cb",
    "purple": "#800080",
    "red": "#ff0000",
    "salmon": "#fa8072",
    "silver": "#c0c0c0",
    "skyblue": "#87ceeb",
    "teal": "#008080",
    "violet": "#ee82ee",
    "white": "#ffffff",
    "yellow": "#ffff00",
}
