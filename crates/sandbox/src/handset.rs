//! Handsets: the phones of the customers, with their texts and their chat with the business.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// One phone. `id` is the digits of its number.
#[derive(Clone, Debug)]
pub(crate) struct Handset {
    pub id: String,
    pub phone: String,
    pub name: String,
    pub username: Option<String>,
    /// Business-scoped user id, stable for (seed, phone).
    pub bsuid: String,
    /// False: webhooks name the user by the business-scoped id alone.
    pub shares_phone: bool,
    pub online: bool,
    pub read_receipts: bool,
    /// The customer has blocked the business in the chat app.
    pub blocked: bool,
    /// The business has blocked the customer: messages stay with one tick, and sends are refused with 130403.
    pub blocked_by_business: bool,
    /// False: sends fail with 131026.
    pub on_whatsapp: bool,
    /// The customer has stopped marketing messages in the chat app: sends fail with 131050.
    pub marketing_stopped: bool,
    pub sms: Vec<Sms>,
    pub sms_unread: u32,
    /// Texts of the carrier that wait until the phone is online.
    pub sms_waiting: Vec<WaitingSms>,
    pub chat: Chat,
}

/// Incoming or outgoing, as the holder of the handset sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    In,
    Out,
}

/// A text on the handset.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sms {
    pub id: String,
    pub direction: Direction,
    pub from: String,
    pub to: String,
    pub text: String,
    /// Its pictures and files, where it is an MMS.
    pub media: Vec<MediaView>,
    pub at: i64,
    pub links: Vec<String>,
    /// `DELIVRD` for texts that arrived; for written ones `sent`, then `acked`.
    pub receipt_state: String,
}

/// A part the carrier has accepted for a handset that is offline.
#[derive(Clone, Debug)]
pub(crate) struct WaitingSms {
    pub message_id: String,
    pub from: String,
    pub text: String,
    pub media: Vec<MediaView>,
    pub part: u8,
    pub parts: u8,
    pub group: Option<String>,
    pub receipt: Option<crate::sms::network::ReceiptOrder>,
    /// Where the Twilio face reports what becomes of it.
    pub callback: Option<crate::twilio::CallbackOrder>,
}

/// The conversation with the business in the chat app.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chat {
    pub messages: Vec<ChatMessage>,
    pub unread: u32,
    /// Epoch milliseconds of the newest message from the customer: opens the service window.
    pub last_inbound_at: Option<i64>,
    /// When the customer last wrote from an advertisement.
    pub referred_at: Option<i64>,
    /// Until when everything to the customer is free of charge: 72 hours from the answer to that.
    pub free_entry_until: Option<i64>,
    /// Until when the typing dots are shown.
    pub typing_until: i64,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    Sent,
    Delivered,
    Read,
    /// A voice message was listened to.
    Played,
    Failed,
}

/// A message of the chat, as the handset shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ChatMessage {
    pub id: String,
    pub direction: Direction,
    #[serde(rename = "type")]
    pub kind: String,
    pub text: String,
    pub header: Option<String>,
    pub footer: Option<String>,
    pub buttons: Vec<Button>,
    /// Label that opens the list picker.
    pub list_button: Option<String>,
    pub sections: Vec<Section>,
    /// The form that a button opens.
    pub form: Option<crate::graph::forms::Offered>,
    pub template: Option<TemplateName>,
    /// Cards below the text, to swipe through.
    pub cards: Vec<ChatCard>,
    /// What is offered for a time.
    pub offer: Option<Offer>,
    pub media: Option<MediaView>,
    pub status: Option<Progress>,
    pub at: i64,
    pub context_id: Option<String>,
    /// What its bubble says above the text.
    pub mark: Option<Mark>,
    #[serde(skip)]
    pub outbound: Option<Outbound>,
}

/// What the customer did with a message beside writing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mark {
    Forwarded,
    Edited,
    /// Its text and file are gone.
    Deleted,
}

