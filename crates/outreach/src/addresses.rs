//! Addresses in a campaign's text, each of which becomes a short link per recipient.
//!
//! Only what stands in the text as it was written becomes one: an address that is put together from merge fields would
//! have another target for everybody, and nothing is ever redirected to a target that is not stored.

use segue_model::code::{CHAT_LINK, LINKS};

/// Starts the name of what stands for an address; no contact's field begins with it.
pub(crate) const PLACEHOLDER: &str = "__link_";

/// A text with its addresses taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shortened {
    /// The text, in which `{{ __link_1 }}` stands for the first address.
    pub text: String,
    /// An address stayed as it is because there is no number left for it.
    pub is_crowded: bool,
    /// Whole addresses that stayed as they are because of letters in them.
    pub untracked: Vec<String>,
}

/// Takes the addresses out of a text and adds those that are new to `targets`. Beyond fifteen different ones they stay
/// as they are.
pub(crate) fn take_out(text: &str, targets: &mut Vec<String>) -> Shortened {
    let mut shortened = String::with_capacity(text.len());
    let mut rest = text;
    let (mut is_crowded, mut untracked) = (false, Vec::new());
    while let Some(start) = next_start(rest) {
        let (before, from) = rest.split_at(start);
        shortened.push_str(before);
        let address = address_at(from);
        let after = &from[address.len()..];
        match number(address, after, targets) {
            Number::Link(link) => shortened.push_str(&format!("{{{{ {PLACEHOLDER}{link} }}}}")),
            Number::AsWritten => {
                shortened.push_str(address);
                // What a merge field puts behind it makes it an address of each person's own.
                if is_held_up_by_letters(address) && !after.starts_with("{{") {
                    untracked.push(address.to_owned());
                }
            }
            Number::NoneLeft => {
                shortened.push_str(address);
                is_crowded = true;
            }
        }
        rest = after;
    }
    shortened.push_str(rest);
    Shortened { text: shortened, is_crowded, untracked }
}

fn is_held_up_by_letters(address: &str) -> bool {
    host_of(address).contains('.') && !address.is_ascii()
}

/// Signs that no address has in it, and where one ends that stands before them: quotes and what closes a sentence or a
/// bracket in other scripts among them.
const ENDS: &str = "<>\"'{}|\\^`“”„‟‘’‚«»‹›…。、，！？；：．（）［］「」『』【】〈〉《》";

/// The address that a text begins with, without what closes the sentence or the bracket that it stands in.
fn address_at(text: &str) -> &str {
    let ends = |letter: char| letter.is_whitespace() || letter.is_control() || ENDS.contains(letter);
    let mut address = text.split(ends).next().unwrap_or_default();
    loop {
        let more = |close: char, open: char| address.matches(close).count() > address.matches(open).count();
        let is_outside = match address.chars().next_back() {
            Some('.' | ',' | ';' | ':' | '!' | '?') => true,
            Some(')') => more(')', '('),
            Some(']') => more(']', '['),
            _ => false,
        };
        if !is_outside {
            return address;
        }
        address = &address[..address.len() - 1];
    }
}

/// Addresses of a text as it goes out whose letters keep them from becoming links, with the octets they begin at.
pub(crate) fn as_written(text: &str) -> Vec<(usize, &str)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(start) = next_start(&text[at..]) {
        let address = address_at(&text[at + start..]);
        if is_held_up_by_letters(address) {
            found.push((at + start, address));
        }
        at += start + address.len();
    }
    found
}

/// Why nothing can be redirected to an address that somebody wrote for a link; `None` when it can.
pub(crate) fn no_target(address: &str) -> Option<&'static str> {
    if address.len() > LONGEST_TARGET {
        return Some("The address is longer than 2,000 characters.");
    }
    if !address.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")) {
        return Some("Give an address that begins with https://.");
    }
    if address.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        return Some("There is a blank or a line break in the address. Take it out.");
    }
    if !address.is_ascii() {
        return Some("The address has letters that links do not have. Copy it from the address line of a browser.");
    }
    let name = host_of(address).split(':').next().unwrap_or_default();
    let is_host = name.contains('.') && name.split('.').all(|part| !part.is_empty());
    let is_host = is_host && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-._".contains(letter));
    if is_host { None } else { Some("The address names no host. Write it like https://shop.example.com/offer.") }
}

/// The host of an address that begins with `https://`, with its port.
fn host_of(address: &str) -> &str {
    address.get(8..).unwrap_or_default().split(['/', '?', '#']).next().unwrap_or_default()
}

/// Longest target of a button's link.
const LONGEST_TARGET: usize = 2_000;

