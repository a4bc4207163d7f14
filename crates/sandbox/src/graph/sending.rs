//! Accepting a send: window, stops and reachability, then the message on the handset and its statuses.

use super::error::GraphError;
use super::outgoing::{Outgoing, Target};
use super::statuses::WindowState;
use crate::area::takes_no_marketing;
use crate::faults::{HeldEnd, LastStatus, take_one};
use crate::handset::{ChatCard, ChatMessage, Direction, MediaView, Outbound, Progress};
use crate::ledger::Fact;
use crate::state::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// How long free text may follow the last message of the customer.
pub(crate) const WINDOW_MS: i64 = 24 * 3_600_000;

/// An accepted send.
pub(crate) struct Accepted {
    pub wamid: String,
    /// Digits for a send to a number, user id otherwise.
    pub contact: Contact,
    /// Its status webhooks so far.
    pub webhooks: Vec<u64>,
    pub answer: Answer,
    /// Held for quality assessment: on no handset yet.
    pub held: bool,
}

/// The `contacts[0]` of the answer.
pub(crate) enum Contact {
    Number(String),
    User(String),
}

/// What becomes of the HTTP answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Given,
    AfterStatuses,
    Hangs,
    ServerError,
}

/// The media of a send after a link was fetched.
pub(crate) enum Media {
    None,
    Stored(MediaView),
    /// The link gave nothing usable: the message fails later.
    Unavailable,
}

impl State {
    /// The window of a chat now.
    pub fn window(&self, handset_id: &str) -> WindowState {
        let last = self.handsets.get(handset_id).and_then(|handset| handset.chat.last_inbound_at);
        match last {
            Some(at) if self.now() - at < WINDOW_MS => WindowState::Open,
            _ => WindowState::Closed,
        }
    }

    /// Accepts a checked send, or refuses it. `cards` are those of a carousel with their media.
    pub fn send(&mut self, outgoing: &Outgoing, media: Media, cards: Vec<ChatCard>) -> Result<Accepted, GraphError> {
        let ends_at = outgoing.shown.offer.as_ref().and_then(|offer| offer.ends_at);
        if ends_at.is_some_and(|ends_at| ends_at <= self.now()) {
            return Err(GraphError::new(
                131009,
                "Parameter value is not valid: expiration_time_ms must be in the future.",
            ));
        }
        let handset_id = match &outgoing.target {
            Target::Phone(number) if *number == self.config.business_digits() => return Err(GraphError::plain(131021)),
            Target::Phone(number) => {
                let known = self.other_writing(number).unwrap_or_else(|| number.clone());
                Some(self.handset_or_new(&known).id.clone())
            }
            Target::User(user) => {
                let handset = self.handset_by_bsuid(user);
                let unknown = || GraphError::new(131009, "Parameter value is not valid: 'recipient' is not known.");
                Some(handset.ok_or_else(unknown)?.id.clone())
            }
            Target::Misplaced => None,
        };
        let is_blocked = |id: &String| self.handsets.get(id).is_some_and(|handset| handset.blocked_by_business);
        if handset_id.as_ref().is_some_and(is_blocked) {
            return Err(GraphError::plain(130_403));
        }
        if matches!(outgoing.target, Target::User(_)) && outgoing.shown.category.as_deref() == Some("AUTHENTICATION") {
            return Err(GraphError::plain(131_062));
        }
        let window = handset_id.as_ref().map_or(WindowState::Closed, |id| self.window(id));
        let is_template = outgoing.shown.template.is_some();
        let out_of_window = handset_id.is_some() && !is_template && window == WindowState::Closed;
        if out_of_window && self.faults.window_closed_at_once {
            return Err(GraphError::plain(131047));
        }
        self.take_of_limits(handset_id.as_deref()).map_err(GraphError::plain)?;
        if is_template
            && window == WindowState::Closed
            && let Some(handset_id) = &handset_id
        {
            self.count_initiated(handset_id)?;
        }
        let held = is_template && take_one(&mut self.faults.hold_for_quality);
        let answer = if take_one(&mut self.faults.graph_hang_after_accept) {
            Answer::Hangs
        } else if take_one(&mut self.faults.graph_error_after_accept) {
            Answer::ServerError
        } else if self.faults.status_before_response {
            Answer::AfterStatuses
        } else {
            Answer::Given
        };
        let (contact, name) = match &outgoing.target {
            Target::Phone(number) => {
                let known = handset_id.clone().unwrap_or_else(|| number.clone());
                (Contact::Number(known.clone()), known)
            }
            Target::User(user) => (Contact::User(user.clone()), user.clone()),
            Target::Misplaced => (Contact::User(outgoing.input.clone()), outgoing.input.clone()),
        };
        let wamid = self.new_wamid(&name, 0x11);
        let by_phone = matches!(outgoing.target, Target::Phone(_));
        self.record(Fact::WaAccepted {
            wamid: wamid.clone(),
            handset_id: handset_id.clone(),
            to: (!matches!(outgoing.target, Target::User(_))).then(|| outgoing.input.clone()),
            recipient: matches!(outgoing.target, Target::User(_)).then(|| outgoing.input.clone()),
            kind: outgoing.kind.clone(),
            text: outgoing.shown.text.clone(),
            template: outgoing.shown.template.as_ref().map(|template| template.name.clone()),
            biz_opaque_callback_data: outgoing.opaque.clone(),
            answered: matches!(answer, Answer::Given | Answer::AfterStatuses),
        });
        let mut webhooks = Vec::new();
        if let Some(handset_id) = handset_id {
            let is_marketing = outgoing.shown.category.as_deref() == Some("MARKETING");
            let is_not_taken = is_marketing && takes_no_marketing(&handset_id, self.now());
            let is_enough = is_not_taken || (is_marketing && take_one(&mut self.faults.marketing_limit));
            let failure = self.failure(&handset_id, outgoing, &media, out_of_window.then_some(131_047));
            let failure = failure.or(is_enough.then_some(131_049));
            // What fails costs nothing, opens nothing and counts for nothing.
            let (free_entry_until, pricing) = if failure.is_none() {
                let free_entry_until = self.free_entry(&handset_id);
                let pricing = self.pricing(outgoing.shown.category.as_deref(), window, free_entry_until);
                (free_entry_until, pricing)
            } else {
                (None, Value::Null)
            };
            let message = ChatMessage { cards, ..self.chat_message(&wamid, outgoing, media) };
            let outbound = Outbound {
                by_phone,
                opaque: outgoing.opaque.clone(),
                pricing,
                free_entry_until,
                reached_handset: false,
            };
            self.chat_of.insert(wamid.clone(), handset_id.clone());
            if let Some(handset) = self.handsets.get_mut(&handset_id) {
                handset.chat.typing_until = 0;
                handset.chat.messages.push(ChatMessage { outbound: Some(outbound), ..message });
            }
            match failure {
                _ if held => self.held.push((handset_id.clone(), wamid.clone())),
                Some(code) => webhooks.extend(self.progress(&handset_id, &wamid, Progress::Failed, Some(code))),
                None => {
                    webhooks.extend(self.progress(&handset_id, &wamid, Progress::Sent, None));
                    let fails = self.faults.take_fail_after(&handset_id);
                    if fails.is_none_or(|(after, _)| after == LastStatus::Delivered) {
                        webhooks.extend(self.message_reaches_handset(&handset_id, &wamid));
                    }
                    if let Some((_, code)) = fails {
                        webhooks.extend(self.progress(&handset_id, &wamid, Progress::Failed, Some(code)));
                    }
                }
            }
        }
        Ok(Accepted { wamid, contact, webhooks, answer, held })
    }

