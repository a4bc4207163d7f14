//! What WhatsApp would refuse about a template, found while it is written. Each finding names the field, says what is
//! wrong and why, and whether it stops the submission or is only likely to be judged otherwise.

use serde::Serialize;
use utoipa::ToSchema;

#[path = "template_lint_cards.rs"]
mod cards;

use crate::template::{
    CodeMode, ParameterFormat, TemplateButton, TemplateCategory, TemplateHeader, TemplateParts, placeholders,
};

/// WhatsApp's limits, in characters unless said otherwise.
pub const NAME: usize = 512;
pub const HEADER: usize = 60;
pub const BODY: usize = 1024;
pub const FOOTER: usize = 60;
pub const BUTTON_TEXT: usize = 25;
pub const BUTTONS: usize = 10;
const URL: usize = 2000;
const PHONE: usize = 20;
const OFFER_CODE: usize = 15;

crate::text_enum! {
    /// Whether WhatsApp refuses it for certain.
    pub enum TemplateSeverity {
        /// It is not submitted like this.
        Error = "error",
        /// It may be submitted; WhatsApp may refuse it or move it to another category.
        Warning = "warning",
    }
}

crate::text_enum! {
    /// A rule of the linter.
    pub enum TemplateRule {
        NameForm = "name_form",
        LanguageForm = "language_form",
        BodyMissing = "body_missing",
        BodyLength = "body_length",
        BodyBlanks = "body_blanks",
        VariableForm = "variable_form",
        VariableNumbering = "variable_numbering",
        VariableAtEdge = "variable_at_edge",
        VariablesAdjacent = "variables_adjacent",
        VariableRatio = "variable_ratio",
        SampleMissing = "sample_missing",
        HeaderText = "header_text",
        HeaderVariables = "header_variables",
        HeaderMarkup = "header_markup",
        HeaderFile = "header_file",
        FooterLength = "footer_length",
        FooterVariable = "footer_variable",
        ButtonCount = "button_count",
        ButtonKindCount = "button_kind_count",
        ButtonOrder = "button_order",
        ButtonText = "button_text",
        ButtonRepeated = "button_repeated",
        ButtonUrl = "button_url",
        ButtonPhone = "button_phone",
        ButtonCode = "button_code",
        ButtonFlow = "button_flow",
        CardCount = "card_count",
        CardForm = "card_form",
        CardLength = "card_length",
        OfferForm = "offer_form",
        OfferLength = "offer_length",
        MarketingOnly = "marketing_only",
        AuthenticationForm = "authentication_form",
        AuthenticationOnly = "authentication_only",
        PromotionalWords = "promotional_words",
        CodeWords = "code_words",
    }
}

/// Something about a template that WhatsApp will not like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TemplateFinding {
    pub rule: TemplateRule,
    pub severity: TemplateSeverity,
    /// The field it is about: `name`, `body`, `samples.0`, `buttons.2.url`.
    pub field: String,
    /// What is wrong and why, in plain words.
    pub message: String,
}

impl TemplateRule {
    /// How grave it is.
    #[must_use]
    pub const fn severity(self) -> TemplateSeverity {
        match self {
            Self::VariableRatio | Self::PromotionalWords | Self::CodeWords | Self::BodyBlanks => {
                TemplateSeverity::Warning
            }
            _ => TemplateSeverity::Error,
        }
    }
}

/// Everything that was found, the fields in their order on the screen.
#[must_use]
pub fn lint(parts: &TemplateParts) -> Vec<TemplateFinding> {
    let mut found = Findings(Vec::new());
    name_and_language(parts, &mut found);
    if parts.category == TemplateCategory::Authentication {
        authentication(parts, &mut found);
    } else {
        header(parts, &mut found);
        body(parts, &mut found);
        footer(parts, &mut found);
        buttons("", &parts.buttons, &mut found);
        cards::cards(parts, &mut found);
        cards::offer(parts, &mut found);
        category(parts, &mut found);
    }
    found.0
}

/// Whether it may be submitted.
#[must_use]
pub fn may_be_submitted(findings: &[TemplateFinding]) -> bool {
    findings.iter().all(|finding| finding.severity != TemplateSeverity::Error)
}

struct Findings(Vec<TemplateFinding>);

