//! Accounts with several connections, encrypted ones, and carriers that refuse: over real sockets.
//!
//! The keys below `tls/` are made for these tests, secure nothing else, and are valid for a hundred years.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::{SinkExt, StreamExt};
use rand::{SeedableRng, rngs::StdRng};
use rusmpp::{
    Command, CommandId, CommandStatus, Pdu,
    pdus::{BindTransceiverResp, DeliverSm, SubmitSmResp},
    tokio_codec::CommandCodec,
    types::{AnyOctetString, COctetString, OctetString},
    values::EsmClass,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use segue_channels::text::split_header;
use segue_channels::{
    ErrorClass,
    smpp::{
        BindKind, Delivery, Inbound, LongMessages, Outcomes, SessionState, Settled, SmppConfig, SmppSession,
        Submission, SubmitOutcome, SubmitSms, Tls, Trust,
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::codec::Framed;

const PATIENCE: Duration = Duration::from_secs(20);
const RESPONSE: u32 = 0x8000_0000;

/// The carrier's side of a connection that is bound.
struct Peer<S> {
    framed: Framed<S, CommandCodec>,
    role: CommandId,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// Answers the bind with `status`.
    async fn bound(stream: S, status: CommandStatus) -> Self {
        let mut framed = Framed::new(stream, CommandCodec::new());
        let bind = timeout(PATIENCE, framed.next()).await.unwrap().unwrap().unwrap();
        let role = bind.id();
        let command_id = CommandId::from(u32::from(role) | RESPONSE);
        let pdu = Pdu::Other { command_id, body: AnyOctetString::from_static_slice(b"smsc\0") };
        framed.send(Command::new(status, bind.sequence_number(), pdu)).await.unwrap();
        Self { framed, role }
    }

    async fn next(&mut self) -> Command {
        timeout(PATIENCE, self.framed.next()).await.expect("a PDU in time").expect("a connection").unwrap()
    }

    async fn accept(&mut self, sequence: u32, id: &str) {
        let id = COctetString::from_string(id.to_owned()).unwrap();
        self.send(sequence, SubmitSmResp::new(id, vec![])).await;
    }

    async fn send(&mut self, sequence: u32, pdu: impl Into<Pdu>) {
        self.framed.send(Command::new(CommandStatus::EsmeRok, sequence, pdu)).await.unwrap();
    }
}

async fn listen() -> (TcpListener, SmppConfig) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = SmppConfig::new("127.0.0.1", listener.local_addr().unwrap().port(), "segue", "sandbox");
    (listener, config)
}

async fn accept(listener: &TcpListener) -> Peer<TcpStream> {
    let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    Peer::bound(stream, CommandStatus::EsmeRok).await
}

fn start(config: SmppConfig) -> (SmppSession, mpsc::UnboundedReceiver<Delivery>) {
    SmppSession::spawn(config, StdRng::seed_from_u64(1))
}

async fn reached(session: &SmppSession, wanted: impl Fn(&SessionState) -> bool) -> SessionState {
    let mut state = session.state();
    timeout(PATIENCE, state.wait_for(|state| wanted(state))).await.expect("the state in time").unwrap().clone()
}

fn submission(number: u32) -> Submission {
    Submission {
        tag: number.into(),
        sms: SubmitSms {
            source: "Acme".to_owned(),
            destination: format!("+1555{number:07}"),
            text: number.to_string(),
            validity: None,
            reference: 7,
        },
    }
}

fn hand_over(session: &SmppSession, count: u32) -> mpsc::UnboundedReceiver<Vec<Settled>> {
    let (outcomes, settled): (Outcomes, _) = mpsc::unbounded_channel();
    session.submit_all((0..count).map(submission), &outcomes);
    settled
}

async fn settle(settled: &mut mpsc::UnboundedReceiver<Vec<Settled>>, count: usize) -> Vec<Settled> {
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(timeout(PATIENCE, settled.recv()).await.expect("outcomes in time").expect("a session"));
    }
    assert_eq!(all.len(), count, "exactly one outcome each");
    all
}

#[tokio::test]
async fn a_pair_sends_on_one_connection_and_hears_of_it_on_the_other() {
    let (listener, mut config) = listen().await;
    config.bind = BindKind::Pair;
    let (session, mut deliveries) = start(config);
    let (first, second) = (accept(&listener).await, accept(&listener).await);
    let roles = [first.role, second.role];
    assert!(roles.contains(&CommandId::BindReceiver) && roles.contains(&CommandId::BindTransmitter), "{roles:?}");
    let (mut receiver, mut transmitter) =
        if first.role == CommandId::BindReceiver { (first, second) } else { (second, first) };
    reached(&session, |state| *state == SessionState::Bound).await;

    let mut settled = hand_over(&session, 1);
    let submit = transmitter.next().await;
    assert_eq!(submit.id(), CommandId::SubmitSm);
    // The receipt overtakes the answer, on the other connection.
    let receipt = DeliverSm::builder()
        .source_addr(COctetString::from_static_slice(b"15550000000\0").unwrap())
        .esm_class(EsmClass::from(0x04))
        .short_message(OctetString::from_slice(b"id:42 stat:DELIVRD err:000").unwrap())
        .build();
    receiver.send(9, receipt).await;
    let delivery = timeout(PATIENCE, deliveries.recv()).await.unwrap().unwrap();
    match &delivery.inbound[..] {
        [Inbound::Receipt(receipt)] => assert_eq!(receipt.message_id.as_deref(), Some("42")),
        other => panic!("{other:?}"),
    }
    delivery.acknowledgement.ack();
    assert_eq!(receiver.next().await.id(), CommandId::DeliverSmResp);
    transmitter.accept(submit.sequence_number(), "42").await;
    let outcome = settle(&mut settled, 1).await.remove(0).outcome;
    assert_eq!(outcome, SubmitOutcome::Accepted { message_ids: vec!["42".to_owned()] });
    assert_eq!((session.stats().binds, session.stats().accepted, session.stats().received), (2, 1, 1));
}

#[tokio::test]
async fn several_binds_share_the_work_and_none_is_sent_twice() {
    let (listener, mut config) = listen().await;
    config.binds = 3;
    config.window = 2;
    config.per_second = u32::MAX;
    let (session, _deliveries) = start(config);
    let mut peers = Vec::new();
    for _ in 0..3 {
        peers.push(accept(&listener).await);
    }
    reached(&session, |state| *state == SessionState::Bound).await;
    let mut settled = hand_over(&session, 30);
    let mut destinations = BTreeSet::new();
    // Each connection has its own window.
    let mut open = Vec::new();
    for (index, peer) in peers.iter_mut().enumerate() {
        for _ in 0..2 {
            open.push((index, peer.next().await));
        }
    }
    let dead = peers.pop().unwrap();
    drop(dead);
    let (lost, open): (Vec<_>, Vec<_>) = open.into_iter().partition(|(index, _)| *index == 2);
    assert_eq!(lost.len(), 2);
    let workers: Vec<_> = peers
        .into_iter()
        .enumerate()
        .map(|(index, mut peer)| {
            let mut mine: Vec<Command> =
                open.iter().filter(|(of, _)| *of == index).map(|(_, command)| command.clone()).collect();
            tokio::spawn(async move {
                let mut seen = Vec::new();
                loop {
                    for command in mine.drain(..) {
                        if let Some(Pdu::SubmitSm(submit)) = command.pdu() {
                            seen.push(submit.destination_addr.to_string());
                            peer.accept(command.sequence_number(), "x").await;
                        }
                    }
                    match timeout(Duration::from_millis(500), peer.framed.next()).await {
                        Ok(Some(Ok(command))) => mine.push(command),
                        _ => return seen,
                    }
                }
            })
        })
        .collect();
    let all = settle(&mut settled, 30).await;
    let count = |wanted: fn(&SubmitOutcome) -> bool| all.iter().filter(|settled| wanted(&settled.outcome)).count();
    // What the dead connection had on its way is in doubt, what it had only taken in was not sent.
    assert_eq!(count(|outcome| matches!(outcome, SubmitOutcome::Unknown { .. })), 2);
    let not_sent = count(|outcome| matches!(outcome, SubmitOutcome::NotSent { .. }));
    assert!(not_sent <= 2, "{not_sent}");
    for worker in workers {
        for destination in worker.await.unwrap() {
            assert!(destinations.insert(destination.clone()), "{destination} was sent twice");
        }
    }
    assert_eq!(destinations.len(), 28 - not_sent);
}

#[tokio::test]
async fn wrong_credentials_are_tried_once_whatever_the_number_of_binds() {
    for status in [0x0Du32, 0x0E, 0x0F] {
        let (listener, mut config) = listen().await;
        config.binds = 4;
        let (session, _deliveries) = start(config);
        let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        let _peer = Peer::bound(stream, CommandStatus::from(status)).await;
        let state = reached(&session, SessionState::is_alarm).await;
        match state {
            SessionState::BackingOff { class, retry_in, .. } => {
                assert_eq!(class, ErrorClass::Authentication);
                assert!(retry_in >= Duration::from_secs(299), "{retry_in:?}");
            }
            other => panic!("{other:?}"),
        }
        let another = timeout(Duration::from_millis(300), listener.accept()).await;
        assert!(another.is_err(), "no other connection tries the same credentials");
        assert!(session.state().borrow().is_alarm());
    }
}

#[tokio::test]
async fn the_carriers_signs_of_life_are_answered_in_the_middle_of_work() {
    let (listener, config) = listen().await;
    let (session, _deliveries) = start(config);
    let mut peer = accept(&listener).await;
    reached(&session, |state| *state == SessionState::Bound).await;
    let _settled = hand_over(&session, 5);
    for number in 1..=100 {
        peer.framed.feed(Command::new(CommandStatus::EsmeRok, number, Pdu::EnquireLink)).await.unwrap();
    }
    SinkExt::<Command>::flush(&mut peer.framed).await.unwrap();
    let mut answered = BTreeSet::new();
    while answered.len() < 100 {
        let command = peer.next().await;
        if command.id() == CommandId::EnquireLinkResp {
            answered.insert(command.sequence_number());
        }
    }
    assert_eq!(answered, (1..=100).collect());
}

#[tokio::test]
async fn no_second_has_more_segments_than_the_account_may_send() {
    let (listener, mut config) = listen().await;
    (config.per_second, config.binds, config.window) = (50, 2, 100);
    let (session, _deliveries) = start(config);
    let (mut first, mut second) = (accept(&listener).await, accept(&listener).await);
    reached(&session, |state| *state == SessionState::Bound).await;
    let _settled = hand_over(&session, 300);
    let mut at = Vec::new();
    let end = Instant::now() + Duration::from_millis(2_500);
    while Instant::now() < end {
        tokio::select! {
            command = first.next() => if command.id() == CommandId::SubmitSm { at.push(Instant::now()); },
            command = second.next() => if command.id() == CommandId::SubmitSm { at.push(Instant::now()); },
            () = tokio::time::sleep_until(end) => break,
        }
    }
    assert!(at.len() >= 100, "{} in 2.5 s", at.len());
    // Reading here may be late and bunch what was sent evenly; the burst is a twentieth of a second's rate.
    for start in &at {
        let within = at.iter().filter(|other| (*start..*start + Duration::from_secs(1)).contains(*other)).count();
        assert!(within <= 50 + 15, "{within} within a second");
    }
    assert!(at.len() <= 130, "{} in 2.5 s", at.len());
}

#[tokio::test]
async fn sequence_numbers_go_round() {
    let (listener, mut config) = listen().await;
    config.first_sequence = 0x7FFF_FFFE;
    let (session, _deliveries) = start(config);
    let mut peer = accept(&listener).await;
    reached(&session, |state| *state == SessionState::Bound).await;
    let mut settled = hand_over(&session, 3);
    let mut sequences = Vec::new();
    for _ in 0..3 {
        let sequence = peer.next().await.sequence_number();
        sequences.push(sequence);
        peer.accept(sequence, "x").await;
    }
    assert_eq!(sequences, [0x7FFF_FFFF, 1, 2], "the bind had the first");
    settle(&mut settled, 3).await;
}

/// Accepts one encrypted connection, or says that the handshake failed.
async fn accept_tls(listener: &TcpListener) -> Option<Peer<tokio_rustls::server::TlsStream<TcpStream>>> {
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(include_bytes!("tls/server.pem")).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let stream = tokio_rustls::TlsAcceptor::from(Arc::new(config)).accept(stream).await.ok()?;
    Some(Peer::bound(stream, CommandStatus::EsmeRok).await)
}

fn fingerprint() -> String {
    use sha2::{Digest, Sha256};
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).unwrap();
    hex::encode(Sha256::digest(certificate.as_ref()))
}

