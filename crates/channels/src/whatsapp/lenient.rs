//! Reading Meta's JSON: numbers come as strings and strings as numbers, fields are missing or null, and a list may be a
//! single object. Nothing here fails; what cannot be read is absent.

use segue_model::Timestamp;
use serde_json::Value;

/// A field that is there and not null.
pub(super) fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).filter(|field| !field.is_null())
}

/// A text, or a number written as text. An empty text is absent.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    raw_text(value, name).filter(|text| !text.is_empty())
}

/// Like [`text`], but an empty text counts.
pub(super) fn raw_text(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number, or a text that holds one.
pub(super) fn integer(value: &Value, name: &str) -> Option<i64> {
    match value.get(name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A number, or a text that holds one.
pub(super) fn number(value: &Value, name: &str) -> Option<f64> {
    match value.get(name)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A truth value, or a text that holds one; absent is `None`.
pub(super) fn truth(value: &Value, name: &str) -> Option<bool> {
    match value.get(name)? {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Whole seconds since the epoch.
pub(super) fn timestamp(value: &Value, name: &str) -> Option<Timestamp> {
    integer(value, name).filter(|seconds| *seconds > 0).map(Timestamp::from_seconds)
}

/// The elements of a list; a single object counts as a list of one.
pub(super) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    match value.get(name) {
        Some(Value::Array(elements)) => elements,
        Some(single @ Value::Object(_)) => std::slice::from_ref(single),
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_texts_stand_for_each_other() {
        let value =
            json!({"a": "12", "b": 12, "c": null, "d": "", "e": {"x": 1}, "f": "1.5", "g": "true", "h": [1, 2]});
        assert_eq!((text(&value, "a"), text(&value, "b")), (Some("12".to_owned()), Some("12".to_owned())));
        assert_eq!((integer(&value, "a"), integer(&value, "b"), integer(&value, "d")), (Some(12), Some(12), None));
        assert_eq!(
            (text(&value, "c"), text(&value, "d"), text(&value, "e"), text(&value, "z")),
            (None, None, None, None)
        );
        assert_eq!(raw_text(&value, "d").as_deref(), Some(""));
        assert_eq!((number(&value, "f"), truth(&value, "g"), field(&value, "c")), (Some(1.5), Some(true), None));
        assert_eq!((list(&value, "e").len(), list(&value, "h").len(), list(&value, "a").len()), (1, 2, 0));
        assert_eq!(timestamp(&json!({"t": "1700000000"}), "t"), Some(Timestamp(1_700_000_000_000)));
        assert_eq!(timestamp(&json!("no object"), "t"), None);
    }
}
