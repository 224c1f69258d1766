"""Plays slimevb through the Python runtime, in the batches of a peer whose guesses are often wrong.

Reads a JSON list of episodes from the standard input:
    {"config": {...}, "max_lives": n, "max_steps": n, "seed": n, "inputs": [[left, right], ...]}
Writes, per episode, a line "episode", then per frame the hex digits of the encoded outcome and of the
encoded observations.
"""

import json
import struct
import sys


def make_env(config, max_lives):
    env = SlimeVolleyEnv(config=config)
    env.max_lives = max_lives
    return env


def step(frame, inputs):
    players = b"".join(bytes([1, one]) for one in inputs)
    return struct.pack("<BIB", runtime.STEP, frame, len(inputs)) + players


def batch(frame, inputs, wrong):
    """Some frames of wrong guesses, back again, then the right one."""
    data = bytearray([runtime.PROTOCOL, runtime.WITH_OBSERVATIONS])
    data += struct.pack("<BI", runtime.SAVE, frame)
    for ahead in range(wrong):
        data += step(frame + ahead, [(one + ahead + 1) % 6 for one in inputs])
        data += struct.pack("<BI", runtime.SAVE, frame + ahead + 1)
    data += struct.pack("<BI", runtime.LOAD, frame) + step(frame, inputs)
    return data + struct.pack("<BI", runtime.FORGET, frame)


def last_step(answer):
    """Outcome and observations of the last step of an answer."""
    at, found = 1, None
    while answer[at] == runtime.STEP:
        _, _, flags, length = struct.unpack_from("<BIBI", answer, at)
        outcome = answer[at + 10 : at + 10 + length]
        at += 10 + length + (16 if flags & runtime.HAS_DIGEST else 0)
        (length,) = struct.unpack_from("<I", answer, at)
        found = outcome, answer[at + 4 : at + 4 + length], bool(flags & runtime.TERMINAL)
        at += 4 + length
    assert answer[at] == runtime.STATE, answer[at:]
    return found


def play(episode):
    one = runtime.open_runtime(
        {
            "environment": {
                "target": f"{__name__}:make_env",
                "kwargs": {"config": episode["config"], "max_lives": episode["max_lives"]},
            },
            "seats": [["agent_left"], ["agent_right"]],
            "max_steps": episode["max_steps"],
        }
    )
    one.reset(episode["seed"])
    print("episode")
    for frame, inputs in enumerate(episode["inputs"]):
        answer = one.run(batch(frame, inputs, frame % 5))
        outcome, observations, terminal = last_step(answer)
        print(outcome.hex(), observations.hex())
        if terminal:
            break


if __name__ == "__main__":
    try:
        from slime_volleyball.slimevolley_env import SlimeVolleyEnv
    except ImportError as error:
        sys.exit(f"missing: {error}")
    from interactive_gym import runtime

    for each in json.load(sys.stdin):
        play(each)
