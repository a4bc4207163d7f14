//! The SMPP session against a carrier scripted with the PDU library, over real sockets.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use rand::{SeedableRng, rngs::StdRng};
use rusmpp::{
    Command, CommandId, CommandStatus, Pdu,
    pdus::{BindTransceiverResp, DeliverSm, SubmitSm, SubmitSmResp},
    tokio_codec::CommandCodec,
    types::{AnyOctetString, COctetString, OctetString},
    values::EsmClass,
};
use segue_channels::{
    ErrorClass,
    smpp::{
        BindKind, Delivery, Inbound, ReceiptState, SessionState, SmppConfig, SmppSession, SubmitOutcome, SubmitSms,
    },
    text::{Charset, ReceivedPart, assemble, split_header},
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::codec::Framed;

/// Longest wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(20);

struct Carrier {
    listener: TcpListener,
}

/// The carrier's side of one connection.
struct Peer {
    framed: Framed<TcpStream, CommandCodec>,
    sequence: u32,
}

impl Carrier {
    async fn start() -> (Self, SmppConfig) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = SmppConfig::new("127.0.0.1", listener.local_addr().unwrap().port(), "segue", "sandbox");
        (Self { listener }, config)
    }

    async fn connection(&self) -> Peer {
        let (stream, _) = timeout(PATIENCE, self.listener.accept()).await.unwrap().unwrap();
        Peer { framed: Framed::new(stream, CommandCodec::new()), sequence: 500 }
    }

    /// Accepts a connection and answers its bind with `status`.
    async fn answer_bind(&self, status: CommandStatus) -> Peer {
        let mut peer = self.connection().await;
        let bind = peer.next().await;
        match bind.pdu() {
            Some(Pdu::BindTransceiver(body)) => {
                assert_eq!(text(body.system_id.as_ref()), "segue");
                assert_eq!(text(body.password.as_ref()), "sandbox");
                peer.send(Command::new(status, bind.sequence_number(), BindTransceiverResp::default())).await;
            }
            other => panic!("expected a bind, got {other:?}"),
        }
        peer
    }

    async fn bound(&self) -> Peer {
        self.answer_bind(CommandStatus::EsmeRok).await
    }
}

impl Peer {
    async fn next(&mut self) -> Command {
        timeout(PATIENCE, self.framed.next()).await.expect("a PDU in time").expect("a connection").unwrap()
    }

    async fn send(&mut self, command: Command) {
        self.framed.send(command).await.unwrap();
    }

    async fn submit(&mut self) -> (u32, SubmitSm) {
        let command = self.next().await;
        match command.pdu() {
            Some(Pdu::SubmitSm(submit)) => (command.sequence_number(), submit.clone()),
            other => panic!("expected a submit, got {other:?}"),
        }
    }

    async fn accept(&mut self, sequence: u32, message_id: &str) {
        let id = COctetString::from_string(message_id.to_owned()).unwrap();
        self.send(Command::new(CommandStatus::EsmeRok, sequence, SubmitSmResp::new(id, vec![]))).await;
    }

    /// Answers without a body, as the standard allows with an error.
    async fn refuse(&mut self, sequence: u32, status: u32) {
        let pdu = Pdu::Other { command_id: CommandId::SubmitSmResp, body: AnyOctetString::empty() };
        self.send(Command::new(CommandStatus::from(status), sequence, pdu)).await;
    }

    async fn deliver(&mut self, class: u8, content: &str) -> u32 {
        self.sequence += 1;
        let deliver = DeliverSm::builder()
            .source_addr(COctetString::from_static_slice(b"15550001111\0").unwrap())
            .destination_addr(COctetString::from_static_slice(b"34567\0").unwrap())
            .esm_class(EsmClass::from(class))
            .short_message(OctetString::from_vec(content.as_bytes().to_vec()).unwrap())
            .build();
        self.send(Command::new(CommandStatus::EsmeRok, self.sequence, deliver)).await;
        self.sequence
    }

