use super::*;
use uuid::Uuid;

fn template(body: &str) -> Template {
    let components = json!([
        {"type": "HEADER", "format": "IMAGE"},
        {"type": "body", "text": body},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Yes"}]},
    ]);
    let parts = TemplateParts::of("n", "en_US", "UTILITY", false, &components).unwrap();
    let drafted = Template::drafted(TemplateId(Uuid::nil()), ChannelId(Uuid::nil()), parts);
    Template { components, status: APPROVED.to_owned(), ..drafted }
}

#[test]
fn numbered_placeholders_count_once_and_are_filled_in_their_order() {
    let numbered = template("{{2}} and {{1}} and {{2}}");
    assert_eq!(numbered.parameter_count(), 2);
    assert_eq!(numbered.parameter_names(), None);
    assert_eq!(numbered.rendered(&["one".to_owned(), "two".to_owned()]), "two and one and two");
    assert_eq!(numbered.rendered(&["{{2}}".to_owned(), "two".to_owned()]), "two and {{2}} and two");
    assert_eq!(numbered.rendered(&["one".to_owned()]), "{{2}} and one and {{2}}");
}

#[test]
fn named_placeholders_keep_their_order_of_appearance() {
    let named = template("Hi {{name}}, {{day}}. Bye {{name}}");
    assert_eq!(named.parameter_names(), Some(vec!["name".to_owned(), "day".to_owned()]));
    assert_eq!(named.rendered(&["Ann".to_owned(), "Monday".to_owned()]), "Hi Ann, Monday. Bye Ann");
}

#[test]
fn the_view_leaves_out_what_is_not_text() {
    let view = template("Hello").view();
    assert_eq!((view.header, view.footer, view.parameter_count), (None, None, 0));
    assert_eq!(view.header_format.as_deref(), Some("image"));
    assert_eq!(view.buttons, [TemplateButton { kind: "QUICK_REPLY".to_owned(), text: "Yes".to_owned(), url: None }]);
}
