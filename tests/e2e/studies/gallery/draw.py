"""The cards, by the names of their pictures. The picture is 120 by 80 pixels."""

INK, RED, BLUE = "#22313f", "#c0392b", "#2980b9"


def rect(surface):
    surface.rect(8, 8, 44, 28, color=RED)
    surface.rect(64, 8, 44, 28, color="gold", stroke_color=INK, stroke_width=4)
    surface.rect(8, 46, 100, 3, color=BLUE)
    surface.rect(20, 56, 30.5, 16.25, color=(120, 40, 160), alpha=0.5)


def border_radius(surface):
    surface.rect(8, 8, 44, 28, color=RED, border_radius=6)
    surface.rect(64, 8, 44, 28, color="gold", border_radius=10, stroke_color=INK, stroke_width=4)
    surface.rect(8, 46, 80, 20, color=BLUE, border_radius=100)


def circle(surface):
    surface.circle(24, 40, 18, color=RED)
    surface.circle(70, 40, 22, color="gold", stroke_color=INK, stroke_width=5)
    surface.circle(108, 40, 3, color=BLUE)


def ellipse(surface):
    surface.ellipse(34, 26, 28, 14, color=RED)
    surface.ellipse(92, 40, 16, 34, color="gold", stroke_color=INK, stroke_width=4)
    surface.ellipse(34, 62, 24, 3, color=BLUE)


def arc(surface):
    surface.arc(30, 34, 24, 180, 360, color=RED)
    surface.arc(30, 40, 24, 0, 90, color=BLUE)
    surface.arc(86, 26, 22, -90, 150, color="gold", stroke_color=INK, stroke_width=3)
    surface.arc(86, 62, 16, 300, 420, color="green")


def line(surface):
    surface.line([(6, 8), (114, 8)], color=INK)
    surface.line([(10, 24), (50, 70), (60, 24), (112, 70)], color=RED, width=6, id="line")
    surface.line([(6, 76.5), (114, 72.5)], color=BLUE, width=2.5)


def line_updated(surface):
    surface.line([(10, 70), (60, 24), (112, 24)], color=BLUE, width=3, id="line")


def polygon(surface):
    surface.polygon([(10, 70), (30, 8), (50, 70)], color=RED, id="polygon")
    star = [(88, 6), (95, 30), (116, 30), (99, 44), (106, 72), (88, 54), (70, 72), (77, 44), (60, 30), (81, 30)]
    surface.polygon(star, color="gold", stroke_color=INK, stroke_width=3)


def polygon_updated(surface):
    square = [(20, 20), (60, 20), (60, 60), (20, 60)]
    surface.polygon(square, color="green", stroke_color=RED, stroke_width=6, id="polygon")


def image(surface):
    surface.image("flag", 4, 4, 24, 16)
    surface.image("flag", 40, 4, 72, 24)
    surface.image("flag", 8, 36, 48, 32, alpha=0.4)
    surface.image("flag", 92, 36, 6, 40)


def image_of_svg(surface):
    surface.image("badge", 4, 4, 72, 72)
    surface.image("badge", 84, 8, 32, 20)


def angle(surface):
    surface.image("flag", 8, 24, 36, 24, angle=30)
    surface.image("flag", 60, 8, 36, 24, angle=90)
    surface.image("signs", 80, 44, 32, 32, frame="wedge", angle=-45)


def atlas(surface):
    surface.image("signs", 4, 24, 32, 32, frame="cross", id="sign")
    surface.image("signs", 44, 24, 32, 32, frame="box")
    surface.image("signs", 84, 24, 32, 16, frame="wedge")


def atlas_updated(surface):
    surface.image("signs", 4, 24, 32, 32, frame="wedge", id="sign")


def depth(surface):
    surface.rect(10, 10, 50, 50, color=RED, depth=3, id="red")
    surface.rect(30, 20, 50, 50, color="gold", depth=1, id="gold")
    surface.rect(50, 5, 50, 50, color=BLUE, depth=2, id="blue")
    surface.circle(95, 60, 14, color=INK, depth=2, id="late")


def depth_updated(surface):
    surface.rect(10, 10, 50, 50, color=RED, depth=1, id="red")
    surface.rect(30, 20, 50, 50, color="gold", depth=3, id="gold")
    surface.rect(50, 5, 50, 50, color=BLUE, depth=2, id="blue")
    surface.circle(95, 60, 14, color=INK, depth=-1, id="late")


def colors(surface):
    for place, color in enumerate(["red", "#0f0", "#336699", (250, 128, 114), "purple", "black"]):
        surface.rect(4 + 19 * place, 10, 17, 60, color=color)


