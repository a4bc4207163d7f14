use super::*;

fn of(agent: &str) -> Verdict {
    verdict(&LinkRequest { method: Method::Get, user_agent: Some(agent.to_owned()), purpose: None })
}

const CHROME: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 \
                      Mobile Safari/537.36";

#[test]
fn table() {
    use Verdict::{Person, Preview, Robot};
    for (expected, agent) in [
        (Person, CHROME),
        (
            Person,
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
        ),
        (
            Person,
            "Mozilla/5.0 (Linux; Android 13; SM-A536B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
        ),
        (
            Person,
            "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/96.0.4664.45 Mobile Safari/537.36",
        ),
        (
            Person,
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/125.0.6422.80 Mobile/15E148 Safari/604.1",
        ),
        (Person, "Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0"),
        (
            Person,
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0",
        ),
        (
            Person,
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/480.0.0.38.109]",
        ),
        (
            Person,
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 340.0.3.27.90",
        ),
        (Person, "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16"),
        (Person, "Mozilla/5.0 (Mobile; Nokia_8000_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5.2.2"),
        (Preview, "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"),
        // What an iPhone's Messages app sends for its preview.
        (
            Preview,
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
        ),
        // What Google Messages sends for its preview.
        (
            Preview,
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko; Google-PageRenderer Google (+https://developers.google.com/+/web/snippet/)) Chrome/119.0.0.0 Safari/537.36",
        ),
        (Preview, "WhatsApp/2.24.20.89 A"),
        (Preview, "WhatsApp/2.2412.54 W"),
        (Preview, "Twitterbot/1.0"),
        (Preview, "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"),
        (Preview, "TelegramBot (like TwitterBot)"),
        (Preview, "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)"),
        (Preview, "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)"),
        (Preview, "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com"),
        (
            Preview,
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
        ),
        (Preview, "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)"),
        (Robot, ""),
        (Robot, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
        (Robot, "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"),
        (Robot, "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)"),
        (Robot, "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"),
        (Robot, "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)"),
        (
            Robot,
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
        ),
        (Robot, "curl/8.5.0"),
        (Robot, "python-requests/2.32.3"),
        (Robot, "Go-http-client/2.0"),
        (Robot, "okhttp/4.12.0"),
        (Robot, "Dalvik/2.1.0 (Linux; U; Android 12; M2102J20SG Build/SKQ1.211006.001)"),
        (Robot, "MyApp/1 CFNetwork/1568.200.51 Darwin/24.1.0"),
        (Robot, "Mozilla/5.0 (compatible; Proofpoint URL Defense)"),
        (Robot, "Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)"),
        (Robot, "Mozilla/5.0 zgrab/0.x"),
        (Robot, "SomethingNobodyKnows/1.0"),
    ] {
        assert_eq!(of(agent), expected, "{agent}");
    }
}

#[test]
fn a_browser_that_only_looks_ahead_is_no_tap() {
    let with = |method, purpose: Option<&str>| {
        let purpose = purpose.map(ToOwned::to_owned);
        verdict(&LinkRequest { method, user_agent: Some(CHROME.to_owned()), purpose })
    };
    assert_eq!(with(Method::Head, None), Verdict::Head);
    assert_eq!(with(Method::Head, Some("prefetch")), Verdict::Head);
    for purpose in ["prefetch", "prefetch;prerender", "Preview"] {
        assert_eq!(with(Method::Get, Some(purpose)), Verdict::Preview, "{purpose}");
    }
    assert_eq!(with(Method::Get, Some("")), Verdict::Person);
    let nobody = LinkRequest { method: Method::Get, user_agent: None, purpose: None };
    assert_eq!(verdict(&nobody), Verdict::Robot);
}

#[test]
fn devices() {
    for (expected, agent) in [
        (Device::Android, CHROME),
        (Device::Android, "Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0"),
        (Device::Tablet, "Mozilla/5.0 (Linux; Android 13; SM-X200) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36"),
        (
            Device::Tablet,
            "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 Version/16.6 Mobile/15E148",
        ),
        (Device::Iphone, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"),
        (
            Device::Desktop,
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36",
        ),
        (
            Device::Desktop,
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605",
        ),
        (Device::Other, "Mozilla/5.0 (Mobile; Nokia_8000_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5.2.2"),
        (Device::Other, ""),
    ] {
        assert_eq!(device(agent), expected, "{agent}");
    }
}