    /// Asks for a sign of life and requires that it is the very next PDU: whatever the session had to say about earlier
    /// PDUs would have come before.
    async fn nothing_else_is_said(&mut self) {
        self.sequence += 1;
        self.send(Command::new(CommandStatus::EsmeRok, self.sequence, Pdu::EnquireLink)).await;
        let answer = self.next().await;
        assert_eq!((answer.id(), answer.sequence_number()), (CommandId::EnquireLinkResp, self.sequence));
    }
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap().trim_end_matches('\0')
}

fn sms(text: &str) -> SubmitSms {
    SubmitSms {
        source: "Acme".to_owned(),
        destination: "+15550001111".to_owned(),
        text: text.to_owned(),
        validity: None,
        reference: 7,
    }
}

fn start(config: SmppConfig) -> (SmppSession, mpsc::UnboundedReceiver<Delivery>) {
    SmppSession::spawn(config, StdRng::seed_from_u64(1))
}

async fn reached(session: &SmppSession, wanted: impl Fn(&SessionState) -> bool) -> SessionState {
    let mut state = session.state();
    timeout(PATIENCE, state.wait_for(|state| wanted(state))).await.expect("the state in time").unwrap().clone()
}

async fn is_bound(session: &SmppSession) {
    reached(session, |state| *state == SessionState::Bound).await;
}

/// Submits in the background; returns once the session has the message.
fn submit(session: &SmppSession, text: &str) -> JoinHandle<SubmitOutcome> {
    let (session, sms) = (session.clone(), sms(text));
    tokio::spawn(async move { session.submit(&sms).await })
}

async fn outcome(handle: JoinHandle<SubmitOutcome>) -> SubmitOutcome {
    timeout(PATIENCE, handle).await.expect("an outcome in time").unwrap()
}

fn accepted(id: &str) -> SubmitOutcome {
    SubmitOutcome::Accepted { message_ids: vec![id.to_owned()] }
}

#[tokio::test]
async fn the_window_is_kept_and_answers_may_come_in_any_order() {
    let (carrier, mut config) = Carrier::start().await;
    config.window = 3;
    let (session, _deliveries) = start(config);
    let mut peer = carrier.bound().await;
    is_bound(&session).await;

    let outcomes: Vec<_> = (0..8).map(|number| submit(&session, &number.to_string())).collect();
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(peer.submit().await);
    }
    peer.nothing_else_is_said().await;
    let mut sent = open.len();
    // The youngest first; each answer lets exactly one more out.
    while let Some((sequence, submit)) = open.pop() {
        peer.accept(sequence, &format!("id-{}", text(submit.short_message().as_ref()))).await;
        if sent < outcomes.len() {
            open.push(peer.submit().await);
            sent += 1;
        }
        peer.nothing_else_is_said().await;
    }
    for (number, handle) in outcomes.into_iter().enumerate() {
        assert_eq!(outcome(handle).await, accepted(&format!("id-{number}")));
    }
}

#[tokio::test]
async fn calls_of_one_task_keep_their_order() {
    let (carrier, config) = Carrier::start().await;
    let (session, _deliveries) = start(config);
    let mut peer = carrier.bound().await;
    is_bound(&session).await;
    let messages: Vec<SubmitSms> = (0..5).map(|number| sms(&number.to_string())).collect();
    let all = futures::future::join_all(messages.iter().map(|sms| session.submit(sms)));
    let carrier = async {
        for number in 0..5 {
            let (sequence, submit) = peer.submit().await;
            assert_eq!(text(submit.short_message().as_ref()), number.to_string());
            peer.accept(sequence, "x").await;
        }
    };
    let (outcomes, ()) = futures::join!(all, carrier);
    assert!(outcomes.iter().all(|outcome| *outcome == accepted("x")));
}

