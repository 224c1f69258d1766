//! What a scene plays, whatever it is written in.

use igym_gym::Description;
use igym_protocol::{Controls, EnvironmentSpec};

/// An environment, as far as a scene has to know it.
pub(super) struct Subject {
    /// What errors call it.
    pub(super) name: String,
    /// What its page is called where the study does not say; the study's own title if it has none.
    pub(super) title: Option<String>,
    pub(super) environment: EnvironmentSpec,
    /// Width and height of the drawing, in pixels.
    pub(super) size: (u32, u32),
    /// Every agent; none while nothing is known of them.
    pub(super) agents: Vec<String>,
    /// Of an environment in Python that was prepared.
    pub(super) description: Option<Description>,
    pub(super) controls: Controls,
    /// Where the study does not say.
    pub(super) frames_per_second: u16,
    /// Where the study does not say.
    pub(super) digest_interval: u32,
}
