//! One SMPP session: the protocol state of a bind and the answers to its requests. No I/O: PDUs in, octets out.

use super::carrier::{Whim, answered_id};
use super::network::{Address, Content, Delivery, Submitted};
use super::receipt::state_code;
use super::text::{Alphabet, Concatenation, split_header};
use crate::config::SandboxConfig;
use crate::faults::take_one;
use crate::ledger::Fact;
use crate::state::State;
use bytes::{BufMut, BytesMut};
use rand::seq::SliceRandom;
use rusmpp::pdus::{BindReceiverResp, BindTransceiverResp, BindTransmitterResp, DeliverSm, SubmitSm, SubmitSmResp};
use rusmpp::tlvs::{MessageDeliveryRequestTlvValue, TlvValue};
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::{COctetString, OctetString};
use rusmpp::values::{DataCoding, EsmClass, InterfaceVersion, MessageState, Npi, Ton};
use rusmpp::{Command, CommandId, CommandStatus, Pdu};
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::codec::Encoder;

/// Deliveries in flight on one bind.
const WINDOW: usize = 500;

/// What the client bound as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Transmitter,
    Receiver,
    Transceiver,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Transmitter => "transmitter",
            Self::Receiver => "receiver",
            Self::Transceiver => "transceiver",
        }
    }
}

/// A slow carrier: what is still to be done for a submit_sm.
enum Delayed {
    Process(Box<Command>),
    Answer(BytesMut),
}

/// See the module documentation.
#[derive(Default)]
pub(crate) struct Session {
    bound: Option<(u64, Role)>,
    /// sequence number -> (delivery, when it was sent)
    in_flight: HashMap<u32, (u64, Instant)>,
    last_sequence: u32,
    delayed: VecDeque<(Instant, Delayed)>,
    /// When the carrier asks for a sign of life next, and the numbers of its open requests.
    probe_at: Option<Instant>,
    probes: HashSet<u32>,
    pub closing: bool,
}

impl Session {
    /// Answers one PDU of the client into `out`.
    pub fn handle(&mut self, state: &mut State, config: &SandboxConfig, command: Command, out: &mut BytesMut) {
        let sequence = command.sequence_number;
        if state.faults.carrier.mute && self.bound.is_some() {
            return;
        }
        match command.pdu() {
            Some(Pdu::BindTransmitter(bind)) => {
                let status =
                    self.bind(state, config, Role::Transmitter, bind.system_id.as_str(), bind.password.as_str());
                let body = BindTransmitterResp::new(system_id(config), Some(InterfaceVersion::Smpp3_4));
                write(out, Command::new(status, sequence, body));
            }
            Some(Pdu::BindReceiver(bind)) => {
                let status = self.bind(state, config, Role::Receiver, bind.system_id.as_str(), bind.password.as_str());
                let body = BindReceiverResp::new(system_id(config), Some(InterfaceVersion::Smpp3_4));
                write(out, Command::new(status, sequence, body));
            }
            Some(Pdu::BindTransceiver(bind)) => {
                let status =
                    self.bind(state, config, Role::Transceiver, bind.system_id.as_str(), bind.password.as_str());
                let body = BindTransceiverResp::new(system_id(config), Some(InterfaceVersion::Smpp3_4));
                write(out, Command::new(status, sequence, body));
            }
            Some(Pdu::SubmitSm(_)) => self.submit(state, command, out),
            Some(Pdu::EnquireLink) => write(out, Command::new(CommandStatus::EsmeRok, sequence, Pdu::EnquireLinkResp)),
            Some(Pdu::Unbind) => {
                write(out, Command::new(CommandStatus::EsmeRok, sequence, Pdu::UnbindResp));
                self.closing = true;
            }
            // Responses may come without a body.
            _ => match command.id() {
                CommandId::DeliverSmResp => self.delivery_answered(state, sequence, command.status),
                CommandId::GenericNack => self.delivery_answered(state, sequence, CommandStatus::EsmeRsyserr),
                CommandId::UnbindResp => self.closing = true,
                CommandId::EnquireLinkResp => {
                    if self.probes.remove(&sequence) {
                        state.network.traffic.enquire_links_answered += 1;
                    }
                }
                _ => nack(out, CommandStatus::EsmeRinvcmdid, sequence),
            },
        }
    }

