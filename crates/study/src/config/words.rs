//! Wording that several checks share.

/// The candidate that `word` was probably meant to be.
pub(super) fn closest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, candidate)| {
            *distance <= (candidate.chars().count().min(word.chars().count()) / 3).max(1)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean X?" if something is close, and all that is allowed if that is not too much.
pub(super) fn choose(word: &str, what: &str, allowed: &[&str]) -> String {
    let all = format!("{what} {}", list(allowed));
    match closest(word, allowed.iter().copied()) {
        Some(candidate) if allowed.len() == 1 || allowed.len() > 8 => {
            format!("did you mean `{candidate}`?")
        }
        Some(candidate) => format!("did you mean `{candidate}`? {all}"),
        None => all,
    }
}

/// "`a`", "`a` and `b`", "`a`, `b` and `c`".
pub(super) fn list(words: &[&str]) -> String {
    match words {
        [] => "none".to_owned(),
        [word] => format!("`{word}`"),
        [words @ .., last] => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            format!("{} and `{last}`", words.join(", "))
        }
    }
}
