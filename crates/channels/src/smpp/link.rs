//! One connection from bind to end.
//!
//! One task owns everything of the connection, so there is no lock and no order to get wrong. It never waits for a
//! consumer: inbound items that find no room are answered "try again later".
//!
//! Each pass reads what is there, handles all of it, fills the window, and writes once: PDUs that are ready together go
//! out together, and outcomes and deliveries that come together are handed over together.

use std::{
    pin::pin,
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use futures::FutureExt;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};

use super::{
    account::Account,
    backoff::Failure,
    config::BindRole,
    deliver::{self, Acknowledgement, Answers, Asked, Delivery, Inbound, TRY_AGAIN},
    encode,
    frame::{Fields, Frame, command},
    outcome::PartResult,
    pace::Pace,
    queue::Wanted,
    stats::Pass,
    status::meaning,
    window::Window,
};
use crate::ErrorClass;

/// Octets read at a time.
const READ: usize = 64 * 1024;
/// Octets waiting for the socket above which nothing more is read: a carrier that asks without listening gets no memory.
const MOST_WAITING: usize = 1 << 20;
/// Wait for the answer to our unbind.
const UNBIND_TIMEOUT: Duration = Duration::from_secs(5);
/// ESME_RINVCMDID: the answer to a request we do not know.
const UNKNOWN_COMMAND: u32 = 0x03;

/// Why there is no connection.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}")]
pub(super) struct BindError {
    pub failure: Failure,
    pub class: ErrorClass,
    pub reason: String,
    /// How long to wait, when that is decided for all connections together.
    pub retry_in: Option<Duration>,
}

