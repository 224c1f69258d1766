//! The text format of Prometheus, and the names of labels.

use std::fmt::Write as _;

use igym_protocol::{Outcome, RefusalCode};
use igym_storage::Distribution;

#[derive(Default)]
pub(crate) struct Page(pub(crate) String);

impl Page {
    pub(crate) fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.0 += &format!("# HELP {name} {help}.\n# TYPE {name} {kind}\n");
    }

    pub(crate) fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    pub(crate) fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.head(name, kind, help);
        self.line(name, "", value);
    }

    pub(crate) fn family<L: std::fmt::Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (L, u64)>,
    ) {
        self.head(name, kind, help);
        for (value, count) in values {
            self.line(name, &format!("{{{label}=\"{value}\"}}"), count);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "of interest to a few digits")]
    pub(crate) fn histogram(&mut self, name: &str, help: &str, distribution: &Distribution) {
        self.head(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        let mut up_to = 0;
        for (bound, count) in Distribution::BOUNDS_US.iter().zip(distribution.counts) {
            up_to += count;
            let bound = *bound as f64 / 1e6;
            self.line(&bucket, &format!("{{le=\"{bound}\"}}"), up_to);
        }
        self.line(&bucket, "{le=\"+Inf\"}", distribution.total());
        self.line(&format!("{name}_sum"), "", distribution.sum_us as f64 / 1e6);
        self.line(&format!("{name}_count"), "", distribution.total());
    }
}

pub(crate) const REFUSALS: [RefusalCode; 9] = [
    RefusalCode::Malformed,
    RefusalCode::Version,
    RefusalCode::UnknownToken,
    RefusalCode::WrongState,
    RefusalCode::NotAMember,
    RefusalCode::TooLarge,
    RefusalCode::TooFast,
    RefusalCode::OutOfOrder,
    RefusalCode::Storage,
];

/// A new kind does not compile until it is here, and then it belongs into the list above.
pub(crate) fn refusal(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::Malformed => "malformed",
        RefusalCode::Version => "version",
        RefusalCode::UnknownToken => "unknown_token",
        RefusalCode::WrongState => "wrong_state",
        RefusalCode::NotAMember => "not_a_member",
        RefusalCode::TooLarge => "too_large",
        RefusalCode::TooFast => "too_fast",
        RefusalCode::OutOfOrder => "out_of_order",
        RefusalCode::Storage => "storage",
    }
}

pub(crate) const OUTCOMES: [Outcome; 8] = [
    Outcome::Completed,
    Outcome::LobbyTimeout,
    Outcome::ConnectionFailed,
    Outcome::ValidationFailed,
    Outcome::PartnerLeft,
    Outcome::EnvironmentFailed,
    Outcome::TooSlow,
    Outcome::Left,
];

/// As above.
pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed",
        Outcome::LobbyTimeout => "lobby_timeout",
        Outcome::ConnectionFailed => "connection_failed",
        Outcome::ValidationFailed => "validation_failed",
        Outcome::PartnerLeft => "partner_left",
        Outcome::EnvironmentFailed => "environment_failed",
        Outcome::TooSlow => "too_slow",
        Outcome::Left => "left",
    }
}
