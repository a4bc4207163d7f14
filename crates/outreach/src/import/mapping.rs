//! Which column is which field.

use std::collections::BTreeMap;

use segue_model::contact::{MOST_ATTRIBUTES, STANDARD_FIELDS};

use super::ImportOptions;
use crate::{OutreachError, contacts::attribute_name};

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    Standard(&'static str),
    Attribute(String),
}

/// Fields by position in the row.
#[derive(Debug)]
pub(super) struct Mapping {
    pub columns: usize,
    pub fields: Vec<(usize, Field)>,
    /// Where a row says of which country its number is.
    pub country: Option<usize>,
    pub consent: ConsentColumns,
}

/// Where a row speaks of consent.
#[derive(Debug, Default)]
pub(super) struct ConsentColumns {
    /// Whether the file claims that anybody agreed.
    pub claims: Claims,
    pub opt_in: Option<usize>,
    pub opt_out: Option<usize>,
    pub wording: Option<usize>,
    pub proof: Option<usize>,
    pub date: Option<usize>,
    pub expires: Option<usize>,
}

/// Whether a file claims opt-ins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Claims {
    #[default]
    Nothing,
    OptIns,
}

/// The field that a mapping names; `None` for columns that are to be left out.
fn field(name: &str) -> Result<Option<Field>, OutreachError> {
    let name = name.trim();
    if name.is_empty() || name == "ignore" {
        return Ok(None);
    }
    if let Some(standard) = STANDARD_FIELDS.iter().find(|standard| **standard == name) {
        return Ok(Some(Field::Standard(standard)));
    }
    let name = name.strip_prefix("attributes.").unwrap_or(name);
    attribute_name(name)
        .map(|name| Some(Field::Attribute(name)))
        .ok_or_else(|| OutreachError::invalid("mapping", format!("'{name}' is not a name for an attribute.")))
}

/// Checks a mapping without its file.
///
/// # Errors
/// When no column or more than one is the phone number, two columns are the same field, or more are attributes than a
/// contact has.
pub(super) fn check(mapping: &BTreeMap<String, String>) -> Result<(), OutreachError> {
    let mut fields = Vec::new();
    for name in mapping.values() {
        let Some(field) = field(name)? else { continue };
        if fields.contains(&field) {
            return Err(OutreachError::invalid("mapping", format!("Two columns are mapped to '{}'.", name.trim())));
        }
        fields.push(field);
    }
    let attributes = fields.iter().filter(|field| matches!(field, Field::Attribute(_))).count();
    if attributes > MOST_ATTRIBUTES {
        let message = format!(
            "{attributes} columns are mapped to attributes, and a contact has at most {MOST_ATTRIBUTES}. Leave columns out, \
             or import the file into a table."
        );
        return Err(OutreachError::invalid("mapping", message));
    }
    if fields.contains(&Field::Standard("phone")) {
        return Ok(());
    }
    Err(OutreachError::invalid("mapping", "Choose the column that holds the phone number."))
}

impl Mapping {
    /// The mapping for a file with these columns.
    ///
    /// # Errors
    /// When it is not valid, or names a column that the file does not have.
    pub fn new(header: &[String], options: &ImportOptions) -> Result<Self, OutreachError> {
        check(&options.mapping)?;
        let position = |column: &str| {
            header
                .iter()
                .position(|name| name == column.trim())
                .ok_or_else(|| OutreachError::UnknownColumn(column.to_owned()))
        };
        let optional = |column: Option<&String>| {
            column.map(String::as_str).filter(|column| !column.trim().is_empty()).map(position).transpose()
        };
        let mut fields = Vec::new();
        for (column, name) in &options.mapping {
            if let Some(field) = field(name)? {
                fields.push((position(column)?, field));
            }
        }
        let consent = match &options.consent {
            None => ConsentColumns::default(),
            Some(consent) => ConsentColumns {
                claims: if consent.claims_opt_ins() { Claims::OptIns } else { Claims::Nothing },
                opt_in: optional(consent.column.as_ref())?,
                opt_out: optional(consent.opt_out_column.as_ref())?,
                wording: optional(consent.wording_column.as_ref())?,
                proof: optional(consent.proof_column.as_ref())?,
                date: optional(consent.date_column.as_ref())?,
                expires: optional(consent.expires_column.as_ref())?,
            },
        };
        Ok(Self { columns: header.len(), fields, country: optional(options.country_column.as_ref())?, consent })
    }
}

