//! Who asks for a link, a person, a preview or a robot, and on what.
//!
//! Carriers, messengers and security tools open links that nobody tapped. What they say of themselves is all there is
//! to tell them by; when in doubt it is a robot, so that the figure of tapped recipients is never too high by a kind of
//! client we know.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use segue_store::click::{Device, Verdict};

use crate::redirect::{LinkRequest, Method};

/// Parts of the names of programs that show a preview of a link.
const PREVIEWS: &[&str] = &[
    "facebookexternalhit",
    "facebookcatalog",
    "facebot",
    "meta-externalagent",
    "meta-externalfetcher",
    "whatsapp/",
    "twitterbot",
    "slackbot",
    "slack-imgproxy",
    "telegrambot",
    "discordbot",
    "linkedinbot",
    "redditbot",
    "pinterestbot",
    "skypeuripreview",
    "microsoftpreview",
    "bingpreview",
    "google-pagerenderer",
    "googlemessages",
    "google-messages",
    "com.google.android.apps.messaging",
    "applebot",
    "imessage",
    "vkshare",
    "line-poker",
    "kakaotalk-scrap",
    "mattermost",
    "iframely",
    "embedly",
    "signal-desktop",
    "viberbot",
];

/// Parts of the names of scanners, crawlers and scripts.
const ROBOTS: &[&str] = &[
    "crawler",
    "crawl",
    "spider",
    "scanner",
    "scrapy",
    "headlesschrome",
    "phantomjs",
    "puppeteer",
    "playwright",
    "selenium",
    "lighthouse",
    "google-safety",
    "google-read-aloud",
    "googleother",
    "google favicon",
    "feedfetcher",
    "mediapartners-google",
    "proofpoint",
    "mimecast",
    "barracuda",
    "safelinks",
    "virustotal",
    "urlscan",
    "netcraft",
    "paloalto",
    "symantec",
    "zscaler",
    "cloudmark",
    "censys",
    "zgrab",
    "masscan",
    "nmap",
    "uptime",
    "pingdom",
    "statuscake",
    "monitoring",
    "curl/",
    "wget/",
    "python",
    "go-http-client",
    "okhttp",
    "apache-httpclient",
    "libwww",
    "axios/",
    "node-fetch",
    "undici",
    "postmanruntime",
    "dalvik/",
    "cfnetwork",
];

/// The names of both lists, in one automaton: a request's agent is read once, whatever the number of names.
static NAMES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let names = PREVIEWS.iter().chain(ROBOTS).copied().chain([BOT]);
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(names)
        .expect("a few short names make a small automaton")
});

/// Most programs end a word of their name with it.
const BOT: &str = "bot";

/// Who the request comes from.
#[must_use]
pub fn verdict(request: &LinkRequest) -> Verdict {
    if request.method == Method::Head {
        return Verdict::Head;
    }
    if let Some(purpose) = &request.purpose {
        let purpose = purpose.to_ascii_lowercase();
        if ["prefetch", "prerender", "preview"].iter().any(|word| purpose.contains(word)) {
            return Verdict::Preview;
        }
    }
    let agent = request.user_agent.as_deref().unwrap_or_default().trim();
    // Every browser that can open a WhatsApp chat calls itself Mozilla, or Opera in its older forms.
    let is_browser = starts_with(agent, "mozilla/") || starts_with(agent, "opera/");
    let mut verdict = if is_browser { Verdict::Person } else { Verdict::Robot };
    for name in NAMES.find_overlapping_iter(agent) {
        let number = name.pattern().as_usize();
        if number < PREVIEWS.len() {
            return Verdict::Preview;
        }
        if number < PREVIEWS.len() + ROBOTS.len() || is_end_of_a_bots_name(agent, name.end()) {
            verdict = Verdict::Robot;
        }
    }
    verdict
}

fn starts_with(agent: &str, start: &str) -> bool {
    agent.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// Whether the "bot" that ends at `end` ends a word, as in "Googlebot" and "bots". Cubot is a maker of phones.
fn is_end_of_a_bots_name(agent: &str, end: usize) -> bool {
    let bytes = agent.as_bytes();
    let is_word = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let start = (0..end).rev().take_while(|at| is_word(*at)).last().unwrap_or(end);
    if !is_word(end) {
        return !agent[start..end].eq_ignore_ascii_case("cubot");
    }
    agent[start..].get(..4).is_some_and(|word| word.eq_ignore_ascii_case("bots")) && !is_word(start + 4)
}

/// What the request was made on. Tablets that call themselves computers count as computers.
#[must_use]
pub fn device(agent: &str) -> Device {
    let has = |name: &str| agent.contains(name);
    if has("iPhone") || has("iPod") {
        Device::Iphone
    } else if has("iPad") || has("Tablet") || (has("Android") && !has("Mobile")) {
        Device::Tablet
    } else if has("Android") {
        Device::Android
    } else if has("Windows NT") || has("Macintosh") || has("X11") || has("CrOS") {
        Device::Desktop
    } else {
        Device::Other
    }
}

#[cfg(test)]
#[path = "user_agent_tests.rs"]
mod tests;
