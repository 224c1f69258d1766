//! Studies as pure state machines: what a researcher writes, and what becomes of everybody who
//! takes part.
//!
//! [`StudyConfig`] is a `study.toml`, parsed once into checked types, with errors that name line,
//! column and fix. [`Study`] is that study while it runs. It takes in what happened (arrivals,
//! connections, messages, seals, verdicts, time) and gives out what to do: [`Effect`]s. The ways
//! through it:
//!
//! ```text
//! start ─► instructions ─► lobby ─► session ──────────────────────────────► … ─► end
//!             ▲              │        MATCHED ⇄ VALIDATING ─► PLAYING ─► ENDED
//!             └── was away ──┘        (connect)  (compare)    (episodes)
//! ```
//!
//! and from everywhere to the end, with one [`Outcome`](igym_protocol::Outcome) each. An episode
//! is closed when all have sealed it, or it is *cut*: when a member is gone for good, its time is
//! up, or without a relay a link stays broken, those who are there deliver what they hold, and what
//! is known is judged. Only then does anybody move on. A page that is loaded in the midst of an
//! episode rejoins it. Where the environment needs it, a page measures its machine before the lobby;
//! who is too slow ends there, and the window of a session is that of its slowest member. An
//! environment that raises an error ends its session by a cut.
//!
//! - **Invariant:** whatever happens in whatever order, everybody who answers reaches the end with
//!   exactly one outcome; every session ends and every episode is closed.
//! - **Invariant:** a message that is refused changes nothing; one that repeats what has already
//!   happened changes nothing either.
//! - **Invariant:** records come out before the views that follow from them, and a view is a
//!   projection of the present state, so a lost view is healed by the next one.
//! - **Invariant:** all that is drawn (session ids, seats, seeds, codes) comes from one seed and
//!   is in the records.
//!
//! A study lives in memory. [`Study::restore`] makes it again from its records when the server was
//! stopped or killed: whoever comes back goes on where they were.
//!
//! This crate does no I/O and has no clock and no randomness of its own. It never sees inputs or
//! uploads, and never decides whether data are good: that is the judge's business, whom it asks
//! with [`Effect::Judge`].
//!
//! ```
//! use igym_protocol::{ClientMessage, ParticipantId, View};
//! use igym_study::{EXAMPLE, Effect, Millis, Study, StudyConfig};
//!
//! let config = StudyConfig::parse(EXAMPLE, "study.toml")?;
//! let mut study = Study::new(config, "digest of the build".to_owned(), [7; 32]);
//! let (now, who) = (Millis(0), ParticipantId(uuid::Uuid::from_u128(1)));
//!
//! study.handle_arrival(now, who, "hash of the token".to_owned(), None);
//! study.handle_connected(now, who, 1);
//! study.handle_message(now, who, &ClientMessage::Advance { scene: 0 }).unwrap();
//! study.handle_message(now, who, &ClientMessage::Join { scene: 1 }).unwrap();
//! while let Some(effect) = study.poll_effect() {
//!     match effect {
//!         Effect::Record(_record) => { /* make it durable */ }
//!         Effect::View { participant } => {
//!             let Some(View::Lobby { waiting, needed, .. }) = study.view(now, participant) else {
//!                 panic!("waits for a partner");
//!             };
//!             assert_eq!((waiting, needed), (1, 2));
//!         }
//!         Effect::Signal { .. } | Effect::Judge { .. } | Effect::History { .. } => {}
//!     }
//! }
//!
//! // Nobody comes: after five minutes there is a last page, not a dead end.
//! let deadline = study.poll_deadline().unwrap();
//! assert_eq!(deadline, Millis(300_000));
//! study.handle_time(deadline);
//! assert!(matches!(study.view(deadline, who), Some(View::End { .. })));
//! # Ok::<(), igym_study::ConfigError>(())
//! ```

mod config;
mod connecting;
mod context;
mod deadline;
mod draws;
mod effect;
mod episodes;
mod failing;
mod links;
mod lobby;
mod mending;
mod moves;
mod participant;
mod past;
mod playing;
mod refusal;
mod rejoin;
mod restore;
mod session;
mod speed;
mod study;
mod time;
mod timers;
mod treating;
mod view;
mod waiting;

pub use config::{
    Code, ConfigError, EXAMPLE, EndScene, FinalPage, GymScene, Omit, Prepared, Problem,
    PythonEnvironment, PythonPart, RelayRule, Scene, SeatRule, Seeds, StartScene, StudyConfig,
    Treatment, json_schema, python_part,
};
pub use effect::Effect;
pub use igym_protocol::Judgement;
pub use restore::RestoreError;
pub use study::Study;
pub use time::Millis;
