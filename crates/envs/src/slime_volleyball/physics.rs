//! The motion of slimes and ball, in the Python package's arithmetic.
//!
//! All of it is `float32` there: numpy rounds each operation, and Python's constants are computed
//! in double precision and rounded once, where they meet an array. So every constant here is
//! written as the package computes it, and the order of operations is its own. Lengths are in
//! court units (the court is 48 wide), y grows upwards from the screen's lower edge.

/// Index of the agent on the left.
pub(super) const LEFT: usize = 0;
/// Index of the agent on the right.
pub(super) const RIGHT: usize = 1;
/// Per agent, which way its side is.
pub(super) const SIDES: [f32; 2] = [-1.0, 1.0];

pub(super) const COURT_WIDTH: f64 = 48.0;
const COURT_HEIGHT: f64 = COURT_WIDTH;
pub(super) const GROUND: f64 = 1.5;
pub(super) const NET_WIDTH: f64 = 1.0;
pub(super) const NET_HEIGHT: f32 = 3.5;
/// The net ends in a round head.
pub(super) const NET_POST_RADIUS: f64 = NET_WIDTH / 2.0;
pub(super) const AGENT_RADIUS: f64 = 1.5;
pub(super) const BALL_RADIUS: f64 = 0.5;
pub(super) const SERVE_HEIGHT: f32 = 12.0;

const STEP: f64 = 1.0 / 30.0;
const GRAVITY: f64 = -9.8 * 1.5 * 1.5;
const RUN_SPEED: f32 = 20.0;
const JUMP_SPEED: f32 = 10.0 * 1.75;
const MAX_BALL_SPEED: f64 = 15.0 * 1.5;
/// Keeps what touches a surface a little off it.
const NUDGE: f64 = 0.1;

/// Seconds of a frame, as a factor.
const DT: f32 = STEP as f32;
/// What gravity adds to a velocity in a frame.
const FALL: f32 = (GRAVITY * STEP) as f32;

/// What an agent wants of its body in this frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Move {
    /// Towards the net is negative, away from it positive.
    run: f32,
    jump: f32,
}

impl Move {
    /// From a discrete action; `mirrored` swaps left and right.
    pub(super) fn of(action: u32, mirrored: bool) -> Self {
        let (forward, backward, jump) = match action {
            1 => (true, false, false),
            2 => (true, false, true),
            3 => (false, false, true),
            4 => (false, true, true),
            5 => (false, true, false),
            _ => (false, false, false),
        };
        let run = match (forward, backward, mirrored) {
            (true, _, false) | (_, true, true) => -RUN_SPEED,
            (_, true, false) | (true, _, true) => RUN_SPEED,
            (false, false, _) => 0.0,
        };
        Self {
            run,
            jump: if jump { JUMP_SPEED } else { 0.0 },
        }
    }
}

/// A slime: a half disc that stands on its centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Agent {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) vx: f32,
    pub(super) vy: f32,
}

impl Agent {
    pub(super) fn new(agent: usize) -> Self {
        Self {
            x: SIDES[agent] * (COURT_WIDTH / 4.0) as f32,
            y: GROUND as f32,
            vx: 0.0,
            vy: 0.0,
        }
    }

    /// Runs, jumps from the ground, falls; stays on its side of the net.
    pub(super) fn update(&mut self, wanted: Move, side: f32) {
        const NEAR_GROUND: f32 = (GROUND + NUDGE * STEP) as f32;
        const AT_NET: f32 = (NET_WIDTH / 2.0 + AGENT_RADIUS) as f32;
        const AT_WALL: f32 = (COURT_WIDTH / 2.0 - AGENT_RADIUS) as f32;
        self.vy += FALL;
        if self.y <= NEAR_GROUND {
            self.vy = wanted.jump;
        }
        self.vx = wanted.run * side;
        self.x += self.vx * DT;
        self.y += self.vy * DT;
        if self.y <= GROUND as f32 {
            self.y = GROUND as f32;
            self.vy = 0.0;
        }
        if self.x * side <= AT_NET {
            self.x = side * AT_NET;
            self.vx = 0.0;
        }
        if self.x * side >= AT_WALL {
            self.x = side * AT_WALL;
            self.vx = 0.0;
        }
    }
}