impl BindError {
    pub(super) fn link(reason: String) -> Self {
        Self { failure: Failure::Link, class: ErrorClass::ProviderDown, reason, retry_in: None }
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

/// What the beginning of a PDU says.
#[derive(Debug, Clone, Copy)]
struct Head {
    command_id: u32,
    status: u32,
    sequence: u32,
}

/// A bound connection.
pub(super) struct Link {
    account: Arc<Account>,
    inbound: mpsc::UnboundedSender<Delivery>,
    role: BindRole,
    reader: Box<dyn AsyncRead + Send + Unpin>,
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    input: BytesMut,
    out: Vec<u8>,
    /// Octets of `out` that the network has taken.
    out_at: usize,
    /// Whether the writer may hold octets back.
    unflushed: bool,
    /// Octets of the stream handed to `out` and, of those, to the network.
    queued: u64,
    written: u64,
    window: Window,
    /// Segments without answer as the account knows of them.
    told_in_flight: usize,
    answers_sender: mpsc::UnboundedSender<Answers>,
    answers: mpsc::UnboundedReceiver<Answers>,
    /// Deliveries that were handed over and not answered yet.
    unanswered: usize,
    /// Deliveries of this pass.
    group: (Vec<Inbound>, Vec<Asked>),
    pass: Pass,
    heard_at: Instant,
    /// Number and deadline of our open enquire_link.
    probe: Option<(u32, Instant)>,
    /// When new messages are no longer taken and the connection ends at the latest.
    drain_until: Option<Instant>,
}

impl Link {
    /// Connects and binds.
    pub async fn bind(
        account: &Arc<Account>,
        role: BindRole,
        inbound: mpsc::UnboundedSender<Delivery>,
    ) -> Result<Self, BindError> {
        let config = &account.config;
        let (reader, writer) = match timeout(config.bind_timeout, connect(account)).await {
            Ok(connection) => connection?,
            Err(_) => return Err(BindError::link("The carrier does not answer the connection.".to_owned())),
        };
        let (answers_sender, answers) = mpsc::unbounded_channel();
        let mut link = Self {
            account: Arc::clone(account),
            inbound,
            role,
            reader,
            writer,
            input: BytesMut::with_capacity(READ),
            out: Vec::with_capacity(READ),
            out_at: 0,
            unflushed: false,
            queued: 0,
            written: 0,
            window: Window::new(config.window, config.response_timeout, config.first_sequence),
            told_in_flight: 0,
            answers_sender,
            answers,
            unanswered: 0,
            group: (Vec::new(), Vec::new()),
            pass: Pass::default(),
            heard_at: Instant::now(),
            probe: None,
            drain_until: None,
        };
        match timeout(config.bind_timeout, link.exchange_bind()).await {
            Ok(result) => result.map(|()| link),
            Err(_) => Err(BindError::link("The carrier does not answer the bind request.".to_owned())),
        }
    }

    async fn exchange_bind(&mut self) -> Result<(), BindError> {
        let lost = |error: std::io::Error| BindError::link(format!("The connection broke during the bind: {error}"));
        let sequence = self.window.sequence();
        let (command_id, body) = (self.role.command_id(), self.account.config.bind_body());
        self.write_pdu(command_id, 0, sequence, &body);
        self.write_out().await.map_err(lost)?;
        loop {
            while let Some(head) = self.next_head().map_err(BindError::link)? {
                let is_answer =
                    head.command_id == command_id | command::RESPONSE || head.command_id == command::GENERIC_NACK;
                if is_answer && head.sequence == sequence {
                    return if head.status == 0 { Ok(()) } else { Err(refused(head.status)) };
                }
            }
            if self.reader.read_buf(&mut self.input).await.map_err(lost)? == 0 {
                return Err(BindError::link("The carrier closed the connection during the bind.".to_owned()));
            }
        }
    }

    /// The head of the next whole PDU, which is taken off the input.
    fn next_head(&mut self) -> Result<Option<Head>, String> {
        let cut = Frame::cut(&self.input).map_err(|error| error.to_string())?;
        let Some((frame, rest)) = cut else { return Ok(None) };
        let head = Head { command_id: frame.command_id, status: frame.status, sequence: frame.sequence };
        let length = self.input.len() - rest.len();
        self.input.advance(length);
        Ok(Some(head))
    }

    /// Works until the connection ends. Every message taken in has its outcome when this returns.
    pub async fn run(mut self, stop: &mut watch::Receiver<bool>) -> LinkEnd {
        let end = match self.work(stop).await {
            Ok(()) => LinkEnd::Stopped,
            Err(reason) => LinkEnd::Lost(reason),
        };
        let reason = match &end {
            LinkEnd::Stopped => "the session was shut down",
            LinkEnd::Lost(reason) => reason,
        };
        let now = Instant::now();
        self.account.in_flight(self.told_in_flight, 0);
        self.pass.unanswered += self.window.in_flight() as u64;
        self.window.close(self.written, reason, now);
        self.hand_over();
        self.account.counters.add(&mut self.pass, now);
        end
    }

    async fn work(&mut self, stop: &mut watch::Receiver<bool>) -> Result<(), String> {
        let account = Arc::clone(&self.account);
        let mut sleep = pin!(sleep_until(Instant::now()));
        loop {
            let now = Instant::now();
            let mut more = pin!(account.queue.more());
            // From here on nothing that comes in is missed.
            more.as_mut().enable();
            let ready_at = self.advance(now)?;
            self.write_now()?;
            if let Some(until) = self.drain_until
                && ((self.window.is_idle() && self.unanswered == 0 && self.out.is_empty()) || now >= until)
            {
                return self.unbind().await;
            }
            account.in_flight(self.told_in_flight, self.window.in_flight());
            self.told_in_flight = self.window.in_flight();
            account.counters.add(&mut self.pass, now);
            let wake = [ready_at, self.window.next_deadline(), Some(self.probe_at()), self.drain_until];
            let wake = wake.into_iter().flatten().min().unwrap_or(now);
            // Deadlines mostly move away; waking once too early is cheaper than setting the timer in each pass.
            if wake < sleep.deadline() || sleep.is_elapsed() {
                sleep.as_mut().reset(wake);
            }
            let (has_room, has_out) = (self.drain_until.is_none() && self.window.has_room(), !self.out.is_empty());

            tokio::select! {
                read = self.reader.read_buf(&mut self.input), if self.out.len() - self.out_at < MOST_WAITING => {
                    match read {
                        Ok(0) => return Err("the carrier closed the connection".to_owned()),
                        Ok(_) => self.handle_input()?,
                        Err(error) => return Err(format!("the connection failed: {error}")),
                    }
                }
                written = write(&mut self.writer, &self.out[self.out_at..]), if has_out || self.unflushed => {
                    self.wrote(written)?;
                }
                () = more, if has_room && self.role.sends() => {}
                Some(answers) = self.answers.recv() => self.answer(answers),
                () = stopped(stop), if self.drain_until.is_none() => {
                    self.drain_until = Some(now + account.config.drain_timeout);
                }
                () = sleep.as_mut() => {}
            }
        }
    }

    /// Everything that is due and needs no waiting; returns when the pace allows the next segment.
    fn advance(&mut self, now: Instant) -> Result<Option<Instant>, String> {
        while let Ok(answers) = self.answers.try_recv() {
            self.answer(answers);
        }
        self.pass.unanswered += self.window.tick(now) as u64;
        self.probe(now)?;
        if self.role.sends() && self.drain_until.is_none() && self.window.has_room() {
            let window = &mut self.window;
            self.account.queue.take(|request| {
                window.admit(request);
                if window.has_room() { Wanted::More } else { Wanted::NoMore }
            });
        }
        let ready_at = self.fill(now);
        self.window.replies.flush();
        self.hand_over();
        Ok(ready_at)
    }

    /// Moves segments to the output as window and pace allow; returns when the pace allows the next one.
    fn fill(&mut self, now: Instant) -> Option<Instant> {
        self.window.next()?;
        let account = Arc::clone(&self.account);
        let mut pace: MutexGuard<'_, Pace> = account.pace.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let cost = self.window.next()?.2;
            if let Err(ready_at) = pace.take(cost, now) {
                return Some(ready_at);
            }
            let sequence = self.window.sequence();
            let before = self.out.len();
            let (segment, pdu, _) = self.window.next()?;
            encode::copy_with_sequence(&mut self.out, pdu, sequence);
            self.queued += (self.out.len() - before) as u64;
            self.window.sent(sequence, segment, self.queued, now);
            self.pass.sent += 1;
        }
    }

    fn handle_input(&mut self) -> Result<(), String> {
        let now = Instant::now();
        self.heard_at = now;
        let input = std::mem::take(&mut self.input);
        let mut rest = &input[..];
        let result = loop {
            match Frame::cut(rest) {
                Ok(Some((frame, after))) => {
                    rest = after;
                    if let Err(reason) = self.handle(&frame, now) {
                        break Err(reason);
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.to_string()),
            }
        };
        let used = input.len() - rest.len();
        self.input = input;
        self.input.advance(used);
        self.input.reserve(READ);
        result
    }

    fn handle(&mut self, frame: &Frame<'_>, now: Instant) -> Result<(), String> {
        // Whatever the carrier says, it is there.
        let probed = self.probe.take().map(|(sequence, _)| sequence);
        match frame.command_id {
            id if id == command::SUBMIT_SM | command::RESPONSE => {
                // With an error the body may be missing altogether.
                let message_id = Fields(frame.body).text();
                self.settle(frame.sequence, frame.status, message_id, now);
            }
            // Some carriers know no enquire_link.
            command::GENERIC_NACK if probed == Some(frame.sequence) => {}
            command::GENERIC_NACK => {
                let status = if frame.status == 0 { UNKNOWN_COMMAND } else { frame.status };
                self.settle(frame.sequence, status, String::new(), now);
            }
            command::ENQUIRE_LINK => {
                self.write_pdu(command::ENQUIRE_LINK | command::RESPONSE, 0, frame.sequence, &[]);
            }
            command::DELIVER_SM | command::DATA_SM => self.deliver(frame),
            command::UNBIND => {
                self.write_pdu(command::UNBIND | command::RESPONSE, 0, frame.sequence, &[]);
                // Best effort: the carrier is about to close anyway.
                let _ = self.write_now();
                return Err("the carrier ended the session".to_owned());
            }
            // alert_notification and outbind ask for no answer; other answers are to nothing we asked.
            0x102 | 0x0B => {}
            id if id & command::RESPONSE != 0 => {}
            _ => self.write_pdu(command::GENERIC_NACK, UNKNOWN_COMMAND, frame.sequence, &[]),
        }
        Ok(())
    }

    fn settle(&mut self, sequence: u32, status: u32, message_id: String, now: Instant) {
        let result = PartResult::of_response(status, message_id);
        let Some(answered) = self.window.answered(sequence, result, now) else {
            tracing::warn!(status, "carrier answered something that is not open any more");
            return;
        };
        self.pass.took.push(answered.took);
        if answered.throttled {
            self.pass.throttled += 1;
            let mut pace = self.account.pace.lock().unwrap_or_else(PoisonError::into_inner);
            if pace.slow_down(now) {
                tracing::warn!(status, rate = pace.rate(), "carrier asks to send more slowly");
            }
        } else if status == 0 {
            self.pass.accepted += 1;
        } else {
            self.pass.refused += 1;
        }
    }

    fn deliver(&mut self, frame: &Frame<'_>) {
        let asked = Asked { command_id: frame.command_id, sequence: frame.sequence };
        let has_room = self.account.has_room_for(self.group.0.len());
        if self.drain_until.is_some() || !has_room {
            // When draining, the item is for whoever binds next.
            if !has_room {
                tracing::warn!("too much is not acknowledged yet: the carrier is asked to deliver again");
            }
            self.write_answer(asked, TRY_AGAIN);
            return;
        }
        self.group.0.push(deliver::read(frame, &self.account.config));
        self.group.1.push(asked);
    }

    /// Gives the deliveries of this pass to the consumer.
    fn hand_over(&mut self) {
        let (inbound, asked) = std::mem::take(&mut self.group);
        if inbound.is_empty() {
            return;
        }
        self.pass.received += inbound.len() as u64;
        self.unanswered += asked.len();
        let acknowledgement =
            Acknowledgement::new(asked, self.answers_sender.clone(), Arc::clone(&self.account.unacknowledged));
        // Without a consumer the delivery is dropped, and with it the carrier is asked to deliver again.
        let steady_for = self.account.steady_for();
        let _ = self.inbound.send(Delivery { inbound, acknowledgement, steady_for });
    }

    fn answer(&mut self, answers: Answers) {
        self.unanswered = self.unanswered.saturating_sub(answers.requests.len());
        for asked in answers.requests {
            self.write_answer(asked, answers.status);
        }
    }

    fn write_answer(&mut self, asked: Asked, status: u32) {
        // The body is an empty message id.
        self.write_pdu(asked.command_id | command::RESPONSE, status, asked.sequence, &[0]);
    }

    /// When the silence has to be broken or the open probe is overdue.
    fn probe_at(&self) -> Instant {
        self.probe.map_or(self.heard_at + self.account.config.enquire_link, |(_, deadline)| deadline)
    }

    /// Probes a silent link; fails when the open probe is overdue.
    fn probe(&mut self, now: Instant) -> Result<(), String> {
        match self.probe {
            Some((_, deadline)) if now >= deadline => Err("the carrier did not answer enquire_link".to_owned()),
            None if now >= self.heard_at + self.account.config.enquire_link => {
                let sequence = self.window.sequence();
                self.write_pdu(command::ENQUIRE_LINK, 0, sequence, &[]);
                self.probe = Some((sequence, now + self.account.config.enquire_link_timeout));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Says goodbye and waits a little for the answer.
    async fn unbind(&mut self) -> Result<(), String> {
        let sequence = self.window.sequence();
        self.write_pdu(command::UNBIND, 0, sequence, &[]);
        let goodbye = async {
            if self.write_out().await.is_err() {
                return;
            }
            loop {
                while let Ok(Some(head)) = self.next_head() {
                    if head.command_id == command::UNBIND | command::RESPONSE {
                        return;
                    }
                }
                if !matches!(self.reader.read_buf(&mut self.input).await, Ok(count) if count > 0) {
                    return;
                }
            }
        };
        // The session ends either way.
        let _ = timeout(UNBIND_TIMEOUT, goodbye).await;
        Ok(())
    }

    fn write_pdu(&mut self, command_id: u32, status: u32, sequence: u32, body: &[u8]) {
        let before = self.out.len();
        encode::pdu(&mut self.out, command_id, status, sequence, body);
        self.queued += (self.out.len() - before) as u64;
    }

    /// Writes what the socket takes without waiting.
    fn write_now(&mut self) -> Result<(), String> {
        while !self.out.is_empty() {
            let Some(written) = self.writer.write(&self.out[self.out_at..]).now_or_never() else { return Ok(()) };
            self.wrote(written)?;
        }
        Ok(())
    }

    /// Writes everything.
    async fn write_out(&mut self) -> std::io::Result<()> {
        self.writer.write_all(&self.out[self.out_at..]).await?;
        self.written = self.queued;
        self.out.clear();
        self.out_at = 0;
        self.writer.flush().await
    }

    fn wrote(&mut self, written: std::io::Result<usize>) -> Result<(), String> {
        match written {
            // Nothing was left to write, and what the encryption held back is gone now.
            Ok(0) if self.out.is_empty() => self.unflushed = false,
            Ok(0) => return Err("the connection takes no more data".to_owned()),
            Ok(count) => {
                self.written += count as u64;
                self.out_at += count;
                self.unflushed = self.account.config.tls.is_some();
            }
            Err(error) => return Err(format!("writing failed: {error}")),
        }
        if self.out_at == self.out.len() {
            self.out.clear();
            self.out_at = 0;
        }
        Ok(())
    }
}

/// Writes some of `out`, or flushes when there is none.
async fn write(writer: &mut (dyn AsyncWrite + Send + Unpin), out: &[u8]) -> std::io::Result<usize> {
    if out.is_empty() { writer.flush().await.map(|()| 0) } else { writer.write(out).await }
}

/// The two halves of a connection to the carrier.
type Halves = (Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>);

async fn connect(account: &Account) -> Result<Halves, BindError> {
    let config = &account.config;
    let stream = TcpStream::connect((config.host.as_str(), config.port))
        .await
        .map_err(|error| BindError::link(format!("The carrier cannot be reached: {error}")))?;
    // Small PDUs must not wait for the acknowledgement of the last ones.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &config.tls else {
        let (reader, writer) = stream.into_split();
        return Ok((Box::new(reader), Box::new(writer)));
    };
    let stream =
        tls.connector().connect(tls.server_name(), stream).await.map_err(|error| {
            BindError::link(format!("The encrypted connection to the carrier cannot be made: {error}"))
        })?;
    let (reader, writer) = tokio::io::split(stream);
    Ok((Box::new(reader), Box::new(writer)))
}

fn refused(status: u32) -> BindError {
    let found = meaning(status);
    let failure = match status {
        0x0D..=0x0F => Failure::Refused,
        _ => Failure::Link,
    };
    let reason = format!("{} ({}, status {status:#x})", found.reason, found.name);
    BindError { failure, class: found.class, reason, retry_in: None }
}

/// Ends when the session is to end: it was told so, or nobody holds it any more.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the last handle is gone.
    let _ = stop.wait_for(|stop| *stop).await;
}
