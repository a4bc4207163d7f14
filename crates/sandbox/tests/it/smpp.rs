//! An SMPP client with the rusmpp codec.

use futures::{SinkExt, StreamExt};
use rusmpp::pdus::{BindReceiver, BindTransceiver, BindTransmitter, DeliverSm, DeliverSmResp, SubmitSm};
use rusmpp::tlvs::TlvValue;
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::{COctetString, OctetString};
use rusmpp::values::{DataCoding, EsmClass, InterfaceVersion, Npi, RegisteredDelivery, Ton};
use rusmpp::{Command, CommandId, CommandStatus, Pdu};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_util::codec::Framed;

pub struct Client {
    framed: Framed<TcpStream, CommandCodec>,
    sequence: u32,
    /// Read while something else was waited for.
    parked: VecDeque<Command>,
}

pub enum Role {
    Transmitter,
    Receiver,
    Transceiver,
}

fn c<const N: usize>(text: &str) -> COctetString<1, N> {
    COctetString::from_string(text.to_owned()).expect("octets")
}

impl Client {
    pub async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.expect("connection");
        Self { framed: Framed::new(stream, CommandCodec::new()), sequence: 0, parked: VecDeque::new() }
    }

    pub async fn bound(addr: SocketAddr, role: Role) -> Self {
        let mut client = Self::connect(addr).await;
        assert_eq!(client.bind(role, "segue", "sandbox").await, CommandStatus::EsmeRok);
        client
    }

    pub async fn bind(&mut self, role: Role, system_id: &str, password: &str) -> CommandStatus {
        macro_rules! pdu {
            ($bind:ident) => {
                Pdu::from(
                    $bind::builder()
                        .system_id(c(system_id))
                        .password(c(password))
                        .interface_version(InterfaceVersion::Smpp3_4)
                        .build(),
                )
            };
        }
        let pdu = match role {
            Role::Transmitter => pdu!(BindTransmitter),
            Role::Receiver => pdu!(BindReceiver),
            Role::Transceiver => pdu!(BindTransceiver),
        };
        let sequence = self.write(pdu).await;
        self.answer_to(sequence).await.status
    }

    pub async fn write(&mut self, pdu: impl Into<Pdu>) -> u32 {
        self.sequence += 1;
        let command = Command::new(CommandStatus::EsmeRok, self.sequence, pdu);
        self.framed.send(command).await.expect("written");
        self.sequence
    }

    pub async fn read(&mut self) -> Command {
        if let Some(command) = self.parked.pop_front() {
            return command;
        }
        self.read_new().await
    }

    async fn read_new(&mut self) -> Command {
        let next = tokio::time::timeout(Duration::from_secs(10), self.framed.next());
        next.await.expect("a PDU in time").expect("open").expect("a valid PDU")
    }

    /// The next PDU, if one comes within the time.
    pub async fn read_within(&mut self, time: Duration) -> Option<Command> {
        if let Some(command) = self.parked.pop_front() {
            return Some(command);
        }
        tokio::time::timeout(time, self.framed.next()).await.ok()?.and_then(Result::ok)
    }

    pub async fn answer_to(&mut self, sequence: u32) -> Command {
        loop {
            let command = self.read_new().await;
            if u32::from(command.id()) & 0x8000_0000 != 0 && command.sequence_number == sequence {
                return command;
            }
            self.parked.push_back(command);
        }
    }

    /// Submits and returns the message id.
    pub async fn submit(&mut self, submit: SubmitSm) -> Result<String, CommandStatus> {
        let sequence = self.write(submit).await;
        let answer = self.answer_to(sequence).await;
        match answer.pdu() {
            Some(Pdu::SubmitSmResp(body)) if answer.status == CommandStatus::EsmeRok => {
                Ok(body.message_id().as_str().to_owned())
            }
            _ => Err(answer.status),
        }
    }

    /// The next deliver_sm, not answered yet.
    pub async fn delivery(&mut self) -> (u32, DeliverSm) {
        loop {
            let command = self.read().await;
            if let Some(Pdu::DeliverSm(deliver)) = command.pdu() {
                return (command.sequence_number, deliver.clone());
            }
        }
    }

    pub async fn answer_delivery(&mut self, sequence: u32, status: CommandStatus) {
        let command = Command::new(status, sequence, DeliverSmResp::default());
        self.framed.send(command).await.expect("written");
    }

    pub async fn request(&mut self, pdu: Pdu) -> (CommandId, CommandStatus) {
        let sequence = self.write(pdu).await;
        let answer = self.answer_to(sequence).await;
        (answer.id(), answer.status)
    }
}

/// A text to a number, with a receipt wanted.
pub fn text(to: &str, text: &str) -> SubmitSm {
    octets(to, 0, 0, text.as_bytes())
}

pub fn octets(to: &str, data_coding: u8, esm_class: u8, message: &[u8]) -> SubmitSm {
    SubmitSm::builder()
        .source_addr_ton(Ton::Alphanumeric)
        .source_addr_npi(Npi::Unknown)
        .source_addr(c("ACME"))
        .dest_addr_ton(Ton::International)
        .dest_addr_npi(Npi::Isdn)
        .destination_addr(c(to))
        .esm_class(EsmClass::from(esm_class))
        .registered_delivery(RegisteredDelivery::from(1))
        .data_coding(DataCoding::from(data_coding))
        .short_message(OctetString::from_slice(message).expect("length"))
        .build()
}

/// Text, receipted_message_id and message_state of a receipt.
pub fn receipt(deliver: &DeliverSm) -> (String, Option<String>, Option<u8>) {
    assert_eq!(u8::from(deliver.esm_class), 0x04, "a receipt");
    let text = String::from_utf8(deliver.short_message().to_vec()).expect("ascii");
    let find =
        |pick: fn(&TlvValue) -> Option<String>| deliver.tlvs().iter().filter_map(|tlv| tlv.value()).find_map(pick);
    let id = find(|value| match value {
        TlvValue::ReceiptedMessageId(id) => Some(id.as_str().to_owned()),
        _ => None,
    });
    let state = find(|value| match value {
        TlvValue::MessageState(state) => Some(u8::from(*state).to_string()),
        _ => None,
    });
    (text, id, state.and_then(|state| state.parse().ok()))
}
