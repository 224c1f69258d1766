//! Studies as pure state machines
mod config;
mod effect;
mod study;
mod time;

pub use config::{
    Code, ConfigError, EXAMPLE, EndScene, FinalPage, GymScene, Problem, Scene, SeatRule, Seeds,
    StartScene, StudyConfig, json_schema,
};
pub use effect::Effect;
pub use igym_protocol::Judgement;
pub use study::Study;
pub use time::Millis;
