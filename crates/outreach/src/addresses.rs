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
}

/// Takes the addresses out of a text and adds those that are new to `targets`. Beyond fifteen different ones they stay
/// as they are.
pub(crate) fn take_out(text: &str, targets: &mut Vec<String>) -> Shortened {
    let mut shortened = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = next_start(rest) {
        let (before, from) = rest.split_at(start);
        shortened.push_str(before);
        let end = from
            .find(|letter: char| letter.is_whitespace() || letter.is_control() || "<>\"'{}|\\^`".contains(letter))
            .unwrap_or(from.len());
        let address = from[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']']);
        let after = &from[address.len()..];
        match number(address, after, targets) {
            Some(link) => shortened.push_str(&format!("{{{{ {PLACEHOLDER}{link} }}}}")),
            None => shortened.push_str(address),
        }
        rest = after;
    }
    shortened.push_str(rest);
    Shortened { text: shortened }
}

/// The number of the link that an address becomes; `None` when it stays as it is.
fn number(address: &str, after: &str, targets: &mut Vec<String>) -> Option<u8> {
    let host = address.get(8..).unwrap_or_default().split(['/', '?', '#']).next().unwrap_or_default();
    if !host.contains('.') || after.starts_with("{{") || !address.is_ascii() {
        return None;
    }
    let place = match targets.iter().position(|known| known == address) {
        Some(place) => place,
        None if targets.len() < usize::from(LINKS - CHAT_LINK - 1) => {
            targets.push(address.to_owned());
            targets.len() - 1
        }
        None => return None,
    };
    u8::try_from(place).ok().map(|place| place + CHAT_LINK + 1)
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
        ] {
            let mut targets = Vec::new();
            assert_eq!(take_out(text, &mut targets).text, expected);
            assert_eq!(targets, taken, "{text}");
        }
    }

    #[test]
    fn no_more_than_a_code_can_tell_apart() {
        let text = (0..20).map(|n| format!("https://a.example/{n}\n")).collect::<String>();
        let mut targets = Vec::new();
        let shortened = take_out(&text, &mut targets).text;
        assert_eq!(targets.len(), 15);
        assert!(shortened.contains("{{ __link_15 }}") && shortened.ends_with("https://a.example/19\n"), "{shortened}");
    }
}