/// What the platform remembers of a message of the business.
#[derive(Clone, Debug)]
pub(crate) struct Outbound {
    /// Addressed by phone number (`to`) rather than by user id (`recipient`).
    pub by_phone: bool,
    pub opaque: Option<String>,
    pub pricing: Value,
    /// End of the free entry point it was sent in, epoch milliseconds.
    pub free_entry_until: Option<i64>,
    pub reached_handset: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Button {
    pub id: String,
    pub title: String,
    /// `reply`, `quick_reply`, `url`, `phone`, `copy`, or what is asked for: `share_number`, `share_place`.
    pub kind: &'static str,
    pub url: Option<String>,
}

/// A card of a carousel.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ChatCard {
    pub text: String,
    pub media: MediaView,
    pub buttons: Vec<Button>,
}

/// An offer for a time.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Offer {
    pub text: String,
    /// Epoch milliseconds.
    pub ends_at: Option<i64>,
    /// What its button copies.
    pub code: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Section {
    pub title: String,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub id: String,
    pub title: String,
    pub description: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct TemplateName {
    pub name: String,
    pub language: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct MediaView {
    pub id: String,
    pub mime: String,
    pub caption: Option<String>,
    pub filename: Option<String>,
    /// Shown as a voice message.
    pub voice: bool,
}

/// What the API and the page show of a handset.
#[derive(Serialize)]
pub(crate) struct HandsetView<'a> {
    id: &'a str,
    phone: &'a str,
    name: &'a str,
    username: Option<&'a str>,
    bsuid: &'a str,
    shares_phone: bool,
    online: bool,
    read_receipts: bool,
    blocked: bool,
    blocked_by_business: bool,
    on_whatsapp: bool,
    marketing_stopped: bool,
    sms_unread: u32,
    chat_unread: u32,
    /// Epoch milliseconds of the newest text or chat message.
    active_at: Option<i64>,
}

impl Handset {
    /// A new phone, online and with read receipts.
    pub fn new(seed: u64, digits: &str) -> Self {
        Self {
            id: digits.to_owned(),
            phone: format!("+{digits}"),
            name: default_name(seed, digits),
            username: None,
            bsuid: business_scoped_id(seed, digits),
            shares_phone: true,
            online: true,
            read_receipts: true,
            blocked: false,
            blocked_by_business: false,
            on_whatsapp: true,
            marketing_stopped: false,
            sms: Vec::new(),
            sms_unread: 0,
            sms_waiting: Vec::new(),
            chat: Chat::default(),
        }
    }

    pub fn view(&self) -> HandsetView<'_> {
        HandsetView {
            id: &self.id,
            phone: &self.phone,
            name: &self.name,
            username: self.username.as_deref(),
            bsuid: &self.bsuid,
            shares_phone: self.shares_phone,
            online: self.online,
            read_receipts: self.read_receipts,
            blocked: self.blocked,
            blocked_by_business: self.blocked_by_business,
            on_whatsapp: self.on_whatsapp,
            marketing_stopped: self.marketing_stopped,
            sms_unread: self.sms_unread,
            chat_unread: self.chat.unread,
            active_at: self.active_at(),
        }
    }

    /// Whether the customer wrote this message.
    pub fn wrote(&self, wamid: &str) -> bool {
        self.chat.messages.iter().any(|message| message.id == wamid && message.direction == Direction::Out)
    }

    /// When the newest text or message came or went.
    pub fn active_at(&self) -> Option<i64> {
        let message = self.chat.messages.last().map(|message| message.at);
        self.sms.last().map(|sms| sms.at).max(message)
    }

    /// A user who hides the number is known by a user name.
    pub fn hide_phone(&mut self) {
        self.shares_phone = false;
        if self.username.is_none() {
            let base: String = self.name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
            let tail = &self.id[self.id.len().saturating_sub(3)..];
            self.username = Some(format!("{}.{tail}", if base.is_empty() { "user" } else { &base }));
        }
    }
}

impl Chat {
    /// Messages as the handset shows them: what is still on its way to the phone, or failed, is not there.
    pub fn visible(&self) -> impl Iterator<Item = &ChatMessage> {
        self.messages.iter().filter(|message| message.outbound.as_ref().is_none_or(|outbound| outbound.reached_handset))
    }

    pub fn find_mut(&mut self, wamid: &str) -> Option<&mut ChatMessage> {
        self.messages.iter_mut().rev().find(|message| message.id == wamid)
    }
}

