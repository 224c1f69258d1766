"""How the kitchen looks. It reads the environment and changes nothing."""

from cogrid.core.objects import idx_to_object

WIDTH, HEIGHT = 800, 640
#: The strip above the kitchen with score, orders and time.
TOP = 96
INK, PAPER = "#2c3547", "#ffffff"
COATS = ("#3f82f7", "#f2603c")
WAYS = ("right", "down", "left", "up")
AHEAD = ((1, 0), (0, 1), (-1, 0), (0, -1))
INGREDIENTS = {"onion": ("#f0c04c", "#9a6a16"), "tomato": ("#ee4b3c", "#8f1d18")}
COOK_STEPS = 30
FURNITURE = {"counter", "onion_stack", "tomato_stack", "plate_stack", "pot", "delivery_zone"}
ITEMS = {"onion", "tomato", "plate", "onion_soup", "tomato_soup"}
#: Milliseconds in which the page moves cooks on: about a frame of the study.
GLIDE = 110


def register_assets(surface):
    surface.register_atlas("kitchen", "kitchen.svg", "kitchen.json")


def draw(env, surface, agent_id):
    state = env._env_state
    rows, columns = state.height, state.width
    tile = min(WIDTH / columns, (HEIGHT - TOP) / rows)
    left, top = (WIDTH - tile * columns) / 2, TOP + (HEIGHT - TOP - tile * rows) / 2

    def sprite(frame, column, row, name, size=1.0, **keywords):
        """A picture of the atlas in the middle of a tile."""
        margin = tile * (1 - size) / 2
        surface.image(
            "kitchen", left + column * tile + margin, top + row * tile + margin, tile * size, tile * size,
            frame=frame, id=name, **keywords,
        )  # fmt: skip

    surface.rect(0, 0, WIDTH, HEIGHT, color="#39455c", id="wall", persistent=True)
    draw_room(sprite, state)
    for number, (row, column) in enumerate(state.extra_state["overcooked.pot_positions"]):
        contents = state.extra_state["overcooked.pot_contents"][number]
        timer = int(state.extra_state["overcooked.pot_timer"][number])
        middle = left + (int(column) + 0.5) * tile, top + (int(row) + 0.44) * tile
        draw_pot(surface, sprite, f"pot {number}", middle, tile, [named(one) for one in contents if one > 0], timer)
    # Who stands lower stands in front.
    for cook in sorted(range(len(state.agent_pos)), key=lambda one: int(state.agent_pos[one][0])):
        draw_cook(surface, sprite, state, cook, env.possible_agents[cook] == agent_id, left, top, tile)
    draw_strip(surface, env, state)


def named(number):
    return idx_to_object(int(number), scope="overcooked")


def draw_room(sprite, state):
    for row in range(state.height):
        for column in range(state.width):
            place = f"{row} {column}"
            kind = named(state.object_type_map[row][column])
            on_top = int(state.object_state_map[row][column])
            if kind in ITEMS:
                sprite(kind, column, row, f"item {place}", 0.7, depth=3)
                kind = "free_space"
            frame = kind if kind in FURNITURE else ("floor", "floor2")[(row + column) % 2]
            if kind == "wall":
                frame = "counter"
            sprite(frame, column, row, f"tile {place}", 1.004, depth=1, persistent=True)
            if kind == "counter" and on_top > 0:
                sprite(named(on_top), column, row - 0.1, f"item {place}", 0.7, depth=3)


