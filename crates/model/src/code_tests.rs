use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;

fn key() -> CodeKey {
    CodeKey::new([7; 32])
}

fn target() -> impl Strategy<Value = CodeTarget> {
    (0..CAMPAIGN_NUMBERS, 0..POSITIONS).prop_map(|(number, position)| CodeTarget::new(number, position).unwrap())
}

#[test]
fn golden_vector() {
    let code = key().encode(CodeTarget { campaign_number: 42, position: 1_000_000 });
    assert_eq!(code, "c3acqe54744kcrxf");
    assert_eq!(grouped(&code), "C3AC-QE54-744K-CRXF");
}

#[test]
fn the_largest_target_fits_and_a_larger_one_is_refused() {
    let last = CodeTarget::new(CAMPAIGN_NUMBERS - 1, POSITIONS - 1).unwrap();
    assert_eq!(key().decode(&key().encode(last)), Some(last));
    assert_eq!(CodeTarget::new(CAMPAIGN_NUMBERS, 0), None);
    assert_eq!(CodeTarget::new(0, POSITIONS), None);
    let beyond = CodeTarget { campaign_number: 0, position: POSITIONS };
    assert!(std::panic::catch_unwind(|| key().encode(beyond)).is_err());
}

/// A standard implementation of FF1 gives the same codes, so those already sent stay readable.
#[test]
fn the_cipher_is_ff1() {
    use fpe::ff1::{FF1, FlexibleNumeralString};
    let standard = FF1::<Aes256>::new(&[7; 32], 32).unwrap();
    let mut rng = StdRng::seed_from_u64(2);
    for _ in 0..300 {
        let plain = (u128::from(rng.next_u64()) << 16) | u128::from(rng.next_u32() & 0xFFFF);
        let digits = (0..CODE_LENGTH).rev().map(|place| ((plain >> (5 * place)) & 31) as u16).collect::<Vec<_>>();
        let secret = standard.encrypt(TWEAK, &FlexibleNumeralString::from(digits)).unwrap();
        let secret = Vec::from(secret).into_iter().fold(0u128, |bits, digit: u16| (bits << 5) | u128::from(digit));
        assert_eq!(key().0.encrypt(plain), secret);
        assert_eq!(key().0.decrypt(secret), plain);
    }
}

#[test]
fn each_link_of_a_recipient_has_its_own_code_and_all_lead_back_to_him() {
    let target = CodeTarget { campaign_number: 42, position: 1_000_000 };
    let codes = (0..LINKS).map(|link| key().encode_link(LinkCode { target, link })).collect::<Vec<_>>();
    for (link, code) in (0..).zip(&codes) {
        assert_eq!(key().decode_link(code), Some(LinkCode { target, link }));
        assert_eq!(key().decode(code), Some(target));
        assert_eq!(codes.iter().filter(|other| *other == code).count(), 1);
    }
    assert_eq!(codes[0], key().encode(target), "the chat's link is the reference");
    let beyond = LinkCode { target, link: LINKS };
    assert!(std::panic::catch_unwind(|| key().encode_link(beyond)).is_err());
}

/// Of random codes one in 2^24 has the right form, and one in 2^80 per issued code is right.
#[test]
fn guesses_do_not_decode() {
    let key = key();
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..30_000 {
        let guess: String =
            (0..CODE_LENGTH).map(|_| char::from(ALPHABET[usize::try_from(rng.next_u32() & 31).unwrap()])).collect();
        assert_eq!(key.decode(&guess), None, "{guess}");
    }
}

#[test]
fn neighbours_of_a_code_do_not_decode_and_codes_of_neighbours_look_unrelated() {
    let key = key();
    let code = key.encode(CodeTarget { campaign_number: 1, position: 1 });
    for at in 0..CODE_LENGTH {
        for letter in ALPHABET {
            let mut other = code.clone().into_bytes();
            other[at] = *letter;
            let other = String::from_utf8(other).unwrap();
            assert_eq!(key.decode(&other).is_some(), other == code, "{other}");
        }
    }
    let next = key.encode(CodeTarget { campaign_number: 1, position: 2 });
    let same = code.bytes().zip(next.bytes()).filter(|(a, b)| a == b).count();
    assert!(same <= 4, "{code} {next}");
}

