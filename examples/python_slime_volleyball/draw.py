"""How the court looks: a sunset, two slimes and a ball. It reads the environment and changes nothing."""

import math

WIDTH, HEIGHT = 1200, 500
#: Pixels of a court unit; the court is 48 units wide, and its ground lies 1.5 units above the bottom.
UNIT = WIDTH / 48
GROUND = HEIGHT - 1.5 * UNIT
SLIME, BALL = 1.5 * UNIT, 0.5 * UNIT
NET_TOP = HEIGHT - 3.5 * UNIT
SERVE_FRAMES = 30

INK = "#2a1f3d"
# Body, edge, highlight.
COATS = (("#2fc6b0", "#0f7d75", "#a6f5e6"), ("#ff6f91", "#b8325c", "#ffc2d1"))
AGENTS = ("agent_left", "agent_right")


def register_assets(surface):
    surface.register_image("court", "court.svg")


def draw(env, surface, agent_id):
    state = env.unwrapped._env_state
    ball_x, ball_y = on_screen(state.ball_pos)
    surface.image("court", 0, 0, WIDTH, HEIGHT, id="court", persistent=True)
    draw_net(surface)
    for side in range(2):
        slime_x, slime_y = on_screen(state.agent_pos[side])
        draw_slime(surface, side, slime_x, slime_y, ball_x, ball_y)
        draw_lives(surface, side, int(state.agent_life[side]), env.unwrapped.max_lives)
        if agent_id == AGENTS[side]:
            draw_you(surface, side, slime_x, slime_y)
    draw_ball(surface, ball_x, ball_y, int(state.delay_life))


def on_screen(place):
    return float(place[0]) * UNIT + WIDTH / 2, HEIGHT - float(place[1]) * UNIT


def draw_net(surface):
    left = WIDTH / 2 - UNIT / 2
    surface.rect(left, NET_TOP, UNIT, GROUND - NET_TOP, color="white", alpha=0.35, depth=2, id="net", persistent=True)
    rows = 3
    for row in range(rows):
        high = NET_TOP + (GROUND - NET_TOP) * row / rows
        low = NET_TOP + (GROUND - NET_TOP) * (row + 1) / rows
        cross = [(left + 4, high), (left + UNIT - 4, low), (left + UNIT - 4, high), (left + 4, low)]
        surface.line(cross, color="#fff3df", width=1.5, depth=2, id=f"mesh {row}", persistent=True)
    for name, x in (("left", left), ("right", left + UNIT - 5)):
        post = GROUND - NET_TOP + 6
        surface.rect(x, NET_TOP, 5, post, color=INK, border_radius=2, depth=2, id=f"{name} post", persistent=True)
    surface.circle(
        WIDTH / 2,
        NET_TOP,
        UNIT / 2,
        color="#fff3df",
        stroke_color=INK,
        stroke_width=3,
        depth=2,
        id="net head",
        persistent=True,
    )


def draw_slime(surface, side, x, y, ball_x, ball_y):
    body, edge, shine = COATS[side]
    toward_net = -1 if side else 1
    name = f"slime {side}"
    draw_shadow(surface, f"{name} shadow", x, GROUND - y, SLIME)
    surface.arc(x, y, SLIME, 180, 360, color=body, stroke_color=edge, stroke_width=3, depth=3, id=name)
    surface.ellipse(
        x - toward_net * SLIME * 0.4, y - SLIME * 0.68, SLIME * 0.22, SLIME * 0.1,
        color=shine, alpha=0.8, depth=3, id=f"{name} shine",
    )  # fmt: skip
    # The eye looks at the ball.
    eye_x, eye_y = x + toward_net * SLIME * 0.3, y - SLIME * 0.5
    across, down = ball_x - eye_x, ball_y - eye_y
    reach = SLIME * 0.14 / max(math.hypot(across, down), 1)
    surface.circle(
        eye_x, eye_y, SLIME * 0.3, color="white", stroke_color=edge, stroke_width=2, depth=3, id=f"{name} eye"
    )
    surface.circle(eye_x + across * reach, eye_y + down * reach, SLIME * 0.15, color=INK, depth=3, id=f"{name} pupil")


def draw_ball(surface, x, y, delay):
    draw_shadow(surface, "ball shadow", x, GROUND - y, BALL)
    if delay > 0:
        # A dial that empties until the ball is let go.
        end = -90 + 360 * min(delay / SERVE_FRAMES, 1)
        surface.arc(x, y, BALL * 2, -90, end, color="white", alpha=0.5, depth=4, id="ball dial")
    surface.circle(x, y, BALL, color="#fff6dc", stroke_color="#e2603a", stroke_width=3, depth=5, id="ball")
    # It rolls as it travels.
    for seam in range(3):
        turn = x / BALL / 2 + seam * math.tau / 3
        points = [
            (x + math.cos(turn + part * 0.9) * part * BALL * 0.9, y + math.sin(turn + part * 0.9) * part * BALL * 0.9)
            for part in (0, 0.35, 0.7, 1)
        ]
        surface.line(points, color="#eb8f5f", width=2.5, depth=5, id=f"seam {seam}")
    if y < -BALL:
        # It is above the picture: show where.
        arrow = [(x, 10), (x - 13, 32), (x + 13, 32)]
        surface.polygon(arrow, color="#e2603a", stroke_color="white", stroke_width=2, depth=6, id="ball above")


def draw_shadow(surface, name, x, height, radius):
    nearness = min(max(1 - height / 520, 0.25), 1)
    surface.ellipse(x, GROUND + 6, radius * nearness, 5 * nearness, color=INK, alpha=0.35 * nearness, depth=1, id=name)


def draw_lives(surface, side, lives, most):
    """A dot per point that a player may still lose, in the upper corner on the player's side."""
    body, edge, _ = COATS[side]
    for place in range(most):
        x = 34 + 34 * place
        lost = place >= lives
        surface.circle(
            WIDTH - x if side else x, 36, 12, color="white" if lost else body, alpha=0.3 if lost else 1,
            stroke_color=edge, stroke_width=3, depth=6, id=f"life {side} {place}",
        )  # fmt: skip


def draw_you(surface, side, x, y):
    top = y - SLIME - 46
    surface.rect(x - 30, top, 60, 28, color="white", border_radius=14, depth=6, id="you")
    surface.polygon([(x - 7, top + 27), (x + 7, top + 27), (x, top + 37)], color="white", depth=6, id="you pointer")
    surface.text(
        "You", x, top + 4, size=18, color=COATS[side][1], font="system-ui", align="center", depth=7, id="you text"
    )
