use tokio::sync::oneshot;

use super::*;
use crate::smpp::{SmppConfig, SubmitSms};

const TIMEOUT: Duration = Duration::from_secs(30);

fn window(size: usize, first: u32) -> Window {
    Window::new(size, TIMEOUT, first)
}

fn request(parts: usize) -> (Request, oneshot::Receiver<SubmitOutcome>) {
    let (reply, outcome) = oneshot::channel();
    let sms = SubmitSms {
        source: "Acme".to_owned(),
        destination: "+4915112345678".to_owned(),
        text: "x".repeat(if parts == 1 { 1 } else { 153 * parts }),
        validity: None,
        reference: 1,
    };
    let encoded = sms.pdus(&SmppConfig::new("h", 1, "s", "p")).unwrap();
    assert_eq!(encoded.len(), parts);
    (Request { encoded, reply: Reply::One(reply) }, outcome)
}

/// Lets out what the window allows; each segment is ten octets. Returns the sequence numbers.
fn let_out(window: &mut Window, written: &mut u64) -> Vec<u32> {
    let mut sequences = Vec::new();
    while let Some((segment, pdu, cost)) = window.next() {
        assert!(!pdu.is_empty() && cost == 1);
        let sequence = window.sequence();
        *written += 10;
        window.sent(sequence, segment, *written, Instant::now());
        sequences.push(sequence);
    }
    sequences
}

fn taken(id: u32) -> PartResult {
    PartResult::Accepted(id.to_string())
}

fn answered(status: u32) -> PartResult {
    PartResult::of_response(status, String::new())
}

fn accepted(ids: &[&str]) -> SubmitOutcome {
    SubmitOutcome::Accepted { message_ids: ids.iter().map(|id| (*id).to_owned()).collect() }
}

#[test]
fn sequence_numbers_wrap_and_skip_open_ones() {
    let mut numbers = window(10, LAST_SEQUENCE - 1);
    assert_eq!([numbers.sequence(), numbers.sequence(), numbers.sequence()], [LAST_SEQUENCE - 1, LAST_SEQUENCE, 1]);
    let mut window = window(10, LAST_SEQUENCE);
    let (request, _outcome) = request(2);
    window.admit(request);
    assert_eq!(let_out(&mut window, &mut 0), [LAST_SEQUENCE, 1]);
    window.next_sequence = LAST_SEQUENCE;
    assert_eq!(window.sequence(), 2, "both open numbers are skipped");
}

#[test]
fn throttled_parts_of_a_started_message_go_out_again() {
    let now = Instant::now();
    let mut window = window(10, 1);
    let (request, mut outcome) = request(3);
    window.admit(request);
    let mut written = 0;
    assert_eq!(let_out(&mut window, &mut written), [1, 2, 3]);
    window.answered(2, answered(0x58), now);
    window.answered(3, answered(0x58), now);
    window.answered(1, taken(1), now);
    assert!(outcome.try_recv().is_err(), "not settled yet");
    assert_eq!(let_out(&mut window, &mut written), [4, 5]);
    window.answered(4, taken(4), now);
    window.answered(5, taken(5), now);
    assert_eq!(outcome.try_recv().unwrap(), accepted(&["1", "4", "5"]));
    assert!(window.is_idle());
}

#[test]
fn parts_without_room_at_the_carrier_wait_while_others_pass() {
    let start = Instant::now();
    let mut window = window(10, 1);
    let (long, mut outcome) = request(2);
    window.admit(long);
    let mut written = 0;
    assert_eq!(let_out(&mut window, &mut written), [1, 2]);
    window.answered(1, taken(1), start);
    window.answered(2, answered(0x14), start);
    assert!(let_out(&mut window, &mut written).is_empty(), "not at once");
    assert_eq!(window.next_deadline(), Some(start + QUEUE_FULL[0]));
    let (other, mut other_outcome) = request(1);
    window.admit(other);
    assert_eq!(let_out(&mut window, &mut written), [3]);
    window.answered(3, taken(3), start);
    assert_eq!(other_outcome.try_recv().unwrap(), accepted(&["3"]));
    window.tick(start + QUEUE_FULL[0]);
    assert_eq!(let_out(&mut window, &mut written), [4]);
    window.answered(4, answered(0x14), start);
    window.tick(start + QUEUE_FULL[1]);
    assert_eq!(let_out(&mut window, &mut written), [5]);
    // Twice is enough: half of it is out, and nobody can say when the rest would follow.
    window.answered(5, answered(0x14), start);
    match outcome.try_recv().unwrap() {
        SubmitOutcome::Unknown { message_ids, .. } => assert_eq!(message_ids, ["1"]),
        other => panic!("{other:?}"),
    }
    assert!(window.is_idle());
}

/// A message of two parts of which the first was taken; gives the numbers that its second part leaves under.
fn half_taken(window: &mut Window, written: &mut u64, now: Instant) -> (oneshot::Receiver<SubmitOutcome>, Vec<u32>) {
    let (long, outcome) = request(2);
    window.admit(long);
    assert_eq!(let_out(window, written), [1, 2]);
    window.answered(1, taken(1), now);
    (outcome, vec![2])
}

