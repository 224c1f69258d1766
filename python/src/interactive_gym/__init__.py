"""Interactive Gym's Python side: environments as their authors wrote them, for people to play.

- `Surface`: what an environment, or a function beside it, draws on.
- `interactive_gym.runtime`: plays an environment for a host, in a browser (Pyodide) or natively.
- `interactive_gym.doctor`: finds what makes an environment play differently from run to run.

Needs no other package; environments bring theirs, numpy among them.
"""

__version__ = "0.1.0"

from .errors import GymError
from .surface import DrawList, Surface

__all__ = ["DrawList", "GymError", "Surface", "__version__"]
