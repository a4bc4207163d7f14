use super::*;
use crate::template::{best_language, filled, language_code};

fn parts(format: ParameterFormat) -> TemplateParts {
    let (first, second) = match format {
        ParameterFormat::Positional => ("{{1}}", "{{2}}"),
        ParameterFormat::Named => ("{{name}}", "{{order}}"),
    };
    TemplateParts {
        name: "order_ready".to_owned(),
        language: "en_US".to_owned(),
        category: TemplateCategory::Utility,
        parameter_format: format,
        header: Some(TemplateHeader::Text { text: format!("Order {first}"), sample: Some("1017".to_owned()) }),
        body: format!("Hello {first}, your order {second} is ready."),
        samples: vec!["Ana".to_owned(), "1017".to_owned()],
        footer: Some("Acme Outdoor".to_owned()),
        buttons: vec![
            TemplateButton::QuickReply { text: "Thanks".to_owned() },
            TemplateButton::Url {
                text: "Track".to_owned(),
                url: "https://acme.example/{{1}}".to_owned(),
                sample: Some("https://acme.example/17".to_owned()),
            },
            TemplateButton::PhoneNumber { text: "Call".to_owned(), phone_number: "+15550100".to_owned() },
            TemplateButton::CopyCode { sample: "SAVE".to_owned() },
            TemplateButton::Flow { text: "Rate".to_owned(), flow_id: "12".to_owned(), screen: Some("A".to_owned()) },
            TemplateButton::VoiceCall { text: "Call us".to_owned() },
            TemplateButton::RequestContactInfo,
        ],
        code: None,
        cards: Vec::new(),
        offer: None,
    }
}

fn boots(media_id: Option<MediaId>) -> TemplateCard {
    TemplateCard {
        header: TemplateHeader::Image { media_id },
        body: "Boots for {{1}} today.".to_owned(),
        samples: vec!["89".to_owned()],
        buttons: vec![TemplateButton::QuickReply { text: "More".to_owned() }],
    }
}

#[test]
fn cards_and_offers_have_the_documented_components_and_are_read_back() {
    let (one, other) = (MediaId(uuid::Uuid::from_u128(1)), MediaId(uuid::Uuid::from_u128(2)));
    let carousel = TemplateParts {
        header: None,
        body: "New in our shop.".to_owned(),
        samples: Vec::new(),
        footer: None,
        buttons: Vec::new(),
        cards: vec![boots(Some(one)), boots(Some(other))],
        category: TemplateCategory::Marketing,
        ..parts(ParameterFormat::Positional)
    };
    let handles = ExampleHandles::from([(one, "4::one".to_owned()), (other, "4::other".to_owned())]);
    let card = |handle: &str| {
        json!({"components": [
            {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [handle]}},
            {"type": "BODY", "text": "Boots for {{1}} today.", "example": {"body_text": [["89"]]}},
            {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "More"}]},
        ]})
    };
    let components = Value::from(carousel.components(&handles));
    assert_eq!(
        components,
        json!([
            {"type": "BODY", "text": "New in our shop."},
            {"type": "CAROUSEL", "cards": [card("4::one"), card("4::other")]},
        ])
    );
    let read = TemplateParts::of("order_ready", "en_US", "MARKETING", false, &components).unwrap();
    assert_eq!(read.clone().with_files(None, &[Some(one), Some(other)]), carousel);
    assert_eq!(read.card_files(), [None, None], "WhatsApp does not know our files");
    assert_eq!(carousel.files(), [one, other]);
    let offer = TemplateParts {
        offer: Some(TemplateOffer { text: "Expiring offer!".to_owned(), expires: true }),
        buttons: vec![TemplateButton::CopyCode { sample: "SAVE".to_owned() }],
        cards: Vec::new(),
        ..carousel
    };
    let components = Value::from(offer.components(&handles));
    assert_eq!(
        components,
        json!([
            {"type": "LIMITED_TIME_OFFER",
             "limited_time_offer": {"text": "Expiring offer!", "has_expiration": true}},
            {"type": "BODY", "text": "New in our shop."},
            {"type": "BUTTONS", "buttons": [{"type": "COPY_CODE", "example": "SAVE"}]},
        ])
    );
    assert_eq!(TemplateParts::of("order_ready", "en_US", "MARKETING", false, &components), Some(offer));
}

#[test]
fn parts_have_the_documented_components() {
    assert_eq!(
        Value::from(parts(ParameterFormat::Positional).components(&ExampleHandles::new())),
        json!([
            {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}", "example": {"header_text": ["1017"]}},
            {"type": "BODY", "text": "Hello {{1}}, your order {{2}} is ready.",
             "example": {"body_text": [["Ana", "1017"]]}},
            {"type": "FOOTER", "text": "Acme Outdoor"},
            {"type": "BUTTONS", "buttons": [
                {"type": "QUICK_REPLY", "text": "Thanks"},
                {"type": "URL", "text": "Track", "url": "https://acme.example/{{1}}",
                 "example": ["https://acme.example/17"]},
                {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+15550100"},
                {"type": "COPY_CODE", "example": "SAVE"},
                {"type": "FLOW", "text": "Rate", "flow_id": "12", "flow_action": "navigate", "navigate_screen": "A"},
                {"type": "VOICE_CALL", "text": "Call us"},
                {"type": "REQUEST_CONTACT_INFO"},
            ]},
        ])
    );
    let named = parts(ParameterFormat::Named).components(&ExampleHandles::new());
    assert_eq!(named[0]["example"], json!({"header_text_named_params": [{"param_name": "name", "example": "1017"}]}));
    assert_eq!(
        named[1]["example"],
        json!({"body_text_named_params": [
            {"param_name": "name", "example": "Ana"}, {"param_name": "order", "example": "1017"}]})
    );
    let media_id = MediaId(uuid::Uuid::nil());
    let header = Some(TemplateHeader::Image { media_id: Some(media_id) });
    let image = TemplateParts { header, ..parts(ParameterFormat::Positional) };
    assert_eq!(
        image.components(&ExampleHandles::from([(media_id, "4::aW".to_owned())]))[0],
        json!({"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW"]}})
    );
}

