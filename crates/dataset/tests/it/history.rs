//! What a page that rejoins is told.

use igym_dataset::EpisodeLog;
use igym_protocol::{AuthoredInput, InputSource, JournalBatch, Path, ReceivedInput, UploadBody};

use crate::support::plan;

fn authored(player: u8, frames: &[u8]) -> Vec<AuthoredInput> {
    let input = |frame: &u8| AuthoredInput {
        frame: u32::from(*frame),
        player,
        input: vec![player, *frame],
        source: InputSource::Human,
        at_us: 0,
        delay: 2,
    };
    frames.iter().map(input).collect()
}

fn copy(frame: u32, input: u8) -> ReceivedInput {
    ReceivedInput {
        frame,
        player: 0,
        input: vec![input],
        path: Path::DataChannel,
        at_us: 0,
    }
}

#[test]
fn a_history_goes_as_far_as_there_is_no_gap() {
    let mut log = EpisodeLog::new(plan(2, 5), 0);
    let mut upload = |player, authored, received| {
        let batch = JournalBatch {
            authored,
            received,
            ..JournalBatch::default()
        };
        log.add_upload(player, 1, UploadBody::Journal(batch));
    };
    upload(0, authored(0, &[0, 1, 2, 4, 5]), Vec::new());
    // The partner holds what the author did not bring, and says otherwise about what they did.
    upload(1, authored(1, &[1, 2]), vec![copy(2, 9), copy(3, 7)]);
    let first = [
        vec![0, 0],
        vec![0, 1],
        vec![0, 2],
        vec![7],
        vec![0, 4],
        vec![0, 5],
    ];
    assert_eq!(log.history(), [first.to_vec(), Vec::new()]);
}
