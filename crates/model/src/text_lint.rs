//! What carriers dislike about a text: they filter or refuse messages that look like those of spammers, and nobody is
//! told. Each finding says what, where, why it matters, how grave it is and whose rule it is, and where a machine can do
//! it, how to put it right. None of them stops a campaign: the list is about habits, and a company may know better.

use serde::Serialize;

use crate::opt_out_line::says_how_to_stop;

crate::text_enum! {
    /// A rule of the linter.
    pub enum TextRule {
        BrandMissing = "brand_missing",
        OptOutMissing = "opt_out_missing",
        OptOutImpossible = "opt_out_impossible",
        SharedShortener = "shared_shortener",
        SensitiveWords = "sensitive_words",
        SpamPhrases = "spam_phrases",
        ForeignLink = "foreign_link",
        PlainHttp = "plain_http",
        Capitals = "capitals",
        ExclamationMarks = "exclamation_marks",
        HelpMissing = "help_missing",
        NotTracked = "not_tracked",
    }
}

crate::text_enum! {
    /// How grave a finding is.
    pub enum TextSeverity {
        /// Carriers refuse or filter such texts, or their code forbids them.
        Warning = "warning",
        /// Better otherwise.
        Hint = "hint",
    }
}

crate::text_enum! {
    /// Whether people can answer the sender.
    pub enum SenderReach {
        /// A number: answers come in.
        TwoWay = "two_way",
        /// A name: nobody can answer.
        OneWay = "one_way",
    }
}

impl TextRule {
    /// How grave it is.
    #[must_use]
    pub const fn severity(self) -> TextSeverity {
        match self {
            Self::BrandMissing
            | Self::OptOutMissing
            | Self::OptOutImpossible
            | Self::SharedShortener
            | Self::SensitiveWords => TextSeverity::Warning,
            Self::SpamPhrases
            | Self::ForeignLink
            | Self::PlainHttp
            | Self::Capitals
            | Self::ExclamationMarks
            | Self::HelpMissing
            | Self::NotTracked => TextSeverity::Hint,
        }
    }

    /// Whose rule it is.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::BrandMissing | Self::OptOutMissing | Self::SharedShortener | Self::ForeignLink => {
                "CTIA Messaging Principles and Best Practices"
            }
            Self::OptOutImpossible => "47 CFR 64.1200(a)(10): another way to opt out where answers are not possible",
            Self::SensitiveWords => "US carriers' content codes (sex, hate, alcohol, firearms, tobacco)",
            Self::HelpMissing => "CTIA Short Code Monitoring Handbook",
            Self::NotTracked => "What short links are made of",
            Self::SpamPhrases | Self::PlainHttp | Self::Capitals | Self::ExclamationMarks => "Habits of spam filters",
        }
    }
}

/// A place in the text, in UTF-16 units as browsers count them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TextSpan {
    pub start: usize,
    /// The unit after the last one.
    pub end: usize,
    /// What stands there.
    pub words: String,
}

/// Something about a text that carriers may dislike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TextFinding {
    pub rule: TextRule,
    pub severity: TextSeverity,
    /// What is wrong and why it matters, in plain words.
    pub message: String,
    /// Whose rule it is.
    pub source: String,
    /// Where in the text as it goes out; empty when something is missing.
    pub at: Vec<TextSpan>,
    /// What a button that puts it right says.
    pub fix_label: Option<String>,
    /// The body as it would then be.
    pub fixed_body: Option<String>,
}

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Linted<'a> {
    /// As it was written, with merge fields.
    pub body: &'a str,
    /// As it goes out, with its opt-out line and links.
    pub text: &'a str,
    /// Names by which customers know the sender; the first is written into a text that has none.
    pub brands: &'a [&'a str],
    /// The host that the workspace's short links stand on.
    pub link_host: &'a str,
    pub reach: SenderReach,
    /// Lines of the workspace that say how one ends the texts of a sender that cannot be answered.
    pub ways_out: &'a [&'a str],
}

/// Hosts that anybody can shorten links on.
const SHARED_SHORTENERS: &[&str] = &[
    "bit.ly",
    "bitly.com",
    "tinyurl.com",
    "goo.gl",
    "t.co",
    "ow.ly",
    "is.gd",
    "buff.ly",
    "rebrand.ly",
    "cutt.ly",
    "rb.gy",
    "t.ly",
    "shorturl.at",
    "tiny.cc",
    "lnkd.in",
    "bl.ink",
    "v.gd",
    "s.id",
    "qr.ae",
    "adf.ly",
    "soo.gd",
    "clck.ru",
    "t2m.io",
];