def translucent(surface):
    """Where an outline's pieces meet, nothing shows through twice."""
    surface.line([(8, 10), (40, 70), (50, 14), (54, 70)], color=RED, width=6, alpha=0.5)
    surface.rect(64, 8, 24, 24, color="gold", stroke_color=INK, stroke_width=6, alpha=0.5)
    surface.circle(102, 22, 10, color="gold", stroke_color=BLUE, stroke_width=6, alpha=0.5)
    surface.polygon([(62, 70), (74, 44), (86, 70)], color="green", stroke_color=RED, stroke_width=5, alpha=0.5)
    surface.arc(106, 66, 12, 180, 360, color="gold", alpha=0.5)


def corners(surface):
    """Pointed ones, one that is too sharp for a point, and a line that is wider than its pieces are long."""
    surface.line([(6, 6), (34, 40), (6, 74)], color=RED, width=9)
    surface.line([(40, 10), (70, 13), (40, 16)], color=BLUE, width=3)
    surface.line([(40, 40), (70, 41), (40, 42)], color=BLUE, width=3)
    surface.line([(44, 64), (48, 58), (52, 64), (56, 58), (60, 64)], color=INK, width=10)
    surface.polygon([(96, 8), (112, 40), (96, 30), (80, 40)], color="gold", stroke_color=INK, stroke_width=4)
    surface.circle(96, 62, 3, color=RED, stroke_color=BLUE, stroke_width=8)


def pixel_coordinates(surface):
    surface.rect(12, 8, 30, 20, color=RED, stroke_color=INK, stroke_width=2)
    surface.circle(90, 20, 12, color=BLUE)
    surface.ellipse(30, 60, 24, 12, color="gold")
    surface.arc(90, 64, 18, 180, 360, color="green")
    surface.line([(6, 40), (114, 44)], color=INK, width=3)
    surface.polygon([(54, 8), (66, 8), (60, 32)], color="purple")
    surface.image("flag", 54, 48, 12, 24)


def relative_coordinates(surface):
    surface.rect(0.1, 0.1, 0.25, 0.25, color=RED, stroke_color=INK, stroke_width=2, relative=True)
    surface.circle(0.75, 0.25, 0.1, color=BLUE, relative=True)
    surface.ellipse(0.25, 0.75, 0.2, 0.15, color="gold", relative=True)
    surface.arc(0.75, 0.8, 0.15, 180, 360, color="green", relative=True)
    surface.line([(0.05, 0.5), (0.95, 0.55)], color=INK, width=3, relative=True)
    surface.polygon([(0.45, 0.1), (0.55, 0.1), (0.5, 0.4)], color="purple", relative=True)
    surface.image("flag", 0.45, 0.6, 0.1, 0.3, relative=True)


def persistent(surface):
    surface.circle(30, 40, 20, color=RED, id="stays", persistent=True)
    surface.circle(90, 40, 20, color=BLUE, id="goes", persistent=True)
    surface.rect(50, 30, 20, 20, color=INK, id="once")


def persistent_kept(surface):
    """Nothing is drawn, and what is persistent is there."""


def persistent_removed(surface):
    surface.remove("goes")


def reset(surface):
    surface.reset()
    surface.rect(50, 30, 20, 20, color=INK)


def tween(surface):
    surface.rect(10, 30, 20, 20, color=RED, id="runner", tween_duration=800)


def tween_updated(surface):
    surface.rect(90, 30, 20, 20, color=RED, id="runner", tween_duration=800)


def text(surface):
    surface.text("HEH", 20, 10, size=16, color=RED, id="words")


def text_right(surface):
    surface.text("HEH", 100, 10, size=16, color=RED, align="right", id="words")


def text_center(surface):
    surface.text("HEH", 60, 10, size=16, color=RED, align="center", id="words")


def text_updated(surface):
    surface.text("HEH", 20, 10, size=40, color=BLUE, id="words")


#: In the order in which they are shown.
CARDS = [
    *(rect, border_radius, circle, ellipse, arc, line, line_updated, polygon, polygon_updated),
    *(image, image_of_svg, atlas, atlas_updated, angle, depth, depth_updated, colors, translucent, corners),
    *(pixel_coordinates, relative_coordinates, persistent, persistent_kept, persistent_removed, reset),
    *(tween, tween_updated, text, text_right, text_center, text_updated),
]


def register_assets(surface):
    surface.register_image("flag", "flag.png")
    surface.register_image("badge", "badge.svg")
    surface.register_atlas("signs", "signs.png", "signs.json")


def draw(env, surface, agent_id):
    if env.card < len(CARDS):
        card = CARDS[env.card]
        card(surface)
        surface.hud(card.__name__)
