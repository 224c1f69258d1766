//! Which way packets go to each partner: over the DataChannel, through the server's relay, or both.
//!
//! The DataChannel is always used where it is open. Whoever hears nothing over it asks for help:
//! its packets go by the relay too, with a plea, and as long as pleas come the partner relays too.
//! So a channel that fails in one direction only is healed. A packet that is relayed to answer a
//! plea carries none, so both stop once the channel carries again.

use std::time::Duration;

use igym_protocol::Path;
use igym_rollback::Micros;

/// A partner who is silent on the open DataChannel for this long, and four frames, is not heard.
const SILENCE: Duration = Duration::from_millis(500);
/// A channel that failed must carry for this long without a silence before it is relied on.
const STEADY: Duration = Duration::from_secs(1);
/// A plea comes with every packet that its sender relays; this is how long the last one counts.
const PLEA_LASTS: Duration = Duration::from_secs(1);
/// The most time that passes between two ticks of a page that is awake, or two frames. What is
/// above it was sleep, in which the partner was not silent.
const AWAKE: Duration = Duration::from_millis(100);

/// The ways to all partners.
#[derive(Debug)]
pub(super) struct Routes {
    relay_only: bool,
    direct_only: bool,
    silence: Duration,
    awake: Duration,
    start_at: Micros,
    last_tick: Micros,
    partners: Vec<Partner>,
}

#[derive(Debug)]
struct Partner {
    player: u8,
    open: bool,
    /// Time awake since something came over the open DataChannel.
    silent: Duration,
    /// The DataChannel, open or not, is not relied on.
    deaf: bool,
    /// Time awake without a silence since then.
    heard: Duration,
    pleaded_at: Option<Micros>,
    relaying: bool,
}

/// How one packet is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) direct: bool,
    pub(super) relay: bool,
    pub(super) plea: bool,
}

impl Routes {
    /// No channel is open yet. Silence counts from `start_at` on.
    pub(super) fn new(
        partners: impl IntoIterator<Item = u8>,
        frame: Duration,
        start_at: Micros,
    ) -> Self {
        let partner = |player| Partner {
            player,
            open: false,
            silent: Duration::ZERO,
            deaf: false,
            heard: Duration::ZERO,
            pleaded_at: None,
            relaying: false,
        };
        Self {
            relay_only: false,
            direct_only: false,
            silence: SILENCE.max(4 * frame),
            awake: AWAKE.max(2 * frame),
            start_at,
            last_tick: start_at,
            partners: partners.into_iter().map(partner).collect(),
        }
    }

    pub(super) fn set_relay_only(&mut self) {
        self.relay_only = true;
    }

    pub(super) fn set_direct_only(&mut self) {
        self.direct_only = true;
    }

    pub(super) fn set_channel(&mut self, to: u8, open: bool) {
        let Some(partner) = self.partner_mut(to) else {
            return;
        };
        if partner.open != open {
            partner.open = open;
            partner.silent = Duration::ZERO;
            partner.heard = Duration::ZERO;
            // One that opens while the relay carries must prove itself; one that was there before
            // the first tick need not.
            partner.deaf = open && partner.relaying;
        }
    }

    /// A packet of `from` was taken.
    pub(super) fn heard(&mut self, from: u8, path: Path) {
        if let (Path::DataChannel, Some(partner)) = (path, self.partner_mut(from)) {
            partner.silent = Duration::ZERO;
        }
    }

    /// `from` hears nothing over the DataChannel.
    pub(super) fn pleaded(&mut self, from: u8, now: Micros) {
        if let Some(partner) = self.partner_mut(from) {
            partner.pleaded_at = Some(now);
        }
    }

    /// Time has passed. Returns the partners to whom packets go another way from now on.
    pub(super) fn tick(&mut self, now: Micros) -> Vec<(u8, Path)> {
        let beat = if now < self.start_at {
            Duration::ZERO
        } else {
            now.since(self.last_tick).min(self.awake)
        };
        self.last_tick = now.max(self.start_at);
        let mut switches = Vec::new();
        for partner in &mut self.partners {
            partner.listen(beat, self.silence);
            let relaying = self.relay_only || (!self.direct_only && partner.needs_relay(now));
            if relaying != partner.relaying {
                partner.relaying = relaying;
                switches.push((partner.player, path(relaying)));
            }
        }
        switches
    }

    /// How the packet for `to` that the last tick made is sent: some way always, unless the study lets
    /// none pass through the server.
    pub(super) fn way(&self, to: u8) -> Way {
        let partner = self.partners.iter().find(|it| it.player == to);
        let open = partner.is_some_and(|it| it.open) && !self.relay_only;
        let deaf = partner.is_some_and(|it| it.deaf || !it.open);
        Way {
            direct: open,
            relay: !self.direct_only && (!open || partner.is_some_and(|it| it.relaying)),
            plea: !self.direct_only && !self.relay_only && deaf,
        }
    }

    /// Whether packets for `to` go through the server at present.
    pub(super) fn relaying(&self, to: u8) -> bool {
        self.partners
            .iter()
            .any(|it| it.player == to && it.relaying)
    }

    fn partner_mut(&mut self, player: u8) -> Option<&mut Partner> {
        self.partners.iter_mut().find(|it| it.player == player)
    }
}

impl Partner {
    fn listen(&mut self, beat: Duration, silence: Duration) {
        if !self.open {
            return;
        }
        self.silent += beat;
        if self.silent >= silence {
            self.deaf = true;
            self.heard = Duration::ZERO;
        } else if self.deaf {
            self.heard += beat;
            self.deaf = self.heard < STEADY;
        }
    }

    fn needs_relay(&self, now: Micros) -> bool {
        let pleaded = self.pleaded_at.is_some_and(|at| now.since(at) < PLEA_LASTS);
        !self.open || self.deaf || pleaded
    }
}

fn path(relaying: bool) -> Path {
    if relaying {
        Path::Relay
    } else {
        Path::DataChannel
    }
}
