"""The determinism doctor: plays one episode under several conditions and says where it differs.

Every condition is a trace: the same seed and the same inputs, and of every frame all that can be
seen of it, field by field. `compare` finds the first frame and field in which two traces differ;
`diagnose` names the likely cause. `examine` does it all natively, with interpreters of its own; in a
browser or in Node the host starts the interpreters and calls `trace` and `diagnose`.

Conditions: the same episode twice in one interpreter; after two other episodes; in a fresh
interpreter, whose memory is laid out differently; under another hash seed; with rollbacks, in which
other inputs are played and taken back; with pictures drawn between the frames.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from . import loader, seeding
from .errors import GymError
from .suspects import FILES, HASH, IDENTITY, PROCESS, RANDOM, THREADS, TIME
from .traces import Trace, compare, trace

__all__ = ["CONDITIONS", "compare", "diagnose", "examine", "report_text", "trace"]

#: The conditions, and what the episode under each is compared with the first for.
CONDITIONS = {
    "again": "played twice in one interpreter",
    "after_others": "played after two other episodes",
    "fresh": "played in a fresh interpreter",
    "hash_seed": "played under another PYTHONHASHSEED",
    "rollback": "played with rollbacks",
    "drawn": "played with pictures drawn between the frames",
}

#: What is wrong, as far as it can be told from outside.
SET_ORDER, MODULE_STATE, DRAWING = "set order", "module state", "drawing"

_FIXES = {
    RANDOM: "draw from np_random, or from random or numpy.random, which are seeded for each episode",
    TIME: "count frames instead of reading a clock",
    IDENTITY: "compare and sort by something that the study decides, not by address",
    HASH: "hash() of a text differs between interpreters; use the text itself, or zlib.crc32",
    SET_ORDER: "iterate over sorted(…) of a set, or use a dict or a list",
    MODULE_STATE: "keep what changes in the environment object, and set it in reset",
    PROCESS: "nothing of the process may matter",
    FILES: "read files when the module is imported, and write none",
    THREADS: "do everything within reset and step",
    DRAWING: "draw without changing anything; the platform puts the state back after each picture",
}


def diagnose(traces: dict[str, Trace], adapter_name: str = "the environment") -> dict[str, Any]:
    """From the traces of all conditions, by name, to a report: what differs, where first, and why. With
    `plain` and at least one other; `watched` adds the lines that are suspected."""
    plain = traces["plain"]
    findings = []
    errors = {name: found["error"] for name, found in traces.items() if found["error"]}
    for condition, what in CONDITIONS.items():
        found = traces.get(condition)
        if found is None or condition in errors or "plain" in errors:
            continue
        difference = compare(plain, found)
        if difference is not None:
            findings.append({"condition": condition, "what": what, **difference})
    suspects = traces.get("watched", {}).get("suspects", [])
    differing = {finding["condition"] for finding in findings}
    for finding in findings:
        cause, lines = _cause(finding["condition"], differing, suspects)
        finding.update(cause=cause, fix=_FIXES[cause], suspects=lines)
    return {
        "environment": adapter_name,
        "deterministic": not findings and not errors,
        "frames": len(plain["frames"]),
        "findings": findings,
        "errors": errors,
        # Where nothing differed these are worth a look all the same.
        "suspects": [_line(call) for call in suspects],
    }


def _cause(condition: str, differing: set[str], suspects: list[list]) -> tuple[str, list[str]]:
    seen = {call[0] for call in suspects}

    def named(cause: str) -> tuple[str, list[str]]:
        return cause, [_line(call) for call in suspects if call[0] == cause]

    if condition == "drawn" and differing == {"drawn"}:
        return named(DRAWING)
    # What differs in every interpreter, and nearly every time.
    if "fresh" in differing or "again" in differing:
        for cause in (RANDOM, TIME, THREADS, PROCESS):
            if cause in seen:
                return named(cause)
    if "hash_seed" in differing and differing <= {"hash_seed", "rollback"}:
        return named(HASH if HASH in seen else SET_ORDER)
    if IDENTITY in seen and "fresh" in differing:
        return named(IDENTITY)
    if FILES in seen and differing & {"again", "after_others", "fresh"}:
        return named(FILES)
    # `plain`, `fresh` and `hash_seed` are each the first episode of an interpreter, so what a module
    # remembers cannot tell them apart; addresses and hashes can, and they order sets.
    return named(SET_ORDER if differing & {"fresh", "hash_seed"} else MODULE_STATE)


def report_text(report: dict[str, Any]) -> str:
    """A report for people."""
    name = report["environment"]
    if report["deterministic"]:
        return f"{name} plays the same way under all conditions ({report['frames']} frames were compared)."
    lines = [f"{name} does not play the same way each time."] if report["findings"] else []
    by_cause: dict[str, list[dict[str, Any]]] = {}
    for finding in report["findings"]:
        by_cause.setdefault(finding["cause"], []).append(finding)
    for cause, (first, *others) in by_cause.items():
        was, became = first["values"]
        lines.append(
            f"  {_capital(first['what'])}, it differs first in {first['at']}: {first['field']} is {became} "
            f"instead of {was}."
        )
        if others:
            lines.append(f"  It also differs {_listed([other['what'] for other in others])}.")
        lines.append(f"  The likely cause is {cause}: {first['fix']}.")
        lines += [f"  Look at {line}." for line in first["suspects"]]
    by_message: dict[str, list[str]] = {}
    for condition, error in report["errors"].items():
        by_message.setdefault(error["message"], []).append(CONDITIONS.get(condition, ""))
    for message, played in by_message.items():
        if not lines:
            lines.append(f"{name} cannot be played.")
        # Without any condition it fails always.
        when = "" if "" in played else f"{_listed(played)} "
        lines.append(f"  {_capital(f'{when}it fails')}: {message.rstrip('.')}.")
    return "\n".join(lines)


def _listed(conditions: list[str]) -> str:
    """Several conditions in one sentence."""
    shorter = [condition.removeprefix("played ") for condition in conditions]
    return " and ".join(filter(None, [", ".join(shorter[:-1]), shorter[-1]]))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def examine(configuration: dict[str, Any], frames: int = 120, seed: int = 1) -> dict[str, Any]:
    """The whole examination, natively, in interpreters of its own."""
    # Each list is an interpreter: what one episode leaves behind in it the next one finds.
    order = {
        seeding.HASH_SEED: [
            ["plain", "again", "rollback", "drawn"],
            ["after_others"],
            ["fresh"],
            ["watched"],
        ],
        "1": [["hash_seed"]],
    }
    children = [
        (_start(hash_seed), {"configuration": configuration, "conditions": conditions, "frames": frames, "seed": seed})
        for hash_seed, interpreters in order.items()
        for conditions in interpreters
    ]
    traces: dict[str, Trace] = {}
    for child, request in children:
        child.stdin.write(json.dumps(request))
        child.stdin.close()
    for child, _ in children:
        traces.update(_answer(child))
    return diagnose(traces, loader.describe(configuration.get("environment") or {}))


def _start(hash_seed: str) -> subprocess.Popen:
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    paths = [package, os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "interactive_gym.doctor", "--traces"],
        env={
            **os.environ,
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )


def _answer(child: subprocess.Popen) -> dict[str, Trace]:
    # Until it ends: what the environment prints comes before the traces, and may be long.
    with child:
        said = child.stdout.read()
    before, _, answer = said.rpartition("\n#traces ")
    if child.returncode != 0 or not answer:
        raise GymError("environment", f"an interpreter of the doctor failed: {(before or said)[-2000:]}")
    return json.loads(answer.splitlines()[0])


def _line(call: Iterable[Any]) -> str:
    _, function, file, line = call
    return f"{function} in {file}, line {line}"


def main() -> None:
    """See `--help`; the exit code is 1 if something differs."""
    if sys.argv[1:] == ["--traces"]:
        _play_for_parent()
        return
    arguments = _arguments().parse_args()
    try:
        configuration = json.loads(arguments.configuration.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"{arguments.configuration} cannot be read: {error}")
    configuration.setdefault("base", str(arguments.configuration.resolve().parent))
    try:
        report = examine(configuration, arguments.frames, arguments.seed)
    except GymError as error:
        sys.exit(error.message)
    print(json.dumps(report, indent=2) if arguments.json else report_text(report))
    sys.exit(0 if report["deterministic"] else 1)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m interactive_gym.doctor",
        description="Plays an environment twice, in fresh interpreters, under another hash seed, with rollbacks and "
        "with drawing between the frames, and says where it first plays differently, and why. The exit code is 0 if "
        "it plays the same way each time, else 1.",
    )
    parser.add_argument(
        "configuration", type=pathlib.Path, help="a JSON file, as open_runtime takes it (python/README.md)"
    )
    parser.add_argument("--frames", type=int, default=120, help="how many frames to play (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the first episode and the inputs (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON, with everything that was found")
    return parser


def _play_for_parent() -> None:
    request = json.load(sys.stdin)
    traces = {
        condition: trace(request["configuration"], condition, request["frames"], request["seed"])
        for condition in request["conditions"]
    }
    print("\n#traces " + json.dumps(traces), flush=True)


if __name__ == "__main__":
    main()