impl Findings {
    fn add(&mut self, rule: TemplateRule, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(TemplateFinding { rule, severity: rule.severity(), field: field.into(), message: message.into() });
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn name_and_language(parts: &TemplateParts, found: &mut Findings) {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if parts.name.is_empty() || !parts.name.bytes().all(is_plain) {
        found.add(TemplateRule::NameForm, "name", "A name has small letters a to z, digits and underscores only.");
    } else if parts.name.len() > NAME {
        found.add(TemplateRule::NameForm, "name", format!("A name has at most {NAME} characters."));
    }
    let (language, region) = parts.language.split_once('_').unwrap_or((&parts.language, "XX"));
    let is_code = (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && region.len() == 2
        && region.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_code {
        found.add(
            TemplateRule::LanguageForm,
            "language",
            "Write the language as WhatsApp does: two or three small letters, with a country in capitals where it \
             needs one, such as en or en_US.",
        );
    }
}

fn header(parts: &TemplateParts, found: &mut Findings) {
    match &parts.header {
        None | Some(TemplateHeader::Location) => {}
        Some(TemplateHeader::Text { text, sample }) => {
            if text.trim().is_empty() {
                found.add(TemplateRule::HeaderText, "header.text", "Write the heading, or choose to have none.");
            }
            if length(text) > HEADER {
                let message = format!("A heading has at most {HEADER} characters; this one has {}.", length(text));
                found.add(TemplateRule::HeaderText, "header.text", message);
            }
            let written: String =
                text.split("{{").map(|piece| piece.split_once("}}").map_or(piece, |(_, rest)| rest)).collect();
            if written.contains(['\n', '*', '_', '~', '`']) || written.chars().any(is_emoji) {
                found.add(
                    TemplateRule::HeaderMarkup,
                    "header.text",
                    "A heading takes no line breaks, no emoji and none of the marks * _ ~ `: WhatsApp refuses them there.",
                );
            }
            let names = placeholders(text);
            if names.len() > 1 || text.matches("{{").count() > 1 {
                found.add(TemplateRule::HeaderVariables, "header.text", "A heading takes one variable at most.");
            }
            variables(text, parts.parameter_format, "header.text", found);
            if !names.is_empty() && sample.as_ref().is_none_or(|sample| sample.trim().is_empty()) {
                missing_sample("header.sample", &names[0], found);
            }
        }
        Some(file) if file.media_id().is_none() => found.add(
            TemplateRule::HeaderFile,
            "header.media_id",
            "Choose an example file: WhatsApp reviews the template with it.",
        ),
        Some(_) => {}
    }
}

fn body(parts: &TemplateParts, found: &mut Findings) {
    if parts.body.trim().is_empty() {
        found.add(TemplateRule::BodyMissing, "body", "Write the text; a template cannot be without one.");
        return;
    }
    if length(&parts.body) > BODY {
        let message = format!("A text has at most {BODY} characters; this one has {}.", length(&parts.body));
        found.add(TemplateRule::BodyLength, "body", message);
    }
    words(("", &parts.body, &parts.samples), parts.parameter_format, found);
}

/// The words of a text and its variables; `place` is where the text stands, empty or `cards.0.`.
fn words((place, body, samples): (&str, &str, &[String]), format: ParameterFormat, found: &mut Findings) {
    let text = body.trim();
    let field = format!("{place}body");
    if body.contains('\t') || body.contains("     ") || body.contains("\n\n\n") {
        let message = "WhatsApp refuses tabs, more than four spaces in a row and more than two line breaks in a row.";
        found.add(TemplateRule::BodyBlanks, &field, message);
    }
    variables(body, format, &field, found);
    if text.starts_with("{{") || text.ends_with("}}") {
        found.add(
            TemplateRule::VariableAtEdge,
            &field,
            "A variable can stand neither at the very start nor at the very end: WhatsApp could not judge a text whose \
             edge it does not see. Put words, or at least a mark such as a full stop, around it.",
        );
    }
    if adjacent(body) {
        found.add(
            TemplateRule::VariablesAdjacent,
            &field,
            "Two variables stand side by side; put words between them, or make one variable of both.",
        );
    }
    let names = placeholders(body);
    let words = body.split("{{").enumerate().map(|(index, piece)| match piece.split_once("}}") {
        Some((_, rest)) if index > 0 => rest,
        _ => piece,
    });
    let is_word = |word: &&str| word.chars().any(char::is_alphanumeric);
    let words: usize = words.map(|piece| piece.split_whitespace().filter(is_word).count()).sum();
    if !names.is_empty() && words < 2 * names.len() + 1 {
        let message = format!(
            "{} variables stand among {words} words. WhatsApp refuses texts that are mostly variables: write at least \
             {} words, or use fewer variables.",
            names.len(),
            2 * names.len() + 1
        );
        found.add(TemplateRule::VariableRatio, &field, message);
    }
    for (index, name) in names.iter().enumerate() {
        if samples.get(index).is_none_or(|sample| sample.trim().is_empty()) {
            missing_sample(&format!("{place}samples.{index}"), name, found);
        }
    }
}

fn missing_sample(field: &str, name: &str, found: &mut Findings) {
    let message = format!("Give an example for {{{{{name}}}}}: WhatsApp reviews the template with it.");
    found.add(TemplateRule::SampleMissing, field, message);
}

/// Form and numbers of the variables of a text.
fn variables(text: &str, format: ParameterFormat, field: &str, found: &mut Findings) {
    if text.matches("{{").count() != text.matches("}}").count() || text.contains("{{}}") {
        let message = "A variable is written with two braces on each side, such as {{1}}; one is not closed or empty.";
        found.add(TemplateRule::VariableForm, field, message);
        return;
    }
    let names = placeholders(text);
    match format {
        ParameterFormat::Positional => {
            if names.iter().any(|name| name.parse::<u32>().is_err()) {
                let message = "This template has numbered variables, {{1}}, {{2}}; there is one with a name.";
                found.add(TemplateRule::VariableForm, field, message);
            } else if names.iter().enumerate().any(|(index, name)| *name != (index + 1).to_string()) {
                let message = "Variables are numbered 1, 2, 3 without a gap.";
                found.add(TemplateRule::VariableNumbering, field, message);
            }
        }
        ParameterFormat::Named => {
            let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            let is_name = |name: &String| {
                name.bytes().all(is_letter) && name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
            };
            if !names.iter().all(is_name) {
                let message = "The name of a variable has small letters, digits and underscores and begins with a \
                               letter, such as {{first_name}}.";
                found.add(TemplateRule::VariableForm, field, message);
            }
        }
    }
}

/// Whether two variables stand together with nothing or only blanks between them.
fn adjacent(text: &str) -> bool {
    text.split("}}").skip(1).any(|between| between.trim_start().starts_with("{{"))
}

fn footer(parts: &TemplateParts, found: &mut Findings) {
    let Some(footer) = &parts.footer else { return };
    if footer.trim().is_empty() || length(footer) > FOOTER {
        let message = format!("A footer has 1 to {FOOTER} characters; this one has {}.", length(footer));
        found.add(TemplateRule::FooterLength, "footer", message);
    }
    if footer.contains("{{") {
        found.add(TemplateRule::FooterVariable, "footer", "A footer takes no variables.");
    }
}

/// The buttons; `place` is where they stand, empty or `cards.0.`.
fn buttons(place: &str, buttons: &[TemplateButton], found: &mut Findings) {
    let all = format!("{place}buttons");
    if buttons.len() > BUTTONS {
        let message = format!("A template has at most {BUTTONS} buttons; this one has {}.", buttons.len());
        found.add(TemplateRule::ButtonCount, &all, message);
    }
    let count = |is: fn(&TemplateButton) -> bool| buttons.iter().filter(|button| is(button)).count();
    for (what, there, most) in [
        ("links", count(|button| matches!(button, TemplateButton::Url { .. })), 2),
        ("phone numbers", count(|button| matches!(button, TemplateButton::PhoneNumber { .. })), 1),
        ("codes to copy", count(|button| matches!(button, TemplateButton::CopyCode { .. })), 1),
        ("forms", count(|button| matches!(button, TemplateButton::Flow { .. })), 1),
        ("calls", count(|button| matches!(button, TemplateButton::VoiceCall { .. })), 1),
    ] {
        if there > most {
            let message = format!("There are {there} buttons for {what}; WhatsApp takes {most} at most.");
            found.add(TemplateRule::ButtonKindCount, &all, message);
        }
    }
    let is_shop = |button: &TemplateButton| {
        use TemplateButton::{Catalog, MultiProduct, SingleProduct};
        matches!(button, Catalog { .. } | MultiProduct { .. } | SingleProduct { .. })
    };
    if buttons.len() > 1 && buttons.iter().any(is_shop) {
        let message = "A button for the catalogue or products stands alone; take the others away.";
        found.add(TemplateRule::ButtonKindCount, &all, message);
    }
    let is_reply = |button: &TemplateButton| matches!(button, TemplateButton::QuickReply { .. });
    let changes = buttons.windows(2).filter(|pair| is_reply(&pair[0]) != is_reply(&pair[1])).count();
    if changes > 1 {
        found.add(
            TemplateRule::ButtonOrder,
            &all,
            "Quick replies stand together, before or after all other buttons; put them in one group.",
        );
    }
    for (index, button) in buttons.iter().enumerate() {
        let field = format!("{all}.{index}");
        one_button(&field, button, found);
        let same = |other: &TemplateButton| other.text().is_some() && other.text() == button.text();
        if buttons[..index].iter().any(same) {
            let field = format!("{field}.text");
            found.add(TemplateRule::ButtonRepeated, field, "Two buttons say the same; WhatsApp wants them different.");
        }
    }
}

fn one_button(place: &str, button: &TemplateButton, found: &mut Findings) {
    let field = |name: &str| format!("{place}.{name}");
    if let Some(text) = button.text() {
        if text.trim().is_empty() || length(text) > BUTTON_TEXT {
            let message =
                format!("The words on a button have 1 to {BUTTON_TEXT} characters; here are {}.", length(text));
            found.add(TemplateRule::ButtonText, field("text"), message);
        } else if text.contains("{{") || text.contains('\n') {
            let message = "The words on a button take no variables and no line breaks.";
            found.add(TemplateRule::ButtonText, field("text"), message);
        }
    }
    match button {
        TemplateButton::Url { url, sample, .. } => url_button(place, url, sample.as_deref(), found),
        TemplateButton::PhoneNumber { phone_number, .. } => {
            let digits = phone_number.bytes().filter(u8::is_ascii_digit).count();
            let is_plain = phone_number.chars().all(|letter| letter.is_ascii_digit() || "+ -()".contains(letter));
            if !is_plain || !(5..=PHONE).contains(&digits) || phone_number.len() > PHONE {
                let message = format!("Write the number with its country, at most {PHONE} characters: +49 30 1234567.");
                found.add(TemplateRule::ButtonPhone, field("phone_number"), message);
            }
        }
        TemplateButton::CopyCode { sample } if sample.trim().is_empty() || length(sample) > OFFER_CODE => {
            let message = format!("Give an example of the code, 1 to {OFFER_CODE} characters.");
            found.add(TemplateRule::ButtonCode, field("sample"), message);
        }
        TemplateButton::Flow { flow_id, .. }
            if flow_id.is_empty() || !flow_id.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            let message = "Give the id of the form as WhatsApp Manager shows it, digits only.";
            found.add(TemplateRule::ButtonFlow, field("flow_id"), message);
        }
        TemplateButton::OneTimeCode { .. } => {
            let message = "A button for a one-time code is for the category Authentication only.";
            found.add(TemplateRule::AuthenticationOnly, place, message);
        }
        _ => {}
    }
}

fn url_button(place: &str, url: &str, sample: Option<&str>, found: &mut Findings) {
    let field = |name: &str| format!("{place}.{name}");
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if host.is_empty() || host.contains("{{") || url.contains(char::is_whitespace) || length(url) > URL {
        let message = format!("Write a whole address that begins with https:// and has at most {URL} characters.");
        found.add(TemplateRule::ButtonUrl, field("url"), message);
        return;
    }
    if matches!(host.to_ascii_lowercase().as_str(), "wa.me" | "api.whatsapp.com" | "chat.whatsapp.com") {
        let message = "WhatsApp refuses links to WhatsApp itself on a button.";
        found.add(TemplateRule::ButtonUrl, field("url"), message);
    }
    let names = placeholders(url);
    if names.is_empty() && !url.contains("{{") {
        return;
    }
    if names != ["1"] || url.matches("{{").count() != 1 || !url.ends_with("{{1}}") {
        let message = "An address takes one variable, {{1}}, and only at its very end.";
        found.add(TemplateRule::ButtonUrl, field("url"), message);
        return;
    }
    let stem = url.trim_end_matches("{{1}}");
    match sample.map(str::trim).filter(|sample| !sample.is_empty()) {
        None => missing_sample(&field("sample"), "1", found),
        Some(sample) if !sample.starts_with(stem) || sample.contains("{{") => {
            let message = format!("The example is a whole address that begins with {stem}.");
            found.add(TemplateRule::ButtonUrl, field("sample"), message);
        }
        Some(_) => {}
    }
}

fn authentication(parts: &TemplateParts, found: &mut Findings) {
    let form = TemplateRule::AuthenticationForm;
    if !parts.body.trim().is_empty() {
        let message = "WhatsApp writes the text of a one-time code itself; leave it empty.";
        found.add(form, "body", message);
    }
    if parts.header.is_some() {
        found.add(form, "header.text", "A template for one-time codes has no heading and no media.");
    }
    if !parts.cards.is_empty() || parts.offer.is_some() {
        found.add(form, "cards", "A template for one-time codes has no cards and no offer.");
    }
    if parts.footer.is_some() {
        found.add(form, "footer", "Instead of a footer, say in how many minutes the code expires.");
    }
    if parts.code.and_then(|code| code.expires_in_minutes).is_some_and(|minutes| !(1..=90).contains(&minutes)) {
        found.add(form, "code.expires_in_minutes", "A code expires after 1 to 90 minutes.");
    }
    let [TemplateButton::OneTimeCode { mode, text, autofill_text, apps }] = parts.buttons.as_slice() else {
        let message = "A template for one-time codes has exactly one button, the one that takes the code.";
        found.add(form, "buttons", message);
        return;
    };
    for (name, text) in [("text", text), ("autofill_text", autofill_text)] {
        if text.as_ref().is_some_and(|text| text.trim().is_empty() || length(text) > BUTTON_TEXT) {
            let message =
                format!("The words on a button have 1 to {BUTTON_TEXT} characters; leave them out for WhatsApp's own.");
            found.add(TemplateRule::ButtonText, format!("buttons.0.{name}"), message);
        }
    }
    let is_app = |app: &crate::template::CodeApp| app.package_name.contains('.') && length(&app.signature_hash) == 11;
    if *mode != CodeMode::CopyCode && (apps.is_empty() || apps.len() > 5 || !apps.iter().all(is_app)) {
        let message = "One tap and zero tap need 1 to 5 apps, each with its package name and a signature hash of 11 \
                       characters.";
        found.add(form, "buttons.0.apps", message);
    }
}

/// Words that make WhatsApp take a template for marketing.
const PROMOTIONAL: &[&str] = &[
    "% off",
    "sale",
    "discount",
    "special offer",
    "offer",
    "promo",
    "promotion",
    "deal",
    "coupon",
    "voucher",
    "save big",
    "buy now",
    "shop now",
    "limited time",
    "exclusive",
    "new collection",
    "win",
    "rabatt",
    "angebot",
    "gutschein",
    "descuento",
    "oferta",
    "promoção",
    "soldes",
    "réduction",
    "sconto",
];

/// Words of one-time codes.
const CODES: &[&str] = &["one-time code", "one time code", "verification code", "passcode", "otp", "security code"];

fn category(parts: &TemplateParts, found: &mut Findings) {
    let header = match &parts.header {
        Some(TemplateHeader::Text { text, .. }) => text.as_str(),
        _ => "",
    };
    let labels = parts.buttons.iter().filter_map(TemplateButton::text);
    let cards = parts
        .cards
        .iter()
        .flat_map(|card| [card.body.as_str()].into_iter().chain(card.buttons.iter().filter_map(TemplateButton::text)));
    let offer = parts.offer.iter().map(|offer| offer.text.as_str());
    let whole: String = [header, parts.body.as_str(), parts.footer.as_deref().unwrap_or_default()]
        .into_iter()
        .chain(labels)
        .chain(cards)
        .chain(offer)
        .collect::<Vec<_>>()
        .join("\n")
        .to_lowercase();
    let has_code_button = parts.buttons.iter().any(|button| matches!(button, TemplateButton::CopyCode { .. }));
    if parts.category == TemplateCategory::Utility {
        if let Some(word) = first_word(&whole, PROMOTIONAL) {
            let message = format!(
                "\u{201c}{word}\u{201d} sounds like advertising. WhatsApp approves such a template as Marketing, whatever \
                 was asked for: it then costs more and needs the consent for marketing."
            );
            found.add(TemplateRule::PromotionalWords, "category", message);
        } else if has_code_button {
            let message = "A code to copy is an offer. WhatsApp takes such a template as Marketing.";
            found.add(TemplateRule::PromotionalWords, "category", message);
        }
    }
    if let Some(word) = first_word(&whole, CODES) {
        let message = format!(
            "\u{201c}{word}\u{201d} sounds like a one-time code. WhatsApp takes those in the category Authentication only, \
             with its own text."
        );
        found.add(TemplateRule::CodeWords, "category", message);
    }
}

/// The first of `words` that stands in the text as a word of its own.
fn first_word(text: &str, words: &[&'static str]) -> Option<&'static str> {
    words.iter().copied().find(|word| {
        text.match_indices(word).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            let ends = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
            (word.starts_with('%') || ends(before)) && ends(after)
        })
    })
}

/// Whether this is drawn as a picture. Digits and marks that only can be are not meant.
fn is_emoji(letter: char) -> bool {
    matches!(u32::from(letter), 0x2600..=0x27BF | 0x2B00..=0x2BFF | 0x1F000..=0x1FAFF | 0xFE0F | 0x20E3)
}

#[cfg(test)]
#[path = "template_lint_tests.rs"]
mod tests;