    fn bind(
        &mut self,
        state: &mut State,
        config: &SandboxConfig,
        role: Role,
        system_id: &str,
        password: &str,
    ) -> CommandStatus {
        state.network.traffic.bind_requests += 1;
        if self.bound.is_some() {
            CommandStatus::EsmeRalybnd
        } else if let Some(code) = state.faults.take_bind_status() {
            CommandStatus::from(code)
        } else if system_id != config.smpp_system_id {
            CommandStatus::EsmeRinvsysid
        } else if password != config.smpp_password {
            CommandStatus::EsmeRinvpaswd
        } else {
            self.bound = Some((state.network.bound(role.name()), role));
            CommandStatus::EsmeRok
        }
    }

    fn submit(&mut self, state: &mut State, command: Command, out: &mut BytesMut) {
        let transmits = matches!(self.bound, Some((_, Role::Transmitter | Role::Transceiver)));
        if !transmits {
            refuse(out, CommandStatus::EsmeRinvbndsts, command.sequence_number);
            return;
        }
        let mut delay = Duration::from_millis(state.faults.smpp_response_delay_ms);
        if state.faults.carrier.shuffle {
            // There is an order only among answers that wait together.
            delay = delay.max(Duration::from_millis(2));
        }
        if delay.is_zero() {
            self.process_submit(state, &command, out);
        } else if state.faults.smpp_receipt_before_response {
            let mut answer = BytesMut::new();
            self.process_submit(state, &command, &mut answer);
            self.delayed.push_back((Instant::now() + delay, Delayed::Answer(answer)));
        } else {
            self.delayed.push_back((Instant::now() + delay, Delayed::Process(Box::new(command))));
        }
        let open = self.delayed.len().max(1);
        state.network.traffic.most_in_flight = state.network.traffic.most_in_flight.max(open);
    }

    fn process_submit(&mut self, state: &mut State, command: &Command, out: &mut BytesMut) {
        let sequence = command.sequence_number;
        let Some(Pdu::SubmitSm(submit)) = command.pdu() else { return };
        let (from, to) = addresses(submit);
        if let Some(code) = state.faults.take_smpp_status() {
            state.record(Fact::SmsRefused { from: from.shown(), to: to.shown(), code });
            refuse(out, CommandStatus::from(code), sequence);
            return;
        }
        match read(submit, from.clone(), to.clone()) {
            Err(status) => {
                state.record(Fact::SmsRefused { from: from.shown(), to: to.shown(), code: u32::from(status) });
                refuse(out, status, sequence);
            }
            Ok(mut sms) => {
                let part = sms.concatenation.map(|concatenation| concatenation.part);
                let whim = state.network.traffic.submit(&mut state.faults.carrier, Instant::now(), part);
                if let Whim::Refuse(code) = whim {
                    state.record(Fact::SmsRefused { from: sms.from.shown(), to: sms.to.shown(), code });
                    refuse(out, CommandStatus::from(code), sequence);
                    return;
                }
                self.closing |= whim == Whim::Cut;
                sms.answered = whim == Whim::None && !take_one(&mut state.faults.smpp_swallow_responses);
                let answered = sms.answered;
                let message_id = state.accept_sms(sms);
                if state.faults.smpp_receipt_before_response {
                    self.pull_deliveries(state, out);
                }
                if answered {
                    let message_id = answered_id(&state.faults.carrier, message_id);
                    let message_id = COctetString::from_string(message_id).unwrap_or_default();
                    write(
                        out,
                        Command::new(CommandStatus::EsmeRok, sequence, SubmitSmResp::new(message_id, Vec::new())),
                    );
                }
            }
        }
    }

    fn delivery_answered(&mut self, state: &mut State, sequence: u32, status: CommandStatus) {
        let Some((delivery, _)) = self.in_flight.remove(&sequence) else { return };
        if status == CommandStatus::EsmeRok {
            state.delivery_acknowledged(delivery);
        } else {
            state.delivery_refused(delivery);
        }
    }

    /// Does what is due now: delayed answers, deliveries whose answer did not come in time, new deliveries.
    pub fn work(&mut self, state: &mut State, response_timeout: Duration, out: &mut BytesMut) {
        let now = Instant::now();
        let due = self.delayed.partition_point(|(due, _)| *due <= now);
        let mut due: Vec<Delayed> = self.delayed.drain(..due).map(|(_, delayed)| delayed).collect();
        if state.faults.carrier.shuffle {
            due.shuffle(&mut state.rng);
        }
        for delayed in due {
            match delayed {
                // A connection that was cut answers nothing more.
                _ if self.closing => {}
                Delayed::Process(command) => self.process_submit(state, &command, out),
                Delayed::Answer(answer) => out.extend_from_slice(&answer),
            }
        }
        self.probe(state, now, out);
        self.in_flight.retain(|_, (delivery, sent)| {
            let waiting = now.duration_since(*sent) < response_timeout;
            if !waiting {
                state.delivery_unanswered(*delivery);
            }
            waiting
        });
        self.pull_deliveries(state, out);
    }

