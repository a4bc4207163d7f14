//! Conditions: what can be written, what is refused and where, and that each way of writing comes back as it was.

use proptest::prelude::*;
use segue_expr::{
    Case, Compare, Condition, Event, FieldName, Group, LONGEST, MOST_TESTS, MOST_VALUES, Order, Pattern, Place, Test,
};
use segue_model::{
    CampaignId, ListId,
    consent::{ConsentState, Medium},
    contact::ContactFields,
};
use uuid::Uuid;

fn person(attributes: &[(&str, &str)]) -> ContactFields {
    ContactFields {
        first_name: Some("Ana".to_owned()),
        attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..ContactFields::default()
    }
}

fn holds(text: &str, contact: &ContactFields) -> bool {
    let condition = Condition::read(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
    condition.holds(contact, &mut |test| panic!("{test:?} is not about fields"))
}

#[test]
fn fields_are_compared_as_written() {
    let ana = person(&[("city", "Berlin"), ("loyalty level", "gold"), ("points", "120"), ("rating", "4.75")]);
    for (text, expected) in [
        ("true", true),
        ("false", false),
        ("contact.first_name == 'Ana'", true),
        ("contact.first_name == \"ana\"", false),
        ("contact.first_name.lowerAscii() == 'ana'", true),
        ("contact['loyalty level'] in ['gold', 'silver']", true),
        ("!(contact.city in ['Hamburg'])", true),
        ("contact.city != 'Berlin'", false),
        ("contact.street != 'Berlin'", true),
        ("contact.street == ''", true),
        ("has(contact.city) && !has(contact.street)", true),
        ("contact.city.contains('erl') && contact.city.startsWith('Ber') && contact.city.endsWith('lin')", true),
        ("contact.city.matches('^B.*n$')", true),
        ("int(contact.points) >= 100", true),
        ("100 < int(contact.points)", true),
        ("int(contact.points) > 120 || int(contact.city) < 5", false),
        ("int(contact.city) != 5", true),
        ("int(contact.points) > -1", true),
        ("double(contact.rating) > 4.5 && double(contact.rating) <= 5", true),
    ] {
        assert_eq!(holds(text, &ana), expected, "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_in_words_and_with_its_place() {
    for (text, words, place) in [
        ("", "Write a condition", None),
        ("contact.city", "has(contact.city)", Some((1, 8))),
        ("contact.city == ", "ends too early", None),
        ("contact.points > 5", "int(contact.points)", None),
        ("contact.city > 'A'", "no order", None),
        ("has(contact.city) &&\n  city == 'x'", "contact.city", Some((2, 3))),
        ("bought(30)", "There is no function bought", None),
        ("clicked('x')", "begins with cmp_", None),
        ("clicked(0)", "between 1 and", None),
        ("on_list('cmp_1')", "begins with lst_", None),
        ("consent('fax') == 'granted'", "\"whatsapp\"", None),
        ("consent('sms') == 'yes'", "\"granted\"", None),
        ("consent('sms')", "Compare consent", None),
        ("1 + 1", "no calculating", None),
        ("contact.city.matches('(')", "not a regular expression", None),
        ("contact.city.size()", "has no size()", None),
        ("contact.city.lowerAscii() == 'Berlin'", "lower case", None),
        ("contact['a\"b'] == 'x'", "quotes", None),
        ("contact.city in []", "between 1 and", None),
        ("contact.city.contains('')", "text to look for", None),
        ("[1].all(x, x > 0)", "cannot stand here", None),
        ("5 == 5", "Neither side", None),
    ] {
        let problem = Condition::read(text).expect_err(text);
        assert!(problem.message.contains(words), "{text}: {problem}");
        if let Some((line, column)) = place {
            assert_eq!(problem.place, Some(Place { line, column }), "{text}: {problem}");
        }
    }
    let umlauts = Condition::read("contact.city == 'Übergrößen' && nothing()").unwrap_err();
    assert_eq!(umlauts.place.map(|place| place.line), Some(1));
    assert!(umlauts.place.is_some_and(|place| (33..=40).contains(&place.column)), "{umlauts}");
}

#[test]
fn size_and_depth_are_bounded() {
    let long = format!("contact.city == '{}'", "x".repeat(LONGEST));
    assert!(Condition::read(&long).unwrap_err().message.contains("longer than"));
    let deep = format!("{}true{}", "(".repeat(2_000), ")".repeat(2_000));
    assert!(Condition::read(&deep).unwrap_err().message.contains("nested deeper"));
    // The parser calls itself for each link of these; a text of this length would use up the stack.
    for link in ["contact.a", ".a", "a + ", "a == ", "!", "-", "a ? b : ", "a in ", "a[b].c()", "[", "{a:", "has("] {
        Condition::read(&link.repeat(LONGEST / link.len())).unwrap_err();
    }
    let worst = format!("!(a.b.c.d.e.f.g.h.i.j == f(a.b.c, {})", "x(a.b.c.d.e.f.g.h.i.j, ".repeat(20));
    Condition::read(&worst).unwrap_err();
    let deepest = format!("{}suppressed(){}", "(".repeat(23), ")".repeat(23));
    assert!(Condition::read(&deepest).is_ok());
    let many = vec!["suppressed()"; MOST_TESTS + 1].join(" || ");
    assert!(Condition::read(&many).unwrap_err().message.contains("at most"));
    let values = vec!["'x'"; MOST_VALUES + 1].join(",");
    assert!(Condition::read(&format!("contact.city in [{values}]")).unwrap_err().message.contains("between 1 and"));
    assert!(Condition::read(&vec!["suppressed()"; MOST_TESTS].join(" || ")).is_ok());
}

#[test]
fn a_form_comes_back_from_its_text() {
    let text =
        "contact.city.lowerAscii() == \"berlin\" && (clicked(90) || !on_list(\"lst_00000000000000000000000001\"))";
    let condition = Condition::read(text).unwrap();
    assert_eq!(condition.to_string(), text);
    let form = Group::of(&condition).unwrap();
    assert_eq!(form.condition().unwrap(), condition);
    let json = serde_json::to_string(&form).unwrap();
    assert_eq!(serde_json::from_str::<Group>(&json).unwrap(), form);
    // What a form cannot say stays a text.
    assert!(Group::of(&Condition::read("!(suppressed() || clicked())").unwrap()).is_none());
}

#[test]
fn a_row_that_lacks_something_says_what() {
    for (row, words) in [
        (r#"{"topic":"field","name":"","operator":"is","values":["x"]}"#, "Choose the field"),
        (r#"{"topic":"field","name":"city","operator":"is"}"#, "Give city a value"),
        (r#"{"topic":"field","name":"points","operator":"more","values":["many"]}"#, "with a number"),
        (r#"{"topic":"event","name":"bought","operator":"happened"}"#, "Choose what happened"),
        (r#"{"topic":"event","name":"clicked","operator":"happened","days":0}"#, "between 1 and"),
        (r#"{"topic":"list","operator":"is","values":[""]}"#, "value"),
        (r#"{"topic":"suppressed","operator":"contains"}"#, "cannot be asked"),
        (r#"{"topic":"field","name":"city","operator":"is_any_of","values":["", " "]}"#, "between 1 and"),
        (
            r#"{"topic":"table","name":"orders","operator":"happened",
                "having":[{"column":"status","operator":"is_any_of","values":[""]}]}"#,
            "between 1 and",
        ),
    ] {
        let group: Group = serde_json::from_str(&format!(r#"{{"join":"all","items":[{{"row":{row}}}]}}"#)).unwrap();
        let problem = group.condition().unwrap_err();
        assert!(problem.message.contains(words), "{row}: {problem}");
    }
}

#[test]
fn a_blank_value_of_a_list_does_not_mean_who_has_none() {
    let of = |row: &str| {
        let text = format!(r#"{{"join":"all","items":[{{"row":{row}}}]}}"#);
        serde_json::from_str::<Group>(&text).unwrap().condition().unwrap()
    };
    let berlin = of(r#"{"topic":"field","name":"city","operator":"is_any_of","values":["Berlin",""," "]}"#);
    assert_eq!(berlin.to_string(), r#"contact.city in ["Berlin"]"#);
    assert!(!berlin.holds(&person(&[]), &mut |_| false));
    let elsewhere = of(r#"{"topic":"field","name":"city","operator":"is_none_of","values":["","Berlin"]}"#);
    assert!(elsewhere.holds(&person(&[]), &mut |_| false));
    let open = r#"{"column":"status","operator":"is_any_of","values":["open",""]}"#;
    let open = of(&format!(r#"{{"topic":"table","name":"orders","operator":"happened","having":[{open}]}}"#));
    assert_eq!(open.to_string(), r#"has_row("orders", row.status in ["open"])"#);
    // Whoever means it writes it; no form says it.
    let meant = Condition::read(r#"contact.city in ["Berlin", ""]"#).unwrap();
    assert!(meant.holds(&person(&[]), &mut |_| false));
    assert_eq!(Group::of(&meant), None);
}

fn field() -> impl Strategy<Value = FieldName> {
    prop_oneof![
        Just("first_name".to_owned()),
        "[a-z]{1,6}",
        "[a-zA-Z0-9 .'äß$-]{1,8}".prop_filter("not blank", |name| !name.trim().is_empty()),
        Just("in".to_owned()),
    ]
    .prop_map(|name| FieldName::new(name).unwrap())
}

fn test() -> impl Strategy<Value = Test> {
    let value = "[a-z\"'\\\\\n ä%_]{1,6}";
    let order = prop_oneof![
        Just(Order::Equal),
        Just(Order::Less),
        Just(Order::LessOrEqual),
        Just(Order::More),
        Just(Order::MoreOrEqual)
    ];
    let compare = prop_oneof![
        value.prop_map(Compare::Equals),
        prop::collection::vec(value, 1..4).prop_map(Compare::OneOf),
        value.prop_map(Compare::Contains),
        value.prop_map(Compare::StartsWith),
        value.prop_map(Compare::EndsWith),
    ];
    let case = prop_oneof![Just(Case::Exact), Just(Case::Ignored)];
    let campaign = prop::option::of(any::<u128>().prop_map(|bits| CampaignId(Uuid::from_u128(bits))));
    prop_oneof![
        (field(), case, compare).prop_map(|(field, case, compare)| Test::Text { field, case, compare }),
        field().prop_map(Test::Filled),
        (field(), order.clone(), any::<i32>()).prop_map(|(field, order, value)| Test::Number {
            field,
            order,
            value: value.into()
        }),
        (field(), order, -1_000..1_000_i32).prop_map(|(field, order, value)| Test::Decimal {
            field,
            order,
            value: f64::from(value) / 8.0
        }),
        field().prop_map(|field| Test::Matches { field, pattern: Pattern::new("^a+\"?$").unwrap() }),
        Just(Test::Consent { medium: Medium::Sms, state: ConsentState::Granted }),
        any::<u128>().prop_map(|bits| Test::OnList(ListId(Uuid::from_u128(bits)))),
        (prop::sample::select(Event::ALL), campaign, prop::option::of(1..3_000_u32))
            .prop_map(|(event, campaign, days)| Test::Happened { event, campaign, days }),
        (1..3_000_u32).prop_map(Test::CreatedWithin),
        Just(Test::Suppressed),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    test().prop_map(Condition::Test).prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::all),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::any),
            inner.prop_map(Condition::not),
        ]
    })
}

proptest! {
    #[test]
    fn text_comes_back_as_the_same_condition(condition in condition()) {
        let text = condition.to_string();
        prop_assert_eq!(Condition::read(&text).map_err(|problem| TestCaseError::fail(format!("{text}: {problem}")))?, condition);
    }

    #[test]
    fn a_form_comes_back_as_the_same_condition(condition in condition()) {
        if let Some(form) = Group::of(&condition)
            && condition.tests().iter().all(|test| !matches!(test, Test::Text { compare, .. } if blank(compare)))
        {
            prop_assert_eq!(form.condition().unwrap(), condition);
        }
    }

    #[test]
    fn no_text_makes_it_fall(text in ".{0,60}") {
        let _ = Condition::read(&text);
    }

    #[test]
    fn no_text_of_its_own_letters_makes_it_fall(text in "[a-z()\\[\\]\"'.&|!=<>0-9 ,{}?:-]{0,60}") {
        let _ = Condition::read(&text);
    }
}

/// A form takes a blank value for a missing one.
fn blank(compare: &Compare) -> bool {
    match compare {
        Compare::Equals(text) | Compare::Contains(text) | Compare::StartsWith(text) | Compare::EndsWith(text) => {
            text.trim().is_empty()
        }
        Compare::OneOf(_) => false,
    }
}
