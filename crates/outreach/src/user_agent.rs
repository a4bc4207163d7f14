//! Who asks for a link: a person, a preview, a robot.
//!
//! Carriers, messengers and security tools open links that nobody tapped. What they say of themselves is all there is
//! to tell them by; when in doubt it is a robot, so that the figure of tapped recipients is never too high by a kind of
//! client we know.

use segue_store::click::Verdict;

use crate::link::{LinkRequest, Method};

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

/// Who the request comes from.
#[must_use]
pub fn verdict(request: &LinkRequest) -> Verdict {
    if request.method == Method::Head {
        return Verdict::Head;
    }
    let purpose = request.purpose.as_deref().unwrap_or_default().to_ascii_lowercase();
    if ["prefetch", "prerender", "preview"].iter().any(|word| purpose.contains(word)) {
        return Verdict::Preview;
    }
    let agent = request.user_agent.as_deref().unwrap_or_default().trim().to_ascii_lowercase();
    let is_one_of = |names: &[&str]| names.iter().any(|name| agent.contains(name));
    if is_one_of(PREVIEWS) {
        return Verdict::Preview;
    }
    // Every browser that can open a WhatsApp chat calls itself Mozilla, or Opera in its older forms.
    let is_browser = agent.starts_with("mozilla/") || agent.starts_with("opera/");
    if !is_browser || is_one_of(ROBOTS) || names_a_bot(&agent) {
        return Verdict::Robot;
    }
    Verdict::Person
}

/// Whether a word of the agent ends in "bot". Cubot is a maker of phones.
fn names_a_bot(agent: &str) -> bool {
    agent
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .any(|word| (word.ends_with("bot") && word != "cubot") || word == "bots")
}

#[cfg(test)]
#[path = "user_agent_tests.rs"]
mod tests;
