//! One connection from bind to end.
//!
//! One task owns everything of the connection, so there is no lock and no order to get wrong. It never waits for a
//! consumer: inbound items that find no room are answered "try again later".

use std::{collections::HashSet, time::Duration};

use bytes::BytesMut;
use futures::{FutureExt, StreamExt};
use rusmpp::{Command, CommandId, CommandStatus, Pdu, tokio_codec::CommandCodec, types::AnyOctetString};
use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::codec::{Encoder, FramedRead};

use super::{
    backoff::Failure,
    config::{BindKind, SmppConfig},
    deliver::{self, Acknowledgement, Answer, Delivery},
    frame::{Fields, Frame, FrameCodec, FrameError, command},
    outcome::{PartResult, SubmitOutcome},
    pace::Pace,
    session::SessionState,
    status::meaning,
    window::{Request, Window},
};
use crate::ErrorClass;

/// Frames handled before the socket is written again, so that answers do not wait for a flood to end.
const FRAMES_AT_ONCE: usize = 64;
/// Octets waiting for the socket above which nothing more is read: a carrier that asks without listening gets no memory.
const MOST_WAITING: usize = 1 << 20;
/// Wait for the answer to our unbind.
const UNBIND_TIMEOUT: Duration = Duration::from_secs(5);
/// ESME_RINVCMDID: the answer to a request we do not know.
const UNKNOWN_COMMAND: u32 = 0x03;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub(super) struct BindError {
    pub failure: Failure,
    pub class: ErrorClass,
    pub reason: String,
}

impl BindError {
    fn link(reason: String) -> Self {
        Self { failure: Failure::Link, class: ErrorClass::ProviderDown, reason }
    }
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum LinkEnd {
    /// We said goodbye.
    Stopped,
    /// The connection broke or the carrier ended it.
    Lost(String),
}

/// What a connection shares with its session.
pub(super) struct Shared<'a> {
    pub config: &'a SmppConfig,
    pub requests: &'a mut mpsc::Receiver<Request>,
    pub inbound: &'a mpsc::Sender<Delivery>,
    pub stop: &'a mut watch::Receiver<bool>,
    pub state: &'a watch::Sender<SessionState>,
}

/// A bound connection.
pub(super) struct Link {
    frames: FramedRead<OwnedReadHalf, FrameCodec>,
    writer: OwnedWriteHalf,
    out: BytesMut,
    /// Octets of the stream handed to `out` and, of those, to the network.
    queued: u64,
    written: u64,
    window: Window,
    pace: Pace,
    answers_sender: mpsc::UnboundedSender<Answer>,
    answers: mpsc::UnboundedReceiver<Answer>,
    unanswered: HashSet<u32>,
    heard_at: Instant,
    /// Number and deadline of our open enquire_link.
    probe: Option<(u32, Instant)>,
}

impl Link {
    /// Connects and binds.
    pub async fn bind(config: &SmppConfig) -> Result<Self, BindError> {
        let address = (config.host.as_str(), config.port);
        let stream = match timeout(config.bind_timeout, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(BindError::link(format!("The carrier cannot be reached: {error}"))),
            Err(_) => return Err(BindError::link("The carrier does not answer the connection.".to_owned())),
        };
        // Small PDUs must not wait for the acknowledgement of the last ones.
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        let (answers_sender, answers) = mpsc::unbounded_channel();
        let now = Instant::now();
        let mut link = Self {
            frames: FramedRead::new(reader, FrameCodec),
            writer,
            out: BytesMut::new(),
            queued: 0,
            written: 0,
            window: Window::new(config.window, config.first_sequence),
            pace: Pace::new(config.per_second, now),
            answers_sender,
            answers,
            unanswered: HashSet::new(),
            heard_at: now,
            probe: None,
        };
        match timeout(config.bind_timeout, link.exchange_bind(config)).await {
            Ok(result) => result.map(|()| link),
            Err(_) => Err(BindError::link("The carrier does not answer the bind request.".to_owned())),
        }
    }

    async fn exchange_bind(&mut self, config: &SmppConfig) -> Result<(), BindError> {
        let lost = |error: std::io::Error| BindError::link(format!("The connection broke during the bind: {error}"));
        let sequence = self.window.sequence();
        self.write_raw(config.bind.command_id(), 0, sequence, &config.bind_body());
        while !self.out.is_empty() {
            self.written += self.writer.write_buf(&mut self.out).await.map_err(lost)? as u64;
        }
        loop {
            let frame = match self.frames.next().await {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Err(BindError::link(error.to_string())),
                None => return Err(BindError::link("The carrier closed the connection during the bind.".to_owned())),
            };
            let is_answer = frame.command_id == config.bind.command_id() | command::RESPONSE
                || frame.command_id == command::GENERIC_NACK;
            if !is_answer || frame.sequence != sequence {
                continue;
            }
            if frame.status == 0 {
                return Ok(());
            }
            let found = meaning(frame.status);
            let failure = match frame.status {
                0x0D..=0x0F => Failure::Refused,
                _ => Failure::Link,
            };
            let reason = format!("{} ({}, status {:#x})", found.reason, found.name, frame.status);
            return Err(BindError { failure, class: found.class, reason });
        }
    }

