"""A runtime of the package over pipes: frames of a length (u32, little-endian) and that many bytes.

A request is one byte and its content: 1 opens (the JSON of a configuration; the answer is that of
describe), 2 resets (u32 seed), 3 runs a batch.
"""

import struct
import sys

from interactive_gym import runtime
from slime_volleyball.slimevolley_env import SlimeVolleyEnv


def make_env(human_inputs, max_lives, max_steps, survival_reward):
    config = {"human_inputs": human_inputs, "max_steps": max_steps, "survival_reward": survival_reward}
    env = SlimeVolleyEnv(config=config)
    env.max_lives = max_lives
    return env


def main():
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    opened = None
    while head := requests.read(4):
        request = requests.read(struct.unpack("<I", head)[0])
        if request[0] == 1:
            opened = runtime.open_runtime(request[1:])
            answer = opened.describe()
        elif request[0] == 2:
            answer = opened.reset(struct.unpack("<I", request[1:])[0])
        else:
            answer = opened.run(request[1:])
        answers.write(struct.pack("<I", len(answer)) + answer)
        answers.flush()


main()
