"""Modules that stand in for packages that a study leaves out.

An environment may import a package that it only needs for what is not done here, such as opening a
window. A stub can be imported, and so can whatever is said to be in it. What is found there can be
named, inherited from, called and kept, and so can what comes of that; but nothing can be learned from
it: to compare it, to count with it or to ask whether it is true is an error that says what is missing.
So an environment that works with a stub works as it would with the package.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from types import ModuleType


def stub(module: str) -> None:
    """Makes a module of this name, and those inside it, importable, if there is no real one."""
    if not any(isinstance(finder, _Stubs) for finder in sys.meta_path):
        sys.meta_path.append(_Stubs())
    _Stubs.names.add(module)


class _Stubs(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Asked last, so that a real module wins."""

    names: set[str] = set()

    def find_spec(self, fullname, path=None, target=None):
        package = fullname
        while package:
            if package in self.names:
                # A package, so that one can go on to modules inside it.
                return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
            package = package.rpartition(".")[0]
            owner = sys.modules.get(package)
            if owner is not None and not isinstance(getattr(owner.__spec__, "loader", None), _Stubs):
                # A real package decides itself what is inside it.
                return None
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__doc__ = "Stands in for a module that the study leaves out."
        module.__getattr__ = lambda name: _named(module.__name__, name)


def _refuse(doing: str):
    def refused(thing, *others, **keywords):
        path = thing.igym_absent
        raise RuntimeError(
            f"{path} {doing}, but the study leaves the package {path.partition('.')[0]!r} out. It is needed for more "
            f"than a window, so the environment cannot be played without it"
        )

    return refused


#: What would tell something about a thing that is not there.
_TELLING = {
    "is compared": ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"),
    "is asked whether it is true": ("__bool__",),
    "is looked into": ("__len__", "__iter__", "__getitem__", "__setitem__", "__contains__"),
    "is counted with": (
        "__int__", "__float__", "__index__", "__array__", "__neg__", "__abs__", "__add__", "__radd__", "__iadd__",
        "__sub__", "__rsub__", "__isub__", "__mul__", "__rmul__", "__imul__", "__truediv__", "__rtruediv__",
        "__floordiv__", "__rfloordiv__", "__mod__", "__rmod__", "__pow__", "__and__", "__rand__", "__or__", "__ror__",
    ),
}  # fmt: skip
_REFUSALS = {name: _refuse(doing) for doing, names in _TELLING.items() for name in names}


class _Absent(type):
    """The type of the classes that a stub has."""

    def __getattr__(cls, name: str) -> _Absent:
        absent = cls.__dict__.get("igym_absent")
        if absent is None:
            # A class of the environment's that inherits from one of ours.
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        return _named(absent, name)

    def __call__(cls, *arguments, **keywords):
        absent = cls.__dict__.get("igym_absent")
        return super().__call__(*arguments, **keywords) if absent is None else _Nothing(f"{absent}()")


class _Nothing:
    """What comes of calling something that is not there."""

    #: See `graph.is_constant`.
    igym_no_state = True

    def __init__(self, path: str):
        self.igym_absent = path

    def __getattr__(self, name: str) -> _Nothing:
        if name.startswith("__"):
            raise AttributeError(f"{self.igym_absent} has no attribute {name!r}")
        return _Nothing(f"{self.igym_absent}.{name}")

    def __call__(self, *arguments, **keywords) -> _Nothing:
        return _Nothing(f"{self.igym_absent}()")

    def __reduce__(self):
        return (_Nothing, (self.igym_absent,))

    __hash__ = object.__hash__


for _name, _refusal in _REFUSALS.items():
    setattr(_Nothing, _name, _refusal)

_known: dict[str, _Absent] = {}


def _named(owner: str, name: str) -> _Absent:
    """What is found under a name; always the same, so that pickle finds it again."""
    if name.startswith("__"):
        raise AttributeError(f"{owner} has no attribute {name!r}")
    path = f"{owner}.{name}"
    if path not in _known:
        _known[path] = _Absent(name, (), {"igym_absent": path, "__module__": owner})
    return _known[path]
