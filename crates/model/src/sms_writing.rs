//! How an SMS account writes its texts, as far as it decides how many segments a text takes.

crate::text_enum! {
    /// What texts of the GSM alphabet are written in.
    pub enum SmsAlphabet {
        /// One septet in each octet: what nearly every carrier means by data coding 0.
        Gsm = "gsm",
        /// Eight septets in seven octets.
        GsmPacked = "gsm_packed",
        /// ISO-8859-1. Texts with characters it lacks go out as UCS-2.
        Latin1 = "latin1",
        /// UCS-2 for every text.
        Ucs2 = "ucs2",
    }
}

crate::text_enum! {
    /// How a text of several segments goes out.
    pub enum LongSms {
        /// Cut here, each part with a header that has an 8-bit reference: what every network understands.
        Header8 = "header8",
        /// The same with a 16-bit reference, for senders that write long messages to one number often.
        Header16 = "header16",
        /// Cut here, told by the optional fields `sar_*`; the carrier writes the headers.
        Sar = "sar",
        /// In one piece in `message_payload`; the carrier cuts it.
        Payload = "payload",
    }
}

/// Both of one account. What it is by default suits most carriers, and services that are no SMPP account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmsWriting {
    pub alphabet: SmsAlphabet,
    pub long_messages: LongSms,
}

impl Default for SmsWriting {
    fn default() -> Self {
        Self { alphabet: SmsAlphabet::Gsm, long_messages: LongSms::Header8 }
    }
}

impl SmsWriting {
    /// How many messages are submitted for a text of so many segments: one for each, or a single one that the carrier cuts.
    #[must_use]
    pub const fn parts(self, segments: usize) -> usize {
        match self.long_messages {
            LongSms::Payload => 1,
            LongSms::Header8 | LongSms::Header16 | LongSms::Sar => segments,
        }
    }
}
