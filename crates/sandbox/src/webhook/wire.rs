//! The bytes of a webhook: ASCII-escaped JSON with `\/`, and the signature over exactly those bytes; and the signature of forms.

use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::fmt::Write;

/// JSON as the platform writes it: every non-ASCII character as `\uXXXX` (lower case, surrogate pairs), `/` as `\/`.
pub(crate) fn escaped(body: &Value) -> String {
    let plain = body.to_string();
    let mut escaped = String::with_capacity(plain.len() + 32);
    for c in plain.chars() {
        match c {
            // A slash stands only inside of strings.
            '/' => escaped.push_str("\\/"),
            c if c.is_ascii() => escaped.push(c),
            c => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    // Writing to a String cannot fail.
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    escaped
}

/// Value of the header `X-Hub-Signature-256`.
pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Value of the header `X-Twilio-Signature` for a form: HMAC-SHA1 of the URL and each field's name and value, by name.
pub(crate) fn form_signature(token: &str, url: &str, body: &[u8]) -> String {
    let mut fields: Vec<_> = form_urlencoded::parse(body).collect();
    fields.sort();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(token.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(url.as_bytes());
    for (name, value) in fields {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_like_the_platform_and_stays_the_same_value() {
        let value = serde_json::json!({"a": "äö/å 😮 \"q\" @"});
        let wire = escaped(&value);
        assert_eq!(wire, r#"{"a":"\u00e4\u00f6\/\u00e5 \ud83d\ude2e \"q\" @"}"#);
        assert_eq!(serde_json::from_str::<Value>(&wire).expect("json"), value);
    }

    /// RFC 4231, test case 2.
    #[test]
    fn signature_is_hmac_sha256() {
        assert_eq!(
            signature("Jefe", b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    /// The vector of Twilio's documentation and client libraries.
    #[test]
    fn signature_of_a_form() {
        let body = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        assert_eq!(form_signature("12345", url, body.as_bytes()), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    }
}
