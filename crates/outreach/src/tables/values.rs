//! One row as it was given, checked against the columns of its table.

use segue_model::{PhoneNumber, WorkspaceId, attribute::plain_number};
use segue_store::{
    Tx,
    contact_view::AttributeKind,
    table::{DataTable, LinkBy, TableColumn},
    table_row::{KEY_SEPARATOR, KnownRow, NewRow, RowFields, link_of},
};

use crate::OutreachError;

/// Longest value, in characters.
const LONGEST_VALUE: usize = 2_000;
/// Longest value in a column of the key, in characters.
const LONGEST_KEY: usize = 200;
/// Largest row, in bytes of all its values.
const LARGEST_ROW: usize = 16 * 1024;

/// By which country numbers without a country code are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Country {
    /// An import says so, of each of its rows.
    Told(String),
    /// The workspace's. A row of an import keeps the one that the import was told: a number in its key stays as it was
    /// written, and has to mean the same number later.
    Usual(String),
}

impl Country {
    /// For values that are given now.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Told(code) | Self::Usual(code) => code,
        }
    }

    /// For the row that is known with a country, and what is kept with it.
    fn of_row(&self, own: Option<String>) -> (String, Option<String>) {
        match self {
            Self::Told(code) => (code.clone(), Some(code.clone())),
            Self::Usual(code) => (own.clone().unwrap_or_else(|| code.clone()), own),
        }
    }
}

/// The country of the workspace.
pub(crate) fn country(tx: &mut Tx<'_>, workspace_id: WorkspaceId) -> Result<String, OutreachError> {
    Ok(tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?.country)
}

/// A value in the form in which its column keeps it; nothing for an empty one.
///
/// # Errors
/// In words for who gave it.
fn checked(column: &TableColumn, value: &str) -> Result<Option<String>, String> {
    let text: String = value.chars().filter(|letter| !letter.is_control() || *letter == '\n').collect();
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let longest = if column.is_key { LONGEST_KEY } else { LONGEST_VALUE };
    if text.chars().count() > longest {
        return Err(format!("'{}' is longer than {longest} characters.", column.label));
    }
    match column.kind {
        AttributeKind::Number => plain_number(&column.label, text),
        kind => kind.checked(&column.label, &column.choices, text),
    }
    .map(Some)
}

/// The key of a row by the values of its key columns, in their order.
///
/// # Errors
/// In words for who gave it.
pub(crate) fn key_of<'v>(
    table: &DataTable,
    values: impl IntoIterator<Item = Option<&'v str>>,
) -> Result<String, String> {
    let mut key = String::new();
    let mut values = values.into_iter();
    for (place, column) in table.key_columns().enumerate() {
        let value = values.next().flatten().map_or(Ok(None), |value| checked(column, value))?;
        let value = value.ok_or_else(|| format!("'{}' is of the key, so it cannot be empty.", column.label))?;
        if place > 0 {
            key.push(KEY_SEPARATOR);
        }
        key.push_str(&value.replace('\n', " "));
    }
    match values.next() {
        None => Ok(key),
        Some(_) => Err("There are more values than columns of the key.".to_owned()),
    }
}

/// The address that links a row to a contact; none when the column is empty.
///
/// # Errors
/// In words for who gave it.
pub(crate) fn address(table: &DataTable, fields: &RowFields, country: &str) -> Result<Option<String>, String> {
    let Some(link) = &table.link else { return Ok(None) };
    let Some(value) = fields.get(&link.column) else { return Ok(None) };
    Ok(Some(match link.by {
        LinkBy::Phone => {
            let phone = PhoneNumber::parse(value, Some(country)).map_err(|error| error.to_string())?;
            link_of(link.by, phone.as_str())
        }
        LinkBy::ExternalKey | LinkBy::Email => link_of(link.by, value),
    }))
}

/// What is said of the row with a key: what is not named stays, nothing takes a value away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Patch {
    pub key: String,
    set: Vec<(String, Option<String>)>,
}

impl Patch {
    /// The row with what was there before.
    pub fn over(&self, table: &DataTable, before: Option<KnownRow>, country: &Country) -> NewRow {
        let KnownRow { mut fields, country: own, .. } = before.unwrap_or_default();
        let (code, country) = country.of_row(own);
        for (name, value) in &self.set {
            match value {
                Some(value) => fields.insert(name.clone(), value.clone()),
                None => fields.remove(name),
            };
        }
        // What is stored was checked when it came in.
        let link = address(table, &fields, &code).ok().flatten();
        NewRow { key: self.key.clone(), fields, link, country }
    }
}