#[test]
fn a_part_that_is_throttled_for_a_while_is_not_given_up() {
    let start = Instant::now();
    let (mut window, mut written) = (window(10, 1), 0);
    let (mut outcome, mut sequences) = half_taken(&mut window, &mut written, start);
    let mut now = start;
    for time in 0..25 {
        assert_eq!(sequences.len(), 1, "{time}");
        window.answered(sequences[0], answered(0x58), now);
        assert!(outcome.try_recv().is_err(), "not given up the {time}th time");
        sequences = let_out(&mut window, &mut written);
        if sequences.is_empty() {
            now = window.next_deadline().expect("it is offered again");
            window.tick(now);
            sequences = let_out(&mut window, &mut written);
        }
    }
    assert!(now - start > Duration::from_secs(10), "the waits grow: {:?}", now - start);
    window.answered(sequences[0], taken(9), now);
    assert_eq!(outcome.try_recv().unwrap(), accepted(&["1", "9"]));
    assert!(window.is_idle());
}

#[test]
fn a_part_that_is_throttled_for_minutes_is_doubt() {
    let start = Instant::now();
    let (mut window, mut written) = (window(10, 1), 0);
    let (mut outcome, mut sequences) = half_taken(&mut window, &mut written, start);
    window.answered(sequences[0], answered(0x58), start);
    sequences = let_out(&mut window, &mut written);
    window.answered(sequences[0], answered(0x58), start + OFFERED_FOR);
    assert!(matches!(outcome.try_recv().unwrap(), SubmitOutcome::Unknown { .. }));
    assert!(window.is_idle());
}

#[test]
fn being_asked_to_slow_down_uses_up_no_wait_for_room() {
    let start = Instant::now();
    let (mut window, mut written) = (window(10, 1), 0);
    let (mut outcome, mut sequences) = half_taken(&mut window, &mut written, start);
    window.answered(sequences[0], answered(0x58), start);
    sequences = let_out(&mut window, &mut written);
    window.answered(sequences[0], answered(0x58), start);
    assert_eq!(window.next_deadline(), Some(start + FIRST_WAIT));
    window.tick(start + FIRST_WAIT);
    sequences = let_out(&mut window, &mut written);
    window.answered(sequences[0], answered(0x14), start);
    assert!(outcome.try_recv().is_err(), "not given up");
    assert_eq!(window.next_deadline(), Some(start + QUEUE_FULL[0]));
}

#[test]
fn closing_tells_what_was_written_from_what_was_not() {
    let mut window = window(2, 1);
    let mut outcomes = Vec::new();
    for _ in 0..3 {
        let (request, outcome) = request(1);
        window.admit(request);
        outcomes.push(outcome);
    }
    let mut written = 0;
    assert_eq!(let_out(&mut window, &mut written), [1, 2]);
    // The second segment was cut in the middle, the third never left the queue.
    window.close(15, "cut", Instant::now());
    let outcomes: Vec<_> = outcomes.iter_mut().map(|outcome| outcome.try_recv().unwrap()).collect();
    assert!(matches!(outcomes[0], SubmitOutcome::Unknown { .. }));
    assert!(matches!(outcomes[1], SubmitOutcome::NotSent { class: ErrorClass::ProviderDown, .. }));
    assert!(matches!(outcomes[2], SubmitOutcome::NotSent { class: ErrorClass::ProviderDown, .. }));
}

#[test]
fn closing_in_the_middle_of_a_message_is_doubt() {
    let mut window = window(1, 1);
    let (request, mut outcome) = request(2);
    window.admit(request);
    let_out(&mut window, &mut 0);
    window.answered(1, taken(1), Instant::now());
    window.close(10, "cut", Instant::now());
    assert!(matches!(outcome.try_recv().unwrap(), SubmitOutcome::Unknown { .. }));
    assert!(window.is_idle());
}

#[test]
fn overdue_segments_free_their_place() {
    let mut window = window(1, 1);
    let (first, mut outcome) = request(1);
    let (second, _second) = request(1);
    window.admit(first);
    window.admit(second);
    assert_eq!(let_out(&mut window, &mut 0), [1]);
    window.tick(Instant::now());
    assert!(outcome.try_recv().is_err());
    let late = Instant::now() + TIMEOUT + Duration::from_secs(1);
    assert_eq!(window.tick(late), 1);
    assert!(matches!(outcome.try_recv().unwrap(), SubmitOutcome::Unknown { .. }));
    assert_eq!(let_out(&mut window, &mut 0), [2]);
    assert_eq!(window.answered(1, taken(1), late), None, "a late answer settles nothing");
}

#[test]
fn outcomes_of_a_batch_come_back_together_under_their_names() {
    let (outcomes, mut batches) = tokio::sync::mpsc::unbounded_channel();
    let mut window = window(10, 1);
    for tag in [70, 71, 72] {
        let (Request { encoded, .. }, _) = request(1);
        window.admit(Request { encoded, reply: Reply::Batch { tag, outcomes: outcomes.clone() } });
    }
    let_out(&mut window, &mut 0);
    for sequence in [2, 3, 1] {
        window.answered(sequence, taken(sequence), Instant::now());
    }
    assert!(batches.try_recv().is_err());
    window.replies.flush();
    let tags: Vec<u128> = batches.try_recv().unwrap().iter().map(|settled| settled.tag).collect();
    assert_eq!(tags, [71, 72, 70]);
    assert!(batches.try_recv().is_err());
}
