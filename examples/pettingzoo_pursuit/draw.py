"""A garden at night: two owls, and the fireflies that they can only catch together. Changes nothing."""

WIDTH, HEIGHT = 800, 640
#: The strip above the garden.
TOP = 72
INK = "#0b1a2b"
# Feathers, edge, belly.
OWLS = (("#4fb3ff", "#1c5f9e", "#d6efff"), ("#ff8a6b", "#a8412a", "#ffe3d6"))
#: Milliseconds in which the page moves things on: about a frame of the study.
GLIDE = 180


def register_assets(surface):
    surface.register_image("night", "night.svg")


def draw(env, surface, agent_id):
    game = env.unwrapped.env
    tile = min(WIDTH / game.x_size, (HEIGHT - TOP) / game.y_size)
    left, top = (WIDTH - tile * game.x_size) / 2, TOP + (HEIGHT - TOP - tile * game.y_size) / 2

    def middle(place):
        return left + (int(place[0]) + 0.5) * tile, top + (int(place[1]) + 0.5) * tile

    surface.image("night", 0, 0, WIDTH, HEIGHT, id="night", persistent=True)
    draw_garden(surface, game, left, top, tile)
    owls = [tuple(map(int, game.pursuer_layer.get_position(owl))) for owl in range(game.n_pursuers)]
    # Those that are left keep their names.
    for place, firefly in enumerate(number for number, gone in enumerate(game.evaders_gone) if not gone):
        cell = tuple(map(int, game.evader_layer.get_position(place)))
        draw_firefly(surface, firefly, *middle(cell), tile, found=owls.count(cell))
    for owl, cell in enumerate(owls):
        x, y = middle(cell)
        # Two in one cell sit side by side.
        if owls.count(cell) > 1:
            x += (owl - (len(owls) - 1) / 2) * tile * 0.36
        draw_owl(surface, owl, x, y, tile, mine=env.possible_agents[owl] == agent_id)
    draw_strip(surface, game)


def draw_garden(surface, game, left, top, tile):
    for x in range(game.x_size):
        for y in range(game.y_size):
            corner, name = (left + x * tile, top + y * tile), f"{x} {y}"
            if game.map_matrix[x, y] == -1:
                middle = corner[0] + tile / 2, corner[1] + tile / 2
                surface.rect(*corner, tile + 1, tile + 1, color="#1d5a44", depth=1, id=f"hedge {name}", persistent=True)
                surface.circle(
                    *middle, tile * 0.4, color="#2a7a58", stroke_color="#236b4e", stroke_width=5,
                    depth=1.1, id=f"leaves {name}", persistent=True,
                )  # fmt: skip
            elif (x + y) % 2:
                surface.rect(
                    *corner, tile, tile, color="#5fa3b8", alpha=0.13, depth=1, id=f"lawn {name}", persistent=True
                )


def draw_firefly(surface, firefly, x, y, tile, found):
    name = f"firefly {firefly}"
    for size, alpha in ((0.46, 0.16), (0.3, 0.28)):
        surface.circle(
            x, y, tile * size, color="#ffe66b", alpha=alpha, depth=2, id=f"{name} glow {size}", tween_duration=GLIDE
        )
    if found:
        # One owl is there; the other must come.
        surface.circle(
            x, y, tile * 0.47, color="#ffe66b", alpha=0.5, stroke_color="white", stroke_width=3,
            depth=2, id=f"{name} found", tween_duration=GLIDE,
        )  # fmt: skip
    for side in (-1, 1):
        surface.ellipse(
            x + side * tile * 0.1, y - tile * 0.1, tile * 0.1, tile * 0.06, color="#dff6ff", alpha=0.85,
            depth=4, id=f"{name} wing {side}", tween_duration=GLIDE,
        )  # fmt: skip
    surface.ellipse(
        x, y + tile * 0.03, tile * 0.08, tile * 0.14, color="#3a2c14", depth=4, id=f"{name} body", tween_duration=GLIDE
    )
    surface.circle(x, y + tile * 0.12, tile * 0.085, color="#fff3a0", depth=4, id=f"{name} light", tween_duration=GLIDE)


def draw_owl(surface, owl, x, y, tile, mine):
    feathers, edge, belly = OWLS[owl % len(OWLS)]

    def part(name, shape, *place, **keywords):
        getattr(surface, shape)(*place, depth=5 + owl / 10, id=f"owl {owl} {name}", tween_duration=GLIDE, **keywords)

    body = tile * 0.34
    part("shadow", "ellipse", x, y + body, body * 0.8, body * 0.22, color=INK, alpha=0.4)
    if mine:
        part(
            "mine",
            "ellipse",
            x,
            y + body * 0.9,
            body * 1.15,
            body * 0.36,
            color=feathers,
            alpha=0.5,
            stroke_color="white",
            stroke_width=3,
        )
    for name, side in (("left", -1), ("right", 1)):
        ear = [
            (x + side * body * 0.9, y - body * 1.15),
            (x + side * body * 0.2, y - body * 0.8),
            (x + side * body * 0.9, y - body * 0.3),
        ]
        part(f"{name} ear", "polygon", ear, color=feathers, stroke_color=edge, stroke_width=2)
    part("body", "ellipse", x, y, body, body * 1.05, color=feathers, stroke_color=edge, stroke_width=3)
    part("belly", "ellipse", x, y + body * 0.42, body * 0.58, body * 0.5, color=belly)
    for name, side in (("left", -1), ("right", 1)):
        part(
            f"{name} eye",
            "circle",
            x + side * body * 0.42,
            y - body * 0.3,
            body * 0.38,
            color="white",
            stroke_color=edge,
            stroke_width=2,
        )
        part(f"{name} pupil", "circle", x + side * body * 0.36, y - body * 0.28, body * 0.18, color=INK)
    beak = [(x - body * 0.16, y - body * 0.08), (x + body * 0.16, y - body * 0.08), (x, y + body * 0.22)]
    part("beak", "polygon", beak, color="#ffc24b", stroke_color="#a86a12", stroke_width=1.5)


def draw_strip(surface, game):
    """A light per firefly, on until it is caught, and the time that is left."""
    for firefly, gone in enumerate(game.evaders_gone):
        x = 40 + 34 * firefly
        if gone:
            surface.circle(
                x, 36, 11, color="#ffe66b", stroke_color="white", stroke_width=3, depth=6, id=f"caught {firefly}"
            )
        else:
            surface.circle(
                x, 36, 11, color="#2b4f66", stroke_color="#5d8299", stroke_width=3, depth=6, id=f"caught {firefly}"
            )
    left = max(1 - game.frames / game.max_cycles, 0)
    surface.rect(WIDTH - 260, 26, 230, 20, color="#2b4f66", border_radius=10, depth=6, id="time", persistent=True)
    color = "#7fe0b0" if left > 0.25 else "#ff8a6b"
    surface.rect(WIDTH - 260, 26, max(230 * left, 20), 20, color=color, border_radius=10, depth=7, id="time left")
