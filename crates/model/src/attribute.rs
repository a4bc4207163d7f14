//! Kinds of values that contacts and rows of tables have, and the one form in which each is kept. Pure.

crate::text_enum! {
    /// What an attribute holds.
    pub enum AttributeKind {
        Text = "text",
        Number = "number",
        /// A day, kept as `2026-03-31`.
        Date = "date",
        /// Kept as `true` or `false`.
        Boolean = "boolean",
        /// One of a few words.
        Choice = "choice",
    }
}

impl AttributeKind {
    /// A value in the form in which this kind is kept. `label` is what the value is called, `choices` are the words of a
    /// choice.
    ///
    /// # Errors
    /// In words for who gave it.
    pub fn checked(self, label: &str, choices: &[String], value: &str) -> Result<String, String> {
        let text = value.trim();
        match self {
            Self::Text => Ok(text.to_owned()),
            Self::Number => {
                let plain = without_groups(label, text)?;
                match plain.parse::<f64>() {
                    Ok(number) if number.is_finite() => Ok(plain),
                    _ => Err(format!("'{label}' is a number.")),
                }
            }
            Self::Date => {
                let day = text.split(['T', ' ']).next().unwrap_or_default();
                match day.parse::<jiff::civil::Date>() {
                    Ok(day) => Ok(day.to_string()),
                    Err(_) => Err(format!("'{label}' is a day, written as 2026-03-31.")),
                }
            }
            Self::Boolean => match text.to_lowercase().as_str() {
                "true" | "yes" | "y" | "1" | "x" | "on" | "ja" => Ok("true".to_owned()),
                "false" | "no" | "n" | "0" | "off" | "nein" => Ok("false".to_owned()),
                _ => Err(format!("'{label}' is yes or no.")),
            },
            Self::Choice => {
                let known = choices.iter().find(|choice| choice.to_lowercase() == text.to_lowercase());
                known.cloned().ok_or_else(|| format!("'{label}' is one of: {}.", choices.join(", ")))
            }
        }
    }
}

/// A number without the signs that group its digits, and with a point as its decimal sign.
///
/// Where points and commas occur, the last of them is the decimal sign and the other one groups; a sign that occurs several
/// times groups; groups have three digits. A point alone is a decimal sign, as programs write it. A comma alone is one too,
/// unless what it parts may as well be a group: `1,200` is a number in one country and another one in the next.
fn without_groups(label: &str, text: &str) -> Result<String, String> {
    let (mantissa, exponent) = text.find(['e', 'E']).map_or((text, ""), |at| text.split_at(at));
    let unsigned = mantissa.trim_start_matches(['+', '-']);
    let no_groups = || Err(format!("'{label}' is a number, and its groups have three digits, as in 1,200.50."));
    let (comma, point) = (unsigned.rfind(','), unsigned.rfind('.'));
    let decimal = match (comma, point) {
        (None, None) => None,
        (Some(comma), Some(point)) => Some(if comma > point { ',' } else { '.' }),
        (None, Some(point)) => (unsigned.find('.') == Some(point)).then_some('.'),
        (Some(comma), None) if unsigned.find(',') != Some(comma) => None,
        (Some(comma), None) => {
            let (whole, rest) = (&unsigned[..comma], &unsigned[comma + 1..]);
            if rest.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0') {
                return Err(format!(
                    "'{label}' is a number, and '{whole},{rest}' may be {whole}{rest} or {whole}.{rest}. Write it without \
                     groups and with a point: {whole}{rest} or {whole}.{rest}."
                ));
            }
            Some(',')
        }
    };
    let (whole, rest) = match decimal.and_then(|sign| unsigned.rsplit_once(sign)) {
        Some((whole, rest)) => (whole, Some(rest)),
        None => (unsigned, None),
    };
    if decimal.is_some_and(|sign| whole.contains(sign)) {
        return no_groups();
    }
    let mut groups = whole.split([',', '.']);
    let first = groups.next().unwrap_or_default();
    let is_grouped = whole.len() > first.len();
    if is_grouped && (!(1..=3).contains(&first.len()) || groups.any(|group| group.len() != 3)) {
        return no_groups();
    }
    let sign = &mantissa[..mantissa.len() - unsigned.len()];
    let whole = whole.replace([',', '.'], "");
    let rest = rest.map_or_else(String::new, |rest| format!(".{rest}"));
    Ok(format!("{sign}{whole}{rest}{exponent}"))
}

