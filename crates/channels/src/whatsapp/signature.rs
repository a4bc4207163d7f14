//! `X-Hub-Signature-256`: the proof that a webhook comes from Meta.
//!
//! The header is `sha256=` and 64 lower-case hexadecimal digits: HMAC-SHA256 of the raw body under the app secret. It
//! is checked over the bytes as received, because parsing and writing JSON again changes them. Everything unexpected is
//! a refusal: no secret, no header, two headers, another algorithm, upper-case digits.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// Name of the header, in lower case.
pub const SIGNATURE_HEADER: &str = "x-hub-signature-256";

/// Why a webhook is not accepted. The variants are for logs and tests; the sender is only told "no".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No app secret is stored.
    #[error("No app secret is stored for this channel, so no webhook can be trusted. Store the app secret.")]
    NoSecret,
    /// The header is missing.
    #[error("The webhook has no signature.")]
    Missing,
    /// The header is there more than once or not of the expected form.
    #[error("The webhook's signature is not of the form sha256= and 64 lower-case hexadecimal digits.")]
    Malformed,
    /// The signature is of another body or another secret.
    #[error("The webhook's signature does not match. The app secret may be wrong or the body was changed.")]
    Mismatch,
}

/// Accepts `body` when the one value of the signature header was made with one of `secrets`. Several secrets are live
/// while one is being replaced; empty ones do not count. Takes the same time whichever secret matches.
///
/// # Errors
/// Why the webhook must be refused. Nothing of it may be stored or processed then.
pub fn verify_signature<'h, S: AsRef<[u8]>>(
    secrets: &[S],
    header_values: impl IntoIterator<Item = &'h [u8]>,
    body: &[u8],
) -> Result<(), SignatureError> {
    if secrets.iter().all(|secret| secret.as_ref().is_empty()) {
        return Err(SignatureError::NoSecret);
    }
    let mut values = header_values.into_iter();
    let value = values.next().ok_or(SignatureError::Missing)?;
    if values.next().is_some() {
        return Err(SignatureError::Malformed);
    }
    let claimed = parse(value).ok_or(SignatureError::Malformed)?;
    let mut found = Choice::from(0);
    for secret in secrets.iter().map(AsRef::as_ref).filter(|secret| !secret.is_empty()) {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret) else { continue };
        let expected = mac.chain_update(body).finalize().into_bytes();
        found |= expected.as_slice().ct_eq(&claimed);
    }
    if bool::from(found) { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// The header's value for a body. For tests and for whatever plays Meta.
#[must_use]
pub fn sign(secret: &[u8], body: &[u8]) -> String {
    let digest = Hmac::<Sha256>::new_from_slice(secret)
        .map(|mac| hex::encode(mac.chain_update(body).finalize().into_bytes()))
        .unwrap_or_default();
    format!("sha256={digest}")
}

fn parse(value: &[u8]) -> Option<[u8; 32]> {
    let digits = value.strip_prefix(b"sha256=")?;
    if !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut digest = [0; 32];
    hex::decode_to_slice(digits, &mut digest).ok()?;
    Some(digest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "sandbox-app-secret";
    const BODY: &[u8] = br#"{"object":"whatsapp_business_account","entry":[]}"#;

    fn check(secrets: &[&str], headers: &[&[u8]], body: &[u8]) -> Result<(), SignatureError> {
        verify_signature(secrets, headers.iter().copied(), body)
    }

    #[test]
    fn golden_vector_of_the_hmac_standard() {
        // RFC 4231, test case 2.
        let header = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign(b"Jefe", b"what do ya want for nothing?"), header);
        assert_eq!(check(&["Jefe"], &[header.as_bytes()], b"what do ya want for nothing?"), Ok(()));
    }

    /// Name, secrets, header values, body, and why it is refused.
    type Refused = (&'static str, Vec<&'static str>, Vec<Vec<u8>>, Vec<u8>, SignatureError);

    /// Each kind of request that must be refused.
    fn refused() -> Vec<Refused> {
        use SignatureError::{Malformed, Mismatch, Missing, NoSecret};
        let good = sign(SECRET.as_bytes(), BODY);
        let digits = good.trim_start_matches("sha256=").to_owned();
        let mut cases = Vec::new();
        let mut header = |name, value: Vec<u8>, error| {
            cases.push((name, vec![SECRET], vec![value], BODY.to_vec(), error));
        };
        header("empty header", b"".to_vec(), Malformed);
        header("prefix alone", b"sha256=".to_vec(), Malformed);
        header("no prefix", digits.clone().into(), Malformed);
        header("upper-case digits", format!("sha256={}", digits.to_uppercase()).into(), Malformed);
        header("upper-case prefix", format!("SHA256={digits}").into(), Malformed);
        header("63 digits", good[..good.len() - 1].into(), Malformed);
        header("65 digits", format!("{good}0").into(), Malformed);
        header("128 digits", format!("{good}{digits}").into(), Malformed);
        header("sha1 header", format!("sha1={}", &digits[..40]).into(), Malformed);
        header("sha1 name with 64 digits", format!("sha1={digits}").into(), Malformed);
        header("sha512 name", format!("sha512={digits}").into(), Malformed);
        header("md5 name", format!("md5={}", &digits[..32]).into(), Malformed);
        header("colon for equals", format!("sha256:{digits}").into(), Malformed);
        header("blank before", format!(" {good}").into(), Malformed);
        header("blank after", format!("{good} ").into(), Malformed);
        header("blank inside", format!("sha256= {digits}").into(), Malformed);
        header("line break after", format!("{good}\n").into(), Malformed);
        header("NUL after", format!("{good}\0").into(), Malformed);
        header("quoted", format!("\"{good}\"").into(), Malformed);
        header("two values in one", format!("{good},{good}").into(), Malformed);
        header("letter beyond f", format!("sha256=g{}", &digits[1..]).into(), Malformed);
        header("not ASCII", format!("sha256=é{}", &digits[2..]).into(), Malformed);
        header("not UTF-8", [b"sha256=".as_slice(), &[0xFF; 64]].concat(), Malformed);
        header("base64 digest", b"sha256=W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=".to_vec(), Malformed);
        header("the word null", b"null".to_vec(), Malformed);
        header("all zeros", format!("sha256={}", "0".repeat(64)).into(), Mismatch);
        let swapped = format!("sha256={}{}", &digits[32..], &digits[..32]);
        header("halves swapped", swapped.into(), Mismatch);
        let flipped = if digits.starts_with('0') { "1" } else { "0" };
        header("first digit changed", format!("sha256={flipped}{}", &digits[1..]).into(), Mismatch);
        header("signature of an empty body", sign(SECRET.as_bytes(), b"").into(), Mismatch);
        header("signature under another secret", sign(b"other", BODY).into(), Mismatch);
        header("signature under an empty secret", sign(b"", BODY).into(), Mismatch);
        header(
            "plain hash of the body",
            {
                use sha2::Digest;
                format!("sha256={}", hex::encode(Sha256::digest(BODY))).into()
            },
            Mismatch,
        );

        let good = || vec![good.clone().into_bytes()];
        let with_body = |body: &[u8]| body.to_vec();
        cases.push(("missing header", vec![SECRET], vec![], BODY.to_vec(), Missing));
        cases.push(("two headers", vec![SECRET], [good(), good()].concat(), BODY.to_vec(), Malformed));
        cases.push(("empty body", vec![SECRET], good(), vec![], Mismatch));
        cases.push(("one byte more", vec![SECRET], good(), [BODY, b"\n"].concat(), Mismatch));
        cases.push(("one byte less", vec![SECRET], good(), with_body(&BODY[1..]), Mismatch));
        let pretty = b"{ \"object\": \"whatsapp_business_account\", \"entry\": [] }";
        cases.push(("written again as JSON", vec![SECRET], good(), pretty.to_vec(), Mismatch));
        cases.push(("byte order mark", vec![SECRET], good(), [b"\xEF\xBB\xBF", BODY].concat(), Mismatch));
        cases.push(("no secret stored", vec![], good(), BODY.to_vec(), NoSecret));
        cases.push(("empty secret stored", vec![""], vec![sign(b"", BODY).into()], BODY.to_vec(), NoSecret));
        let under_empty = vec![sign(b"", BODY).into_bytes()];
        cases.push(("empty secret beside a good one", vec![SECRET, ""], under_empty, BODY.to_vec(), Mismatch));
        cases.push(("old secret removed", vec!["new-secret"], good(), BODY.to_vec(), Mismatch));
        cases
    }

    #[test]
    fn everything_else_is_refused() {
        let cases = refused();
        assert!(cases.len() >= 40, "{}", cases.len());
        for (name, secrets, headers, body, error) in cases {
            let headers: Vec<&[u8]> = headers.iter().map(Vec::as_slice).collect();
            assert_eq!(check(&secrets, &headers, &body), Err(error), "{name}");
        }
    }

    #[test]
    fn either_live_secret_is_accepted() {
        let good = sign(SECRET.as_bytes(), BODY);
        for secrets in [&[SECRET][..], &[SECRET, "new"], &["old", SECRET], &["", SECRET]] {
            assert_eq!(check(secrets, &[good.as_bytes()], BODY), Ok(()));
        }
    }

    #[test]
    fn the_bytes_count_and_not_their_meaning() {
        for body in [
            r#"{"b":"\u00e4\u00f6\u00e5"}"#.as_bytes(),
            r#"{"b":"äöå 😮"}"#.as_bytes(),
            br#"{"b":"https:\/\/example.com"}"#,
            br#"{"b":"a\u0040b"}"#,
            b"",
            b"not json",
            &[0xFF, 0x00, 0xFE],
        ] {
            let header = sign(SECRET.as_bytes(), body);
            assert_eq!(check(&[SECRET], &[header.as_bytes()], body), Ok(()));
        }
    }

    proptest! {
        #[test]
        fn one_changed_bit_is_refused(
            body in proptest::collection::vec(any::<u8>(), 1..200), place in any::<prop::sample::Index>(), bit in 0..8u8
        ) {
            let header = sign(SECRET.as_bytes(), &body);
            let mut changed = body.clone();
            changed[place.index(body.len())] ^= 1 << bit;
            prop_assert_eq!(check(&[SECRET], &[header.as_bytes()], &changed), Err(SignatureError::Mismatch));
            prop_assert_eq!(check(&[SECRET], &[header.as_bytes()], &body), Ok(()));
        }
    }
}
