//! `X-Twilio-Signature`: the proof that a webhook comes from the provider.
//!
//! The header is base64 of HMAC-SHA1, under the account's auth token, of the full address as it was called (query
//! included) and, for a form, of each field's name and value in the order of the names. A JSON body is covered by its
//! SHA-256 in the query (`bodySHA256`), and only the address is signed. Source: Twilio, "Webhooks Security"; the vectors
//! in the tests are those of its client libraries. Everything unexpected is a refusal.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Name of the header, in lower case.
pub const SIGNATURE_HEADER: &str = "x-twilio-signature";
/// Name of the query parameter that covers a body which is no form.
const BODY_HASH: &str = "bodySHA256";

/// Why a webhook is not accepted. The variants are for logs and tests; the sender is only told "no".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No auth token is stored.
    #[error("No auth token is stored for this channel, so no webhook can be trusted. Store the auth token.")]
    NoSecret,
    /// The header is missing.
    #[error("The webhook has no X-Twilio-Signature.")]
    Missing,
    /// The header is there more than once or is not base64 of 20 bytes.
    #[error("The webhook's signature is not base64 of an HMAC-SHA1.")]
    Malformed,
    /// The body is no form, and its hash is missing from the address or is another one.
    #[error("The webhook's body is not the one that its address names.")]
    Body,
    /// The signature is of another address, other fields or another token.
    #[error(
        "The webhook's signature does not match. The auth token may be wrong, or the provider calls another address \
         than the callback address of the channel."
    )]
    Mismatch,
}

/// A request as it came.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The full address the provider called, by what the channel's settings say of the public address.
    pub url: &'a str,
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The raw bytes.
    pub body: &'a [u8],
}

