//! How the court looks. Nothing here reaches the state or a hash.

use igym_gym::{Align, Color, Surface};

use super::physics::{
    AGENT_RADIUS, Agent, BALL_RADIUS, Ball, COURT_WIDTH, GROUND, LEFT, NET_HEIGHT, NET_POST_RADIUS,
    NET_WIDTH, RIGHT,
};
use super::{SERVE_DELAY, State};

pub(super) const WIDTH: u32 = 1200;
pub(super) const HEIGHT: u32 = 500;

/// Pixels of a court unit.
const UNIT: f64 = WIDTH as f64 / COURT_WIDTH;
/// Where the ground begins.
const GROUND_TOP: f64 = HEIGHT as f64 - GROUND * UNIT;
const SLIME: f64 = AGENT_RADIUS * UNIT;
const BALL: f64 = BALL_RADIUS * UNIT;

const SKY_TOP: Color = Color::hex(0x4f9fe0);
const SKY_BOTTOM: Color = Color::hex(0xe9f6ff);
const SKY_BANDS: u32 = 66;
const CLOUD: Color = Color::hex(0xf5faff);
const SUN: Color = Color::hex(0xfff3c4);
const FAR_HILLS: Color = Color::hex(0xb9d9ea);
const NEAR_HILLS: Color = Color::hex(0x97c9c0);
const SAND_TOP: Color = Color::hex(0xf6dfab);
const SAND: Color = Color::hex(0xe8c888);
const SAND_DEEP: Color = Color::hex(0xd8b06a);
const POST: Color = Color::hex(0x39465c);
const MESH: Color = Color::hex(0x7f8ea8);
const INK: Color = Color::hex(0x1d2636);
const BALL_LIGHT: Color = Color::hex(0xfff7e0);
const BALL_EDGE: Color = Color::hex(0xd9822b);
const BALL_SEAM: Color = Color::hex(0xe3a04f);

/// Body, edge and highlight of a slime.
struct Coat {
    body: Color,
    edge: Color,
    shine: Color,
}

const COATS: [Coat; 2] = [
    Coat {
        body: Color::hex(0x3b82f6),
        edge: Color::hex(0x1e4fb3),
        shine: Color::hex(0x93c0ff),
    },
    Coat {
        body: Color::hex(0xf4645f),
        edge: Color::hex(0xb3322f),
        shine: Color::hex(0xffb3a8),
    },
];

/// From the back to the front; depths leave room between the layers.
mod layer {
    pub(super) const SHADOWS: f64 = 10.0;
    pub(super) const NET: f64 = 20.0;
    pub(super) const SLIMES: f64 = 30.0;
    pub(super) const BALL: f64 = 40.0;
    pub(super) const SIGNS: f64 = 50.0;
}

pub(super) fn draw(surface: &mut Surface, state: &State, max_lives: u32, viewer: Option<usize>) {
    draw_scenery(surface);
    draw_net(surface);
    for agent in [LEFT, RIGHT] {
        draw_slime(surface, agent, &state.agents[agent], &state.ball);
        draw_lives(surface, agent, state.lives[agent], max_lives);
    }
    draw_ball(surface, &state.ball, state.delay);
    if let Some(agent) = viewer.filter(|agent| *agent == LEFT || *agent == RIGHT) {
        draw_you(surface, agent, &state.agents[agent]);
    }
}

fn screen_x(x: f32) -> f64 {
    (f64::from(x) + COURT_WIDTH / 2.0) * UNIT
}

fn screen_y(y: f32) -> f64 {
    f64::from(HEIGHT) - f64::from(y) * UNIT
}

