use proptest::prelude::*;

use super::*;

#[test]
fn usual_writings() {
    for (text, country, expected) in [
        ("+12125550123", None, "+12125550123"),
        ("+1 (212) 555-0123", None, "+12125550123"),
        ("(212) 555-0123", Some("US"), "+12125550123"),
        ("212.555.0123", Some("US"), "+12125550123"),
        ("1-212-555-0123", Some("US"), "+12125550123"),
        ("  +1 212 555 0123  ", None, "+12125550123"),
        ("+1 555 010 0123", None, "+15550100123"),
        ("tel:+1-212-555-0123", None, "+12125550123"),
        ("(11) 91234-5678", Some("BR"), "+5511912345678"),
        ("011 91234-5678", Some("BR"), "+5511912345678"),
        ("+55 11 1234-5678", None, "+551112345678"),
        ("55 1234 5678", Some("MX"), "+525512345678"),
        ("+52 55 1234 5678", None, "+525512345678"),
        ("+5215512345678", None, "+5215512345678"),
        ("011 15-2345-6789", Some("AR"), "+5491123456789"),
        ("+54 9 11 2345-6789", None, "+5491123456789"),
        ("612 34 56 78", Some("ES"), "+34612345678"),
        ("0034 612 345 678", Some("ES"), "+34612345678"),
        ("098765 43210", Some("IN"), "+919876543210"),
        ("+91 98765 43210", None, "+919876543210"),
        ("0812-3456-7890", Some("ID"), "+6281234567890"),
        ("+62 812 3456 7890", None, "+6281234567890"),
        ("0171 2345678", Some("DE"), "+491712345678"),
        ("+49 (0)171 2345678", None, "+491712345678"),
    ] {
        assert_eq!(PhoneNumber::parse(text, country).map(|phone| phone.0), Ok(expected.to_owned()), "{text}");
    }
}

#[test]
fn malformed_writings_say_what_is_wrong() {
    for (text, country, error) in [
        ("", None, InvalidPhone::Empty),
        ("   ", Some("US"), InvalidPhone::Empty),
        ("hello", Some("US"), InvalidPhone::NotANumber),
        ("ana@example.com", Some("US"), InvalidPhone::NotANumber),
        ("612 34 56 78", None, InvalidPhone::NoCountry),
        ("+0123456789", None, InvalidPhone::Impossible),
        ("+123", None, InvalidPhone::Impossible),
        ("+1234567890123456", None, InvalidPhone::Impossible),
    ] {
        assert_eq!(PhoneNumber::parse(text, country), Err(error), "{text}");
    }
}

#[test]
fn the_providers_digits_are_kept_as_they_are() {
    for digits in ["551112345678", "5511912345678", "5215512345678", "525512345678", "541123456789", "5491123456789"] {
        assert_eq!(PhoneNumber::from_digits(digits).unwrap().digits(), digits);
    }
    for digits in ["", "+15550100", "1555010012345678", "0155501001", "12345", "1555 0100", "１５５５０１００"]
    {
        assert!(PhoneNumber::from_digits(digits).is_err(), "{digits}");
    }
}

#[test]
fn a_sender_in_national_writing_is_of_the_country() {
    for (written, is_national, country, expected) in [
        // As an international number it would be one of Morocco, which has none so short.
        ("2125550199", false, "US", "+12125550199"),
        ("2125550199", true, "US", "+12125550199"),
        ("12125550199", false, "US", "+12125550199"),
        ("12125550199", true, "US", "+12125550199"),
        ("+2125550199", false, "US", "+2125550199"),
        ("212612345678", false, "US", "+212612345678"),
        // In use both ways: the carrier's word decides.
        ("3612345678", true, "US", "+13612345678"),
        ("3612345678", false, "US", "+3612345678"),
        // A carrier that calls everything national.
        ("491712345678", true, "US", "+491712345678"),
        ("01712345678", false, "DE", "+491712345678"),
        // Test ranges are in no table.
        ("15550130001", false, "US", "+15550130001"),
        ("5550130001", true, "US", "+15550130001"),
        ("(555) 013-0001", false, "US", "+15550130001"),
    ] {
        let read = PhoneNumber::of_handset(written, is_national, country);
        assert_eq!(read.map(|phone| phone.0), Ok(expected.to_owned()), "{written}, national: {is_national}");
    }
    assert!(PhoneNumber::of_handset("12345", false, "US").is_err(), "a short code");
}

