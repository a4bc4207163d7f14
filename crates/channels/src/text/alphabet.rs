//! Texts as senders with a plain alphabet take them: when a text is written, and again when it leaves or moves to another
//! sender, since the sender may have been set so meanwhile.

use std::borrow::Cow;

use segue_model::sender::SenderAlphabet;

use super::{Encoding, segment, smart_encode};

/// A text as a sender with this alphabet sends it; `None` when it cannot.
#[must_use]
pub fn written_in(text: &str, alphabet: SenderAlphabet) -> Option<Cow<'_, str>> {
    if alphabet == SenderAlphabet::Any || segment(text).encoding == Encoding::Gsm7 {
        return Some(Cow::Borrowed(text));
    }
    match alphabet {
        SenderAlphabet::GsmReplace => smart_encode(text).map(|(plain, _)| Cow::Owned(plain)),
        SenderAlphabet::Any | SenderAlphabet::GsmRefuse => None,
    }
}
