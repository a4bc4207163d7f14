//! Texts as senders with a plain alphabet take them.
//!
//! What could be replaced was replaced when a text was written. This is for what was written before its sender was set so,
//! and for what moves to another sender. Nothing is recorded here.

use std::borrow::Cow;

use segue_channels::text::{Encoding, segment, smart_encode};
use segue_model::sender::SenderAlphabet;

/// A text as a sender with this alphabet sends it; `None` when it cannot.
pub(crate) fn written_in(text: &str, alphabet: SenderAlphabet) -> Option<Cow<'_, str>> {
    if alphabet == SenderAlphabet::Any || segment(text).encoding == Encoding::Gsm7 {
        return Some(Cow::Borrowed(text));
    }
    match alphabet {
        SenderAlphabet::GsmReplace => smart_encode(text).map(|(plain, _)| Cow::Owned(plain)),
        SenderAlphabet::Any | SenderAlphabet::GsmRefuse => None,
    }
}
