//! How the court looks.

use igym_gym::Surface;

use super::State;

pub(super) const WIDTH: u32 = 1200;
pub(super) const HEIGHT: u32 = 500;

pub(super) fn draw(surface: &mut Surface, state: &State, viewer: Option<usize>) {
    let _ = viewer;
    let scale = 25.0;
    surface
        .circle(
            (f64::from(state.ball.x) + 24.0) * scale,
            500.0 - f64::from(state.ball.y) * scale,
            12.5,
        )
        .id("ball");
}