    /// Works until the connection ends. Every message taken in has its outcome when this returns.
    pub async fn run(mut self, shared: &mut Shared<'_>) -> LinkEnd {
        let end = match self.work(shared).await {
            Ok(()) => LinkEnd::Stopped,
            Err(reason) => LinkEnd::Lost(reason),
        };
        let reason = match &end {
            LinkEnd::Stopped => "the session was shut down",
            LinkEnd::Lost(reason) => reason,
        };
        self.window.close(self.written, reason);
        end
    }

    async fn work(&mut self, shared: &mut Shared<'_>) -> Result<(), String> {
        let mut drain_until: Option<Instant> = None;
        let mut has_handles = true;
        loop {
            let now = Instant::now();
            self.window.expire(now);
            self.probe(shared.config, now)?;
            let ready_at = self.fill(shared.config, now);
            if let Some(until) = drain_until
                && ((self.window.is_idle() && self.unanswered.is_empty() && self.out.is_empty()) || now >= until)
            {
                return self.unbind().await;
            }
            let wake = [ready_at, self.window.next_deadline(), self.probe_at(shared.config), drain_until];
            let wake = wake.into_iter().flatten().min().unwrap_or(now + shared.config.enquire_link);

            tokio::select! {
                frame = self.frames.next(), if self.out.len() < MOST_WAITING => {
                    self.handle_next(frame, shared, drain_until)?;
                    for _ in 1..FRAMES_AT_ONCE {
                        let Some(frame) = self.frames.next().now_or_never() else { break };
                        self.handle_next(frame, shared, drain_until)?;
                    }
                }
                written = self.writer.write_buf(&mut self.out), if !self.out.is_empty() => {
                    match written {
                        Ok(0) => return Err("the connection takes no more data".to_owned()),
                        Ok(count) => self.written += count as u64,
                        Err(error) => return Err(format!("writing failed: {error}")),
                    }
                }
                request = shared.requests.recv(), if has_handles && (drain_until.is_some() || self.window.has_room()) => {
                    match request {
                        Some(request) if drain_until.is_some() => {
                            let _ = request.reply.send(SubmitOutcome::no_link("The session is shutting down."));
                        }
                        Some(request) => self.admit(request, shared),
                        None => {
                            has_handles = false;
                            drain_until = drain_until.or(Some(now + shared.config.drain_timeout));
                        }
                    }
                }
                Some(answer) = self.answers.recv() => {
                    self.answer(answer);
                    while let Ok(answer) = self.answers.try_recv() {
                        self.answer(answer);
                    }
                }
                _ = shared.stop.changed(), if drain_until.is_none() => {
                    drain_until = Some(now + shared.config.drain_timeout);
                    shared.state.send_replace(SessionState::Draining);
                }
                () = sleep_until(wake) => {}
            }
        }
    }

    /// Takes a message in, and as many more as are there: PDUs that wait together are written together.
    fn admit(&mut self, first: Request, shared: &mut Shared<'_>) {
        let mut next = Some(first);
        while let Some(request) = next {
            if shared.config.bind == BindKind::Receiver {
                let reason = "This connection only receives; configure it as transceiver or transmitter to send.";
                let outcome =
                    SubmitOutcome::NotSent { class: ErrorClass::NotSupported, code: None, reason: reason.to_owned() };
                let _ = request.reply.send(outcome);
            } else {
                self.window.admit(request);
            }
            next = if self.window.has_room() { shared.requests.try_recv().ok() } else { None };
        }
    }

    /// Moves segments to the output as window and pace allow; returns when the pace allows the next one.
    fn fill(&mut self, config: &SmppConfig, now: Instant) -> Option<Instant> {
        while self.window.is_ready() {
            if let Err(ready_at) = self.pace.take(now) {
                return Some(ready_at);
            }
            let segment = self.window.next_segment()?;
            let sequence = self.window.sequence();
            self.write(Command::new(CommandStatus::EsmeRok, sequence, segment.pdu.clone()));
            self.window.sent(sequence, segment, self.queued, now + config.response_timeout);
        }
        None
    }

    fn handle_next(
        &mut self,
        frame: Option<Result<Frame, FrameError>>,
        shared: &Shared<'_>,
        draining: Option<Instant>,
    ) -> Result<(), String> {
        match frame {
            Some(Ok(frame)) => self.handle(&frame, shared, draining),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("the carrier closed the connection".to_owned()),
        }
    }

