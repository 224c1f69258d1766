"""Plays episodes with the Python package, for comparison with the port.

Reads a JSON list of episodes from the standard input:
    {"config": {...}, "max_lives": n, "seed": n, "actions": [[left, right], ...]}
and plays each until it ends or its actions do. Writes one line per frame: the observations of
left and right, their rewards, and the ends (terminated, truncated; 0 or 1). All
numbers are the hex digits of their little-endian bytes, so that nothing is rounded. A line
"episode" comes before each episode, and the line after it holds the observations of the reset.
"""

import json
import struct
import sys


def hex_array(array):
    assert array.dtype.str == "<f4" and array.shape == (12,), (array.dtype, array.shape)
    return array.tobytes().hex()


def observations(obs):
    return " ".join(hex_array(obs[agent]["obs"]) for agent in AGENTS)


def ends(flags):
    assert flags["agent_left"] == flags["agent_right"] == flags["__all__"], flags
    return str(int(flags["__all__"]))


def play(episode):
    env = SlimeVolleyEnv(config=episode["config"])
    env.max_lives = episode["max_lives"]
    obs, _ = env.reset(seed=episode["seed"])
    print("episode")
    print(observations(obs))
    for left, right in episode["actions"]:
        actions = {"agent_left": left}
        if right is not None:
            actions["agent_right"] = right
        obs, rewards, terminated, truncated, _ = env.step(actions)
        print(
            observations(obs),
            *(struct.pack("<d", rewards[agent]).hex() for agent in AGENTS),
            ends(terminated),
            ends(truncated),
        )
        if terminated["__all__"] or truncated["__all__"]:
            break


AGENTS = ["agent_left", "agent_right"]

if __name__ == "__main__":
    try:
        from slime_volleyball.slimevolley_env import SlimeVolleyEnv
    except ImportError as error:
        sys.exit(f"missing: {error}")
    for one in json.load(sys.stdin):
        play(one)
