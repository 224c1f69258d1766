//! Which treatment a session has.

use crate::Treatment;
use crate::draws::Draws;

/// The treatment of the next session of a scene: the one that the fewest sessions had so far, and of
/// several such one that is drawn. `had` are the treatments of the sessions, one for each, however they
/// ended.
pub(crate) fn choose<'a>(
    treatments: &[Treatment],
    had: impl Iterator<Item = &'a str>,
    draws: &mut Draws,
) -> Option<String> {
    let mut sessions = vec![0_u32; treatments.len()];
    for id in had {
        let index = treatments.iter().position(|treatment| treatment.id == id);
        if let Some(count) = index.and_then(|index| sessions.get_mut(index)) {
            *count += 1;
        }
    }
    let fewest = sessions.iter().min()?;
    let all = treatments.iter().zip(&sessions);
    let rarest: Vec<_> = all.filter(|(_, count)| *count == fewest).collect();
    let (treatment, _) = rarest.get(draws.one_of(rarest.len()))?;
    Some(treatment.id.clone())
}
