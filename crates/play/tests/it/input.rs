//! From keys to inputs in the data.

use igym_play::{Episode, Micros, PlayError};
use igym_protocol::{
    AuthoredInput, ClientEvent, EpisodePlan, InputMode, InputSource, JournalBatch, KeyEvent,
    UploadBody,
};

use crate::mixer::Mixer;
use crate::plan;

const FRAME: u64 = 33_333;
const LEFT: &[u8] = &[1];
const STAY: &[u8] = &[0];

/// One player alone, so that nothing waits for anybody: each tick is a frame.
struct Solo {
    episode: Episode,
    now: u64,
    batches: Vec<JournalBatch>,
}

impl Solo {
    fn new(change: impl FnOnce(&mut EpisodePlan)) -> Self {
        let mut plan = Mixer::plan(1, 1);
        change(&mut plan);
        let episode = Episode::with_environment(&plan, Mixer::boxed(1), 0, 1, Micros(0), None)
            .expect("a plan");
        Self {
            episode,
            now: 0,
            batches: Vec::new(),
        }
    }

    fn ticks(&mut self, count: u32) {
        for _ in 0..count {
            let frame = self.episode.status().frame;
            assert!(self.episode.tick(Micros(self.now)));
            assert_eq!(self.episode.status().frame, frame + 1);
            self.now += FRAME;
            while let Some(body) = self.episode.poll_upload(Micros(self.now)) {
                if let UploadBody::Journal(batch) = body {
                    self.batches.push(batch);
                }
            }
        }
    }

    fn key(&mut self, key: &str, down: bool) {
        self.episode.key(key, down, Micros(self.now));
    }

    /// Everything recorded so far.
    fn journal(mut self) -> JournalBatch {
        self.episode.flush(Micros(self.now));
        let mut all = JournalBatch::default();
        while let Some(body) = self.episode.poll_upload(Micros(self.now)) {
            if let UploadBody::Journal(batch) = body {
                self.batches.push(batch);
            }
        }
        for batch in self.batches {
            all.authored.extend(batch.authored);
            all.keys.extend(batch.keys);
            all.events.extend(batch.events);
        }
        all
    }
}

fn inputs(authored: &[AuthoredInput]) -> Vec<&[u8]> {
    authored
        .iter()
        .map(|input| input.input.as_slice())
        .collect()
}

#[test]
fn a_held_key_is_used_after_the_input_delay_and_the_data_say_when() {
    let mut solo = Solo::new(|_| {});
    solo.ticks(1);
    solo.key("ArrowLeft", true);
    solo.key("ArrowLeft", true); // an automatic repeat
    solo.key("q", true); // not bound
    solo.ticks(2);
    solo.key("ArrowLeft", false);
    solo.ticks(1);
    let journal = solo.journal();
    assert_eq!(
        inputs(&journal.authored),
        [STAY, STAY, STAY, LEFT, LEFT, STAY]
    );
    let frames: Vec<_> = journal.authored.iter().map(|input| input.frame).collect();
    assert_eq!(frames, [0, 1, 2, 3, 4, 5]);
    let sources: Vec<_> = journal.authored.iter().map(|input| input.source).collect();
    assert_eq!(sources[..2], [InputSource::Lead; 2]);
    assert_eq!(sources[2..], [InputSource::Human; 4]);
    assert!(journal.authored[2..].iter().all(|input| input.delay == 2));
    assert_eq!(
        journal.keys,
        [
            KeyEvent {
                at_us: FRAME,
                key: "ArrowLeft".to_owned(),
                down: true,
                frame: 3,
            },
            KeyEvent {
                at_us: 3 * FRAME,
                key: "ArrowLeft".to_owned(),
                down: false,
                frame: 5,
            },
        ]
    );
}

#[test]
fn without_input_delay_a_key_acts_on_the_next_frame() {
    let mut solo = Solo::new(|plan| plan.input_delay = 0);
    solo.ticks(1);
    solo.key("ArrowLeft", true);
    solo.ticks(1);
    let journal = solo.journal();
    assert_eq!(inputs(&journal.authored), [STAY, LEFT]);
    assert!(journal.authored.iter().all(|input| input.delay == 0));
}