#[tokio::test]
async fn a_swallowed_answer_is_unknown_and_the_session_goes_on() {
    let (carrier, mut config) = Carrier::start().await;
    config.response_timeout = Duration::from_millis(200);
    let (session, _deliveries) = start(config);
    let mut peer = carrier.bound().await;
    is_bound(&session).await;
    let swallowed = submit(&session, "swallowed");
    let (late, _) = peer.submit().await;
    assert!(matches!(outcome(swallowed).await, SubmitOutcome::Unknown { .. }));
    // The late answer changes nothing and breaks nothing.
    peer.accept(late, "late").await;
    let next = submit(&session, "next");
    let (sequence, _) = peer.submit().await;
    peer.accept(sequence, "9").await;
    assert_eq!(outcome(next).await, accepted("9"));
}

#[tokio::test]
async fn a_cut_link_is_unknown_for_what_was_sent_and_not_sent_for_the_rest() {
    let (carrier, mut config) = Carrier::start().await;
    config.window = 2;
    let (session, _deliveries) = start(config);
    let mut peer = carrier.bound().await;
    is_bound(&session).await;
    let sent = [submit(&session, "a"), submit(&session, "b")];
    peer.submit().await;
    peer.submit().await;
    let waiting = submit(&session, "c");
    peer.nothing_else_is_said().await;
    drop(peer);
    for handle in sent {
        assert!(matches!(outcome(handle).await, SubmitOutcome::Unknown { .. }));
    }
    assert!(matches!(outcome(waiting).await, SubmitOutcome::NotSent { class: ErrorClass::ProviderDown, .. }));

    // It comes back by itself, and nothing of the old connection is sent again.
    let mut peer = carrier.bound().await;
    is_bound(&session).await;
    peer.nothing_else_is_said().await;
    let again = submit(&session, "d");
    let (sequence, submit) = peer.submit().await;
    assert_eq!(text(submit.short_message().as_ref()), "d");
    peer.accept(sequence, "1").await;
    assert_eq!(outcome(again).await, accepted("1"));
}

#[tokio::test]
async fn without_a_link_messages_are_not_sent_at_once() {
    let (carrier, config) = Carrier::start().await;
    drop(carrier);
    let (session, _deliveries) = start(config);
    let state = reached(&session, |state| matches!(state, SessionState::BackingOff { .. })).await;
    assert!(matches!(state, SessionState::BackingOff { class: ErrorClass::ProviderDown, .. }));
    assert!(matches!(
        outcome(submit(&session, "a")).await,
        SubmitOutcome::NotSent { class: ErrorClass::ProviderDown, .. }
    ));
}

