use super::*;

const GOOD: &str =
    "Acme Shoes: the June offer is here. Chat: https://go.acme.example/l/abc Reply STOP to end, HELP for help.";

fn look(text: &str) -> Vec<TextFinding> {
    let linted = Linted {
        body: text,
        text,
        brands: &["Acme Shoes"],
        link_host: "go.acme.example",
        reach: SenderReach::TwoWay,
        ways_out: &[],
    };
    lint(&linted)
}

fn rules(text: &str) -> Vec<&'static str> {
    look(text).iter().map(|finding| finding.rule.as_str()).collect()
}

#[test]
fn a_good_text_has_no_findings() {
    assert!(rules(GOOD).is_empty(), "{:?}", rules(GOOD));
    assert!(rules("ACME SHOES: hi. ARRET, AIDE").is_empty(), "short capitals and other languages");
}

#[test]
fn each_rule_alone() {
    for (text, expected) in [
        (GOOD.replace("Acme Shoes", "We"), "brand_missing"),
        (GOOD.replace("STOP", "us"), "opt_out_missing"),
        (GOOD.replace("HELP for help", "bye"), "help_missing"),
        (GOOD.replace("https://go.acme.example/l/abc", "bit.ly/3abc"), "shared_shortener"),
        (GOOD.replace("https://go.acme.example/l/abc", "(https://TinyURL.com/abc)."), "shared_shortener"),
        (GOOD.replace("go.acme.example", "other.example"), "foreign_link"),
        (GOOD.replace("https://go.acme.example", "http://acmeshoes.example"), "plain_http"),
        (GOOD.replace("the June offer is here", "THE JUNE OFFER IS HERE FOR ALL OF YOU WHO LIKE SHOES"), "capitals"),
        (GOOD.replace("here.", "here!!"), "exclamation_marks"),
        (GOOD.replace("here.", "here! Yes! Now!"), "exclamation_marks"),
        (GOOD.replace("June", "wine"), "sensitive_words"),
        (GOOD.replace("June", "risk-free"), "spam_phrases"),
    ] {
        assert_eq!(rules(&text), [expected], "{text}");
    }
    assert!(rules(&GOOD.replace("go.acme.example", "www.acme-shoes.example")).is_empty(), "the brand's own host");
    assert!(rules(&GOOD.replace("June", "Swinery")).is_empty(), "only whole words");
    assert_eq!(rules("Acme Shoes https://go.acme.example/stop/help").len(), 2, "a link says nothing");
}

#[test]
fn a_sender_that_cannot_be_answered_needs_a_link() {
    let ways_out = &["Stop: call 0800 1234"][..];
    let (brands, link_host, reach) = (&["Acme"][..], "go.acme.example", SenderReach::OneWay);
    let linted = |text| Linted { body: text, text, brands, link_host, reach, ways_out };
    let rules = |text| lint(&linted(text)).iter().map(|finding| finding.rule).collect::<Vec<_>>();
    assert_eq!(rules("Acme sale! Reply STOP to end"), [TextRule::OptOutImpossible]);
    assert_eq!(rules("Acme sale!"), [TextRule::OptOutImpossible]);
    assert!(rules("Acme sale! End: https://go.acme.example/end").is_empty());
    assert!(rules("Acme sale!\nStop: call 0800 1234").is_empty(), "it is the workspace's own way out");
}

#[test]
fn places_are_counted_as_browsers_count() {
    let found = look("😀 Acme Shoes: beer and WINE, beer. Reply STOP to end, HELP for help");
    assert_eq!(found.len(), 1);
    let at: Vec<_> = found[0].at.iter().map(|span| (span.start, span.end, span.words.as_str())).collect();
    assert_eq!(at, [(15, 19, "beer"), (24, 28, "WINE"), (30, 34, "beer")]);
    assert!(found[0].message.contains("says beer, wine."), "{}", found[0].message);
}

#[test]
fn every_finding_says_how_grave_it_is_and_whose_rule_it_is() {
    for rule in TextRule::ALL {
        assert!(!rule.source().is_empty());
    }
    assert_eq!(look(&GOOD.replace("STOP", "us"))[0].severity, TextSeverity::Warning);
    assert_eq!(look(&GOOD.replace("here.", "here!!"))[0].severity, TextSeverity::Hint);
}

#[test]
fn a_fix_takes_its_finding_away() {
    let found = look("offer http://acmeshoes.example here!!! Yes! Now! Come!");
    assert_eq!(found.iter().filter(|finding| finding.fixed_body.is_some()).count(), 5, "{found:?}");
    for finding in found {
        let Some(body) = finding.fixed_body else { continue };
        assert!(look(&body).iter().all(|other| other.rule != finding.rule), "{}: {body}", finding.rule);
    }
}