/// Accepts a request when the one value of the signature header was made with one of `tokens`. Several are live while
/// one is being replaced; empty ones do not count. Takes the same time whichever matches.
///
/// # Errors
/// Why the webhook must be refused. Nothing of it may be stored or processed then.
pub fn verify<'h, S: AsRef<str>>(
    tokens: &[S],
    header_values: impl IntoIterator<Item = &'h [u8]>,
    request: &Signed<'_>,
) -> Result<(), SignatureError> {
    if tokens.iter().all(|token| token.as_ref().is_empty()) {
        return Err(SignatureError::NoSecret);
    }
    let mut values = header_values.into_iter();
    let value = values.next().ok_or(SignatureError::Missing)?;
    if values.next().is_some() {
        return Err(SignatureError::Malformed);
    }
    let claimed = STANDARD.decode(value).ok().filter(|digest| digest.len() == 20).ok_or(SignatureError::Malformed)?;
    let fields = if is_form(request.content_type) {
        super::form_fields(request.body)
    } else {
        check_body(request)?;
        Vec::new()
    };
    let mut found = Choice::from(0);
    for url in spellings(request.url) {
        for token in tokens.iter().map(AsRef::as_ref).filter(|token| !token.is_empty()) {
            found |= digest(token, &url, &fields).as_slice().ct_eq(&claimed);
        }
    }
    if bool::from(found) { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// The header's value for a form sent to `url`. Give no fields for a body that the address covers with
/// [`with_body_hash`].
#[must_use]
pub fn sign(token: &str, url: &str, fields: &[(String, String)]) -> String {
    STANDARD.encode(digest(token, url, fields))
}

/// The address of a webhook with this JSON body.
#[must_use]
pub fn with_body_hash(url: &str, body: &[u8]) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{BODY_HASH}={}", hex::encode(Sha256::digest(body)))
}

fn digest(token: &str, url: &str, fields: &[(String, String)]) -> Vec<u8> {
    // Fields of one name count once for each value, as the client libraries do it.
    let mut sorted: Vec<&(String, String)> = fields.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    Hmac::<Sha1>::new_from_slice(token.as_bytes())
        .map(|mut mac| {
            mac.update(url.as_bytes());
            for (name, value) in sorted {
                mac.update(name.as_bytes());
                mac.update(value.as_bytes());
            }
            mac.finalize().into_bytes().to_vec()
        })
        .unwrap_or_default()
}

/// Whether a body of this `Content-Type` is a form.
#[must_use]
pub fn is_form(content_type: Option<&str>) -> bool {
    let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The address names the hash of the body once, and it is this body's.
fn check_body(request: &Signed<'_>) -> Result<(), SignatureError> {
    let query = request.url.split_once('?').map_or("", |(_, query)| query);
    let mut hashes = query.split('&').filter_map(|pair| pair.strip_prefix(BODY_HASH)?.strip_prefix('='));
    let (Some(hash), None) = (hashes.next(), hashes.next()) else { return Err(SignatureError::Body) };
    let expected = hex::encode(Sha256::digest(request.body));
    let same = expected.as_bytes().ct_eq(hash.to_ascii_lowercase().as_bytes());
    if bool::from(same) { Ok(()) } else { Err(SignatureError::Body) }
}

/// An address with and without its port: proxies and providers disagree about writing the standard one.
fn spellings(url: &str) -> Vec<String> {
    let mut all = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else { return all };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    match host.rsplit_once(':').filter(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())) {
        Some((bare, _)) => all.push(format!("{scheme}://{bare}{path}")),
        None => all.push(format!("{scheme}://{host}:{}{path}", if scheme == "https" { 443 } else { 80 })),
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of Twilio's client libraries (`webhooks.test`, `RequestValidatorTest`).
    const TOKEN: &str = "12345";
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const FORM: &str =
        "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
    const SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    const BODY: &str = "{\"property\": \"value\", \"boolean\": true}";
    const BODY_SHA: &str = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    const URL_WITH_HASH_SIGNATURE: &str = "a9nBmqA0ju/hNViExpshrM61xv4=";
    const FORM_TYPE: Option<&str> = Some("application/x-www-form-urlencoded; charset=UTF-8");

    fn check(url: &str, content_type: Option<&str>, body: &str, header: &str) -> Result<(), SignatureError> {
        verify(&[TOKEN], [header.as_bytes()], &Signed { url, content_type, body: body.as_bytes() })
    }

    #[test]
    fn the_official_form_vector() {
        assert_eq!(sign(TOKEN, URL, &super::super::form_fields(FORM.as_bytes())), SIGNATURE);
        assert_eq!(check(URL, FORM_TYPE, FORM, SIGNATURE), Ok(()));
        let shuffled =
            "To=%2B18005551212&Digits=1234&From=%2B14158675309&Caller=%2B14158675309&CallSid=CA1234567890ABCDE";
        assert_eq!(check(URL, FORM_TYPE, shuffled, SIGNATURE), Ok(()), "the order of the fields does not matter");
    }

    #[test]
    fn the_official_json_vector() {
        let url = with_body_hash(URL, BODY.as_bytes());
        assert_eq!(url, format!("{URL}&bodySHA256={BODY_SHA}"));
        assert_eq!(sign(TOKEN, &url, &[]), URL_WITH_HASH_SIGNATURE);
        assert_eq!(check(&url, Some("application/json"), BODY, URL_WITH_HASH_SIGNATURE), Ok(()));
        let changed = BODY.replace("true", "false");
        assert_eq!(check(&url, Some("application/json"), &changed, URL_WITH_HASH_SIGNATURE), Err(SignatureError::Body));
        assert_eq!(check(URL, Some("application/json"), BODY, SIGNATURE), Err(SignatureError::Body), "no hash");
        let twice = format!("{url}&bodySHA256={BODY_SHA}");
        let own = sign(TOKEN, &twice, &[]);
        assert_eq!(check(&twice, None, BODY, &own), Err(SignatureError::Body), "two hashes");
    }

    #[test]
    fn a_port_may_be_written_or_not() {
        let with_port = "https://mycompany.com:1234/myapp.php?foo=1&bar=2";
        assert_eq!(check(with_port, FORM_TYPE, FORM, SIGNATURE), Ok(()), "signed without the port");
        let fields = super::super::form_fields(FORM.as_bytes());
        let standard = sign(TOKEN, "https://mycompany.com:443/myapp.php?foo=1&bar=2", &fields);
        assert_eq!(check(URL, FORM_TYPE, FORM, &standard), Ok(()), "signed with the standard port");
    }

    #[test]
    fn everything_else_is_refused() {
        use SignatureError::{Malformed, Mismatch, Missing, NoSecret};
        let request = Signed { url: URL, content_type: FORM_TYPE, body: FORM.as_bytes() };
        let good = SIGNATURE.as_bytes();
        assert_eq!(verify(&[TOKEN], [], &request), Err(Missing));
        assert_eq!(verify(&[TOKEN], [good, good], &request), Err(Malformed));
        assert_eq!(verify::<&str>(&[], [good], &request), Err(NoSecret));
        let under_empty = sign("", URL, &super::super::form_fields(FORM.as_bytes()));
        assert_eq!(verify(&[""], [under_empty.as_bytes()], &request), Err(NoSecret));
        assert_eq!(verify(&["", TOKEN], [under_empty.as_bytes()], &request), Err(Mismatch));
        assert_eq!(verify(&["54321"], [good], &request), Err(Mismatch));
        assert_eq!(verify(&["54321", TOKEN], [good], &request), Ok(()), "while a token is being replaced");
        for header in ["", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "null", "RSOYDt4T1cUTdK1PDd93_VVr8B8=", "QUFBQQ=="] {
            assert_eq!(check(URL, FORM_TYPE, FORM, header), Err(Malformed), "{header}");
        }
        for (url, body) in [
            ("https://mycompany.com/myapp.php?foo=1&bar=3", FORM),
            ("https://other.com/myapp.php?foo=1&bar=2", FORM),
            ("http://mycompany.com/myapp.php?foo=1&bar=2", FORM),
            (URL, "CallSid=CA1234567890ABCDE"),
            (URL, &format!("{FORM}&Extra=1")),
            (URL, &FORM.replace("1234&From", "1234%20&From")),
            (URL, ""),
        ] {
            assert_eq!(check(url, FORM_TYPE, body, SIGNATURE), Err(Mismatch), "{url} {body}");
        }
    }
}
