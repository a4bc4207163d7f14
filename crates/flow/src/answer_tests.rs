use super::*;

fn ask(kind: AnswerType) -> Ask {
    serde_json::from_value(serde_json::json!({ "type": kind, "prompt": "?" })).unwrap()
}

fn read(ask: &Ask, text: &str) -> Option<String> {
    read_text(ask, &Texts::default(), text).map(|answer| answer.text)
}

#[test]
fn texts_are_trimmed_and_bounded() {
    let ask = ask(AnswerType::Text);
    assert_eq!(read(&ask, "  Ana\u{0} "), Some("Ana".into()));
    assert_eq!(read(&ask, " \n "), None);
    assert_eq!(read(&ask, &"a".repeat(LONGEST)).map(|text| text.len()), Some(LONGEST));
    assert_eq!(read(&ask, &"a".repeat(LONGEST + 1)), None);
}

#[test]
fn numbers() {
    let plain = ask(AnswerType::Number);
    for (text, expected) in [
        ("3", Some("3")),
        ("-3", Some("-3")),
        ("3.5", Some("3.5")),
        ("3,5", Some("3.5")),
        ("1,000", Some("1000")),
        ("1,000,000.25", Some("1000000.25")),
        ("1 000", Some("1000")),
        ("1,234.56", Some("1234.56")),
        ("1.234,56", Some("1234.56")),
        ("2.500,00", Some("2500")),
        ("1.234.567,8", Some("1234567.8")),
        ("-1.234,5", Some("-1234.5")),
        ("1.234,567,890", None),
        ("1,234.567.890", None),
        ("0.1234567", Some("0.123457")),
        ("three", None),
        ("3 apples", None),
        ("1e9", None),
        ("NaN", None),
        ("inf", None),
        ("99999999999", None),
        ("--3", None),
    ] {
        assert_eq!(read(&plain, text).as_deref(), expected, "{text}");
    }
    let bounded = Ask { min: Some(1.0), max: Some(5.0), ..plain };
    assert_eq!(read(&bounded, "0"), None);
    assert_eq!(read(&bounded, "5"), Some("5".into()));
    assert_eq!(read(&bounded, "5.1"), None);
}

#[test]
fn emails() {
    let ask = ask(AnswerType::Email);
    for (text, expected) in [
        ("ana@example.com", Some("ana@example.com")),
        (" Ana.Lopez+x@Example.COM. ", Some("Ana.Lopez+x@example.com")),
        ("<ana@example.com>", Some("ana@example.com")),
        ("mailto:ana@example.com", Some("ana@example.com")),
        ("ana@exämple.de", Some("ana@exämple.de")),
        ("ana@example", None),
        ("ana@@example.com", None),
        ("ana example@example.com", None),
        ("@example.com", None),
        ("ana@-x.com", None),
        ("ana@example.c", None),
        ("ana", None),
    ] {
        assert_eq!(read(&ask, text).as_deref(), expected, "{text}");
    }
}

#[test]
fn phones() {
    let plain = ask(AnswerType::Phone);
    assert_eq!(read(&plain, "+1 (212) 555-0123"), Some("+12125550123".into()));
    assert_eq!(read(&plain, "212 555 0123"), None);
    assert_eq!(read(&Ask { country: Some("US".into()), ..plain }, "212 555 0123"), Some("+12125550123".into()));
}

#[test]
fn patterns_match_the_whole_answer() {
    let order =
        Ask { pattern: Some(r"[A-Z]{2}-\d{6}".into()), normalise: Some(Normalise::Upper), ..ask(AnswerType::Regex) };
    assert_eq!(read(&order, " ab-123456 "), Some("AB-123456".into()));
    assert_eq!(read(&order, "my order is AB-123456"), None);
    assert_eq!(read(&order, "AB-1234567"), None);
    let either = Ask { pattern: Some("a|b".into()), ..ask(AnswerType::Regex) };
    assert_eq!(read(&either, "ax"), None, "the alternatives stay together");
    assert!(pattern("a)(b").is_err());
    assert!(pattern("((a{1000}){1000}){1000}").is_err(), "too large");
}

#[test]
fn choices_by_tap_label_id_and_number() {
    let mut choice = ask(AnswerType::Choice);
    choice.options = serde_json::from_value(serde_json::json!([
        { "id": "order", "label": "My order" }, { "id": "other", "label": "Something else", "goto": "end" }
    ]))
    .unwrap();
    for text in ["My order", "my order!", "ORDER", "1", "1."] {
        assert_eq!(read(&choice, text), Some("My order".into()), "{text}");
    }
    assert_eq!(read_text(&choice, &Texts::default(), "2").unwrap().goto, Some("end".into()));
    for text in ["0", "3", "orders", "?", "-1"] {
        assert_eq!(read(&choice, text), None, "{text}");
    }
    assert_eq!(read_option(&choice, &Texts::default(), "order").unwrap().value, Value::Text("order".into()));
    assert_eq!(read_option(&choice, &Texts::default(), "gone"), None);
}

#[test]
fn yes_and_no() {
    let ask = ask(AnswerType::YesNo);
    let value = |text: &str| read_text(&ask, &Texts::default(), text).map(|answer| answer.value);
    for (text, expected) in
        [("Yes!", Some(true)), ("sí", Some(true)), ("NO", Some(false)), ("não", Some(false)), ("maybe", None)]
    {
        assert_eq!(value(text), expected.map(Value::Bool), "{text}");
    }
    let texts = Texts { yes: "Claro".into(), ..Texts::default() };
    assert_eq!(read_text(&ask, &texts, "claro").map(|answer| answer.value), Some(Value::Bool(true)));
}

#[test]
fn fields_of_forms_are_read_as_what_they_are() {
    use serde_json::json;
    for (answer, value) in [
        (json!("  Ana\u{0} "), Some(Value::Text("Ana".to_owned()))),
        (json!(" "), None),
        (json!(null), None),
        (json!([]), None),
        (json!(["a", null, 2, true]), Some(Value::Text("a, 2, yes".to_owned()))),
        (json!(true), Some(Value::Bool(true))),
        (json!(3), Some(Value::Integer(3))),
        (json!(0.1), Some(Value::Number(0.1))),
        (json!(1e300), Some(Value::Text("1e+300".to_owned()))),
        (json!({"a": 1}), Some(Value::Text("{\"a\":1}".to_owned()))),
    ] {
        assert!(read_field(&answer) == value, "{answer}");
    }
    assert_eq!(read_field(&json!("x".repeat(5_000))).unwrap().to_string().len(), 1_000);
}
