//! How many messages an account may begin: as many as its window has room for, and no more ahead of its rate than leave
//! within a moment.
//!
//! What is begun waits in the session for its turn by the rate. There no STOP and no pause reaches it, and after a crash it is
//! in doubt though nothing of it left. So a wide window of a slow account is not filled: what waits is kept to what leaves
//! within [`AHEAD`]. Messages that are on their way to the carrier do not count: however long it takes to answer, the rate is
//! kept up.

/// For how many seconds messages are begun ahead of the rate.
const AHEAD: f64 = 2.0;
/// About what a text costs of the rate, in segments: by its length alone, for it is asked of every message.
pub(crate) fn cost(text: &str) -> usize {
    let (length, alone, of_several) =
        if text.is_ascii() { (text.len(), 160, 153) } else { (text.chars().count(), 70, 67) };
    if length <= alone { 1 } else { length.div_ceil(of_several) }
}

/// What the session has of the account's messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Segments that are with the carrier, without an answer.
    pub with_carrier: usize,
    /// Segments a second at present.
    pub rate: f64,
}

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct Room {
    /// Most messages without an outcome.
    window: usize,
    /// Messages without an outcome, and their segments.
    messages: usize,
    segments: usize,
}

impl Room {
    pub const fn of(window: usize) -> Self {
        Self { window, messages: 0, segments: 0 }
    }

    /// Messages of so many segments in all have been begun.
    pub const fn begun(&mut self, messages: usize, segments: usize) {
        self.messages += messages;
        self.segments += segments;
    }

    /// One of them has its outcome.
    pub const fn ended(&mut self, segments: usize) {
        self.messages = self.messages.saturating_sub(1);
        self.segments = self.segments.saturating_sub(segments);
    }

    /// How many more may be begun.
    pub fn left(&self, load: Load) -> usize {
        let window = self.window.saturating_sub(self.messages);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is no negative number")]
        let ahead = ((load.rate * AHEAD) as usize).max(1);
        let ahead = ahead.saturating_sub(self.segments.saturating_sub(load.with_carrier));
        // What comes costs about what is on its way.
        let each = self.segments.div_ceil(self.messages.max(1)).max(1);
        window.min(ahead.div_ceil(each))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(with_carrier: usize, rate: f64) -> Load {
        Load { with_carrier, rate }
    }

    #[test]
    fn a_fast_account_has_its_whole_window() {
        let mut room = Room::of(1_000);
        assert_eq!(room.left(load(0, 1_000_000.0)), 1_000);
        room.begun(400, 400);
        assert_eq!(room.left(load(0, 1_000_000.0)), 600);
        assert_eq!(room.left(load(400, 1_000_000.0)), 600);
        room.ended(1);
        assert_eq!(room.left(load(399, 1_000_000.0)), 601);
    }

    #[test]
    fn a_slow_one_begins_no_more_than_leaves_within_a_moment() {
        let mut room = Room::of(300);
        assert_eq!(room.left(load(0, 1.0)), 2);
        room.begun(2, 2);
        assert_eq!(room.left(load(0, 1.0)), 0, "both still wait");
        assert_eq!(room.left(load(1, 1.0)), 1, "one is with the carrier");
        // Long texts are paid for by the segment, and one at least can always leave.
        let mut room = Room::of(300);
        room.begun(1, 10);
        assert_eq!(room.left(load(0, 1.0)), 0);
        assert_eq!(room.left(load(10, 1.0)), 1);
        room.ended(10);
        assert_eq!(room.left(load(0, 0.1)), 1);
    }

    #[test]
    fn a_carrier_that_answers_slowly_costs_no_rate() {
        let mut room = Room::of(5_000);
        room.begun(900, 900);
        assert_eq!(room.left(load(900, 100.0)), 200, "nothing of it waits");
    }

    #[test]
    fn texts_cost_their_segments() {
        assert_eq!(cost("Hello"), 1);
        assert_eq!(cost(&"x".repeat(160)), 1);
        assert_eq!(cost(&"x".repeat(161)), 2);
        assert_eq!(cost(&"ж".repeat(71)), 2);
    }
}