/// `CC.` and twenty digits that depend on the seed and the number only.
pub(crate) fn business_scoped_id(seed: u64, digits: &str) -> String {
    let hash = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(digits).finalize();
    let mut number = u128::from_be_bytes(hash[..16].try_into().unwrap_or_default());
    let mut tail = String::with_capacity(20);
    for _ in 0..20 {
        tail.push(char::from(b'0' + u8::try_from(number % 10).unwrap_or_default()));
        number /= 10;
    }
    format!("{}.{tail}", country(digits))
}

/// Country of the user id, by calling code. Unknown codes get `US`: only the form of the id matters.
fn country(digits: &str) -> &'static str {
    const CODES: [(&str, &str); 24] = [
        ("351", "PT"),
        ("353", "IE"),
        ("358", "FI"),
        ("380", "UA"),
        ("971", "AE"),
        ("234", "NG"),
        ("254", "KE"),
        ("20", "EG"),
        ("27", "ZA"),
        ("31", "NL"),
        ("33", "FR"),
        ("34", "ES"),
        ("39", "IT"),
        ("41", "CH"),
        ("43", "AT"),
        ("44", "GB"),
        ("49", "DE"),
        ("52", "MX"),
        ("54", "AR"),
        ("55", "BR"),
        ("61", "AU"),
        ("62", "ID"),
        ("91", "IN"),
        ("81", "JP"),
    ];
    let found = CODES.iter().find(|(code, _)| digits.starts_with(code));
    found.map_or("US", |(_, country)| country)
}

fn default_name(seed: u64, digits: &str) -> String {
    const NAMES: [&str; 24] = [
        "Ada Novak",
        "Ben Okafor",
        "Chloe Martin",
        "Daniel Kim",
        "Elena Rossi",
        "Farid Haddad",
        "Grace Liu",
        "Hugo Silva",
        "Ines Moreau",
        "Jonas Weber",
        "Kavya Rao",
        "Liam Murphy",
        "Maya Cohen",
        "Noah Fischer",
        "Olga Petrova",
        "Pedro Alves",
        "Quinn Harper",
        "Rosa Jimenez",
        "Samir Khan",
        "Tara Singh",
        "Umar Diallo",
        "Vera Lindt",
        "Wendy Zhou",
        "Yusuf Demir",
    ];
    let hash = Sha256::new().chain_update(b"name").chain_update(seed.to_be_bytes()).chain_update(digits).finalize();
    NAMES[usize::from(hash[0]) % NAMES.len()].to_owned()
}

/// The tappable links of a text, in order: `http(s)://...`, and bare `wa.me/...`.
pub(crate) fn links(text: &str) -> Vec<String> {
    text.split_whitespace()
        .filter_map(|word| {
            let lower = word.to_ascii_lowercase();
            let start = ["https://", "http://", "wa.me/"].iter().filter_map(|scheme| lower.find(scheme)).min()?;
            let link = without_punctuation(&word[start..]);
            Some(if link.to_ascii_lowercase().starts_with("wa.me/") {
                format!("https://{link}")
            } else {
                link.to_owned()
            })
        })
        .collect()
}

/// A link ends before the punctuation of the sentence; a closing bracket stays when it was opened in the link.
fn without_punctuation(mut link: &str) -> &str {
    while let Some(shorter) = link.strip_suffix(|c: char| ".,;:!?)]}>'\"".contains(c)) {
        if link.ends_with(')') && link.contains('(') {
            break;
        }
        link = shorter;
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_end_before_the_punctuation_of_the_sentence() {
        assert_eq!(
            links("Chat: https://x.test/Ab1_-z. Or (http://y.test/?a=1&b=2), wa.me/15550783881?text=Hi!"),
            ["https://x.test/Ab1_-z", "http://y.test/?a=1&b=2", "https://wa.me/15550783881?text=Hi"]
        );
        assert_eq!(
            links("see http://x.test/?text=(ref%20K7Q). (http://y.test)"),
            ["http://x.test/?text=(ref%20K7Q)", "http://y.test"]
        );
        assert!(links("no link here").is_empty());
    }

    #[test]
    fn user_ids_have_the_documented_form_and_depend_on_the_number() {
        let one = business_scoped_id(1, "491701234567");
        assert!(one.starts_with("DE.") && one.len() == 23 && one[3..].bytes().all(|b| b.is_ascii_digit()));
        assert_eq!(one, business_scoped_id(1, "491701234567"));
        assert_ne!(one, business_scoped_id(1, "491701234568"));
    }
}