#[test]
fn one_time_codes_have_their_own_components() {
    let parts = TemplateParts {
        category: TemplateCategory::Authentication,
        body: String::new(),
        header: None,
        footer: None,
        buttons: vec![TemplateButton::OneTimeCode {
            mode: CodeMode::OneTap,
            text: Some("Copy".to_owned()),
            autofill_text: Some("Fill in".to_owned()),
            apps: vec![CodeApp { package_name: "example.app".to_owned(), signature_hash: "K8a/AINcGX7".to_owned() }],
        }],
        code: Some(CodeText { security_advice: true, expires_in_minutes: Some(5) }),
        ..parts(ParameterFormat::Positional)
    };
    assert_eq!(
        Value::from(parts.components(&ExampleHandles::new())),
        json!([
            {"type": "BODY", "add_security_recommendation": true},
            {"type": "FOOTER", "code_expiration_minutes": 5},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "ONE_TAP", "text": "Copy",
                "autofill_text": "Fill in",
                "supported_apps": [{"package_name": "example.app", "signature_hash": "K8a/AINcGX7"}]}]},
        ])
    );
}

#[test]
fn the_words_whatsapp_writes_itself_are_no_part_of_what_was_written() {
    let listed = json!([
        {"type": "BODY", "text": "*{{1}}* is your verification code.", "add_security_recommendation": true,
         "example": {"body_text": [["123456"]]}},
        {"type": "FOOTER", "text": "This code expires in 5 minutes.", "code_expiration_minutes": 5},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Copy code", "url": "https://www.whatsapp.com/otp/{{1}}"}]},
    ]);
    let read = TemplateParts::of("code", "en", "AUTHENTICATION", false, &listed).unwrap();
    assert_eq!(crate::template_lint::lint(&read), [], "it can be submitted again as it is");
    assert_eq!(read.code, Some(CodeText { security_advice: true, expires_in_minutes: Some(5) }));
    assert_eq!(crate::template_values::slots(&read).len(), 1, "the code is all that is given");
}

#[test]
fn what_is_submitted_is_read_back_as_it_was_written() {
    for format in [ParameterFormat::Positional, ParameterFormat::Named] {
        let written = parts(format);
        let named = format == ParameterFormat::Named;
        let read = TemplateParts::of(
            "order_ready",
            "en_US",
            "UTILITY",
            named,
            &written.components(&ExampleHandles::new()).into(),
        );
        assert_eq!(read, Some(written));
    }
    let of = |components: Value| TemplateParts::of("a", "en", "MARKETING", false, &components);
    assert_eq!(of(json!([{"type": "BODY", "text": "x"}, {"type": "CAROUSEL", "cards": []}])), None);
    let product = json!({"components": [{"type": "HEADER", "format": "PRODUCT"}]});
    assert_eq!(of(json!([{"type": "BODY", "text": "x"}, {"type": "CAROUSEL", "cards": [product]}])), None);
    assert_eq!(of(json!([{"type": "HEADER", "format": "PRODUCT"}])), None);
    let odd = json!({"type": "CALL_PERMISSION_REQUEST"});
    let read = of(json!([{"type": "BODY", "text": "x"}, {"type": "BUTTONS", "buttons": [odd]}])).unwrap();
    assert_eq!(read.buttons, [TemplateButton::Other { raw: odd.clone() }]);
    assert_eq!(read.components(&ExampleHandles::new())[1]["buttons"][0], odd, "what is not known goes back as it came");
}

#[test]
fn values_stand_where_their_variables_are() {
    let values = ["one".to_owned(), "{{1}}".to_owned()];
    for (text, expected) in [
        ("{{2}} and {{ 1 }}, {{2}}", "{{1}} and one, {{1}}"),
        ("{{a}} {{b}} {{a}}", "one {{1}} one"),
        ("{{1}} {{2}} {{3}}", "one {{1}} {{3}}"),
        ("none", "none"),
    ] {
        assert_eq!(filled(text, &values), expected);
    }
}

#[test]
fn a_customer_gets_the_nearest_language_there_is() {
    for (there, wanted, expected) in [
        (&["de", "en_US"][..], &["de-AT", "en"][..], Some("de")),
        (&["de_AT", "de", "en"], &["de-AT"], Some("de_AT")),
        (&["pt_BR", "en_US"], &["pt-PT"], Some("pt_BR")),
        (&["fr", "en_GB"], &["ja", "es"], Some("en_GB")),
        (&["fr", "it"], &["ja", "it"], Some("it")),
        (&["fr", "it"], &[], Some("fr")),
        (&[], &["de"], None),
    ] {
        assert_eq!(best_language(there, wanted), expected, "{there:?} for {wanted:?}");
    }
    assert_eq!(language_code("en-us"), "en_US");
}