def draw_pot(surface, sprite, name, middle, tile, contents, timer):
    x, y = middle
    if not contents:
        return
    cooking, ready = len(contents) == 3 and timer > 0, len(contents) == 3 and timer == 0
    color, edge = INGREDIENTS.get(contents[0], INGREDIENTS["onion"])
    if cooking or ready:
        surface.circle(x, y, tile * 0.235, color=color, stroke_color=edge, stroke_width=2, depth=2, id=f"{name} soup")
    for place, ingredient in enumerate(contents):
        if not ready:
            across, down = ((-0.1, 0.05), (0.1, 0.05), (0, -0.1))[place]
            spot = x + across * tile, y + down * tile
            body, rim = INGREDIENTS.get(ingredient, INGREDIENTS["onion"])
            surface.circle(
                *spot, tile * 0.085, color=body, stroke_color=rim, stroke_width=2, depth=3, id=f"{name} {place}"
            )
    if cooking:
        done = 1 - timer / COOK_STEPS
        wide, high = tile * 0.76, tile * 0.13
        bar = x - wide / 2, y + tile * 0.36
        surface.rect(*bar, wide, high, color=INK, border_radius=high / 2, depth=6, id=f"{name} bar")
        fill = max((wide - 6) * done, high - 6)
        surface.rect(
            bar[0] + 3,
            bar[1] + 3,
            fill,
            high - 6,
            color="#4cd08a",
            border_radius=high / 2 - 3,
            depth=6,
            id=f"{name} done",
        )
    if ready:
        surface.image(
            "kitchen",
            x - tile * 0.3,
            y - tile * 0.62,
            tile * 0.6,
            tile * 0.6,
            frame="steam",
            depth=6,
            id=f"{name} steam",
        )
        surface.circle(
            x + tile * 0.33, y - tile * 0.27, tile * 0.14, color="#2f9e6b", stroke_color=PAPER, stroke_width=3,
            depth=6, id=f"{name} ready",
        )  # fmt: skip
        tick = [
            (x + tile * 0.27, y - tile * 0.27),
            (x + tile * 0.32, y - tile * 0.215),
            (x + tile * 0.4, y - tile * 0.33),
        ]
        surface.line(tick, color=PAPER, width=4, depth=6, id=f"{name} tick")


def draw_cook(surface, sprite, state, cook, mine, left, top, tile):
    row, column = (int(number) for number in state.agent_pos[cook])
    way = int(state.agent_dir[cook])
    across, down = AHEAD[way]
    depth = 4 + row / 100
    if mine:
        x, y = left + (column + 0.5) * tile, top + (row + 0.82) * tile
        surface.ellipse(
            x, y, tile * 0.4, tile * 0.15, color=COATS[cook % 2], alpha=0.5, stroke_color=PAPER, stroke_width=3,
            depth=depth - 0.002, id="mine", tween_duration=GLIDE,
        )  # fmt: skip
    held = int(state.agent_inv[cook][0])
    if held > 0:
        # What a cook carries away from us shows above the hat.
        offset, behind = ((0.14 + down * 0.2, 0.001), (-0.62, -0.001))[way == 3]
        sprite(
            named(held), column + across * 0.3, row + offset, f"held {cook}", 0.54,
            depth=depth + behind, tween_duration=GLIDE,
        )  # fmt: skip
    sprite(f"chef{cook % 2}-{WAYS[way]}", column, row - 0.1, f"cook {cook}", 1.05, depth=depth, tween_duration=GLIDE)


def draw_strip(surface, env, state):
    score = round(env.cumulative_score / len(env.possible_agents))
    surface.rect(16, 16, 170, 64, color=PAPER, border_radius=18, depth=7, id="score card", persistent=True)
    surface.image("kitchen", 24, 22, 52, 52, frame="star", depth=8, id="star", persistent=True)
    surface.text(str(score), 172, 27, size=38, color=INK, font="system-ui", align="right", depth=8, id="score")
    left = max(1 - env.t / env.max_steps, 0)
    surface.rect(WIDTH - 266, 16, 250, 64, color=PAPER, border_radius=18, depth=7, id="time card", persistent=True)
    surface.image("kitchen", WIDTH - 258, 22, 52, 52, frame="clock", depth=8, id="clock", persistent=True)
    surface.rect(WIDTH - 196, 38, 164, 20, color="#dde4ec", border_radius=10, depth=8, id="time", persistent=True)
    color = "#4cd08a" if left > 0.3 else "#f5a524" if left > 0.12 else "#e5484d"
    surface.rect(WIDTH - 196, 38, max(164 * left, 20), 20, color=color, border_radius=10, depth=8, id="time left")
    draw_orders(surface, env, state)


def draw_orders(surface, env, state):
    """What guests wait for, in kitchens that have orders."""
    recipes = state.extra_state.get("overcooked.order_recipe")
    if recipes is None:
        return
    patience = env.config["orders"]["time_limit"]
    for place, recipe in enumerate(recipes):
        if recipe < 0:
            continue
        x = 204 + 92 * place
        waited = 1 - int(state.extra_state["overcooked.order_timer"][place]) / patience
        surface.rect(x, 16, 82, 64, color=PAPER, border_radius=14, depth=7, id=f"order {place}")
        soup = ("onion_soup", "tomato_soup")[int(recipe)]
        surface.image("kitchen", x + 17, 16, 48, 48, frame=soup, depth=8, id=f"order {place} soup")
        color = "#e5484d" if waited > 0.7 else "#4cd08a"
        surface.rect(
            x + 9, 66, max(64 * (1 - waited), 8), 8, color=color, border_radius=4, depth=8, id=f"order {place} left"
        )