const HELPS: &[&str] = &["help", "info", "aide", "ayuda", "hilfe", "ajuda", "aiuto", "yardım", "pomoc"];

/// Sex, hate, alcohol, firearms, tobacco and what carriers file with them. Only whole words count.
const SENSITIVE: &[&str] = &[
    "sex",
    "porn",
    "nude",
    "escort",
    "xxx",
    "whiskey",
    "whisky",
    "vodka",
    "liquor",
    "beer",
    "wine",
    "gun",
    "guns",
    "ammo",
    "firearm",
    "firearms",
    "rifle",
    "tobacco",
    "cigar",
    "cigars",
    "cigarettes",
    "vape",
    "vaping",
    "cannabis",
    "marijuana",
    "weed",
    "cbd",
    "thc",
    "casino",
    "gambling",
    "betting",
    "payday",
];

/// What fraud and spam say.
const SPAM: &[&str] = &[
    "act now",
    "you have won",
    "you won",
    "claim your prize",
    "free gift",
    "free money",
    "cash now",
    "click here",
    "risk free",
    "risk-free",
    "100% free",
    "no obligation",
    "guaranteed",
    "urgent",
    "winner",
    "debt relief",
    "earn money",
    "work from home",
];

/// Letters from which on a text in capitals shouts.
const CAPITALS_FROM: usize = 30;
/// Exclamation marks that are still friendly.
const FRIENDLY_MARKS: usize = 2;

/// Everything that carriers may dislike, the gravest first.
#[must_use]
pub fn lint(linted: &Linted<'_>) -> Vec<TextFinding> {
    let text = Shown::of(linted.text);
    let checks = [
        brand(linted, &text),
        opt_out(linted),
        shortener(&text),
        sensitive(&text),
        spam(&text),
        foreign_link(linted, &text),
        plain_http(linted, &text),
        capitals(&text),
        marks(linted, &text),
        help(linted, &text),
    ];
    checks.into_iter().flatten().collect()
}

/// A text in the forms the rules look at.
struct Shown<'a> {
    text: &'a str,
    /// Its words with the octet each begins at, links included.
    words: Vec<(usize, &'a str)>,
}

impl<'a> Shown<'a> {
    fn of(text: &'a str) -> Self {
        let base = text.as_ptr() as usize;
        let words = text.split_whitespace().map(|word| (word.as_ptr() as usize - base, word)).collect();
        Self { text, words }
    }

    fn span(&self, start: usize, end: usize) -> TextSpan {
        let units = |text: &str| text.encode_utf16().count();
        TextSpan {
            start: units(&self.text[..start]),
            end: units(&self.text[..end]),
            words: self.text[start..end].to_owned(),
        }
    }

    /// Words of letters and digits outside of links, in small letters, with the octets they stand at.
    fn spoken(&self) -> impl Iterator<Item = (usize, usize, String)> + '_ {
        let shown = self.words.iter().filter(|(_, word)| host_of(word).is_none());
        shown.flat_map(|(at, word)| {
            let base = word.as_ptr() as usize;
            word.split(|letter: char| !letter.is_alphanumeric()).filter(|part| !part.is_empty()).map(move |part| {
                let start = at + (part.as_ptr() as usize - base);
                (start, start + part.len(), part.to_lowercase())
            })
        })
    }

    /// Links: the host in small letters, whether it begins with `http://`, and the octets of the link.
    fn links(&self) -> impl Iterator<Item = (String, Scheme, usize, usize)> + '_ {
        self.words.iter().filter_map(|(at, word)| {
            let (host, scheme) = host_of(word)?;
            let start = at + word.find(|letter: char| letter.is_alphanumeric()).unwrap_or_default();
            Some((host, scheme, start, at + word.trim_end_matches(['.', ',', ';', '!', '?', ')']).len()))
        })
    }

    /// Where these phrases stand, as whole words.
    fn phrases(&self, wanted: &[&str]) -> Vec<TextSpan> {
        let spoken: Vec<_> = self.spoken().collect();
        let mut found = Vec::new();
        for phrase in wanted {
            let parts: Vec<&str> =
                phrase.split(|letter: char| !letter.is_alphanumeric()).filter(|p| !p.is_empty()).collect();
            for window in spoken.windows(parts.len()) {
                if window.iter().map(|(.., word)| word.as_str()).eq(parts.iter().copied()) {
                    found.push(self.span(window[0].0, window[parts.len() - 1].1));
                }
            }
        }
        found.sort_by_key(|span| span.start);
        found
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Plain,
    /// `https`, or none written.
    Other,
}