    /// Asks the client for a sign of life when it is time.
    fn probe(&mut self, state: &State, now: Instant, out: &mut BytesMut) {
        let every = Duration::from_millis(state.faults.carrier.enquire_link_ms);
        if every.is_zero() || self.bound.is_none() {
            self.probe_at = None;
            return;
        }
        if self.probe_at.is_none_or(|at| at <= now) {
            self.last_sequence += 1;
            self.probes.insert(self.last_sequence);
            write(out, Command::new(CommandStatus::EsmeRok, self.last_sequence, Pdu::EnquireLink));
            self.probe_at = Some(now + every);
        }
    }

    /// Answers a submit_sm or takes an answer to a receipt without writing anything down. False when `pdu` is neither.
    pub fn handle_fast(&mut self, state: &mut State, pdu: &[u8], out: &mut BytesMut) -> bool {
        let sends = matches!(self.bound, Some((_, Role::Transmitter | Role::Transceiver)));
        match pdu.get(4..8) {
            Some([0, 0, 0, 4]) if sends => {
                let now = state.now();
                let network = &mut state.network;
                let answered = network.fast.answer(pdu, now, &mut network.traffic, &mut self.last_sequence, out);
                state.ledger.count(answered.accepted, answered.receipts, 0);
                true
            }
            Some([0x80, 0, 0, 5]) if self.in_flight.is_empty() => {
                state.ledger.count(0, 0, u64::from(pdu.get(8..12) == Some(&[0; 4])));
                true
            }
            _ => false,
        }
    }

    fn pull_deliveries(&mut self, state: &mut State, out: &mut BytesMut) {
        while self.wants_deliveries() {
            let Some((id, delivery)) = state.take_delivery() else { return };
            self.last_sequence = if self.last_sequence >= 0x7FFF_FFFF { 1 } else { self.last_sequence + 1 };
            self.in_flight.insert(self.last_sequence, (id, Instant::now()));
            write(out, Command::new(CommandStatus::EsmeRok, self.last_sequence, deliver_sm(&delivery)));
        }
    }

    /// When [`Self::work`] has something to do next, as far as the session itself knows.
    pub fn next_work(&self, response_timeout: Duration) -> Option<Instant> {
        let delayed = self.delayed.front().map(|(due, _)| *due);
        let unanswered = self.in_flight.values().map(|(_, sent)| *sent + response_timeout).min();
        [delayed, unanswered, self.probe_at].into_iter().flatten().min()
    }

    /// Bound to receive, and the window has room.
    pub fn wants_deliveries(&self) -> bool {
        self.in_flight.len() < WINDOW && matches!(self.bound, Some((_, Role::Receiver | Role::Transceiver)))
    }

    /// The connection is gone: what was not answered is for the next bind. A submit_sm that was only delayed was never accepted.
    pub fn end(&mut self, state: &mut State) {
        if let Some((bind, _)) = self.bound.take() {
            state.network.binds.remove(&bind);
        }
        for (_, (delivery, _)) in self.in_flight.drain() {
            state.delivery_unanswered(delivery);
        }
    }

    /// Ends the session politely.
    pub fn unbind(&mut self, out: &mut BytesMut) {
        if self.bound.is_some() {
            self.last_sequence += 1;
            write(out, Command::new(CommandStatus::EsmeRok, self.last_sequence, Pdu::Unbind));
        }
    }
}

fn system_id(config: &SandboxConfig) -> COctetString<1, 16> {
    COctetString::from_string(config.smpp_system_id.clone()).unwrap_or_default()
}

fn addresses(submit: &SubmitSm) -> (Address, Address) {
    let address = |ton: Ton, npi: Npi, digits: &str| Address {
        ton: u8::from(ton),
        npi: u8::from(npi),
        digits: digits.to_owned(),
    };
    (
        address(submit.source_addr_ton, submit.source_addr_npi, submit.source_addr.as_str()),
        address(submit.dest_addr_ton, submit.dest_addr_npi, submit.destination_addr.as_str()),
    )
}

