"""Finds the environment that a study names and makes it.

Three ways to name one, each with keyword arguments:

- `file = "env.py"` (and `attribute = "MyEnv"` if the file defines several);
- `id = "CartPole-v1"`: what `gymnasium.make` knows (`imports` names packages that register more);
- `target = "package.module:attribute"`: a class or any function that returns an environment.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from .errors import from_exception, setup_error
from .stubs import stub

Factory = Callable[[], Any]


def factory(spec: Mapping[str, Any], base: str = ".") -> Factory:
    """A function that makes the environment anew. Imports what is needed now. `base` is the folder
    that files are relative to."""
    named = [key for key in ("file", "id", "target") if spec.get(key)]
    if len(named) != 1:
        raise setup_error(
            "an environment is named by exactly one of file, id and target; "
            + (f"these are given: {', '.join(named)}" if named else "none is given")
        )
    unknown = sorted(set(spec) - _KEYS)
    if unknown:
        raise setup_error(f"unknown settings of an environment: {', '.join(unknown)}")
    for module in spec.get("imports", ()):
        _import(module, f"imports names {module!r}, which")
    for module in spec.get("stubs", ()):
        stub(module)
    kwargs = dict(spec.get("kwargs", {}))
    if spec.get("id"):
        return _registered(spec["id"], kwargs)
    if spec.get("file"):
        found = from_file(spec["file"], spec.get("attribute"), base)
    else:
        found = from_target(spec["target"])
    name = describe(spec)
    return lambda: _make(found, kwargs, name)


_KEYS = {"file", "attribute", "id", "target", "kwargs", "imports", "stubs"}


def describe(spec: Mapping[str, Any]) -> str:
    """How errors name the environment."""
    if spec.get("file"):
        attribute = spec.get("attribute")
        return f"{spec['file']}:{attribute}" if attribute else str(spec["file"])
    return str(spec.get("id") or spec.get("target") or "environment")


def function(reference: str, base: str) -> Callable:
    """What "draw.py:draw" or "package.module:draw" names."""
    place, _, attribute = reference.rpartition(":")
    if not place:
        raise setup_error(f'{reference!r} names no function; write "draw.py:draw"')
    module = _load_file(place, base) if place.endswith(".py") else _import(place, f"{reference!r}")
    found = getattr(module, attribute, None)
    if not callable(found):
        raise setup_error(f"{place} defines no function {attribute!r}")
    return found


def from_target(target: str) -> Any:
    place, _, attribute = target.partition(":")
    if not attribute:
        raise setup_error(f'target {target!r} names no attribute; write "package.module:attribute"')
    found: Any = _import(place, f"target {target!r}")
    for step in attribute.split("."):
        if not hasattr(found, step):
            raise setup_error(f"target {target!r}: {place} has no attribute {attribute!r}")
        found = getattr(found, step)
    return found


def from_file(file: str, attribute: str | None, base: str) -> Any:
    module = _load_file(file, base)
    if attribute:
        if not hasattr(module, attribute):
            raise setup_error(f"{file} defines no {attribute!r}")
        return getattr(module, attribute)
    for usual in ("make_env", "env"):
        if hasattr(module, usual):
            return getattr(module, usual)
    candidates = [
        name
        for name, value in vars(module).items()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and callable(getattr(value, "step", None))
        and callable(getattr(value, "reset", None))
    ]
    if len(candidates) == 1:
        return getattr(module, candidates[0])
    if candidates:
        raise setup_error(f"{file} defines several environments; set attribute to one of {', '.join(candidates)}")
    raise setup_error(f"{file} defines no environment: no make_env, no env, and no class with reset and step")


def _import(module: str, subject: str) -> types.ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (error.name == module or module.startswith(error.name + ".")):
            raise setup_error(f"{subject}: there is no module {error.name!r}; {_instead(error.name)}") from None
        raise _missing(f"importing {module}", error) from error
    except Exception as error:
        raise from_exception(f"importing {module}", error) from error


def _instead(module: str) -> str:
    """What to write instead of a module that is not there."""
    parent, _, name = module.rpartition(".")
    if not parent:
        return "is its package listed?"
    there = [one.name for one in pkgutil.iter_modules(getattr(sys.modules.get(parent), "__path__", ()))]
    # Versions at the end of a name are what changes most often.
    near = [one for one in there if one.rstrip("0123456789") == name.rstrip("0123456789")]
    near += [one for one in difflib.get_close_matches(name, there, n=5) if one not in near]
    listed = ", ".join(near or sorted(there)[:20])
    return f"{parent} has {listed}" if listed else f"{parent} has no modules in it"


def _load_file(file: str, base: str) -> types.ModuleType:
    path = os.path.abspath(os.path.join(base, file))
    name = os.path.splitext(os.path.basename(path))[0]
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == path:
        return known
    if not os.path.exists(path):
        raise setup_error(f"there is no file {file} (looked for {path})")
    if known is not None:
        raise setup_error(f"{file} has the name of another module, {name!r}; rename the file")
    folder = os.path.dirname(path)
    if folder not in sys.path:
        # So that the file can import what lies beside it.
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    # Before it runs: pickle and dataclasses look the module up by its name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        del sys.modules[name]
        raise _missing(f"importing {file}", error) from error
    except Exception as error:
        del sys.modules[name]
        raise from_exception(f"importing {file}", error) from error
    return module


def _missing(doing: str, error: ModuleNotFoundError):
    raised = from_exception(doing, error)
    raised.message += (
        f". Add the package that provides {error.name!r} to packages, or, if the environment does not "
        f"use it, to omit"
    )
    return raised


def _make(found: Any, kwargs: dict[str, Any], name: str) -> Any:
    if not callable(found) or (hasattr(found, "step") and not isinstance(found, type)):
        if hasattr(found, "step"):
            raise setup_error(
                f"{name} is an environment that was made when its file was imported; each episode needs a "
                f"new one. Define a function or a class that makes it"
            )
        raise setup_error(f"{name} is neither a class nor a function that makes an environment")
    try:
        env = found(**kwargs)
    except TypeError as error:
        _check_signature(found, kwargs, name)
        raise from_exception(f"making {name}", error) from error
    except Exception as error:
        raise from_exception(f"making {name}", error) from error
    if not callable(getattr(env, "step", None)) or not callable(getattr(env, "reset", None)):
        raise setup_error(f"{name} made a {type(env).__name__}, which has no reset and step")
    return env


def _check_signature(found: Any, kwargs: dict[str, Any], name: str) -> None:
    try:
        inspect.signature(found).bind(**kwargs)
    except TypeError as error:
        raise setup_error(f"{name} does not take these kwargs: {error}") from None
    except ValueError:
        return


def _registered(identifier: str, kwargs: dict[str, Any]) -> Factory:
    gymnasium = _import("gymnasium", f"id = {identifier!r} needs gymnasium")
    # Its checker warns about style at every step; what matters here is checked by the adapter.
    kwargs.setdefault("disable_env_checker", True)
    try:
        gymnasium.spec(identifier)
    except Exception as error:
        raise setup_error(
            f"gymnasium knows no environment {identifier!r}: {str(error).rstrip('.')}. If a package registers it, name the "
            f"package in imports"
        ) from None

    def make() -> Any:
        try:
            return gymnasium.make(identifier, **kwargs)
        except Exception as error:
            raise from_exception(f"gymnasium.make({identifier!r})", error) from error

    return make