    /// Counts a customer whom the business writes to first, or refuses to.
    fn count_initiated(&mut self, handset_id: &str) -> Result<(), GraphError> {
        let (now, limit) = (self.now(), self.faults.messaging_limit as usize);
        self.initiated.retain(|_, at| now - *at < WINDOW_MS);
        if limit > 0 && !self.initiated.contains_key(handset_id) && self.initiated.len() >= limit {
            return Err(GraphError::plain(131048));
        }
        self.initiated.insert(handset_id.to_owned(), now);
        Ok(())
    }

    /// Lets the templates that were held for quality assessment go, or drops them.
    pub fn end_hold(&mut self, end: HeldEnd) {
        for (handset_id, wamid) in std::mem::take(&mut self.held) {
            match end {
                HeldEnd::Send => {
                    self.progress(&handset_id, &wamid, Progress::Sent, None);
                    self.message_reaches_handset(&handset_id, &wamid);
                }
                HeldEnd::Drop => {
                    self.progress(&handset_id, &wamid, Progress::Failed, Some(132_015));
                }
            }
        }
    }

    /// The code with which an accepted message fails afterwards.
    fn failure(&self, handset_id: &str, outgoing: &Outgoing, media: &Media, window: Option<i64>) -> Option<i64> {
        let handset = self.handsets.get(handset_id)?;
        if !handset.on_whatsapp {
            Some(131_026)
        } else if handset.marketing_stopped && outgoing.shown.category.as_deref() == Some("MARKETING") {
            Some(131_050)
        } else if matches!(media, Media::Unavailable) {
            Some(131_053)
        } else {
            window
        }
    }

    fn chat_message(&self, wamid: &str, outgoing: &Outgoing, media: Media) -> ChatMessage {
        let shown = &outgoing.shown;
        ChatMessage {
            id: wamid.to_owned(),
            direction: Direction::In,
            kind: outgoing.kind.clone(),
            text: shown.text.clone(),
            header: shown.header.clone(),
            footer: shown.footer.clone(),
            buttons: shown.buttons.clone(),
            list_button: shown.list_button.clone(),
            sections: shown.sections.clone(),
            form: shown.form.clone(),
            template: shown.template.clone(),
            cards: Vec::new(),
            offer: shown.offer.clone(),
            media: match media {
                Media::Stored(view) => Some(view),
                Media::None | Media::Unavailable => None,
            },
            status: None,
            at: self.now(),
            context_id: outgoing.context_id.clone(),
            mark: None,
            outbound: None,
        }
    }

    /// Media by id must exist; its type is filled in.
    pub fn media_view(&self, view: &MediaView) -> Result<MediaView, GraphError> {
        let stored = self.media.get(&view.id, self.now()).ok_or_else(|| {
            GraphError::new(131009, format!("Parameter value is not valid: media id {} does not exist.", view.id))
        })?;
        Ok(MediaView {
            mime: stored.mime.clone(),
            filename: view.filename.clone().or_else(|| stored.filename.clone()),
            ..view.clone()
        })
    }

    /// A message id in the form of the platform: base64 of the other side's id and random bytes. `side` is 0x11 for sent and 0x12 for
    /// received ones.
    pub fn new_wamid(&mut self, other: &str, side: u8) -> String {
        let tail = self.random_hex(18);
        let mut bytes = vec![0x1C, 0x18, u8::try_from(other.len()).unwrap_or(u8::MAX)];
        bytes.extend(other.bytes());
        bytes.extend([0x15, 0x02, 0x00, side, 0x18, 0x12]);
        bytes.extend(tail.bytes());
        bytes.push(0x00);
        // 128 characters at most.
        let keep = 90;
        if bytes.len() > keep {
            bytes.drain(3..3 + bytes.len() - keep);
        }
        format!("wamid.{}", STANDARD.encode(bytes))
    }
}
