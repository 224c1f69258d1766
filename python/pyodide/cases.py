"""What is played in Pyodide and natively for comparison: configurations, and batches of bytes.

`python cases.py` plays all of it natively and writes JSON: per case the answers in hex and the costs.
"""

import json
import random
import struct
import sys
import time

CASES = {
    "CartPole": {"environment": {"id": "CartPole-v1"}},
    "MountainCar": {"environment": {"id": "MountainCar-v0"}},
    "slimevb": {
        "environment": {
            "target": "slime_volleyball.slimevolley_env:SlimeVolleyEnv",
            "kwargs": {"config": {"human_inputs": True}},
        },
        "seats": [["agent_left"], ["agent_right"]],
    },
    "cogrid": {
        "environment": {
            "target": "cogrid.envs.registry:make",
            "kwargs": {"environment_id": "Overcooked-CrampedRoom-V0"},
            "imports": ["cogrid.envs"],
        },
        "seats": [["0"], ["1"]],
    },
    "pursuit": {
        "environment": {
            "target": "pettingzoo.sisl.pursuit.pursuit:parallel_env",
            "kwargs": {"x_size": 12, "y_size": 9, "n_pursuers": 2, "n_evaders": 6, "surround": False},
            "stubs": ["pygame", "scipy"],
        },
        "seats": [["pursuer_0"], ["pursuer_1"]],
    },
}
SEED = 11
FRAMES = 120
LOAD, SAVE, STEP, FORGET, DRAW = 1, 2, 3, 4, 5


def configuration(name):
    return json.dumps({**CASES[name], "default_action": 0, "max_steps": FRAMES - 7, "digest_interval": 20})


def batches(name):
    """One batch per frame: some frames of wrong guesses, which the next batch takes back."""
    players = len(CASES[name].get("seats", [["agent"]]))
    actions = {"CartPole": 2, "MountainCar": 3, "slimevb": 6, "cogrid": 7, "pursuit": 5}[name]
    noise = random.Random(name)
    made = []

    def step(frame, inputs):
        return struct.pack("<BIB", STEP, frame, players) + b"".join(bytes([1, one]) for one in inputs)

    ahead = 0
    for frame in range(FRAMES):
        data = bytearray([1, 1])
        if ahead:
            data += struct.pack("<BI", LOAD, frame)
        else:
            data += struct.pack("<BI", SAVE, frame)
        data += step(frame, [noise.randrange(actions) for _ in range(players)])
        data += struct.pack("<BI", SAVE, frame + 1)
        ahead = noise.randrange(5)
        for guess in range(ahead):
            data += step(frame + 1 + guess, [noise.randrange(actions) for _ in range(players)])
        data += struct.pack("<BI", FORGET, frame)
        if frame % 10 == 0:
            data += bytes([DRAW, 0])
        made.append(bytes(data))
    return made


def play(name):
    from interactive_gym import worker

    one = worker.open_for_js(configuration(name))
    if isinstance(one, bytes):
        sys.exit(f"{name}: {one.decode(errors='replace')}")
    answers = [one.reset(SEED)] + [one.run(batch) for batch in batches(name)]
    return {
        "answers": [answer.hex() for answer in answers],
        "costs": json.loads(one.measure()),
        "snapshot": json.loads(one.describe())["snapshot"],
    }


def ratios(name, rounds=12, frames=40):
    """The whole tick over the environment's own step, in one run, each in turn: medians in microseconds of the bare
    step, of a batch with a step, with a step and a save, and with a save in every eighth."""
    from interactive_gym.runtime import open_runtime

    one = open_runtime(json.dumps({**CASES[name], "default_action": 0, "max_steps": 1_000_000}))
    simulation = one.simulation
    players = len(simulation.seats)
    inputs = b"".join(bytes([len(data)]) + data for data in simulation.defaults)
    times = {"bare": [], "step": [], "step and save": [], "save in every eighth": []}
    for _ in range(rounds):
        for kind, found in times.items():
            one.reset(1)
            env, actions = simulation.world.env, simulation.actions([])
            action = actions[simulation.adapter.ids[0]] if simulation.adapter.style == "single" else actions
            for frame in range(frames):
                batch = struct.pack("<BB", 1, 0)
                if kind == "step and save" or (kind == "save in every eighth" and frame % 8 == 0):
                    batch += struct.pack("<BI", SAVE, frame)
                batch += struct.pack("<BIB", STEP, frame, players) + inputs
                if kind.endswith(("save", "eighth")):
                    batch += struct.pack("<BI", FORGET, max(frame - 10, 0))
                start = time.perf_counter()
                if kind == "bare":
                    ended = ends(env.step(action))
                else:
                    one.run(batch)
                    ended = simulation.ended
                found.append(time.perf_counter() - start)
                if ended:
                    break
    medians = {kind: sorted(found)[len(found) // 2] * 1e6 for kind, found in times.items()}
    return ", ".join(f"{kind} {cost:.0f} µs ({cost / medians['bare']:.2f})" for kind, cost in medians.items())


def ends(result):
    terminated = result[2]
    return terminated if isinstance(terminated, bool) else any(terminated.values())


if __name__ == "__main__":
    json.dump({name: play(name) for name in CASES}, sys.stdout)