/// The host of a word that is a link, or that names a shared shortener without a scheme.
fn host_of(word: &str) -> Option<(String, Scheme)> {
    let lower = word.to_lowercase();
    let lower = lower.trim_start_matches(|letter: char| !letter.is_alphanumeric());
    let until = |rest: &str| rest.split(['/', '?', '#', ':', ',', ')', ';']).next().unwrap_or_default().to_owned();
    if let Some(rest) = lower.strip_prefix("http://") {
        return Some((until(rest), Scheme::Plain));
    }
    if let Some(rest) = lower.strip_prefix("https://") {
        return Some((until(rest), Scheme::Other));
    }
    let host = until(lower).trim_end_matches('.').to_owned();
    SHARED_SHORTENERS.contains(&host.as_str()).then_some((host, Scheme::Other))
}

fn finding(rule: TextRule, at: Vec<TextSpan>, message: impl Into<String>) -> TextFinding {
    TextFinding {
        rule,
        severity: rule.severity(),
        message: message.into(),
        source: rule.source().to_owned(),
        at,
        fix_label: None,
        fixed_body: None,
    }
}

fn fixed(mut finding: TextFinding, label: impl Into<String>, body: String) -> TextFinding {
    finding.fix_label = Some(label.into());
    finding.fixed_body = Some(body);
    finding
}

fn brand(linted: &Linted<'_>, text: &Shown<'_>) -> Option<TextFinding> {
    let name = linted.brands.iter().map(|brand| brand.trim()).find(|brand| !brand.is_empty())?;
    let lower = text.text.to_lowercase();
    let named = linted.brands.iter().map(|brand| brand.trim().to_lowercase());
    if named.into_iter().any(|brand| !brand.is_empty() && lower.contains(&brand)) {
        return None;
    }
    let message = "The text does not say who writes. Carriers ask for the brand's name in every message, and people report \
                   texts of strangers.";
    let body = format!("{name}: {}", linted.body.trim_start());
    Some(fixed(finding(TextRule::BrandMissing, Vec::new(), message), format!("Begin with “{name}:”"), body))
}

fn opt_out(linted: &Linted<'_>) -> Option<TextFinding> {
    let says_it = says_how_to_stop(linted.text);
    match linted.reach {
        SenderReach::OneWay if linted.ways_out.iter().any(|line| linted.text.contains(line)) => None,
        SenderReach::OneWay if says_it || !linted.text.contains("://") => {
            let message = "Nobody can answer this sender, so STOP does not reach you. Put a link into the text that lets \
                           people opt out, set the line of names in Setup, Texts, or choose a number as sender.";
            Some(finding(TextRule::OptOutImpossible, Vec::new(), message))
        }
        SenderReach::TwoWay if !says_it => {
            let message = "The text does not say how to stop. Promotional texts need an opt-out line, such as “Reply STOP \
                           to opt out”; without it carriers block the sender.";
            let body = format!("{} Reply STOP to opt out.", linted.body.trim_end());
            let found = finding(TextRule::OptOutMissing, Vec::new(), message);
            Some(fixed(found, "Add “Reply STOP to opt out.”", body))
        }
        SenderReach::OneWay | SenderReach::TwoWay => None,
    }
}

fn help(linted: &Linted<'_>, text: &Shown<'_>) -> Option<TextFinding> {
    if linted.reach == SenderReach::OneWay || text.spoken().any(|(.., word)| HELPS.contains(&word.as_str())) {
        return None;
    }
    let message = "The text does not say where help is. In the United States at least one message a month should say \
                   “HELP for help”.";
    let body = format!("{} HELP for help.", linted.body.trim_end());
    Some(fixed(finding(TextRule::HelpMissing, Vec::new(), message), "Add “HELP for help.”", body))
}

fn shortener(text: &Shown<'_>) -> Option<TextFinding> {
    let found: Vec<_> = text.links().filter(|(host, ..)| SHARED_SHORTENERS.contains(&host.as_str())).collect();
    let (host, ..) = found.first()?;
    let message = format!(
        "The link stands on {host}, a host that everybody can shorten links on. Carriers filter such texts. Write the \
         full address instead: it becomes a short link on your own host."
    );
    let at = found.iter().map(|(_, _, start, end)| text.span(*start, *end)).collect();
    Some(finding(TextRule::SharedShortener, at, message))
}

