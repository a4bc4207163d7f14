use super::*;
use crate::template::{CodeApp, CodeText};

fn utility(body: &str, samples: &[&str]) -> TemplateParts {
    TemplateParts {
        name: "order_ready".to_owned(),
        language: "en_US".to_owned(),
        category: TemplateCategory::Utility,
        parameter_format: ParameterFormat::Positional,
        header: None,
        body: body.to_owned(),
        samples: samples.iter().map(|&sample| sample.to_owned()).collect(),
        footer: None,
        buttons: Vec::new(),
        code: None,
        cards: Vec::new(),
        offer: None,
    }
}

fn good() -> TemplateParts {
    utility("Hello {{1}}, your order {{2}} is ready in our shop.", &["Ana", "1017"])
}

fn found(parts: &TemplateParts) -> Vec<(&'static str, String)> {
    lint(parts).into_iter().map(|finding| (finding.rule.as_str(), finding.field)).collect()
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn a_good_template_has_no_findings() {
    assert_eq!(found(&good()), []);
    assert!(may_be_submitted(&lint(&good())));
}

#[test]
fn names_and_languages() {
    for (name, fits) in [("a", true), ("a_1", true), ("", false), ("Ab", false), ("a-b", false), ("ä", false)] {
        let parts = TemplateParts { name: name.to_owned(), ..good() };
        assert_eq!(found(&parts).is_empty(), fits, "{name}");
    }
    assert!(found(&TemplateParts { name: "a".repeat(NAME), ..good() }).is_empty());
    assert_eq!(found(&TemplateParts { name: "a".repeat(NAME + 1), ..good() }), [("name_form", text("name"))]);
    for (language, fits) in
        [("en", true), ("en_US", true), ("fil", true), ("en-US", false), ("EN", false), ("", false), ("english", false)]
    {
        let parts = TemplateParts { language: language.to_owned(), ..good() };
        assert_eq!(found(&parts).is_empty(), fits, "{language}");
    }
}

#[test]
fn bodies() {
    for (body, samples, rules) in [
        ("  ", &[][..], &["body_missing"][..]),
        ("{{1}}, your parcel is on its way.", &["Ana"], &["variable_at_edge"]),
        ("Your parcel is on its way, {{1}}", &["Ana"], &["variable_at_edge"]),
        ("Your parcel is on its way, {{1}}.", &["Ana"], &[]),
        ("Dear {{1}} {{2}}, your parcel is on its way now.", &["Ana", "Diaz"], &["variables_adjacent"]),
        ("Dear {{1}}{{2}}, your parcel is on its way now.", &["Ana", "Diaz"], &["variables_adjacent"]),
        ("Dear {{2}}, your parcel is on its way.", &["Ana"], &["variable_numbering"]),
        ("Dear {{1}}, your {{3}} is on its way today.", &["Ana", "parcel"], &["variable_numbering"]),
        ("Dear {{name}}, your parcel is on its way.", &["Ana"], &["variable_form"]),
        ("Dear {{1}, your parcel is on its way.", &[], &["variable_form"]),
        ("Dear {{}}, your parcel is on its way.", &[], &["variable_form"]),
        ("Hi {{1}}, {{2}}!", &["Ana", "7"], &["variable_ratio"]),
        ("Dear {{1}}, your parcel is on its way.", &[], &["sample_missing"]),
        ("Dear {{1}}, your parcel is on its way.", &[" "], &["sample_missing"]),
        ("Your parcel\tis on its way.", &[], &["body_blanks"]),
        ("Your parcel\n\n\nis on its way.", &[], &["body_blanks"]),
    ] {
        let rules: Vec<_> = rules.iter().map(|&rule| rule.to_owned()).collect();
        let all: Vec<String> = found(&utility(body, samples)).into_iter().map(|(rule, _)| rule.to_owned()).collect();
        assert_eq!(all, rules, "{body}");
    }
    assert!(found(&utility(&"ä".repeat(BODY), &[])).is_empty());
    assert_eq!(found(&utility(&"ä".repeat(BODY + 1), &[])), [("body_length", text("body"))]);
    let named = TemplateParts {
        parameter_format: ParameterFormat::Named,
        ..utility("Dear {{first_name}}, your parcel is on its way.", &["Ana"])
    };
    assert!(found(&named).is_empty());
    for body in ["Dear {{1}}, your parcel is on its way.", "Dear {{First}}, your parcel is on its way."] {
        assert_eq!(found(&TemplateParts { body: body.to_owned(), ..named.clone() }), [("variable_form", text("body"))]);
    }
}

#[test]
fn headings_and_footers() {
    let heading = |heading: &str, sample: Option<&str>| {
        let header = TemplateHeader::Text { text: heading.to_owned(), sample: sample.map(str::to_owned) };
        found(&TemplateParts { header: Some(header), ..good() })
    };
    assert!(heading("Order ready", None).is_empty());
    assert!(heading("Order {{1}}", Some("1017")).is_empty());
    assert_eq!(heading("Order {{1}}", None), [("sample_missing", text("header.sample"))]);
    assert_eq!(heading(" ", None), [("header_text", text("header.text"))]);
    assert_eq!(heading(&"a".repeat(HEADER + 1), None), [("header_text", text("header.text"))]);
    for marked in ["*Order*", "_Order_", "Two\nlines", "Ready 🎉"] {
        assert_eq!(heading(marked, None), [("header_markup", text("header.text"))], "{marked}");
    }
    assert_eq!(heading("{{1}} and {{2}}", Some("a")), [("header_variables", text("header.text"))]);
    let named = TemplateParts {
        parameter_format: ParameterFormat::Named,
        header: Some(TemplateHeader::Text { text: text("Order {{order_number}}"), sample: Some(text("7")) }),
        ..utility("Your parcel is on its way.", &[])
    };
    assert!(found(&named).is_empty(), "the underscore of a name is no mark");
    let file = TemplateParts { header: Some(TemplateHeader::Image { media_id: None }), ..good() };
    assert_eq!(found(&file), [("header_file", text("header.media_id"))]);
    let footer = |footer: &str| found(&TemplateParts { footer: Some(footer.to_owned()), ..good() });
    assert!(footer(&"a".repeat(FOOTER)).is_empty());
    assert_eq!(footer(&"a".repeat(FOOTER + 1)), [("footer_length", text("footer"))]);
    assert_eq!(footer("Bye {{1}}"), [("footer_variable", text("footer"))]);
}

fn reply(words: &str) -> TemplateButton {
    TemplateButton::QuickReply { text: words.to_owned() }
}

fn link(url: &str, sample: Option<&str>) -> TemplateButton {
    TemplateButton::Url { text: text("Open"), url: url.to_owned(), sample: sample.map(str::to_owned) }
}

fn with(buttons: Vec<TemplateButton>) -> Vec<(&'static str, String)> {
    found(&TemplateParts { buttons, ..good() })
}

#[test]
fn buttons_are_counted_grouped_and_different() {
    let replies = |count: usize| (0..count).map(|number| reply(&format!("Reply {number}"))).collect::<Vec<_>>();
    assert!(with(replies(10)).is_empty());
    assert_eq!(with(replies(11)), [("button_count", text("buttons"))]);
    let plain = || link("https://acme.example/a", None);
    let phone = |number: &str| TemplateButton::PhoneNumber { text: text("Call"), phone_number: number.to_owned() };
    assert!(with(vec![plain(), phone("+49 30 1234567"), reply("Yes"), reply("No")]).is_empty());
    assert_eq!(with(vec![reply("Yes"), plain(), reply("No")]), [("button_order", text("buttons"))]);
    assert_eq!(with(vec![reply("Yes"), reply("Yes")]), [("button_repeated", text("buttons.1.text"))]);
    assert_eq!(with(vec![reply("")]), [("button_text", text("buttons.0.text"))]);
    assert_eq!(with(vec![reply(&"a".repeat(26))]), [("button_text", text("buttons.0.text"))]);
    assert_eq!(with(vec![reply("Hi {{1}}")]), [("button_text", text("buttons.0.text"))]);
    assert_eq!(with(vec![phone("12")]), [("button_phone", text("buttons.0.phone_number"))]);
    assert_eq!(with(vec![phone("call me")]), [("button_phone", text("buttons.0.phone_number"))]);
    let other = |words: &str| TemplateButton::Url { text: text(words), url: text("https://a.example"), sample: None };
    assert_eq!(with(vec![other("1"), other("2"), other("3")]), [("button_kind_count", text("buttons"))]);
    let catalog = TemplateButton::Catalog { text: text("Shop") };
    assert!(with(vec![catalog.clone()]).is_empty());
    assert_eq!(with(vec![catalog, reply("Yes")]).first(), Some(&("button_kind_count", text("buttons"))));
    let form = TemplateButton::Flow { text: text("Fill in"), flow_id: text("x"), screen: None };
    assert_eq!(with(vec![form]), [("button_flow", text("buttons.0.flow_id"))]);
    let code = TemplateButton::OneTimeCode { mode: CodeMode::CopyCode, text: None, autofill_text: None, apps: vec![] };
    assert_eq!(with(vec![code]), [("authentication_only", text("buttons.0"))]);
}

#[test]
fn links() {
    for (url, sample, field) in [
        ("https://acme.example/orders", None, None),
        ("https://acme.example/orders/{{1}}", Some("https://acme.example/orders/17"), None),
        ("acme.example", None, Some("url")),
        ("https://{{1}}", Some("https://acme.example"), Some("url")),
        ("https://acme.example/{{1}}/edit", Some("https://acme.example/1/edit"), Some("url")),
        ("https://acme.example/{{2}}", Some("https://acme.example/1"), Some("url")),
        ("https://acme.example/{{1}}", Some("17"), Some("sample")),
        ("https://acme.example/{{1}}", None, Some("sample")),
        ("https://wa.me/15550100", None, Some("url")),
        ("https://acme.example/a b", None, Some("url")),
    ] {
        let fields: Vec<String> = with(vec![link(url, sample)]).into_iter().map(|(_, field)| field).collect();
        let expected: Vec<String> = field.into_iter().map(|field| format!("buttons.0.{field}")).collect();
        assert_eq!(fields, expected, "{url}");
    }
}

#[test]
fn a_category_that_whatsapp_would_not_believe_is_a_warning() {
    for (body, rule) in [
        ("Get 20% off your next order this week.", Some("promotional_words")),
        ("Our summer sale has begun.", Some("promotional_words")),
        ("Your wholesale order is ready.", None),
        ("Your verification code is on its way.", Some("code_words")),
    ] {
        let findings = lint(&utility(body, &[]));
        assert_eq!(findings.first().map(|finding| finding.rule.as_str()), rule, "{body}");
        assert!(may_be_submitted(&findings), "{body}");
    }
    let marketing =
        TemplateParts { category: TemplateCategory::Marketing, ..utility("Our summer sale has begun.", &[]) };
    assert!(found(&marketing).is_empty());
    let code = TemplateParts { buttons: vec![TemplateButton::CopyCode { sample: text("SUMMER") }], ..good() };
    assert_eq!(found(&code), [("promotional_words", text("category"))]);
}

#[test]
fn authentication_has_a_form_of_its_own() {
    let one_time = |mode, apps| TemplateButton::OneTimeCode { mode, text: None, autofill_text: None, apps };
    let parts = TemplateParts {
        category: TemplateCategory::Authentication,
        body: String::new(),
        samples: Vec::new(),
        buttons: vec![one_time(CodeMode::CopyCode, vec![])],
        code: Some(CodeText { security_advice: true, expires_in_minutes: Some(10) }),
        ..good()
    };
    assert!(found(&parts).is_empty());
    let app = CodeApp { package_name: text("example.acme.app"), signature_hash: text("K8a/AINcGX7") };
    for (changed, field) in [
        (TemplateParts { body: text("Your code is {{1}}."), ..parts.clone() }, Some("body")),
        (TemplateParts { header: Some(TemplateHeader::Location), ..parts.clone() }, Some("header.text")),
        (TemplateParts { footer: Some(text("Acme")), ..parts.clone() }, Some("footer")),
        (TemplateParts { buttons: vec![], ..parts.clone() }, Some("buttons")),
        (TemplateParts { buttons: vec![reply("Yes")], ..parts.clone() }, Some("buttons")),
        (TemplateParts { buttons: vec![one_time(CodeMode::OneTap, vec![])], ..parts.clone() }, Some("buttons.0.apps")),
        (TemplateParts { buttons: vec![one_time(CodeMode::OneTap, vec![app])], ..parts.clone() }, None),
        (
            TemplateParts { code: Some(CodeText { security_advice: false, expires_in_minutes: Some(91) }), ..parts },
            Some("code.expires_in_minutes"),
        ),
    ] {
        let fields: Vec<String> = found(&changed).into_iter().map(|(_, field)| field).collect();
        assert_eq!(fields, field.into_iter().map(text).collect::<Vec<_>>());
    }
}
