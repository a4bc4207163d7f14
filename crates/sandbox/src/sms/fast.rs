//! The carrier under load: it answers each submit_sm with an id and at once with a receipt, and keeps nothing but counts, so
//! that it costs the machine next to nothing beside what it is there to measure.

use super::carrier::Traffic;
use super::receipt;
use bytes::{BufMut, BytesMut};

/// Octets of a PDU header.
const HEADER: usize = 16;

/// Ids and dates of this mode.
#[derive(Debug, Default)]
pub(crate) struct Fast {
    next_id: u64,
    /// The minute the dates were written for, and they.
    dates: Option<(i64, String)>,
}

/// The fields of a submit_sm that matter here.
struct Submit<'a> {
    source: &'a [u8],
    destination: &'a [u8],
    registered_delivery: u8,
}

/// Reads the mandatory fields, which stand in a fixed order. `None` when the body is cut short.
fn read(body: &[u8]) -> Option<Submit<'_>> {
    let mut rest = body;
    let mut text = |skip: usize| {
        rest = rest.get(skip..)?;
        let end = rest.iter().position(|octet| *octet == 0)?;
        let (text, after) = rest.split_at(end);
        rest = after.get(1..)?;
        Some(text)
    };
    let _service_type = text(0)?;
    let (source, destination) = (text(2)?, text(2)?);
    // After esm_class, protocol_id and priority_flag.
    let _schedule = text(3)?;
    let _validity = text(0)?;
    let registered_delivery = *rest.first()?;
    Some(Submit { source, destination, registered_delivery })
}

/// How many of what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answered {
    pub accepted: u64,
    pub receipts: u64,
}