/// Most digits of a number in a table: as many as survive every engine unchanged.
const MOST_DIGITS: usize = 15;

/// A number in plain digits, as tables keep it, so that both engines compare and order it alike.
///
/// # Errors
/// In words for who gave it.
pub fn plain_number(label: &str, value: &str) -> Result<String, String> {
    let text = AttributeKind::Number.checked(label, &[], value)?;
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(&text)),
    };
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain(whole) || !is_plain(rest) || whole.len() + rest.len() > MOST_DIGITS {
        return Err(format!("'{label}' is a number of at most {MOST_DIGITS} digits."));
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    Ok(if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_in_one_form_or_refused_in_words() {
        let choices = ["Gold".to_owned(), "Silver".to_owned()];
        for (kind, given, kept) in [
            (AttributeKind::Text, " a ", Some("a")),
            (AttributeKind::Number, "1,5", Some("1.5")),
            (AttributeKind::Number, "1,200.5", Some("1200.5")),
            (AttributeKind::Number, "1.234,56", Some("1234.56")),
            (AttributeKind::Number, "-1.234.567,8", Some("-1234567.8")),
            (AttributeKind::Number, "1,234,567", Some("1234567")),
            (AttributeKind::Number, "1.234.567", Some("1234567")),
            (AttributeKind::Number, "1.200", Some("1.200")),
            (AttributeKind::Number, "0,125", Some("0.125")),
            (AttributeKind::Number, "1234,567", Some("1234.567")),
            (AttributeKind::Number, "1,5e3", Some("1.5e3")),
            (AttributeKind::Number, "1,200", None),
            (AttributeKind::Number, "-12,200", None),
            (AttributeKind::Number, "1,20.5", None),
            (AttributeKind::Number, "1234,567.8", None),
            (AttributeKind::Number, "1.234,567,890", None),
            (AttributeKind::Number, "1,2,3", None),
            (AttributeKind::Number, ",", None),
            (AttributeKind::Number, "many", None),
            (AttributeKind::Number, "inf", None),
            (AttributeKind::Date, "2026-03-31T10:00:00", Some("2026-03-31")),
            (AttributeKind::Date, "soon", None),
            (AttributeKind::Boolean, "Yes", Some("true")),
            (AttributeKind::Boolean, "perhaps", None),
            (AttributeKind::Choice, "gold", Some("Gold")),
            (AttributeKind::Choice, "bronze", None),
        ] {
            assert_eq!(kind.checked("X", &choices, given).ok().as_deref(), kept, "{kind} {given}");
        }
    }

    #[test]
    fn a_number_that_may_be_two_is_refused_with_both() {
        let refused = AttributeKind::Number.checked("Points", &[], "1,200").unwrap_err();
        assert!(refused.contains("1200 or 1.200"), "{refused}");
        assert_eq!(plain_number("Points", "1,200"), Err(refused));
    }

    #[test]
    fn numbers_of_tables_are_plain_digits() {
        for (given, kept) in [
            ("1.234,56", Some("1234.56")),
            ("10.50", Some("10.50")),
            ("-.5", Some("-0.5")),
            ("+7", Some("7")),
            ("5.", Some("5")),
            ("1,5", Some("1.5")),
            ("1e3", None),
            ("1234567890123456", None),
            ("NaN", None),
            ("", None),
        ] {
            assert_eq!(plain_number("X", given).ok().as_deref(), kept, "{given}");
        }
    }
}
