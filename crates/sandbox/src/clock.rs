//! The sandbox clock: the machine's time, or a time that stands still until it is moved.

use serde::Serialize;

/// How the sandbox tells the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SandboxClock {
    /// The machine's clock.
    Real,
    /// Starts at this epoch millisecond and stands still until it is advanced through the API.
    Virtual(i64),
}

/// The running clock. In real mode it may be shifted, so that tests can skip hours there too.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    Real { offset_ms: i64 },
    Virtual { now: i64 },
}

/// What the API shows of the clock.
#[derive(Serialize)]
pub(crate) struct ClockView {
    pub mode: &'static str,
    pub now: i64,
}

impl Clock {
    pub fn new(clock: SandboxClock) -> Self {
        match clock {
            SandboxClock::Real => Self::Real { offset_ms: 0 },
            SandboxClock::Virtual(now) => Self::Virtual { now },
        }
    }

    /// Epoch milliseconds of the sandbox.
    pub fn now(&self) -> i64 {
        match self {
            Self::Real { offset_ms } => machine_now() + offset_ms,
            Self::Virtual { now } => *now,
        }
    }

    pub fn is_real(&self) -> bool {
        matches!(self, Self::Real { .. })
    }

    pub fn advance(&mut self, by_ms: i64) {
        match self {
            Self::Real { offset_ms } => *offset_ms += by_ms,
            Self::Virtual { now } => *now += by_ms,
        }
    }

    pub fn set(&mut self, to: i64) {
        match self {
            Self::Real { offset_ms } => *offset_ms = to - machine_now(),
            Self::Virtual { now } => *now = to,
        }
    }

    /// Changes the mode without a jump: virtual time starts at the present moment, real time is the machine's again.
    pub fn switch(&mut self, clock: ClockMode) {
        *self = match clock {
            ClockMode::Real => Self::Real { offset_ms: 0 },
            ClockMode::Virtual => Self::Virtual { now: self.now() },
        };
    }

    pub fn view(&self) -> ClockView {
        ClockView { mode: if self.is_real() { "real" } else { "virtual" }, now: self.now() }
    }
}

/// The two modes by name, as the API takes them.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClockMode {
    Real,
    Virtual,
}

/// The machine's clock. The only place of the sandbox that reads it for business time.
fn machine_now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_time_stands_still_and_moves_by_exactly_what_is_asked() {
        let mut clock = Clock::new(SandboxClock::Virtual(1_000));
        assert_eq!(clock.now(), 1_000);
        clock.advance(86_400_000);
        assert_eq!(clock.now(), 86_401_000);
        clock.set(5);
        assert_eq!(clock.now(), 5);
    }

    #[test]
    fn switching_to_virtual_freezes_the_present_moment() {
        let mut clock = Clock::new(SandboxClock::Real);
        let before = clock.now();
        clock.switch(ClockMode::Virtual);
        let frozen = clock.now();
        assert!(frozen >= before && !clock.is_real());
        assert_eq!(clock.now(), frozen);
    }
}
