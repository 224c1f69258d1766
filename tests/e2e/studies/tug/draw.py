def draw(env, surface, agent_id):
    surface.rect(0, 0, 600, 300, color="#dfe9dc", id="meadow", persistent=True)
    surface.line([(300, 60), (300, 240)], color="white", width=4, id="middle", persistent=True)
    surface.line([(40, 150), (560, 150)], color="#8a5a2b", width=8, id="rope", persistent=True)
    x = 300 + max(-240, min(240, env.place))
    surface.circle(x, 150, 18, color="crimson", stroke_color="white", stroke_width=3, id="knot")
    surface.text(f"You pull {agent_id}", 300, 20, size=22, align="center", id="side")
    surface.hud(f"{abs(env.place)} to the {'left' if env.place < 0 else 'right'}")
