"""A cart that balances a pole on its track. It reads the environment and changes nothing."""

import math

WIDTH, HEIGHT = 900, 450
#: The track ends 2.4 to either side of the middle.
UNIT = 160
TRACK, HINGE = 370, 312
POLE = 210
INK = "#20304a"
#: Milliseconds in which the page moves things on: about a frame of the study.
GLIDE = 80


def register_assets(surface):
    surface.register_image("hall", "hall.svg")


def draw(env, surface, agent_id):
    place, _, angle, _ = (float(number) for number in env.unwrapped.state)
    x = WIDTH / 2 + place * UNIT
    surface.image("hall", 0, 0, WIDTH, HEIGHT, id="hall", persistent=True)
    draw_track(surface, env.unwrapped.x_threshold * UNIT)
    # How far it may lean: beyond it the episode ends.
    most = math.degrees(env.unwrapped.theta_threshold_radians)
    lean = abs(math.degrees(angle)) / most
    color = "#2fb380" if lean < 0.5 else "#f5a524" if lean < 0.8 else "#e5484d"
    surface.arc(
        x, HINGE, POLE + 22, -90 - most, -90 + most, color=color, alpha=0.22, depth=2, id="room", tween_duration=GLIDE
    )
    draw_cart(surface, x)
    draw_pole(surface, x, angle, color)
    surface.text(
        str(env._elapsed_steps),
        WIDTH / 2,
        26,
        size=44,
        color=INK,
        font="system-ui",
        align="center",
        depth=6,
        id="score",
    )


def draw_track(surface, reach):
    middle = WIDTH / 2
    surface.rect(
        middle - reach, TRACK, 2 * reach, 8, color="#8fa3bd", border_radius=4, depth=1, id="rail", persistent=True
    )
    for name, x in (("left", middle - reach), ("right", middle + reach)):
        surface.rect(
            x - 7, TRACK - 34, 14, 48, color="#e5484d", border_radius=5, depth=1, id=f"{name} stop", persistent=True
        )


def draw_cart(surface, x):
    surface.rect(
        x - 56, HINGE - 6, 112, 46, color="#3b6ef6", border_radius=12, stroke_color="#1c3fa8", stroke_width=3,
        depth=3, id="cart", tween_duration=GLIDE,
    )  # fmt: skip
    surface.rect(
        x - 44,
        HINGE + 4,
        88,
        9,
        color="#9dbbff",
        border_radius=4.5,
        alpha=0.7,
        depth=3,
        id="shine",
        tween_duration=GLIDE,
    )
    for name, offset in (("left", -32), ("right", 32)):
        surface.circle(
            x + offset, TRACK - 13, 14, color=INK, stroke_color="#dfe7f3", stroke_width=4,
            depth=4, id=f"{name} wheel", tween_duration=GLIDE,
        )  # fmt: skip


def draw_pole(surface, x, angle, color):
    top = (x + math.sin(angle) * POLE, HINGE - math.cos(angle) * POLE)
    side = (math.cos(angle) * 8, math.sin(angle) * 8)
    corners = [
        (x - side[0], HINGE - side[1]), (x + side[0], HINGE + side[1]),
        (top[0] + side[0], top[1] + side[1]), (top[0] - side[0], top[1] - side[1]),
    ]  # fmt: skip
    surface.polygon(
        corners, color="#f2b366", stroke_color="#a3662a", stroke_width=2.5, depth=5, id="pole", tween_duration=GLIDE
    )
    surface.circle(
        *top, 19, color=color, stroke_color="white", stroke_width=4, depth=5, id="knob", tween_duration=GLIDE
    )
    surface.circle(
        x, HINGE, 9, color="#dfe7f3", stroke_color=INK, stroke_width=3, depth=6, id="hinge", tween_duration=GLIDE
    )