    fn handle(&mut self, frame: &Frame, shared: &Shared<'_>, draining: Option<Instant>) -> Result<(), String> {
        let now = Instant::now();
        self.heard_at = now;
        match frame.command_id {
            id if id == command::SUBMIT_SM | command::RESPONSE => {
                // With an error the body may be missing altogether.
                let message_id = Fields(frame.body.clone()).text();
                self.settle(frame, message_id, now);
            }
            command::GENERIC_NACK => {
                let status = if frame.status == 0 { UNKNOWN_COMMAND } else { frame.status };
                self.settle(&Frame { status, ..frame.clone() }, String::new(), now);
            }
            command::ENQUIRE_LINK => {
                self.write_raw(command::ENQUIRE_LINK | command::RESPONSE, 0, frame.sequence, &[]);
            }
            id if id == command::ENQUIRE_LINK | command::RESPONSE => {
                self.probe = None;
            }
            command::DELIVER_SM | command::DATA_SM => self.deliver(frame, shared, draining),
            command::UNBIND => {
                self.write_raw(command::UNBIND | command::RESPONSE, 0, frame.sequence, &[]);
                // Best effort: the carrier is about to close anyway.
                let _ = self.writer.try_write(&self.out).map(|count| self.written += count as u64);
                return Err("the carrier ended the session".to_owned());
            }
            // alert_notification and outbind ask for no answer; other answers are to nothing we asked.
            0x102 | 0x0B => {}
            id if id & command::RESPONSE != 0 => {}
            _ => self.write_raw(command::GENERIC_NACK, UNKNOWN_COMMAND, frame.sequence, &[]),
        }
        Ok(())
    }

    fn settle(&mut self, frame: &Frame, message_id: String, now: Instant) {
        let result = PartResult::of_response(frame.status, message_id);
        match self.window.answered(frame.sequence, result) {
            Some(result) if result.is_throttled() => {
                self.pace.slow_down(now);
                tracing::warn!(status = frame.status, rate = self.pace.rate(), "carrier asks to send more slowly");
            }
            Some(_) => {}
            None => tracing::warn!(status = frame.status, "carrier answered something that is not open any more"),
        }
    }

    fn deliver(&mut self, frame: &Frame, shared: &Shared<'_>, draining: Option<Instant>) {
        let acknowledgement = Acknowledgement::new(frame, self.answers_sender.clone());
        self.unanswered.insert(frame.sequence);
        if draining.is_some() {
            // Dropping the acknowledgement asks the carrier to deliver again, to whoever comes next.
            return;
        }
        let delivery = Delivery { inbound: deliver::read(frame, shared.config), acknowledgement };
        if shared.inbound.try_send(delivery).is_err() {
            tracing::warn!("inbound queue is full: the carrier is asked to deliver again");
        }
    }

    fn answer(&mut self, answer: Answer) {
        self.unanswered.remove(&answer.sequence);
        // The body is an empty message id.
        self.write_raw(answer.command_id, answer.status, answer.sequence, &[0]);
    }

    /// When the silence has to be broken or the open probe is overdue.
    fn probe_at(&self, config: &SmppConfig) -> Option<Instant> {
        Some(self.probe.map_or(self.heard_at + config.enquire_link, |(_, deadline)| deadline))
    }

    /// Probes a silent link; fails when the open probe is overdue.
    fn probe(&mut self, config: &SmppConfig, now: Instant) -> Result<(), String> {
        match self.probe {
            Some((_, deadline)) if now >= deadline => Err("the carrier did not answer enquire_link".to_owned()),
            None if now >= self.heard_at + config.enquire_link => {
                let sequence = self.window.sequence();
                self.write_raw(command::ENQUIRE_LINK, 0, sequence, &[]);
                self.probe = Some((sequence, now + config.enquire_link_timeout));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Says goodbye and waits a little for the answer.
    async fn unbind(&mut self) -> Result<(), String> {
        let sequence = self.window.sequence();
        self.write_raw(command::UNBIND, 0, sequence, &[]);
        let goodbye = async {
            while !self.out.is_empty() {
                match self.writer.write_buf(&mut self.out).await {
                    Ok(count) if count > 0 => self.written += count as u64,
                    _ => return,
                }
            }
            while let Some(Ok(frame)) = self.frames.next().await {
                if frame.command_id == command::UNBIND | command::RESPONSE {
                    return;
                }
            }
        };
        // The session ends either way.
        let _ = timeout(UNBIND_TIMEOUT, goodbye).await;
        Ok(())
    }

    fn write_raw(&mut self, command_id: u32, status: u32, sequence: u32, body: &[u8]) {
        let pdu = Pdu::Other { command_id: CommandId::from(command_id), body: AnyOctetString::from_slice(body) };
        self.write(Command::new(CommandStatus::from(status), sequence, pdu));
    }

    fn write(&mut self, command: Command) {
        let before = self.out.len();
        // Encoding into memory has no way to fail.
        let _ = CommandCodec::new().encode(command, &mut self.out);
        self.queued += (self.out.len() - before) as u64;
    }
}