/// What an address becomes.
enum Number {
    /// The link of this number.
    Link(u8),
    /// It stays as it is.
    AsWritten,
    /// It would be a link, and every number is taken.
    NoneLeft,
}

/// Addresses of one campaign that become links.
pub(crate) const MOST_TARGETS: usize = (LINKS - CHAT_LINK - 1) as usize;

fn number(address: &str, after: &str, targets: &mut Vec<String>) -> Number {
    if !host_of(address).contains('.') || after.starts_with("{{") || !address.is_ascii() {
        return Number::AsWritten;
    }
    let place = match targets.iter().position(|known| known == address) {
        Some(place) => place,
        None if targets.len() < MOST_TARGETS => {
            targets.push(address.to_owned());
            targets.len() - 1
        }
        None => return Number::NoneLeft,
    };
    u8::try_from(place).map_or(Number::NoneLeft, |place| Number::Link(place + CHAT_LINK + 1))
}

/// Where the next address begins, outside of what the template language reads.
fn next_start(text: &str) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let skipped = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")].iter().find(|(open, _)| rest.starts_with(open));
        if let Some((_, close)) = skipped {
            at += rest.find(close).map_or(rest.len(), |end| end + close.len());
            continue;
        }
        if rest.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")) {
            return Some(at);
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_out_and_all_else_stays() {
        for (text, expected, taken) in [
            ("See https://a.example/x?y=1.", "See {{ __link_1 }}.", vec!["https://a.example/x?y=1"]),
            ("(HTTPS://A.example), b", "({{ __link_1 }}), b", vec!["HTTPS://A.example"]),
            (
                "https://a.example https://b.example https://a.example",
                "{{ __link_1 }} {{ __link_2 }} {{ __link_1 }}",
                vec!["https://a.example", "https://b.example"],
            ),
            ("https://a.example/{{ first_name }} x", "https://a.example/{{ first_name }} x", vec![]),
            ("{{ url | default('https://a.example') }}", "{{ url | default('https://a.example') }}", vec![]),
            (
                "{% if a %}https://a.example{% endif %}",
                "{% if a %}{{ __link_1 }}{% endif %}",
                vec!["https://a.example"],
            ),
            (
                "{% if a %} https://a.example {% endif %}",
                "{% if a %} {{ __link_1 }} {% endif %}",
                vec!["https://a.example"],
            ),
            ("http://a.example https:// https://localhost é", "http://a.example https:// https://localhost é", vec![]),
            ("{{ broken https://a.example", "{{ broken https://a.example", vec![]),
            ("“https://a.example/x”…", "“{{ __link_1 }}”…", vec!["https://a.example/x"]),
            ("「https://a.example/x」を。", "「{{ __link_1 }}」を。", vec!["https://a.example/x"]),
            ("https://a.example/x！", "{{ __link_1 }}！", vec!["https://a.example/x"]),
            ("(https://a.example/b_(c)).", "({{ __link_1 }}).", vec!["https://a.example/b_(c)"]),
            ("https://a.example/[b]]", "{{ __link_1 }}]", vec!["https://a.example/[b]"]),
        ] {
            let mut targets = Vec::new();
            assert_eq!(take_out(text, &mut targets).text, expected);
            assert_eq!(targets, taken, "{text}");
        }
    }

    #[test]
    fn whole_addresses_with_other_letters_are_told() {
        for (text, untracked) in [
            ("https://a.example/\u{e9}t\u{e9} https://a.example/x", vec!["https://a.example/\u{e9}t\u{e9}"]),
            ("https://a.example/\u{e9}{{ city }}", vec![]),
            ("https://a.example/{{ city }}", vec![]),
            ("https://{{ host }}/\u{e9}", vec![]),
            ("{{ link | default('https://a.example/\u{e9}') }}", vec![]),
        ] {
            assert_eq!(take_out(text, &mut Vec::new()).untracked, untracked, "{text}");
        }
    }

    #[test]
    fn no_more_than_a_code_can_tell_apart() {
        let text = (0..20).map(|n| format!("https://a.example/{n}\n")).collect::<String>();
        let mut targets = Vec::new();
        let Shortened { text: shortened, is_crowded, .. } = take_out(&text, &mut targets);
        assert_eq!((targets.len(), is_crowded), (15, true));
        // A second text goes on with the numbers of the first.
        let second = take_out("https://a.example/3", &mut targets);
        assert_eq!((second.text.as_str(), second.is_crowded), ("{{ __link_4 }}", false));
        assert!(shortened.contains("{{ __link_15 }}") && shortened.ends_with("https://a.example/19\n"), "{shortened}");
    }
}