#[test]
fn writings_of_one_line_are_one_line() {
    let same = |a: &str, b: &str| a.parse::<PhoneNumber>().unwrap().is_same_line(&b.parse().unwrap());
    assert!(same("+551187654321", "+5511987654321"), "Brazil");
    assert!(same("+525512345678", "+5215512345678"), "Mexico");
    assert!(same("+541123456789", "+5491123456789"), "Argentina");
    assert!(!same("+551187654321", "+5521987654321"), "another area");
    assert!(!same("+15550100001", "+15550100002"));
    assert!(!same("+5511887654321", "+5511987654321"), "only a ninth digit 9 is the added one");
}

#[test]
fn debug_hides_the_number() {
    let phone: PhoneNumber = "+12125550123".parse().unwrap();
    assert_eq!(format!("{phone:?}"), "+1…23");
    assert_eq!(format!("{phone}"), "+12125550123");
    assert!(
        !format!("{:?}", crate::contact::ContactFields { phone: Some(phone), ..Default::default() }).contains("2125")
    );
}

#[test]
fn json_is_the_number_and_refuses_garbage() {
    let phone: PhoneNumber = "+12125550123".parse().unwrap();
    assert_eq!(serde_json::to_string(&phone).unwrap(), "\"+12125550123\"");
    assert_eq!(serde_json::from_str::<PhoneNumber>("\"+1 212 555 0123\"").unwrap(), phone);
    assert!(serde_json::from_str::<PhoneNumber>("\"soon\"").is_err());
}

proptest! {
    #[test]
    fn only_countries_with_two_writings_may_have_them(code in prop::sample::select(vec!["55", "52", "54", "1", "49", "5"]), rest in "[0-9]{5,11}") {
        let phone = PhoneNumber::from_digits(&format!("{code}{rest}"));
        prop_assume!(phone.is_ok());
        let phone = phone.unwrap();
        prop_assert!(phone.writings().len() == 1 || PhoneNumber::may_have_writings(phone.as_str()), "{}", phone.as_str());
    }

    #[test]
    fn any_text_is_read_without_harm_and_what_was_read_is_stable(text in "\\PC{0,24}", country in "[A-Z]{2}") {
        if let Ok(phone) = PhoneNumber::parse(&text, Some(&country)) {
            prop_assert_eq!(PhoneNumber::parse(phone.as_str(), None), Ok(phone.clone()));
            prop_assert!(phone.is_same_line(&phone));
        }
    }

    #[test]
    fn e164_is_kept(digits in "[1-9][0-9]{6,14}") {
        let phone = PhoneNumber::parse(&format!("+{digits}"), None).unwrap();
        prop_assert_eq!(phone.digits(), digits);
    }
}

#[test]
fn a_number_has_both_of_its_writings() {
    for (one, other) in
        [("+5511999990000", "+551199990000"), ("+5215512345678", "+525512345678"), ("+5491112345678", "+541112345678")]
    {
        for (a, b) in [(one, other), (other, one)] {
            let found: Vec<String> =
                a.parse::<PhoneNumber>().unwrap().writings().iter().map(ToString::to_string).collect();
            assert_eq!(found, [a, b]);
        }
    }
    let german: PhoneNumber = "+4915112345678".parse().unwrap();
    assert_eq!(german.writings(), std::slice::from_ref(&german));
}