const NAMES: &[(&str, &[&str])] = &[
    (
        "phone",
        &[
            "phone",
            "phonenumber",
            "phoneno",
            "mobile",
            "mobilenumber",
            "mobilephone",
            "mobileno",
            "cell",
            "cellphone",
            "cellnumber",
            "tel",
            "telephone",
            "telephonenumber",
            "msisdn",
            "number",
            "whatsapp",
            "whatsappnumber",
            "sms",
            "handy",
            "handynummer",
            "telefon",
            "telefonnummer",
            "mobil",
            "mobilnummer",
            "celular",
            "telefono",
            "teléfono",
            "telefone",
            "movil",
            "móvil",
            "portable",
            "téléphone",
            "cellulare",
            "numero",
            "número",
        ],
    ),
    (
        "first_name",
        &["firstname", "givenname", "forename", "first", "vorname", "prenom", "prénom", "nombre", "nome", "voornaam"],
    ),
    (
        "last_name",
        &[
            "lastname",
            "surname",
            "familyname",
            "last",
            "nachname",
            "familienname",
            "nomdefamille",
            "apellido",
            "apellidos",
            "sobrenome",
            "cognome",
            "achternaam",
        ],
    ),
    ("email", &["email", "mail", "emailaddress", "mailaddress", "emailadresse", "correo", "correoelectronico"]),
    ("external_key", &["externalkey", "externalid", "contactkey", "subscriberkey"]),
    ("locale", &["locale", "language", "lang", "sprache", "langue", "idioma"]),
    ("time_zone", &["timezone", "tz", "zeitzone", "zonahoraria"]),
];

/// The standard field that a column's name speaks of.
pub(super) fn suggestion(column: &str) -> Option<&'static str> {
    let plain: String = column.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    NAMES.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(field, _)| *field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(column, field)| ((*column).to_owned(), (*field).to_owned())).collect()
    }

    #[test]
    fn suggestions() {
        for (column, expected) in [
            ("Phone", Some("phone")),
            ("Mobile Number", Some("phone")),
            ("E-Mail", Some("email")),
            ("first_name", Some("first_name")),
            ("Surname", Some("last_name")),
            ("Time zone", Some("time_zone")),
            ("Order No.", None),
            ("", None),
        ] {
            assert_eq!(suggestion(column), expected, "{column}");
        }
    }

    #[test]
    fn no_more_columns_are_attributes_than_a_contact_has() {
        let mapped = |count: usize| {
            let columns = (0..count).map(|number| (format!("c{number}"), format!("field {number}")));
            let mapping = columns.chain([("p".to_owned(), "phone".to_owned())]).collect();
            check(&mapping).map_err(|error| error.to_string())
        };
        assert_eq!(mapped(MOST_ATTRIBUTES), Ok(()));
        let refused = mapped(MOST_ATTRIBUTES + 1).unwrap_err();
        assert!(refused.contains("101 columns") && refused.contains("at most 100"), "{refused}");
    }

    #[test]
    fn a_mapping_must_fit_the_file_and_have_one_phone_column() {
        let header = ["Phone".to_owned(), "Name".to_owned(), "Order No.".to_owned()];
        let options = |pairs| ImportOptions { mapping: mapping(pairs), ..ImportOptions::default() };
        let good = options(&[("Phone", "phone"), ("Order No.", "Order No."), ("Name", "")]);
        let good = Mapping::new(&header, &good).unwrap();
        assert!(good.fields.contains(&(2, Field::Attribute("order_no".to_owned()))));
        assert_eq!(good.fields.len(), 2);
        for (wrong, code) in [
            (options(&[("Name", "first_name")]), "invalid_field"),
            (options(&[("Phone", "phone"), ("Name", "phone")]), "invalid_field"),
            (options(&[("Phone", "phone"), ("Nome", "first_name")]), "unknown_column"),
            (
                ImportOptions { country_column: Some("Land".to_owned()), ..options(&[("Phone", "phone")]) },
                "unknown_column",
            ),
        ] {
            assert_eq!(Mapping::new(&header, &wrong).unwrap_err().code(), code);
        }
    }
}