/// Sky, sun, hills and sand: drawn alike in every frame, so sent once.
fn draw_scenery(surface: &mut Surface) {
    let width = f64::from(WIDTH);
    let band = GROUND_TOP / f64::from(SKY_BANDS);
    for number in 0..SKY_BANDS {
        let part = f64::from(number) / f64::from(SKY_BANDS - 1);
        // Each band reaches into the next, so that no seam shows when the page scales it.
        surface
            .rect(0.0, f64::from(number) * band, width, band + 2.0)
            .color(blend(SKY_TOP, SKY_BOTTOM, part))
            .persistent(format!("sky-{number}"));
    }
    for (number, (radius, alpha)) in [(84.0, 0.18), (62.0, 0.28), (44.0, 1.0)]
        .into_iter()
        .enumerate()
    {
        surface
            .circle(1010.0, 104.0, radius)
            .color(SUN)
            .alpha(alpha)
            .persistent(format!("sun-{number}"));
    }
    let clouds = [(180.0, 96.0, 1.0), (520.0, 62.0, 0.7), (790.0, 132.0, 0.85)];
    for (number, (x, y, size)) in clouds.into_iter().enumerate() {
        let puffs = [(-44.0, 8.0, 26.0), (0.0, 0.0, 36.0), (46.0, 9.0, 24.0)];
        for (part, (dx, dy, radius)) in puffs.into_iter().enumerate() {
            surface
                .ellipse(
                    x + dx * size,
                    y + dy * size,
                    radius * 1.5 * size,
                    radius * 0.62 * size,
                )
                .color(CLOUD)
                .persistent(format!("cloud-{number}-{part}"));
        }
    }
    let hills = [
        (150.0, 330.0, 92.0, FAR_HILLS),
        (620.0, 420.0, 116.0, FAR_HILLS),
        (1090.0, 340.0, 84.0, FAR_HILLS),
        (-10.0, 300.0, 58.0, NEAR_HILLS),
        (400.0, 330.0, 44.0, NEAR_HILLS),
        (860.0, 360.0, 62.0, NEAR_HILLS),
        (1230.0, 260.0, 70.0, NEAR_HILLS),
    ];
    for (number, (x, radius_x, radius_y, color)) in hills.into_iter().enumerate() {
        surface
            .ellipse(x, GROUND_TOP, radius_x, radius_y)
            .color(color)
            .persistent(format!("hill-{number}"));
    }
    let depth = f64::from(HEIGHT) - GROUND_TOP;
    for (name, from, color) in [
        ("sand", 0.0, SAND),
        ("sand-edge", 0.0, SAND_TOP),
        ("sand-deep", depth * 0.68, SAND_DEEP),
    ] {
        let height = if name == "sand-edge" {
            6.0
        } else {
            depth - from
        };
        surface
            .rect(0.0, GROUND_TOP + from, width, height)
            .color(color)
            .persistent(name);
    }
}

/// Two posts with a mesh between them; the white tape on top is the round head that the ball
/// bounces off.
fn draw_net(surface: &mut Surface) {
    let top = screen_y(NET_HEIGHT);
    let width = NET_WIDTH * UNIT;
    let left = f64::from(WIDTH) / 2.0 - width / 2.0;
    let height = GROUND_TOP - top;
    let post = 5.0;
    surface
        .rect(left, top, width, height)
        .color(Color::WHITE)
        .alpha(0.35)
        .depth(layer::NET)
        .persistent("net-back");
    let rows = 5;
    let inner = width - 2.0 * post;
    for row in 0..rows {
        let step = height / f64::from(rows);
        let y = top + f64::from(row) * step;
        let (near, far) = (left + post, left + post + inner);
        for (name, from, to) in [("a", y, y + step), ("b", y + step, y)] {
            surface
                .line([(near, from), (far, to)])
                .color(MESH)
                .width(1.5)
                .depth(layer::NET)
                .persistent(format!("net-mesh-{row}{name}"));
        }
    }
    for (name, x) in [("left", left), ("right", left + width - post)] {
        surface
            .rect(x, top, post, height + 5.0)
            .color(POST)
            .border_radius(2.0)
            .depth(layer::NET)
            .persistent(format!("net-post-{name}"));
    }
    surface
        .circle(f64::from(WIDTH) / 2.0, top, NET_POST_RADIUS * UNIT)
        .color(Color::WHITE)
        .stroke(POST, 3.0)
        .depth(layer::NET + 1.0)
        .persistent("net-head");
}

fn draw_slime(surface: &mut Surface, agent: usize, slime: &Agent, ball: &Ball) {
    let coat = &COATS[agent];
    let name = |part: &str| format!("slime-{agent}-{part}");
    let (x, y) = (screen_x(slime.x), screen_y(slime.y));
    draw_shadow(surface, name("shadow"), x, GROUND_TOP - y, SLIME);
    surface
        .arc(x, y, SLIME, 180.0, 360.0)
        .color(coat.body)
        .stroke(coat.edge, 2.5)
        .depth(layer::SLIMES)
        .id(name("body"));
    let toward_net = if agent == LEFT { 1.0 } else { -1.0 };
    surface
        .ellipse(
            x - toward_net * SLIME * 0.4,
            y - SLIME * 0.68,
            SLIME * 0.22,
            SLIME * 0.1,
        )
        .color(coat.shine)
        .alpha(0.75)
        .depth(layer::SLIMES + 1.0)
        .id(name("shine"));

    // The eye sits towards the net and looks at the ball.
    let (eye_x, eye_y) = (x + toward_net * SLIME * 0.3, y - SLIME * 0.52);
    let (dx, dy) = (screen_x(ball.x) - eye_x, screen_y(ball.y) - eye_y);
    let distance = (dx * dx + dy * dy).sqrt().max(1.0);
    let gaze = SLIME * 0.14;
    surface
        .circle(eye_x, eye_y, SLIME * 0.3)
        .color(Color::WHITE)
        .stroke(coat.edge, 1.5)
        .depth(layer::SLIMES + 2.0)
        .id(name("eye"));
    surface
        .circle(
            eye_x + dx / distance * gaze,
            eye_y + dy / distance * gaze,
            SLIME * 0.14,
        )
        .color(INK)
        .depth(layer::SLIMES + 3.0)
        .id(name("pupil"));
}

