//! What a page that rejoins a running episode has to know.

use crate::episode::EpisodeLog;

impl EpisodeLog {
    /// Of each player the inputs from frame 0 on as far as they go without a gap, whoever uploaded
    /// them; in player order.
    pub fn history(&self) -> Vec<Vec<Vec<u8>>> {
        let players = (0..=u8::MAX).take(self.players.len());
        players
            .map(|player| {
                let known = |frame| Some(self.input(frame, player)?.bytes().to_vec());
                (0..=u32::MAX).map_while(known).collect()
            })
            .collect()
    }
}