impl Fast {
    /// Answers a submit_sm, given whole, into `out`; `last_sequence` counts our own requests.
    pub fn answer(
        &mut self,
        pdu: &[u8],
        now: i64,
        traffic: &mut Traffic,
        last_sequence: &mut u32,
        out: &mut BytesMut,
    ) -> Answered {
        let sequence = pdu.get(12..HEADER).and_then(|octets| octets.try_into().ok()).map_or(0, u32::from_be_bytes);
        let Some(submit) = pdu.get(HEADER..).and_then(read) else {
            // ESME_RINVMSGLEN.
            header(out, HEADER, 0x8000_0004, 1, sequence);
            return Answered::default();
        };
        self.next_id += 1;
        traffic.submits += 1;
        traffic.accepted(submit.destination);
        let mut id = [b'0'; 12];
        let mut rest = self.next_id;
        for digit in id.iter_mut().rev() {
            *digit += u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        header(out, HEADER + id.len() + 1, 0x8000_0004, 0, sequence);
        out.put_slice(&id);
        out.put_u8(0);
        if submit.registered_delivery & 0b11 != 1 {
            return Answered { accepted: 1, receipts: 0 };
        }
        *last_sequence = if *last_sequence >= 0x7FFF_FFFF { 1 } else { *last_sequence + 1 };
        self.receipt(&submit, &id, now, *last_sequence, out);
        Answered { accepted: 1, receipts: 1 }
    }

    fn receipt(&mut self, submit: &Submit<'_>, id: &[u8], now: i64, sequence: u32, out: &mut BytesMut) {
        let minute = now.div_euclid(60_000);
        if self.dates.as_ref().is_none_or(|(of, _)| *of != minute) {
            let at = receipt::minute(now);
            let text = format!(" sub:001 dlvrd:001 submit date:{at} done date:{at} stat:DELIVRD err:000 text:");
            self.dates = Some((minute, text));
        }
        let text = self.dates.as_ref().map_or(&[][..], |(_, text)| text.as_bytes());
        let length = 3 + id.len() + text.len();
        let body = 1 + 2 + submit.destination.len() + 1 + 2 + submit.source.len() + 1 + 10 + length;
        header(out, HEADER + body, 0x05, 0, sequence);
        out.put_u8(0);
        for address in [submit.destination, submit.source] {
            out.put_slice(&[1, 1]);
            out.put_slice(address);
            out.put_u8(0);
        }
        // esm_class 4 marks a receipt; the rest up to the length is empty.
        out.put_slice(&[4, 0, 0, 0, 0, 0, 0, 0, 0]);
        out.put_u8(u8::try_from(length).unwrap_or(u8::MAX));
        out.put_slice(b"id:");
        out.put_slice(id);
        out.put_slice(text);
    }
}

fn header(out: &mut BytesMut, length: usize, command_id: u32, status: u32, sequence: u32) {
    out.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    out.put_u32(command_id);
    out.put_u32(status);
    out.put_u32(sequence);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusmpp::pdus::SubmitSm;
    use rusmpp::tokio_codec::CommandCodec;
    use rusmpp::types::{COctetString, OctetString};
    use rusmpp::values::RegisteredDelivery;
    use rusmpp::{Command, CommandStatus, Pdu};
    use tokio_util::codec::{Decoder, Encoder};

    fn submit(number: u32) -> BytesMut {
        let pdu = SubmitSm::builder()
            .source_addr(COctetString::from_string("34567".to_owned()).unwrap())
            .destination_addr(COctetString::from_string(format!("1555{number:07}")).unwrap())
            .registered_delivery(RegisteredDelivery::from(1))
            .short_message(OctetString::from_slice(b"Hello").unwrap())
            .build();
        let mut octets = BytesMut::new();
        CommandCodec::new().encode(Command::new(CommandStatus::EsmeRok, number, pdu), &mut octets).unwrap();
        octets
    }

    #[test]
    fn what_it_writes_is_what_a_library_reads() {
        let (mut fast, mut traffic, mut sequence, mut out) = (Fast::default(), Traffic::default(), 0, BytesMut::new());
        let answered = fast.answer(&submit(9), 0, &mut traffic, &mut sequence, &mut out);
        assert_eq!(answered, Answered { accepted: 1, receipts: 1 });
        let answer = CommandCodec::new().decode(&mut out).unwrap().unwrap();
        assert_eq!(answer.sequence_number(), 9);
        let Some(Pdu::SubmitSmResp(body)) = answer.pdu() else { panic!("{answer:?}") };
        assert_eq!(body.message_id().as_str(), "000000000001");
        let receipt = CommandCodec::new().decode(&mut out).unwrap().unwrap();
        let Some(Pdu::DeliverSm(deliver)) = receipt.pdu() else { panic!("{receipt:?}") };
        assert_eq!(u8::from(deliver.esm_class), 4);
        assert_eq!((deliver.source_addr.as_str(), deliver.destination_addr.as_str()), ("15550000009", "34567"));
        let text = String::from_utf8_lossy(deliver.short_message()).into_owned();
        assert!(text.starts_with("id:000000000001 sub:001 dlvrd:001 submit date:7001010000 "), "{text}");
        assert!(out.is_empty());
        // Without a body it is refused and counts for nothing.
        assert_eq!(fast.answer(&submit(9)[..16], 0, &mut traffic, &mut sequence, &mut out), Answered::default());
        assert_eq!(traffic.by_recipient.len(), 1);
    }

    #[test]
    fn a_message_costs_little() {
        let (mut fast, mut traffic, mut sequence, mut out) = (Fast::default(), Traffic::default(), 0, BytesMut::new());
        let pdus: Vec<BytesMut> = (0..1_000).map(submit).collect();
        let start = std::time::Instant::now();
        for pdu in pdus.iter().cycle().take(100_000) {
            fast.answer(pdu, 0, &mut traffic, &mut sequence, &mut out);
            out.clear();
        }
        let took = start.elapsed();
        println!("{:.2} us each", took.as_secs_f64() * 1e6 / 100_000.0);
        // Without optimisation and beside other tests; a seventh of it with optimisation.
        assert!(took.as_secs_f64() < 5.0, "{took:?}");
    }
}
