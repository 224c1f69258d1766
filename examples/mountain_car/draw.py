"""A small car between two hills. It reads the environment and changes nothing."""

import math

WIDTH, HEIGHT = 900, 500
#: The valley is 1.8 wide, and its hills are 0.9 high.
ACROSS, UP = WIDTH / 1.8, 350
LEFT, GOAL = -1.2, 0.5
TURF, SOIL, INK = "#5fb36a", "#3f7d58", "#24323d"


def register_assets(surface):
    surface.register_image("sky", "sky.svg")


def draw(env, surface, agent_id):
    position, speed = (float(number) for number in env.unwrapped.state)
    surface.image("sky", 0, 0, WIDTH, HEIGHT, id="sky", persistent=True)
    surface.polygon([*HILLS, (WIDTH, HEIGHT), (0, HEIGHT)], color=SOIL, depth=1, id="soil", persistent=True)
    surface.line(HILLS, color=TURF, width=12, depth=1, id="turf", persistent=True)
    draw_flag(surface, reached=position >= GOAL)
    draw_car(surface, position, speed)
    if env._max_episode_steps:
        draw_time(surface, 1 - env._elapsed_steps / env._max_episode_steps)


def ground(position):
    """The point of the screen where the ground is."""
    return (position - LEFT) * ACROSS, 462 - (math.sin(3 * position) * 0.45 + 0.55) * UP


HILLS = [ground(LEFT + step / 60 * 1.8) for step in range(-2, 63)]


def draw_flag(surface, reached):
    x, y = ground(GOAL)
    surface.rect(x - 3, y - 96, 6, 92, color=INK, border_radius=3, depth=2, id="pole", persistent=True)
    cloth = [(x - 3, y - 94), (x - 58, y - 76), (x - 3, y - 56)]
    color = "#ffd84d" if reached else "#ff5d5d"
    surface.polygon(cloth, color=color, stroke_color="white", stroke_width=2, depth=2, id="flag")


def draw_car(surface, position, speed):
    x, y = ground(position)
    lean = math.atan2(-math.cos(3 * position) * 1.35 * UP, ACROSS)

    def at(forward, high):
        """A point of the car: so far in front of its middle, so high above the ground."""
        high += 6
        return (
            x + math.cos(lean) * forward + math.sin(lean) * high,
            y + math.sin(lean) * forward - math.cos(lean) * high,
        )

    body = [(-38, 13), (-38, 28), (-30, 34), (-20, 35), (-11, 50), (11, 50), (21, 35), (34, 33), (39, 26), (39, 13)]
    glass = [(-14, 36), (-8, 46), (8, 46), (15, 36)]
    surface.polygon(
        [at(*point) for point in body], color="#ff8a3d", stroke_color="#b8501a", stroke_width=2.5, depth=3, id="body"
    )
    surface.polygon([at(*point) for point in glass], color="#dff4ff", depth=4, id="glass")
    lamp = at(36, 26)
    surface.circle(*lamp, 4, color="#fff3b0", depth=4, id="lamp")
    # The wheels turn with the way.
    for name, forward in (("back", -22), ("front", 22)):
        hub = at(forward, 12)
        surface.circle(*hub, 13, color=INK, stroke_color="#101a22", stroke_width=2, depth=5, id=f"{name} wheel")
        turn = position * ACROSS / 13
        rim = (math.cos(turn) * 7, math.sin(turn) * 7)
        ends = [(hub[0] - rim[0], hub[1] - rim[1]), (hub[0] + rim[0], hub[1] + rim[1])]
        surface.line(ends, color="#cfd8dd", width=4, depth=6, id=f"{name} spoke")
    # How fast it is, and where to.
    if abs(speed) > 0.003:
        ahead = math.copysign(1, speed)
        tail, tip = at(ahead * 48, 24), at(ahead * (54 + abs(speed) * 900), 24)
        surface.line([tail, tip], color="white", width=5, alpha=0.85, depth=6, id="speed")


def draw_time(surface, left):
    surface.rect(
        WIDTH / 2 - 160, 22, 320, 20, color="#ffffff", alpha=0.5, border_radius=10, depth=7, id="time", persistent=True
    )
    color = "#2f9e6b" if left > 0.25 else "#e5484d"
    surface.rect(WIDTH / 2 - 156, 26, max(312 * left, 12), 12, color=color, border_radius=6, depth=8, id="time left")
