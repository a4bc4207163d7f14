//! How many messages an account may begin: as many as its window has room for, and no more ahead of its rate than leave
//! within a moment.
//!
//! What is begun waits in the session for its turn by the rate. There no STOP and no pause reaches it, and after a crash it is
//! in doubt though nothing of it left. So a wide window of a slow account is not filled: what waits is kept to what leaves
//! within [`AHEAD`]. Messages that are on their way to the carrier do not count: however long it takes to answer, the rate is
//! kept up.

use std::ops::{AddAssign, SubAssign};

/// For how many seconds messages are begun ahead of the rate.
const AHEAD: f64 = 2.0;

/// A text, or several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// What is submitted, one by one.
    pub parts: usize,
    /// What that costs of the rate: more than a part each only where the carrier cuts the text.
    pub segments: usize,
}

impl AddAssign for Size {
    fn add_assign(&mut self, more: Self) {
        self.parts += more.parts;
        self.segments += more.segments;
    }
}

impl SubAssign for Size {
    fn sub_assign(&mut self, less: Self) {
        self.parts = self.parts.saturating_sub(less.parts);
        self.segments = self.segments.saturating_sub(less.segments);
    }
}

/// What the session has of the account's messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Parts that are with the carrier, without an answer.
    pub with_carrier: usize,
    /// Segments a second at present.
    pub rate: f64,
}

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct Room {
    /// Most messages without an outcome.
    window: usize,
    /// Messages without an outcome, and what they are in all.
    messages: usize,
    size: Size,
}

impl Room {
    pub fn of(window: usize) -> Self {
        Self { window, messages: 0, size: Size::default() }
    }

    /// A message has been begun.
    pub fn begun(&mut self, size: Size) {
        self.messages += 1;
        self.size += size;
    }

    /// One of them has its outcome.
    pub fn ended(&mut self, size: Size) {
        self.messages = self.messages.saturating_sub(1);
        self.size -= size;
    }

    /// How many more may be begun.
    pub fn left(&self, load: Load) -> usize {
        let window = self.window.saturating_sub(self.messages);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is no negative number")]
        let ahead = ((load.rate * AHEAD) as usize).max(1);
        let Size { parts, segments } = self.size;
        // What waits, and what comes, costs about what is on its way.
        let waiting = (parts.saturating_sub(load.with_carrier) * segments).div_ceil(parts.max(1));
        let ahead = ahead.saturating_sub(waiting);
        let each = segments.div_ceil(self.messages.max(1)).max(1);
        window.min(ahead.div_ceil(each))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(with_carrier: usize, rate: f64) -> Load {
        Load { with_carrier, rate }
    }

    fn cut_here(segments: usize) -> Size {
        Size { parts: segments, segments }
    }

    fn begin(room: &mut Room, messages: usize) {
        (0..messages).for_each(|_| room.begun(cut_here(1)));
    }

    #[test]
    fn a_fast_account_has_its_whole_window() {
        let mut room = Room::of(1_000);
        assert_eq!(room.left(load(0, 1_000_000.0)), 1_000);
        begin(&mut room, 400);
        assert_eq!(room.left(load(0, 1_000_000.0)), 600);
        assert_eq!(room.left(load(400, 1_000_000.0)), 600);
        room.ended(cut_here(1));
        assert_eq!(room.left(load(399, 1_000_000.0)), 601);
    }

    #[test]
    fn a_slow_one_begins_no_more_than_leaves_within_a_moment() {
        let mut room = Room::of(300);
        assert_eq!(room.left(load(0, 1.0)), 2);
        begin(&mut room, 2);
        assert_eq!(room.left(load(0, 1.0)), 0, "both still wait");
        assert_eq!(room.left(load(1, 1.0)), 1, "one is with the carrier");
        // Long texts are paid for by the segment, and one at least can always leave.
        let mut room = Room::of(300);
        room.begun(cut_here(10));
        assert_eq!(room.left(load(0, 1.0)), 0);
        assert_eq!(room.left(load(10, 1.0)), 1);
        room.ended(cut_here(10));
        assert_eq!(room.left(load(0, 0.1)), 1);
    }

    #[test]
    fn a_carrier_that_answers_slowly_costs_no_rate() {
        let mut room = Room::of(5_000);
        begin(&mut room, 900);
        assert_eq!(room.left(load(900, 100.0)), 200, "nothing of it waits");
        // Each is one part with the carrier, however many segments the carrier makes of it.
        let mut room = Room::of(5_000);
        (0..900).for_each(|_| room.begun(Size { parts: 1, segments: 5 }));
        assert_eq!(room.left(load(900, 100.0)), 40, "nothing of it waits");
        assert_eq!(room.left(load(880, 100.0)), 20, "twenty wait, which is a second");
    }
}
