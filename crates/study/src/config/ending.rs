//! The last page for each outcome.

use igym_protocol::Outcome;

use super::error::Found;
use super::place::Place;
use super::raw_ending::{EndSection, OutcomeSection};
use super::{Code, EndScene, FinalPage};

/// The end scene, with kind words where the study has none.
pub(super) fn check(section: &EndSection, place: &Place, found: &mut Vec<Found>) -> EndScene {
    let (title, body) = words(Outcome::Completed);
    let completed = FinalPage {
        title: section.title.clone().unwrap_or_else(|| title.to_owned()),
        body: section.body.clone().unwrap_or_else(|| body.to_owned()),
        code: code(&section.code),
        redirect: section.redirect.clone(),
    };
    if let Some(problem) = redirect_problem(&completed, &place.key("redirect")) {
        found.push(problem);
    }
    let outcomes = &section.outcomes;
    let mut page = |outcome, key: &str, section: &Option<OutcomeSection>| {
        let place = place.key("outcomes").key(key);
        other_page(outcome, section.as_ref(), &completed, &place, found)
    };
    let lobby_timeout = page(
        Outcome::LobbyTimeout,
        "lobby_timeout",
        &outcomes.lobby_timeout,
    );
    let connection_failed = page(
        Outcome::ConnectionFailed,
        "connection_failed",
        &outcomes.connection_failed,
    );
    let validation_failed = page(
        Outcome::ValidationFailed,
        "validation_failed",
        &outcomes.validation_failed,
    );
    let partner_left = page(Outcome::PartnerLeft, "partner_left", &outcomes.partner_left);
    let environment_failed = page(
        Outcome::EnvironmentFailed,
        "environment_failed",
        &outcomes.environment_failed,
    );
    let too_slow = page(Outcome::TooSlow, "too_slow", &outcomes.too_slow);
    let left = page(Outcome::Left, "left", &outcomes.left);
    EndScene {
        id: section.id.clone().unwrap_or_else(|| "end".to_owned()),
        completed,
        lobby_timeout,
        connection_failed,
        validation_failed,
        partner_left,
        environment_failed,
        too_slow,
        left,
    }
}

fn other_page(
    outcome: Outcome,
    section: Option<&OutcomeSection>,
    completed: &FinalPage,
    place: &Place,
    found: &mut Vec<Found>,
) -> FinalPage {
    let own = section.cloned().unwrap_or_default();
    let (title, body) = words(outcome);
    // Whoever leaves on purpose must not be paid like the rest by leaving at once.
    let inherits = outcome != Outcome::Left;
    let inherited_code = if inherits {
        completed.code.clone()
    } else {
        Code::None
    };
    let mut page = FinalPage {
        title: own.title.unwrap_or_else(|| title.to_owned()),
        body: own.body.unwrap_or_else(|| body.to_owned()),
        code: own.code.as_deref().map_or(inherited_code, code),
        redirect: own.redirect,
    };
    if let Some(problem) = redirect_problem(&page, &place.key("redirect")) {
        found.push(problem);
    }
    if page.redirect.is_none() && inherits {
        let shared = completed.redirect.clone();
        page.redirect = shared.filter(|to| page.code != Code::None || !to.contains("{code}"));
    }
    page
}

fn code(word: &str) -> Code {
    match word {
        "draw" => Code::Draw,
        "none" => Code::None,
        fixed => Code::Fixed(fixed.to_owned()),
    }
}

fn redirect_problem(page: &FinalPage, place: &Place) -> Option<Found> {
    let redirect = page.redirect.as_deref()?;
    let host = redirect
        .strip_prefix("https://")
        .or_else(|| redirect.strip_prefix("http://"));
    if host.is_none_or(str::is_empty) || redirect.contains(char::is_whitespace) {
        let fix = "write a whole address, such as `https://example.org/done?code={code}`";
        return Some(place.problem("`redirect` is not a web address", fix));
    }
    if redirect.replace("{code}", "").contains(['{', '}']) {
        let fix = "`{code}` is the only thing that can stand in braces";
        return Some(place.problem("`redirect` has a placeholder that is not known", fix));
    }
    if redirect.contains("{code}") && page.code == Code::None {
        let fix = "set `code = \"draw\"`, or take `{code}` out of the address";
        return Some(place.problem("`redirect` uses `{code}`, but there is no code", fix));
    }
    None
}

/// Heading and text for a study that does not say it in its own words.
fn words(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Completed => (
            "Thank you!",
            "You have completed the study. Thank you for taking part.",
        ),
        Outcome::LobbyTimeout => (
            "No partner came in time",
            "Unfortunately nobody else came to play with you. This is not your fault. Thank you \
             for your time and patience.",
        ),
        Outcome::ConnectionFailed => (
            "The connection did not work",
            "Your browser and those of the other players could not stay connected to each other. \
             This is not your fault. Thank you for your time.",
        ),
        Outcome::ValidationFailed => (
            "The game could not start",
            "The players' browsers did not have the same version of the game. This is not your \
             fault. Thank you for your time.",
        ),
        Outcome::PartnerLeft => (
            "Another player has left",
            "The game ended early because another player left or lost the connection. This is not \
             your fault. Thank you for taking part.",
        ),
        Outcome::EnvironmentFailed => (
            "The game stopped working",
            "An error in the game ended it early. This is not your fault, and what you played is \
             saved. Thank you for taking part.",
        ),
        Outcome::TooSlow => (
            "This device is too slow for the game",
            "The game needs a faster computer, or a browser that has less else to do. This is not \
             your fault. Thank you for your time.",
        ),
        Outcome::Left => (
            "You have left the study",
            "You left, or your connection was lost for so long that the study went on without \
             you. Thank you for your time.",
        ),
    }
}