#[tokio::test]
async fn encrypted_connections_carry_everything() {
    let authority = Trust::Authority(include_str!("tls/authority.pem").to_owned());
    for (name, trust) in [("smsc.test", authority), ("any.other.name", Trust::Pinned(fingerprint()))] {
        let (listener, mut config) = listen().await;
        config.tls = Some(Tls::new(name, &trust).unwrap());
        config.window = 100;
        config.per_second = u32::MAX;
        let (session, mut deliveries) = start(config);
        let mut peer = accept_tls(&listener).await.expect("a handshake");
        reached(&session, |state| *state == SessionState::Bound).await;
        let mut settled = hand_over(&session, 300);
        for _ in 0..300 {
            let sequence = peer.next().await.sequence_number();
            peer.accept(sequence, "x").await;
        }
        let all = settle(&mut settled, 300).await;
        assert!(all.iter().all(|settled| matches!(settled.outcome, SubmitOutcome::Accepted { .. })));
        peer.send(1, DeliverSm::default()).await;
        timeout(PATIENCE, deliveries.recv()).await.unwrap().unwrap().acknowledgement.ack();
        assert_eq!(peer.next().await.id(), CommandId::DeliverSmResp);
        drop(peer);
        reached(&session, |state| matches!(state, SessionState::BackingOff { .. })).await;
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_gets_no_credentials() {
    let other_name = Tls::new("other.test", &Trust::Authority(include_str!("tls/authority.pem").to_owned()));
    let public = Tls::new("smsc.test", &Trust::Public);
    let other_pin = Tls::new("smsc.test", &Trust::Pinned("00".repeat(32)));
    for tls in [other_name, public, other_pin] {
        let (listener, mut config) = listen().await;
        config.tls = Some(tls.unwrap());
        let (session, _deliveries) = start(config);
        assert!(accept_tls(&listener).await.is_none(), "the handshake fails before anything is said");
        match reached(&session, |state| matches!(state, SessionState::BackingOff { .. })).await {
            SessionState::BackingOff { reason, .. } => assert!(reason.contains("encrypted"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_answer_to_the_bind_without_a_body_is_taken() {
    let (listener, config) = listen().await;
    let (session, _deliveries) = start(config);
    let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let mut framed = Framed::new(stream, CommandCodec::new());
    let bind = framed.next().await.unwrap().unwrap();
    assert_eq!(bind.id(), CommandId::BindTransceiver);
    let answer = Command::new(CommandStatus::EsmeRok, bind.sequence_number(), BindTransceiverResp::default());
    framed.send(answer).await.unwrap();
    reached(&session, |state| *state == SessionState::Bound).await;
}

#[tokio::test]
async fn long_messages_to_one_number_never_share_a_reference() {
    let (listener, mut config) = listen().await;
    config.form.long_messages = LongMessages::Header16;
    (config.window, config.per_second) = (1_000, u32::MAX);
    let (session, _deliveries) = start(config);
    let mut peer = accept(&listener).await;
    reached(&session, |state| *state == SessionState::Bound).await;
    let (outcomes, _settled) = mpsc::unbounded_channel();
    let long = |tag| {
        let mut submission = submission(0);
        submission.tag = tag;
        submission.sms.text = "long ".repeat(40);
        submission
    };
    session.submit_all((0..300).map(long), &outcomes);
    let mut references = BTreeSet::new();
    for _ in 0..600 {
        let command = peer.next().await;
        let Some(Pdu::SubmitSm(submit)) = command.pdu() else { panic!("{command:?}") };
        let (concatenation, _) = split_header(submit.short_message().as_ref());
        let concatenation = concatenation.unwrap();
        assert!(references.insert((concatenation.reference, concatenation.number)), "a part came twice");
    }
    assert_eq!(references.len(), 600);
}