/// The ball.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ball {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) vx: f32,
    pub(super) vy: f32,
}

impl Ball {
    /// Falls, is held to the greatest speed, moves.
    pub(super) fn fly(&mut self) {
        self.vy += FALL;
        let squared = self.vx * self.vx + self.vy * self.vy;
        if squared > (MAX_BALL_SPEED * MAX_BALL_SPEED) as f32 {
            let scale = MAX_BALL_SPEED as f32 / length(squared);
            self.vx *= scale;
            self.vy *= scale;
        }
        self.x += self.vx * DT;
        self.y += self.vy * DT;
    }

    /// If the ball is inside a disc: puts it outside and reflects its velocity. The disc counts
    /// as at rest, whatever it does.
    pub(super) fn bounce_off(&mut self, x: f32, y: f32, radius: f64) {
        let reach = BALL_RADIUS + radius;
        let dx = self.x - x;
        let dy = self.y - y;
        let squared = dx * dx + dy * dy;
        if squared < (reach * reach) as f32 {
            let distance = length(squared);
            let normal_x = dx / distance;
            let normal_y = dy / distance;
            let push = reach as f32 - distance + NUDGE as f32;
            self.x += normal_x * push;
            self.y += normal_y * push;
            let twice = (self.vx * normal_x + self.vy * normal_y) * 2.0;
            // Adding the disc's velocity, zero, makes a negative zero positive.
            self.vx = self.vx - normal_x * twice + 0.0;
            self.vy = self.vy - normal_y * twice + 0.0;
        }
    }

    /// Bounces off walls, ground, ceiling and net. On the ground the other side wins: returns the
    /// winner.
    pub(super) fn check_edges(&mut self, previous_x: f32) -> Option<usize> {
        const WALL: f32 = (COURT_WIDTH / 2.0 - BALL_RADIUS) as f32;
        const OFF_LEFT_WALL: f32 = (BALL_RADIUS - COURT_WIDTH / 2.0 + NUDGE * STEP) as f32;
        const OFF_RIGHT_WALL: f32 = (COURT_WIDTH / 2.0 - BALL_RADIUS - NUDGE * STEP) as f32;
        const ON_GROUND: f32 = (BALL_RADIUS + GROUND) as f32;
        const OFF_GROUND: f32 = (BALL_RADIUS + GROUND + NUDGE * STEP) as f32;
        const CEILING: f32 = (COURT_HEIGHT - BALL_RADIUS) as f32;
        const OFF_CEILING: f32 = (COURT_HEIGHT - BALL_RADIUS - NUDGE * STEP) as f32;
        const NET: f32 = (NET_WIDTH / 2.0 + BALL_RADIUS) as f32;
        const OFF_NET_RIGHT: f32 = (NET_WIDTH / 2.0 + BALL_RADIUS + NUDGE * STEP) as f32;
        const OFF_NET_LEFT: f32 = (-NET_WIDTH / 2.0 - BALL_RADIUS - NUDGE * STEP) as f32;

        if self.x <= -WALL {
            self.vx = -self.vx;
            self.x = OFF_LEFT_WALL;
        }
        if self.x >= WALL {
            self.vx = -self.vx;
            self.x = OFF_RIGHT_WALL;
        }
        let winner = (self.y <= ON_GROUND).then(|| {
            self.vy = -self.vy;
            self.y = OFF_GROUND;
            if self.x <= 0.0 { RIGHT } else { LEFT }
        });
        if self.y >= CEILING {
            self.vy = -self.vy;
            self.y = OFF_CEILING;
        }
        let low = self.y <= NET_HEIGHT;
        if low && self.x <= NET && previous_x > NET {
            self.vx = -self.vx;
            self.x = OFF_NET_RIGHT;
        }
        if low && self.x >= -NET && previous_x < -NET {
            self.vx = -self.vx;
            self.x = OFF_NET_LEFT;
        }
        winner
    }
}

/// A length from its square, never quite 0.
fn length(squared: f32) -> f32 {
    squared.max(1e-12).sqrt()
}
