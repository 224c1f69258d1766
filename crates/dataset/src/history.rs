//! What a page that rejoins a running episode has to know.

use crate::episode::EpisodeLog;

impl EpisodeLog {
    /// Of each player the inputs from frame 0 on as far as they are known without a gap, whoever
    /// uploaded them and in whatever form; in player order.
    pub fn history(&self) -> Vec<Vec<Vec<u8>>> {
        // What would be beyond the last possible input is forged, and no page could use it.
        let frames = 0..self.plan.most_inputs();
        let of = |player| {
            let known = frames.clone().map_while(|frame| self.input(frame, player));
            known.map(|input| input.bytes().to_vec()).collect()
        };
        self.player_numbers().map(of).collect()
    }
}