#[test]
fn another_key_reads_nothing() {
    let code = key().encode(CodeTarget { campaign_number: 5, position: 6 });
    assert_eq!(CodeKey::new([8; 32]).decode(&code), None);
}

#[test]
fn debug_shows_nothing_of_the_key() {
    assert_eq!(format!("{:?}", key()), "CodeKey(…)");
}

#[test]
fn found_in_what_customers_write() {
    let key = key();
    let target = CodeTarget { campaign_number: 3, position: 77 };
    let code = key.encode(target);
    let shown = grouped(&code);
    let halves = format!("{} {}", &code[..8], &code[8..]);
    for (text, rest) in [
        (
            format!("Hi! I have a question about the June offer (ref {shown})"),
            "Hi! I have a question about the June offer",
        ),
        (format!("(ref {shown}) Hola"), "Hola"),
        (format!("Hi (REF: {shown} ) is it open?"), "Hi is it open?"),
        (format!("Hi (Ref. {}), is it open?", shown.to_lowercase()), "Hi, is it open?"),
        (format!("Hi [ref {shown}]"), "Hi"),
        (format!("Hi (ref {shown}"), "Hi"),
        (format!("Hi ref {shown}!"), "Hi!"),
        (code.clone(), ""),
        (format!("my code is {halves} thanks"), "my code is thanks"),
        (format!("first line\n{shown}\nsecond line"), "first line second line"),
        (format!("Hi (ref {})", shown.replace('-', "\u{2013}")), "Hi"),
        (format!("Hi (ref {})", shown.replace('-', " ")), "Hi"),
        (format!("Olá, tudo bem? 😀 (ref {shown})"), "Olá, tudo bem? 😀"),
    ] {
        assert_eq!(key.find_in_text(&text), Some((target, rest.to_owned())), "{text}");
    }
    for text in ["", "hello", "ref", "(ref )", "(ref ABCD-EFGH-JKMN-PQRS)", "order 1234 5678 9012 3456"] {
        assert_eq!(key.find_in_text(text), None, "{text}");
    }
    assert_eq!(key.find_in_text(&format!("{code}x")), None, "part of a longer word");
}

proptest! {
    #[test]
    fn codes_round_trip(target in target()) {
        let code = key().encode(target);
        prop_assert_eq!(code.len(), CODE_LENGTH);
        prop_assert_eq!(key().decode(&code), Some(target));
        prop_assert_eq!(key().decode(&grouped(&code)), Some(target));
    }

    #[test]
    fn kind_reading(target in target(), case in any::<u32>()) {
        let code = key().encode(target);
        let written = code.chars().enumerate().map(|(at, letter)| match letter {
            '0' if case >> at & 1 == 1 => 'O',
            '1' if case >> at & 1 == 1 => 'l',
            '1' => 'I',
            letter if case >> at & 1 == 1 => letter.to_ascii_uppercase(),
            letter => letter,
        });
        let written = written.flat_map(|letter| [letter, '-']).collect::<String>();
        prop_assert_eq!(key().decode(&format!(" {written} ")), Some(target));
    }

    #[test]
    fn different_targets_have_different_codes(a in target(), b in target()) {
        prop_assert_eq!(a == b, key().encode(a) == key().encode(b));
    }

    #[test]
    fn any_text_is_searched_without_harm(text in "\\PC{0,200}") {
        prop_assert_eq!(key().decode(&text), None);
        prop_assert_eq!(key().find_in_text(&text), None);
    }

    #[test]
    fn a_code_is_found_wherever_it_stands(target in target(), before in "[a-zé ?!(]{0,30}", after in "[a-zé ?!)]{0,30}") {
        let code = grouped(&key().encode(target));
        let (found, rest) = key().find_in_text(&format!("{before} (ref {code}) {after}")).unwrap();
        prop_assert_eq!(found, target);
        prop_assert!(!rest.contains(&code));
        let words = |text: &str| text.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>();
        prop_assert_eq!(words(&rest), words(&before) + &words(&after));
    }
}
