//! SMS text: which alphabet it needs, how many segments it costs, and the octets of each segment.
//!
//! Rules: 3GPP TS 23.038 (alphabets) and 23.040 (concatenation). A segment carries 140 octets. Alone that is 160
//! septets of the GSM 7-bit alphabet or 70 UTF-16 units; with the 6-octet concatenation header 153 or 67, with the
//! 7-octet header (16-bit reference) 152 or 66. An escape pair (`€` and nine others) and a surrogate pair (most
//! emoji) are never split between two segments.

pub mod account;
pub mod alphabet;
pub mod charset;
pub mod concatenation;
pub mod gsm;
pub mod segmentation;
pub mod smart;

pub use account::{reference_width, segment_on, segments_on};
pub use alphabet::written_in;
pub use charset::{Charset, decode, decode_lossy, is_plain};
pub use concatenation::{Concatenation, ReceivedPart, assemble, split_header};
pub use segmentation::{Encoding, Part, ReferenceWidth, Segmentation, segment, segment_as, segment_with};
pub use smart::{Replacement, counterpart, smart_encode};
