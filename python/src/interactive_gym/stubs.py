"""Modules that stand in for packages that a study leaves out.

An environment may import a package that it only needs for what is not done here, such as opening a
window. A stub can be imported, and so can whatever is said to be in it; what is found there can be
named and inherited from, but using it is an error that says what is missing.
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


class _Absent(type):
    """The type of what a stub has."""

    def __getattr__(cls, name: str) -> _Absent:
        if not isinstance(cls.__dict__.get("igym_absent"), str):
            # A class of the environment's that inherits from one of ours.
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        return _named(cls.igym_absent, name)

    def __call__(cls, *arguments, **keywords):
        absent = cls.__dict__.get("igym_absent")
        if absent is None:
            return super().__call__(*arguments, **keywords)
        raise RuntimeError(
            f"{absent} is used, but the study leaves the package {absent.partition('.')[0]!r} out; it cannot be "
            f"played without it"
        )


_known: dict[str, _Absent] = {}


def _named(owner: str, name: str) -> _Absent:
    """What is found under a name; always the same, so that pickle finds it again."""
    if name.startswith("__"):
        raise AttributeError(f"{owner} has no attribute {name!r}")
    path = f"{owner}.{name}"
    if path not in _known:
        _known[path] = _Absent(name, (), {"igym_absent": path, "__module__": owner})
    return _known[path]
