//! Studies as pure state machines
mod config;
mod context;
mod draws;
mod effect;
mod episodes;
mod lobby;
mod participant;
mod playing;
mod refusal;
mod session;
mod study;
mod time;
mod timers;
mod view;
mod waiting;

pub use config::{
    Code, ConfigError, EXAMPLE, EndScene, FinalPage, GymScene, Problem, Scene, SeatRule, Seeds,
    StartScene, StudyConfig, json_schema,
};
pub use effect::Effect;
pub use igym_protocol::Judgement;
pub use study::Study;
pub use time::Millis;