fn foreign_link(linted: &Linted<'_>, text: &Shown<'_>) -> Option<TextFinding> {
    let own = linted.link_host.to_lowercase();
    let names: Vec<String> = linted
        .brands
        .iter()
        .map(|brand| brand.to_lowercase().replace(|letter: char| !letter.is_alphanumeric(), ""))
        .filter(|name| name.len() > 2)
        .collect();
    let is_foreign = |host: &str| {
        let is_known = host == own || host == "wa.me" || SHARED_SHORTENERS.contains(&host);
        let plain = host.replace(['-', '.'], "");
        !is_known && !names.iter().any(|name| plain.contains(name.as_str()))
    };
    let found: Vec<_> = text.links().filter(|(host, ..)| is_foreign(host)).collect();
    let (host, ..) = found.first()?;
    let message = format!(
        "The link leads to {host}, which does not carry your brand's name. Carriers and customers trust links on the \
         brand's own host."
    );
    let at = found.iter().map(|(_, _, start, end)| text.span(*start, *end)).collect();
    Some(finding(TextRule::ForeignLink, at, message))
}

fn plain_http(linted: &Linted<'_>, text: &Shown<'_>) -> Option<TextFinding> {
    let own = linted.link_host.to_lowercase();
    let found: Vec<_> = text.links().filter(|(host, scheme, ..)| *scheme == Scheme::Plain && *host != own).collect();
    found.first()?;
    let message = "A link begins with http://. It is not counted and browsers warn of it; use https://.";
    let body = linted.body.replace("http://", "https://");
    let at = found.iter().map(|(_, _, start, end)| text.span(*start, *end)).collect();
    let found = finding(TextRule::PlainHttp, at, message);
    Some(if body == linted.body { found } else { fixed(found, "Use https://", body) })
}

fn said(spans: &[TextSpan]) -> String {
    let mut words: Vec<String> = Vec::new();
    for span in spans {
        let word = span.words.to_lowercase();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(", ")
}

fn sensitive(text: &Shown<'_>) -> Option<TextFinding> {
    let at = text.phrases(SENSITIVE);
    at.first()?;
    let message = format!(
        "The text says {}. Carriers restrict texts about sex, hate, alcohol, firearms, tobacco, cannabis, gambling and \
         quick loans; some need an age check first.",
        said(&at)
    );
    Some(finding(TextRule::SensitiveWords, at, message))
}

fn spam(text: &Shown<'_>) -> Option<TextFinding> {
    let at = text.phrases(SPAM);
    at.first()?;
    let message = format!("The text says {}, as spam does. Filters count such words against it.", said(&at));
    Some(finding(TextRule::SpamPhrases, at, message))
}

fn capitals(text: &Shown<'_>) -> Option<TextFinding> {
    let shown: Vec<_> = text.words.iter().filter(|(_, word)| host_of(word).is_none()).collect();
    let count = |is: fn(char) -> bool| shown.iter().flat_map(|(_, word)| word.chars()).filter(|c| is(*c)).count();
    let (upper, lower) = (count(char::is_uppercase), count(char::is_lowercase));
    if upper + lower < CAPITALS_FROM || upper <= lower {
        return None;
    }
    let shouted = |word: &str| {
        let letters = word.chars().filter(|letter| letter.is_alphabetic()).count();
        letters > 1 && !word.chars().any(char::is_lowercase) && word.chars().any(char::is_uppercase)
    };
    let at = shown.iter().filter(|(_, word)| shouted(word)).map(|(at, word)| text.span(*at, at + word.len())).collect();
    let message = "More than half of the text is in capitals. It reads as shouting, and filters take it for spam.";
    Some(finding(TextRule::Capitals, at, message))
}

fn marks(linted: &Linted<'_>, text: &Shown<'_>) -> Option<TextFinding> {
    let at: Vec<usize> = text.text.match_indices('!').map(|(at, _)| at).collect();
    if at.len() <= FRIENDLY_MARKS && !text.text.contains("!!") {
        return None;
    }
    let message = format!(
        "The text has {} exclamation marks. Filters take more than two, or several in a row, for spam.",
        at.len()
    );
    let mut body = String::with_capacity(linted.body.len());
    let mut seen = 0;
    for letter in linted.body.chars() {
        if letter == '!' && body.ends_with(['!', '.']) && seen > 0 {
            continue;
        }
        seen += usize::from(letter == '!');
        body.push(if letter == '!' && seen > FRIENDLY_MARKS { '.' } else { letter });
    }
    let found = finding(TextRule::ExclamationMarks, at.iter().map(|at| text.span(*at, at + 1)).collect(), message);
    // Inside of what the template language reads a mark means something else.
    let is_template = linted.body.contains("{%") || linted.body.contains("!=");
    Some(if is_template || body == linted.body { found } else { fixed(found, "Use fewer", body) })
}

#[cfg(test)]
#[path = "text_lint_tests.rs"]
mod tests;