/// A row that was given, when it can be written.
///
/// # Errors
/// In words for who gave it.
pub(crate) fn row_of(table: &DataTable, given: &RowFields, country: &str) -> Result<Patch, String> {
    if let Some(unknown) = given.keys().find(|name| table.column(name).is_none()) {
        return Err(format!("There is no column '{unknown}'."));
    }
    let (mut fields, mut emptied) = (RowFields::new(), RowFields::new());
    for column in &table.columns {
        let Some(value) = given.get(&column.name) else { continue };
        match checked(column, value)? {
            Some(value) => fields.insert(column.name.clone(), value),
            None => emptied.insert(column.name.clone(), String::new()),
        };
    }
    if fields.values().map(String::len).sum::<usize>() > LARGEST_ROW {
        return Err(format!("The row is larger than {} KiB.", LARGEST_ROW / 1024));
    }
    let key = key_of(table, table.key_columns().map(|column| fields.get(&column.name).map(String::as_str)))?;
    if let Some(link) = &table.link
        && link.by == LinkBy::Phone
        && let Some(value) = fields.get_mut(&link.column)
    {
        let phone = PhoneNumber::parse(value, Some(country)).map_err(|error| error.to_string())?;
        // In a key the number stays as it was written: the key is what another system calls the row.
        if table.column(&link.column).is_some_and(|column| !column.is_key) {
            *value = phone.to_string();
        }
    }
    let set = fields.into_iter().map(|(name, value)| (name, Some(value)));
    Ok(Patch { key, set: set.chain(emptied.into_keys().map(|name| (name, None))).collect() })
}

#[cfg(test)]
mod tests {
    use segue_model::{TableId, Timestamp};
    use segue_store::table::TableLink;

    use super::*;

    fn table() -> DataTable {
        let column = |name: &str, kind, is_key| TableColumn {
            name: name.to_owned(),
            label: name.to_owned(),
            kind,
            choices: vec!["Open".to_owned(), "Paid".to_owned()],
            is_key,
        };
        DataTable {
            id: "tbl_00000000000000000000000001".parse::<TableId>().unwrap(),
            name: "orders".to_owned(),
            label: "Orders".to_owned(),
            columns: vec![
                column("shop", AttributeKind::Text, true),
                column("number", AttributeKind::Number, true),
                column("phone", AttributeKind::Text, false),
                column("status", AttributeKind::Choice, false),
            ],
            link: Some(TableLink { column: "phone".to_owned(), by: LinkBy::Phone }),
            row_count: 0,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            version: 1,
        }
    }

    fn given(pairs: &[(&str, &str)]) -> RowFields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn rows_are_checked_and_known_by_all_columns_of_the_key() {
        let row = given(&[("shop", " A "), ("number", "7"), ("phone", "(212) 555-0100"), ("status", "open")]);
        let usual = Country::Usual("US".to_owned());
        let row = row_of(&table(), &row, "US").unwrap().over(&table(), None, &usual);
        assert_eq!(row.key, "A\u{1f}7");
        assert_eq!(row.link.as_deref(), Some("phone:+12125550100"));
        assert_eq!(row.fields["phone"], "+12125550100");
        assert_eq!(row.fields["status"], "Open");
        let before = Some(KnownRow { fields: row.fields, link: row.link, country: None });
        let news = given(&[("shop", "A"), ("number", "7"), ("status", "")]);
        let row = row_of(&table(), &news, "US").unwrap().over(&table(), before, &usual);
        assert_eq!(row.fields.get("status"), None, "nothing takes a value away");
        assert_eq!(row.link.as_deref(), Some("phone:+12125550100"), "what is not named stays");
        for (wrong, why) in [
            (given(&[("shop", "A")]), "of the key"),
            (given(&[("shop", "A"), ("number", "x")]), "is a number"),
            (given(&[("shop", "A"), ("number", "7"), ("status", "lost")]), "one of"),
            (given(&[("shop", "A"), ("number", "7"), ("phone", "nobody")]), ""),
            (given(&[("shop", "A"), ("number", "7"), ("colour", "red")]), "no column"),
            (given(&[("shop", &"A".repeat(201)), ("number", "7")]), "longer"),
        ] {
            let error = row_of(&table(), &wrong, "US").unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(key_of(&table(), [Some("A"), Some("7"), Some("8")]).is_err());
    }
}
