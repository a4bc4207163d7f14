use super::super::{lint, may_be_submitted};
use crate::{
    MediaId,
    template::{
        ParameterFormat, TemplateButton, TemplateCard, TemplateCategory, TemplateHeader, TemplateOffer, TemplateParts,
    },
};

fn text(text: &str) -> String {
    text.to_owned()
}

fn picture() -> TemplateHeader {
    TemplateHeader::Image { media_id: Some(MediaId(uuid::Uuid::nil())) }
}

fn reply(words: &str) -> TemplateButton {
    TemplateButton::QuickReply { text: text(words) }
}

fn link() -> TemplateButton {
    TemplateButton::Url {
        text: text("Shop"),
        url: text("https://acme.example/{{1}}"),
        sample: Some(text("https://acme.example/boots")),
    }
}

fn card(body: &str) -> TemplateCard {
    TemplateCard {
        header: picture(),
        body: text(body),
        samples: vec![text("89 euros")],
        buttons: vec![reply("More"), link()],
    }
}

fn carousel() -> TemplateParts {
    TemplateParts {
        name: text("new_boots"),
        language: text("en"),
        category: TemplateCategory::Marketing,
        parameter_format: ParameterFormat::Positional,
        header: None,
        body: text("Hello {{1}}, these are new in our shop."),
        samples: vec![text("Ana")],
        footer: None,
        buttons: Vec::new(),
        code: None,
        cards: vec![card("Boots for {{1}} today."), card("Tents for {{1}} today.")],
        offer: None,
    }
}

fn offer() -> TemplateParts {
    TemplateParts {
        header: Some(picture()),
        body: text("Hello {{1}}, this is for a few days only."),
        buttons: vec![TemplateButton::CopyCode { sample: text("SPRING25") }, link()],
        cards: Vec::new(),
        offer: Some(TemplateOffer { text: text("Expiring offer!"), expires: true }),
        ..carousel()
    }
}

fn found(parts: &TemplateParts) -> Vec<(&'static str, String)> {
    lint(parts).into_iter().map(|finding| (finding.rule.as_str(), finding.field)).collect()
}

fn one(rule: &'static str, field: &str) -> Vec<(&'static str, String)> {
    vec![(rule, text(field))]
}

type Change = fn(&mut TemplateParts);

#[test]
fn good_ones_have_no_findings() {
    assert_eq!(found(&carousel()), []);
    assert_eq!(found(&offer()), []);
    assert!(may_be_submitted(&lint(&carousel())) && may_be_submitted(&lint(&offer())));
    let at_the_limit = TemplateParts { cards: vec![card(&"x".repeat(160)); 10], ..carousel() };
    assert_eq!(found(&at_the_limit), []);
    let without_words = |card: TemplateCard| TemplateCard { body: String::new(), ..card };
    let wordless = carousel().cards.into_iter().map(without_words).collect();
    assert_eq!(found(&TemplateParts { cards: wordless, ..carousel() }), []);
}

#[test]
fn each_limit_of_cards_names_its_field() {
    let changes: [(Change, &'static str, &str); 13] = [
        (|parts| parts.category = TemplateCategory::Utility, "marketing_only", "category"),
        (|parts| parts.cards.truncate(1), "card_count", "cards"),
        (|parts| parts.cards = vec![card("Boots for {{1}} today."); 11], "card_count", "cards"),
        (|parts| parts.header = Some(picture()), "card_form", "header.text"),
        (|parts| parts.footer = Some(text("Acme")), "card_form", "footer"),
        (|parts| parts.buttons = vec![reply("Stop")], "card_form", "buttons"),
        (
            |parts| parts.cards[1].header = TemplateHeader::Image { media_id: None },
            "header_file",
            "cards.1.header.media_id",
        ),
        (|parts| parts.cards[1].body = "x".repeat(161), "card_length", "cards.1.body"),
        (|parts| parts.cards[0].body = text("a\nb\nc\nd"), "card_length", "cards.0.body"),
        (|parts| parts.cards[1].samples.clear(), "sample_missing", "cards.1.samples.0"),
        (|parts| parts.cards[1].body.clear(), "card_form", "cards.1.body"),
        (|parts| parts.cards[1].buttons.swap(0, 1), "card_form", "cards.1.buttons"),
        (
            |parts| parts.cards[1].header = TemplateHeader::Video { media_id: Some(MediaId(uuid::Uuid::nil())) },
            "card_form",
            "cards.1.header",
        ),
    ];
    for (change, rule, field) in changes {
        let mut parts = carousel();
        change(&mut parts);
        assert_eq!(found(&parts), one(rule, field));
    }
    let with = |buttons: Vec<TemplateButton>| {
        let cards = carousel().cards.into_iter().map(|card| TemplateCard { buttons: buttons.clone(), ..card });
        found(&TemplateParts { cards: cards.collect(), ..carousel() })
            .into_iter()
            .map(|(rule, _)| rule)
            .collect::<Vec<_>>()
    };
    assert_eq!(with(vec![]), ["button_count"; 2]);
    assert_eq!(with(vec![reply("a"), reply("b"), reply("c")]), ["button_count"; 2]);
    assert_eq!(with(vec![TemplateButton::CopyCode { sample: text("A") }]), ["card_form"; 2]);
    assert_eq!(
        with(vec![TemplateButton::Url { text: text("Shop"), url: text("shop"), sample: None }]),
        ["button_url"; 2]
    );
}

#[test]
fn each_limit_of_an_offer_names_its_field() {
    let changes: [(Change, &'static str, &str); 9] = [
        (|parts| parts.category = TemplateCategory::Utility, "marketing_only", "category"),
        (
            |parts| parts.offer = Some(TemplateOffer { text: "x".repeat(17), expires: true }),
            "offer_length",
            "offer.text",
        ),
        (
            |parts| parts.offer = Some(TemplateOffer { text: text("for {{1}}"), expires: true }),
            "offer_form",
            "offer.text",
        ),
        (|parts| parts.body = format!("Hello {{{{1}}}}, {}", "x ".repeat(300)), "offer_length", "body"),
        (|parts| parts.header = Some(TemplateHeader::Location), "offer_form", "header.text"),
        (|parts| parts.footer = Some(text("Acme")), "offer_form", "footer"),
        (|parts| parts.buttons = vec![link()], "offer_form", "buttons"),
        (|parts| parts.buttons.swap(0, 1), "offer_form", "buttons"),
        (|parts| parts.buttons.push(reply("No")), "offer_form", "buttons"),
    ];
    for (change, rule, field) in changes {
        let mut parts = offer();
        change(&mut parts);
        let all = found(&parts);
        // What a category says of the words comes on top.
        let all: Vec<_> = all.into_iter().filter(|(rule, _)| *rule != "promotional_words").collect();
        assert_eq!(all, one(rule, field));
    }
    let endless = TemplateParts {
        offer: Some(TemplateOffer { text: text("While it lasts"), expires: false }),
        buttons: vec![link()],
        ..offer()
    };
    assert_eq!(found(&endless), [], "without an end no code is needed");
}