#[test]
fn keystrokes_queue_and_the_data_say_which_frame_each_could_use() {
    let mut solo = Solo::new(|plan| plan.controls.mode = InputMode::SingleKeystroke);
    for _ in 0..3 {
        solo.key("ArrowLeft", true);
        solo.key("ArrowLeft", false);
    }
    solo.ticks(5);
    let journal = solo.journal();
    assert_eq!(
        inputs(&journal.authored),
        [STAY, STAY, LEFT, LEFT, LEFT, STAY, STAY]
    );
    let presses = journal.keys.iter().filter(|key| key.down);
    assert_eq!(presses.map(|key| key.frame).collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn losing_the_focus_releases_the_keys() {
    let mut solo = Solo::new(|_| {});
    solo.key("ArrowLeft", true);
    solo.ticks(1);
    solo.episode.release_keys(Micros(solo.now));
    solo.ticks(1);
    let journal = solo.journal();
    assert_eq!(inputs(&journal.authored[2..]), [LEFT, STAY]);
    assert_eq!(journal.keys.len(), 2);
    assert!(!journal.keys[1].down);
}

#[test]
fn a_hidden_page_plays_the_default_action_and_the_data_say_so() {
    let mut solo = Solo::new(|_| {});
    solo.key("ArrowLeft", true);
    solo.ticks(1);
    let hidden_at = solo.now;
    solo.episode.set_visible(false, Micros(solo.now));
    solo.episode.set_visible(false, Micros(solo.now));
    solo.key("ArrowLeft", true);
    solo.ticks(2);
    solo.episode.set_visible(true, Micros(solo.now));
    solo.ticks(1);
    let journal = solo.journal();
    let sampled = &journal.authored[2..];
    assert_eq!(inputs(sampled), [LEFT, STAY, STAY, LEFT]);
    let sources: Vec<_> = sampled.iter().map(|input| input.source).collect();
    let (human, background) = (InputSource::Human, InputSource::Background);
    assert_eq!(sources, [human, background, background, human]);
    assert_eq!(
        journal.events,
        [
            ClientEvent::Visibility {
                at_us: hidden_at,
                visible: false,
            },
            ClientEvent::Visibility {
                at_us: hidden_at + 2 * FRAME,
                visible: true,
            },
        ]
    );
}

#[test]
fn early_ticks_do_nothing() {
    let mut solo = Solo::new(|_| {});
    solo.ticks(3);
    let early = Micros(solo.now - FRAME / 2);
    assert!(solo.episode.next_tick_at(early) > early);
    assert!(!solo.episode.tick(early));
    assert_eq!(solo.episode.status().frame, 3);
}

#[test]
fn a_plan_that_cannot_be_played_is_refused_with_its_fault() {
    let refused = |change: &dyn Fn(&mut EpisodePlan), me| {
        let mut plan = plan::slime_volleyball(0);
        change(&mut plan);
        match Episode::new(&plan, me, 1, Micros(0)) {
            Ok(_) => panic!("the plan was taken"),
            Err(error) => error,
        }
    };
    assert!(matches!(
        refused(&|_| {}, 2),
        PlayError::NoSuchPlayer { me: 2, players: 2 }
    ));
    assert!(matches!(
        refused(&|plan| plan.environment.id = "chess".to_owned(), 0),
        PlayError::Environment(_)
    ));
    assert!(matches!(
        refused(
            &|plan| plan.controls.bindings.push(plan::binding(&["x"], 99)),
            0
        ),
        PlayError::Binding { action: 99, .. }
    ));
    assert!(matches!(
        refused(&|plan| plan.seats[1].agents = vec!["nobody".to_owned()], 0),
        PlayError::Rules(_)
    ));
    assert!(matches!(
        refused(&|plan| plan.frames_per_second = 0, 0),
        PlayError::FrameRate
    ));
    assert!(matches!(
        refused(&|plan| plan.input_delay = 200, 0),
        PlayError::Engine(_)
    ));
}

#[test]
fn the_status_tells_what_the_page_shows() {
    let plan = plan::slime_volleyball(0);
    let episode = Episode::new(&plan, 1, 1, Micros(0)).expect("the plan is good");
    let status = episode.status();
    assert_eq!((status.round, status.rounds), (2, 3));
    assert_eq!(
        (status.frame, status.frames_left, status.ms_left),
        (0, 300, 10_000)
    );
    assert_eq!(status.own_agents, ["agent_right"]);
    let own: Vec<_> = status.scores.iter().map(|score| score.own).collect();
    assert_eq!(own, [false, true]);
    assert_eq!(status.links.len(), 1);
    let json = serde_json::to_value(&status).expect("it is plain data");
    assert_eq!(json["scores"][1]["agent"], "agent_right");
}
