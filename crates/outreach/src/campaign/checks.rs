//! What is said about a text while it is written and before it is sent: what carriers may dislike, and how it gets cheaper.

use segue_channels::text::{Encoding, counterpart};
use segue_model::{
    contact::ContactFields,
    sender::SenderAlphabet,
    sms_writing::SmsWriting,
    text_lint::{Linted, SenderReach, TextFinding, TextRule, TextSpan, lint},
};
use segue_store::workspace::{Workspace, WorkspaceSettings};
use serde::Serialize;

use crate::{
    Links, addresses,
    text::{CampaignText, Frame},
};

/// The body with plain characters in place of look-alikes that force the larger encoding. There is one only when the
/// whole text then needs the smaller encoding; whether it is taken is for the author to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SmartProposal {
    pub body: String,
    /// What would be replaced, each once, in the order of appearance.
    pub replacements: Vec<SmartReplacement>,
    /// Segments of the text as it is.
    pub segments_before: usize,
    /// Segments the text would then take.
    pub segments_after: usize,
}

/// One kind of replacement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SmartReplacement {
    pub from: String,
    /// Empty when the character shows nothing and is dropped.
    pub to: String,
    /// How often it stands in the body.
    pub count: usize,
}

/// The body with look-alikes replaced, when the whole text as the contact gets it then needs the smaller encoding.
pub(super) fn smart_proposal(
    body: &str,
    frame: &Frame<'_>,
    contact: &ContactFields,
    (segments_before, writing): (usize, SmsWriting),
) -> Option<SmartProposal> {
    let mut replacements: Vec<SmartReplacement> = Vec::new();
    let mut plain = String::with_capacity(body.len());
    for letter in body.chars() {
        let Some(to) = counterpart(letter) else {
            plain.push(letter);
            continue;
        };
        plain.push_str(to);
        let from = letter.to_string();
        match replacements.iter_mut().find(|known| known.from == from) {
            Some(known) => known.count += 1,
            None => replacements.push(SmartReplacement { from, to: to.to_owned(), count: 1 }),
        }
    }
    if replacements.is_empty() {
        return None;
    }
    let composed = CampaignText::new(&plain, frame).and_then(|text| text.compose(contact, 0)).ok()?;
    if composed.segmentation.encoding != Encoding::Gsm7 {
        return None;
    }
    let segments_after = composed.written_in(SenderAlphabet::Any, writing)?.segments();
    Some(SmartProposal { body: plain, replacements, segments_before, segments_after })
}

/// Whose texts are looked at.
pub(super) struct Author<'a> {
    brands: Vec<&'a str>,
    link_host: String,
    reach: SenderReach,
    ways_out: Vec<&'a str>,
}

impl<'a> Author<'a> {
    pub fn of(workspace: &'a Workspace, links: &Links, reach: SenderReach) -> Self {
        let brand = workspace.settings.brand.as_str();
        // The brand that every workspace begins with is nobody's name.
        let own = Some(brand).filter(|brand| *brand != WorkspaceSettings::default().brand);
        let base = &links.config().link_base;
        let host = base.split("://").nth(1).unwrap_or(base).split(['/', ':']).next().unwrap_or_default();
        let line = &workspace.settings.campaigns.opt_out_line;
        let of_names =
            line.unanswerable_texts.iter().map(|text| text.body.as_str()).chain([line.unanswerable.as_str()]);
        Self {
            brands: own.into_iter().chain([workspace.name.as_str()]).collect(),
            link_host: host.to_owned(),
            reach,
            ways_out: of_names.map(str::trim).filter(|line| !line.is_empty()).collect(),
        }
    }

    /// What carriers may dislike about a text of `whole`, which reads `text` as it goes out, the gravest first.
    pub fn findings(&self, body: &str, text: &str, whole: &CampaignText) -> Vec<TextFinding> {
        let Self { brands, link_host, reach, ways_out } = self;
        let mut findings = lint(&Linted { body, text, brands, link_host, reach: *reach, ways_out });
        findings.extend(not_tracked(text, whole.untracked()));
        findings
    }
}

/// What is said of addresses in a text that were to become short links and did not, because of a letter in them or right
/// behind them. Others stay as they are by the author's own will, or are of a contact.
fn not_tracked(text: &str, untracked: &[String]) -> Option<TextFinding> {
    let units = |end: usize| text[..end].encode_utf16().count();
    let found = addresses::as_written(text).into_iter().filter(|(_, address)| untracked.iter().any(|it| it == address));
    let at: Vec<TextSpan> = found
        .map(|(start, address)| TextSpan {
            start: units(start),
            end: units(start + address.len()),
            words: address.to_owned(),
        })
        .collect();
    let first = at.first()?;
    let message = format!(
        "{} goes out as it is written, and its taps are not counted: a letter in it, or right behind it, is none that \
         addresses have. Copy it from the address line of a browser, and put a blank behind it.",
        first.words
    );
    let rule = TextRule::NotTracked;
    let (severity, source) = (rule.severity(), rule.source().to_owned());
    Some(TextFinding { rule, severity, message, source, at, fix_label: None, fixed_body: None })
}