/// Checks a submit_sm as a strict carrier does and reads its text.
fn read(submit: &SubmitSm, from: Address, to: Address) -> Result<Submitted, CommandStatus> {
    let number = to.digits.trim_start_matches('+');
    if !(7..=15).contains(&number.len()) || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(CommandStatus::EsmeRinvdstadr);
    }
    if from.digits.is_empty() {
        return Err(CommandStatus::EsmeRinvsrcadr);
    }
    let payload = submit.tlvs().iter().find_map(|tlv| match tlv.value() {
        Some(TlvValue::MessagePayload(payload)) => Some(&payload.value[..]),
        _ => None,
    });
    let octets: &[u8] = payload.unwrap_or(submit.short_message());
    let alphabet = Alphabet::of(u8::from(submit.data_coding));
    let (mut concatenation, header) = if u8::from(submit.esm_class) & 0x40 != 0 {
        split_header(octets).ok_or(CommandStatus::EsmeRinvmsglen)?
    } else {
        (None, 0)
    };
    if payload.is_none() && !alphabet.fits(header, octets.len() - header) {
        return Err(CommandStatus::EsmeRinvmsglen);
    }
    if concatenation.is_none() {
        concatenation = sar(submit);
    }
    Ok(Submitted {
        from,
        to,
        text: alphabet.decode(&octets[header..]),
        concatenation: concatenation.filter(|c| c.parts > 1),
        registered_delivery: u8::from(submit.registered_delivery),
        answered: true,
    })
}

/// Concatenation by the TLVs sar_msg_ref_num, sar_total_segments and sar_segment_seqnum.
fn sar(submit: &SubmitSm) -> Option<Concatenation> {
    let (mut reference, mut parts, mut part) = (None, None, None);
    for tlv in submit.tlvs() {
        match tlv.value() {
            Some(TlvValue::SarMsgRefNum(value)) => reference = Some(*value),
            Some(TlvValue::SarTotalSegments(value)) => parts = Some(*value),
            Some(TlvValue::SarSegmentSeqnum(value)) => part = Some(*value),
            _ => {}
        }
    }
    let concatenation = Concatenation { reference: reference?, parts: parts?, part: part? };
    (concatenation.part >= 1 && concatenation.part <= concatenation.parts).then_some(concatenation)
}

fn deliver_sm(delivery: &Delivery) -> DeliverSm {
    let address = |digits: &str| COctetString::from_string(digits.to_owned()).unwrap_or_default();
    let builder = DeliverSm::builder()
        .source_addr_ton(Ton::from(delivery.from.ton))
        .source_addr_npi(Npi::from(delivery.from.npi))
        .source_addr(address(&delivery.from.digits))
        .dest_addr_ton(Ton::from(delivery.to.ton))
        .dest_addr_npi(Npi::from(delivery.to.npi))
        .destination_addr(address(&delivery.to.digits));
    match &delivery.content {
        Content::Receipt { message_id, state, body } => builder
            .esm_class(EsmClass::from(0x04))
            .short_message(OctetString::from_slice(body.as_bytes()).unwrap_or_default())
            .push_tlv(MessageDeliveryRequestTlvValue::ReceiptedMessageId(address_like(message_id)))
            .push_tlv(MessageDeliveryRequestTlvValue::MessageState(MessageState::from(state_code(state))))
            .build(),
        Content::Inbound { data_coding, has_header, octets } => builder
            .esm_class(EsmClass::from(if *has_header { 0x40 } else { 0x00 }))
            .data_coding(DataCoding::from(*data_coding))
            .short_message(OctetString::from_slice(octets).unwrap_or_default())
            .build(),
    }
}

fn address_like(text: &str) -> COctetString<1, 65> {
    COctetString::from_string(text.to_owned()).unwrap_or_default()
}

fn write(out: &mut BytesMut, command: Command) {
    // Encoding into memory has no failure but I/O, which there is none of.
    let _ = CommandCodec::new().encode(command, out);
}

/// A negative submit_sm_resp has no body (SMPP 3.4 section 4.4.2).
fn refuse(out: &mut BytesMut, status: CommandStatus, sequence: u32) {
    header(out, u32::from(CommandId::SubmitSmResp), status, sequence);
}

/// generic_nack: the PDU was not understood.
pub(crate) fn nack(out: &mut BytesMut, status: CommandStatus, sequence: u32) {
    header(out, u32::from(CommandId::GenericNack), status, sequence);
}

fn header(out: &mut BytesMut, id: u32, status: CommandStatus, sequence: u32) {
    out.put_u32(16);
    out.put_u32(id);
    out.put_u32(u32::from(status));
    out.put_u32(sequence);
}