fn draw_ball(surface: &mut Surface, ball: &Ball, delay: u32) {
    let (x, y) = (screen_x(ball.x), screen_y(ball.y));
    draw_shadow(surface, "ball-shadow".to_owned(), x, GROUND_TOP - y, BALL);
    if delay > 0 {
        // A dial that empties until the ball is let go.
        let part = f64::from(delay) / f64::from(SERVE_DELAY);
        surface
            .arc(x, y, BALL * 1.9, -90.0, -90.0 + 360.0 * part.min(1.0))
            .color(Color::WHITE)
            .alpha(0.6)
            .depth(layer::BALL)
            .id("ball-dial");
    }
    surface
        .circle(x, y, BALL)
        .color(BALL_LIGHT)
        .stroke(BALL_EDGE, 2.0)
        .depth(layer::BALL + 1.0)
        .id("ball");
    // Three curved seams that turn as the ball travels.
    let turn = f64::from(ball.x) * 0.5;
    for seam in 0..3 {
        let start = turn + f64::from(seam) * std::f64::consts::TAU / 3.0;
        let points: Vec<(f64, f64)> = (0..4)
            .map(|step| {
                let part = f64::from(step) / 3.0;
                let (sin, cos) = (start + part * 0.9).sin_cos();
                (x + cos * part * BALL * 0.92, y + sin * part * BALL * 0.92)
            })
            .collect();
        surface
            .line(points)
            .color(BALL_SEAM)
            .width(2.0)
            .depth(layer::BALL + 2.0)
            .id(format!("ball-seam-{seam}"));
    }
    surface
        .circle(x + BALL * 0.34, y - BALL * 0.38, BALL * 0.26)
        .color(Color::WHITE)
        .alpha(0.9)
        .depth(layer::BALL + 3.0)
        .id("ball-shine");
    if y < -BALL {
        // The ball is above the picture: show where.
        surface
            .polygon([(x, 8.0), (x - 11.0, 26.0), (x + 11.0, 26.0)])
            .color(BALL_EDGE)
            .stroke(Color::WHITE, 2.0)
            .depth(layer::SIGNS)
            .id("ball-above");
    }
}

/// On the ground below something; wider things throw wider ones, higher things fainter ones.
fn draw_shadow(surface: &mut Surface, id: String, x: f64, height: f64, radius: f64) {
    let nearness = (1.0 - height / 520.0).clamp(0.25, 1.0);
    surface
        .ellipse(x, GROUND_TOP + 7.0, radius * nearness, 5.0 * nearness)
        .color(INK)
        .alpha(0.28 * nearness)
        .depth(layer::SHADOWS)
        .id(id);
}

/// A dot per point that the agent may still lose, in its upper corner.
fn draw_lives(surface: &mut Surface, agent: usize, lives: i32, max_lives: u32) {
    if !(2..=12).contains(&max_lives) {
        return;
    }
    for place in 0..max_lives.cast_signed() {
        let offset = 28.0 + f64::from(place) * 26.0;
        let x = if agent == LEFT {
            offset
        } else {
            f64::from(WIDTH) - offset
        };
        let left = place < lives;
        surface
            .circle(x, 28.0, 8.0)
            .color(if left {
                COATS[agent].body
            } else {
                Color::WHITE
            })
            .alpha(if left { 1.0 } else { 0.4 })
            .stroke(COATS[agent].edge, 2.0)
            .depth(layer::SIGNS)
            .id(format!("life-{agent}-{place}"));
    }
}

/// A small sign above the viewer's own slime.
fn draw_you(surface: &mut Surface, agent: usize, slime: &Agent) {
    let color = COATS[agent].edge;
    let x = screen_x(slime.x);
    let y = screen_y(slime.y) - SLIME - 40.0;
    surface
        .rect(x - 23.0, y, 46.0, 22.0)
        .border_radius(11.0)
        .color(Color::WHITE)
        .alpha(0.92)
        .depth(layer::SIGNS)
        .id("you-sign");
    surface
        .polygon([(x - 6.0, y + 21.0), (x + 6.0, y + 21.0), (x, y + 29.0)])
        .color(Color::WHITE)
        .alpha(0.92)
        .depth(layer::SIGNS)
        .id("you-pointer");
    surface
        .text("You", x, y + 3.0)
        .size(14.0)
        .font("system-ui, sans-serif")
        .align(Align::Center)
        .color(color)
        .depth(layer::SIGNS + 1.0)
        .id("you-text");
}

fn blend(from: Color, to: Color, part: f64) -> Color {
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * part).round() as u8;
    Color::rgb(
        mix(from.red, to.red),
        mix(from.green, to.green),
        mix(from.blue, to.blue),
    )
}
