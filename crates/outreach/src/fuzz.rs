//! What must hold for any text a person writes or uploads; see `segue_channels::fuzz`.

use segue_expr::Condition;
use segue_model::{PhoneNumber, contact::ContactFields};

use crate::{import, text::Body};

/// A file of contacts: read row by row without a panic, or refused.
///
/// # Panics
/// When a property does not hold, or the file cannot be written.
pub fn contact_file(path: &std::path::Path, octets: &[u8]) {
    assert!(std::fs::write(path, octets).is_ok(), "the file cannot be written");
    let Ok(file) = std::fs::File::open(path) else { return };
    // A file that is no table is refused in words; one that is has a header.
    let _ = import::each_row(file, |cells| {
        assert!(!cells.is_empty(), "a row without columns was read");
        for cell in cells {
            let guarded = import::guarded_cell(cell);
            assert!(!guarded.starts_with(['=', '+', '-', '@']), "a cell that a spreadsheet would run");
        }
    });
}

/// A text with merge fields: read and filled in within its fuel, or refused.
///
/// # Panics
/// When a property does not hold.
pub fn template(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let Ok(body) = Body::parse(&text) else { return };
    let _ = body.fields();
    let contact = ContactFields {
        phone: PhoneNumber::parse("+15550100", None).ok(),
        first_name: Some("Ana {{ last_name }}".to_owned()),
        ..ContactFields::default()
    };
    if let Ok(filled) = body.fill(&contact) {
        assert!(text.contains("{%") || text.contains("{{") || text.contains("{#") || !filled.contains("Ana"));
    }
}

/// A condition over contacts: read or refused with words, and evaluated without a panic.
///
/// # Panics
/// When a property does not hold.
pub fn condition(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    if let Ok(condition) = Condition::read(&text) {
        for test in condition.tests() {
            let _ = test.of_fields(&ContactFields::default());
        }
    }
}
