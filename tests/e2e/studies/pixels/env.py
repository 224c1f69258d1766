"""An environment that gives its picture as an array of colours; a key paints one more column."""

import numpy

WIDTH, HEIGHT = 8, 4


class Discrete:
    def __init__(self, n):
        self.n = n

    def contains(self, action):
        return isinstance(action, int) and 0 <= action < self.n


class Pixels:
    possible_agents = ["painter"]
    metadata = {"name": "pixels", "render_fps": 30, "render_modes": ["rgb_array"]}

    def __init__(self, render_mode=None):
        self.render_mode = render_mode
        self.agents = []

    def observation_space(self, agent):
        return Discrete(WIDTH + 1)

    def action_space(self, agent):
        return Discrete(2)

    def reset(self, seed=None, options=None):
        self.agents = ["painter"]
        self.columns = 0
        return {"painter": 0}, {"painter": {}}

    def step(self, actions):
        self.columns += actions["painter"]
        over = self.columns == WIDTH
        if over:
            self.agents = []
        return {"painter": self.columns}, {"painter": 0.0}, {"painter": over}, {"painter": False}, {"painter": {}}

    def render(self):
        picture = numpy.zeros((HEIGHT, WIDTH, 3), numpy.uint8)
        for column in range(self.columns):
            for row in range(HEIGHT):
                picture[row, column] = 30 * column + 40, 60 * row + 10, 250 - 20 * column
        return picture
