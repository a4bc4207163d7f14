//! Click-to-chat links.

use std::fmt::Write;

/// `{base}/{digits}?text=…`: opens a chat with `phone` and the text ready to send. `base` is `https://wa.me` or what
/// stands in for it. Of the number only the digits are kept; the text is percent-encoded UTF-8, where a blank is `%20`
/// (a `+` shows as a plus sign in some apps) and a line break `%0A`.
#[must_use]
pub fn whatsapp_link(base: &str, phone: &str, text: &str) -> String {
    let mut link = base.trim_end_matches('/').to_owned();
    link.push('/');
    link.extend(phone.chars().filter(char::is_ascii_digit));
    if text.is_empty() {
        return link;
    }
    link.push_str("?text=");
    // Windows line ends would show as two breaks.
    for octet in text.replace("\r\n", "\n").bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~') {
            link.push(char::from(octet));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(link, "%{octet:02X}");
        }
    }
    link
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_as_whatsapp_wants_them() {
        let link = |phone, text| whatsapp_link("https://wa.me", phone, text);
        assert_eq!(link("+1 (555) 078-3881", ""), "https://wa.me/15550783881");
        assert_eq!(link("15550783881", "Hi there"), "https://wa.me/15550783881?text=Hi%20there");
        assert_eq!(link("1", "a\nb"), "https://wa.me/1?text=a%0Ab");
        assert_eq!(link("1", "a\r\nb"), "https://wa.me/1?text=a%0Ab");
        assert_eq!(link("1", "1+1=2 & 50% #go?"), "https://wa.me/1?text=1%2B1%3D2%20%26%2050%25%20%23go%3F");
        assert_eq!(link("1", "é😀"), "https://wa.me/1?text=%C3%A9%F0%9F%98%80");
        assert_eq!(link("1", "(ref K7Q-2MX)"), "https://wa.me/1?text=%28ref%20K7Q-2MX%29");
        assert_eq!(whatsapp_link("http://127.0.0.1:9/wa.me/", "+49 1", "x"), "http://127.0.0.1:9/wa.me/491?text=x");
    }

    proptest! {
        #[test]
        fn decodes_to_the_text(text in "[^\r]{1,80}") {
            let link = whatsapp_link("https://wa.me", "15550783881", &text);
            let encoded = link.split_once("?text=").unwrap().1;
            prop_assert!(encoded.bytes().all(|o| o.is_ascii_alphanumeric() || b"-._~%".contains(&o)));
            let mut octets = Vec::new();
            let mut rest = encoded.bytes();
            while let Some(octet) = rest.next() {
                if octet == b'%' {
                    let pair = [rest.next().unwrap(), rest.next().unwrap()];
                    octets.push(u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap());
                } else {
                    octets.push(octet);
                }
            }
            prop_assert_eq!(String::from_utf8(octets).unwrap(), text);
        }
    }
}
