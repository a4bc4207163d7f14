//! Writes PDUs. The few we send have a fixed layout (SMPP 3.4, 4), and a carrier's account may want octets in them that no
//! typed form knows, so they are written directly.

use super::frame::{HEADER, command};

/// Writes a PDU with this body.
pub(super) fn pdu(out: &mut Vec<u8>, command_id: u32, status: u32, sequence: u32, body: &[u8]) {
    let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
    for word in [length, command_id, status, sequence] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(body);
}

/// Begins a submit_sm whose length and sequence number are not known yet; returns where it begins.
pub(super) fn begin_submit(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    pdu(out, command::SUBMIT_SM, 0, 0, &[]);
    start
}

/// Ends the PDU that begins at `start`.
pub(super) fn end_pdu(out: &mut [u8], start: usize) {
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// Copies a finished PDU, giving it its sequence number.
pub(super) fn copy_with_sequence(out: &mut Vec<u8>, pdu: &[u8], sequence: u32) {
    let (before, after) = pdu.split_at(12);
    out.extend_from_slice(before);
    out.extend_from_slice(&sequence.to_be_bytes());
    out.extend_from_slice(&after[4..]);
}

/// An optional field.
pub(super) fn optional(out: &mut Vec<u8>, tag: u16, value: &[u8]) {
    out.extend_from_slice(&tag.to_be_bytes());
    out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(value);
}

/// A text that ends with a NUL. A NUL inside it would shift every field after it, so it is left out.
pub(super) fn c_string(out: &mut Vec<u8>, text: &str) {
    out.extend(text.bytes().filter(|octet| *octet != 0));
    out.push(0);
}