#[tokio::test]
async fn refused_credentials_wait_five_minutes() {
    for status in [0x0Du32, 0x0E, 0x0F] {
        let (carrier, config) = Carrier::start().await;
        let (session, _deliveries) = start(config);
        let _peer = carrier.answer_bind(CommandStatus::from(status)).await;
        match reached(&session, |state| matches!(state, SessionState::BackingOff { .. })).await {
            SessionState::BackingOff { class, retry_in, .. } => {
                assert_eq!(class, ErrorClass::Authentication);
                assert!(retry_in >= Duration::from_secs(300), "{retry_in:?} after {status:#x}");
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(outcome(submit(&session, "a")).await, SubmitOutcome::NotSent { .. }));
    }
}

#[tokio::test]
async fn already_bound_is_tried_again_soon() {
    let (carrier, config) = Carrier::start().await;
    let (session, _deliveries) = start(config);
    drop(carrier.answer_bind(CommandStatus::EsmeRalybnd).await);
    match reached(&session, |state| matches!(state, SessionState::BackingOff { .. })).await {
        SessionState::BackingOff { retry_in, .. } => assert!(retry_in < Duration::from_secs(2), "{retry_in:?}"),
        other => panic!("{other:?}"),
    }
    let _peer = carrier.bound().await;
    is_bound(&session).await;
}

#[tokio::test]
async fn a_delivery_is_answered_only_when_the_consumer_says_so() {
    let (carrier, config) = Carrier::start().await;
    let (session, mut deliveries) = start(config);
    let mut peer = carrier.bound().await;
    is_bound(&session).await;

    let sequence = peer.deliver(0x04, "id:0123 sub:001 dlvrd:001 stat:DELIVRD err:000 text:x").await;
    let delivery = timeout(PATIENCE, deliveries.recv()).await.unwrap().unwrap();
    match &delivery.inbound[0] {
        Inbound::Receipt(receipt) => {
            assert_eq!((receipt.message_id.as_deref(), receipt.state), (Some("0123"), ReceiptState::Delivered));
        }
        Inbound::Message(_) => panic!("a receipt"),
    }
    peer.nothing_else_is_said().await;
    delivery.acknowledgement.ack();
    let answer = peer.next().await;
    assert_eq!(
        (answer.id(), answer.status(), answer.sequence_number()),
        (CommandId::DeliverSmResp, CommandStatus::EsmeRok, sequence)
    );

    let sequence = peer.deliver(0, "STOP").await;
    let delivery = timeout(PATIENCE, deliveries.recv()).await.unwrap().unwrap();
    match &delivery.inbound[0] {
        Inbound::Message(message) => assert_eq!(message.text.as_deref(), Some("STOP")),
        Inbound::Receipt(_) => panic!("a message"),
    }
    delivery.acknowledgement.reject_temporarily();
    let answer = peer.next().await;
    assert_eq!((u32::from(answer.status()), answer.sequence_number()), (0x64, sequence));
}

#[tokio::test]
async fn a_flood_of_deliveries_is_bounded() {
    let (carrier, mut config) = Carrier::start().await;
    config.inbound_capacity = 2;
    let (session, mut deliveries) = start(config);
    let mut peer = carrier.bound().await;
    is_bound(&session).await;
    let mut sequences = Vec::new();
    for number in 0..5 {
        sequences.push(peer.deliver(0, &number.to_string()).await);
    }
    // Two wait for the consumer, three are answered "later".
    for sequence in &sequences[2..] {
        let answer = peer.next().await;
        assert_eq!((u32::from(answer.status()), answer.sequence_number()), (0x64, *sequence));
    }
    // The first two are answered with the groups they came in, and then there is room again.
    let mut taken = 0;
    while taken < 2 {
        let delivery = timeout(PATIENCE, deliveries.recv()).await.unwrap().unwrap();
        taken += delivery.inbound.len();
        delivery.acknowledgement.ack();
    }
    for sequence in &sequences[..2] {
        let answer = peer.next().await;
        assert_eq!((u32::from(answer.status()), answer.sequence_number()), (0, *sequence));
    }
    let next = peer.deliver(0, "next").await;
    timeout(PATIENCE, deliveries.recv()).await.unwrap().unwrap().acknowledgement.ack();
    let answer = peer.next().await;
    assert_eq!((u32::from(answer.status()), answer.sequence_number()), (0, next));
}

#[tokio::test]
async fn a_silent_link_is_probed_and_a_dead_one_is_left() {
    let (carrier, mut config) = Carrier::start().await;
    config.enquire_link = Duration::from_millis(100);
    config.enquire_link_timeout = Duration::from_millis(300);
    let (session, _deliveries) = start(config);
    let mut peer = carrier.bound().await;
    is_bound(&session).await;
    for _ in 0..3 {
        let probe = peer.next().await;
        assert_eq!(probe.id(), CommandId::EnquireLink);
        peer.send(Command::new(CommandStatus::EsmeRok, probe.sequence_number(), Pdu::EnquireLinkResp)).await;
    }
    assert_eq!(*session.state().borrow(), SessionState::Bound);
    assert_eq!(peer.next().await.id(), CommandId::EnquireLink);
    match reached(&session, |state| matches!(state, SessionState::BackingOff { .. })).await {
        SessionState::BackingOff { reason, .. } => assert!(reason.contains("enquire_link"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_carrier_that_knows_no_enquire_link_keeps_its_link() {
    let (carrier, mut config) = Carrier::start().await;
    config.enquire_link = Duration::from_millis(100);
    config.enquire_link_timeout = Duration::from_millis(300);
    let (session, _deliveries) = start(config);
    let mut peer = carrier.bound().await;
    is_bound(&session).await;
    for time in 0..5 {
        // The next probe shows that the last one is over, though nobody answered it as such.
        let probe = peer.next().await;
        assert_eq!(probe.id(), CommandId::EnquireLink);
        tokio::time::sleep(Duration::from_millis(100)).await;
        if time % 2 == 0 {
            let status = CommandStatus::EsmeRinvcmdid;
            peer.send(Command::new(status, probe.sequence_number(), Pdu::GenericNack)).await;
        } else {
            // It only says something else meanwhile.
            peer.send(Command::new(CommandStatus::EsmeRok, 900 + time, Pdu::EnquireLink)).await;
            assert_eq!(peer.next().await.id(), CommandId::EnquireLinkResp);
        }
    }
    assert_eq!(*session.state().borrow(), SessionState::Bound);
}

#[tokio::test]
async fn the_carriers_statuses_become_outcomes() {
    let (carrier, config) = Carrier::start().await;
    let (session, _deliveries) = start(config);
    let mut peer = carrier.bound().await;
    is_bound(&session).await;
    let mut answer = async |status: u32| {
        let handle = submit(&session, "x");
        let (sequence, _) = peer.submit().await;
        peer.refuse(sequence, status).await;
        outcome(handle).await
    };
    assert!(matches!(
        answer(0x0B).await,
        SubmitOutcome::Refused { class: ErrorClass::InvalidRecipient, code: Some(0x0B), .. }
    ));
    assert!(matches!(answer(0x45).await, SubmitOutcome::NotSent { code: Some(0x45), .. }));
    assert!(matches!(answer(0x58).await, SubmitOutcome::NotSent { class: ErrorClass::Throttled, .. }));
    assert!(matches!(answer(0x4FF).await, SubmitOutcome::Refused { code: Some(0x4FF), .. }));
}

#[tokio::test]
async fn a_generic_nack_refuses_the_message_it_names() {
    let (carrier, config) = Carrier::start().await;
    let (session, _deliveries) = start(config);
    let mut peer = carrier.bound().await;
    is_bound(&session).await;
    let handle = submit(&session, "x");
    let (sequence, _) = peer.submit().await;
    peer.send(Command::new(CommandStatus::EsmeRinvcmdid, sequence, Pdu::GenericNack)).await;
    assert!(matches!(outcome(handle).await, SubmitOutcome::Refused { code: Some(0x03), .. }));
}

#[tokio::test]
async fn a_long_message_arrives_whole_and_has_an_id_for_each_part() {
    let (carrier, config) = Carrier::start().await;
    let (session, _deliveries) = start(config);
    let mut peer = carrier.bound().await;
    is_bound(&session).await;
    let long = "Grüße – 😀 ".repeat(20);
    let handle = submit(&session, &long);
    let mut parts = Vec::new();
    for number in 1..=4u8 {
        let (sequence, submit) = peer.submit().await;
        let content = submit.short_message().as_ref().to_vec();
        let (concatenation, octets) = split_header(&content);
        let concatenation = concatenation.unwrap();
        assert_eq!((concatenation.reference, concatenation.total, concatenation.number), (7, 4, number));
        parts.push(ReceivedPart { total: 4, number, charset: Charset::Ucs2, octets: octets.to_vec() });
        peer.accept(sequence, &format!("p{number}")).await;
    }
    assert_eq!(assemble(&parts).unwrap(), long);
    let ids = ["p1", "p2", "p3", "p4"].map(str::to_owned).to_vec();
    assert_eq!(outcome(handle).await, SubmitOutcome::Accepted { message_ids: ids });
}

#[tokio::test]
async fn shutting_down_waits_for_open_answers_and_says_goodbye() {
    let (carrier, config) = Carrier::start().await;
    let (session, mut deliveries) = start(config);
    let mut peer = carrier.bound().await;
    is_bound(&session).await;
    let open = submit(&session, "open");
    let (sequence, _) = peer.submit().await;
    peer.deliver(0, "hello").await;
    let delivery = timeout(PATIENCE, deliveries.recv()).await.unwrap().unwrap();

    let stopping = session.clone();
    let shutdown = tokio::spawn(async move { stopping.shutdown().await });
    reached(&session, |state| *state == SessionState::Draining).await;
    assert!(matches!(outcome(submit(&session, "new")).await, SubmitOutcome::NotSent { .. }));
    // What comes now is for whoever binds next.
    let late = peer.deliver(0, "late").await;
    let answer = peer.next().await;
    assert_eq!((u32::from(answer.status()), answer.sequence_number()), (0x64, late));
    assert!(deliveries.try_recv().is_err());
    peer.nothing_else_is_said().await;
    peer.accept(sequence, "42").await;
    assert_eq!(outcome(open).await, accepted("42"));
    delivery.acknowledgement.ack();
    assert_eq!(peer.next().await.id(), CommandId::DeliverSmResp);
    let unbind = peer.next().await;
    assert_eq!(unbind.id(), CommandId::Unbind);
    peer.send(Command::new(CommandStatus::EsmeRok, unbind.sequence_number(), Pdu::UnbindResp)).await;
    timeout(PATIENCE, shutdown).await.unwrap().unwrap();
    assert_eq!(*session.state().borrow(), SessionState::Closed);
    let end =
        timeout(PATIENCE, deliveries.recv()).await.expect("the end of deliveries, though the session is still held");
    assert!(end.is_none());
    assert!(matches!(outcome(submit(&session, "after")).await, SubmitOutcome::NotSent { .. }));
}

#[tokio::test]
async fn a_goodbye_of_the_carrier_is_answered_and_followed_by_a_new_bind() {
    let (carrier, config) = Carrier::start().await;
    let (session, _deliveries) = start(config);
    let mut peer = carrier.bound().await;
    is_bound(&session).await;
    peer.send(Command::new(CommandStatus::EsmeRok, 3, Pdu::Unbind)).await;
    assert_eq!(peer.next().await.id(), CommandId::UnbindResp);
    let _peer = carrier.bound().await;
    is_bound(&session).await;
}

#[tokio::test]
async fn noise_ends_the_connection_and_not_the_session() {
    let (carrier, config) = Carrier::start().await;
    let (session, _deliveries) = start(config);
    let mut peer = carrier.bound().await;
    is_bound(&session).await;
    peer.framed.get_mut().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    let mut peer = carrier.bound().await;
    is_bound(&session).await;
    // A whole PDU with a command nobody knows is answered and forgiven.
    let unknown = [0, 0, 0, 18, 0, 0, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 9, 1, 2];
    peer.framed.get_mut().write_all(&unknown).await.unwrap();
    let answer = peer.next().await;
    assert_eq!((answer.id(), answer.sequence_number()), (CommandId::GenericNack, 9));
    peer.nothing_else_is_said().await;
}

#[tokio::test]
async fn a_receiver_does_not_send() {
    let (carrier, mut config) = Carrier::start().await;
    config.bind = BindKind::Receiver;
    let (session, _deliveries) = start(config);
    let mut peer = carrier.connection().await;
    let bind = peer.next().await;
    assert_eq!(bind.id(), CommandId::BindReceiver);
    let pdu = Pdu::Other { command_id: CommandId::BindReceiverResp, body: AnyOctetString::from_static_slice(b"\0") };
    peer.send(Command::new(CommandStatus::EsmeRok, bind.sequence_number(), pdu)).await;
    is_bound(&session).await;
    assert!(matches!(
        outcome(submit(&session, "x")).await,
        SubmitOutcome::NotSent { class: ErrorClass::NotSupported, .. }
    ));
}
