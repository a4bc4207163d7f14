//! The no in a row with more cells than the header. A cell that holds the separator and stands in no quotation marks has
//! moved all behind it, and nobody knows which one it was. A no is certain where the row reads so wherever that may be.

use segue_model::PhoneNumber;

use super::{
    mapping::Field,
    row::{RowReader, cell_of, phone},
    table::Record,
};

/// Most spare cells of a row that is looked at.
const MOST: usize = 8;

/// A column that matters, and what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Phone,
    Country,
    OptIn,
    OptOut,
}

/// What a way to read the row comes to.
type Reading = (PhoneNumber, bool);

/// The number that says no in the row, whichever way it is read.
pub(super) fn certain_no(reader: &RowReader, record: &Record) -> Option<PhoneNumber> {
    let mapping = &reader.mapping;
    let filled = record.cells.iter().rposition(|cell| !cell.trim().is_empty())? + 1;
    let spare = filled.checked_sub(mapping.columns).filter(|spare| *spare <= MOST)?;
    let number = mapping.fields.iter().find(|(_, field)| *field == Field::Standard("phone"))?.0;
    let mut columns = vec![(number, Kind::Phone)];
    columns.extend(mapping.country.map(|position| (position, Kind::Country)));
    columns.extend(mapping.consent.opt_in.map(|position| (position, Kind::OptIn)));
    columns.extend(mapping.consent.opt_out.map(|position| (position, Kind::OptOut)));
    columns.sort_by_key(|(position, _)| *position);
    let mut readings: Vec<Reading> = Vec::new();
    read(reader, record, (&columns, spare), &mut Vec::new(), &mut readings);
    let (phone, _) = readings.first()?.clone();
    readings.iter().all(|(other, is_no)| *other == phone && *is_no).then_some(phone)
}

/// Reads the row in every way that may be meant: `taken` has the places of the columns so far.
fn read(
    reader: &RowReader,
    record: &Record,
    (columns, spare): (&[(usize, Kind)], usize),
    taken: &mut Vec<(Kind, usize)>,
    readings: &mut Vec<Reading>,
) {
    let Some(((position, kind), rest)) = columns.split_first() else {
        readings.extend(reading(reader, record, taken));
        return;
    };
    // What moved a column has moved those behind it too, at least as far.
    let moved = taken.last().map_or(0, |(_, moved)| *moved);
    for moved in moved..=spare {
        let place = position + moved;
        if may_be(*kind, cell_of(record, place)) && may_have_moved(record, place, moved) {
            taken.push((*kind, moved));
            read(reader, record, (rest, spare), taken, readings);
            taken.pop();
        }
    }
}

/// Whether this can stand in such a column. Of numbers that is seen when they are read.
fn may_be(kind: Kind, cell: &str) -> bool {
    match kind {
        Kind::Phone => !cell.is_empty(),
        Kind::Country => cell.is_empty() || (cell.len() == 2 && cell.bytes().all(|byte| byte.is_ascii_alphabetic())),
        Kind::OptIn | Kind::OptOut => RowReader::is_answer(cell),
    }
}

/// Whether so many cells before this place can be pieces of one before them: what was torn apart has something on both
/// sides.
fn may_have_moved(record: &Record, place: usize, moved: usize) -> bool {
    let filled: Vec<bool> = (0..place).map(|position| !cell_of(record, position).is_empty()).collect();
    filled.windows(2).filter(|pair| pair.iter().all(|is_filled| *is_filled)).count() >= moved
}

fn reading(reader: &RowReader, record: &Record, taken: &[(Kind, usize)]) -> Option<Reading> {
    let mapping = &reader.mapping;
    let cell = |position: usize| {
        let kind = [
            (mapping.country, Kind::Country),
            (mapping.consent.opt_in, Kind::OptIn),
            (mapping.consent.opt_out, Kind::OptOut),
        ];
        let kind = kind.into_iter().find(|(column, _)| *column == Some(position)).map_or(Kind::Phone, |(_, kind)| kind);
        let moved = taken.iter().find(|(other, _)| *other == kind).map_or(0, |(_, moved)| *moved);
        cell_of(record, position + moved)
    };
    let number = mapping.fields.iter().find(|(_, field)| *field == Field::Standard("phone"))?.0;
    let country = reader.country_of(&cell).unwrap_or_default();
    let phone = phone(cell(number), &country).ok()?;
    let moved = taken.iter().find(|(kind, _)| *kind == Kind::Phone).map_or(0, |(_, moved)| *moved);
    let place = number + moved;
    // The number itself may have been torn apart.
    let is_whole = ![place.checked_sub(1), Some(place + 1)].into_iter().flatten().any(|beside| {
        let cell = cell_of(record, beside);
        !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit() || b" +()-./".contains(&byte))
    });
    Some((phone, is_whole && reader.says_no(&cell)))
}

#[cfg(test)]
mod tests {
    use segue_model::Timestamp;

    use super::{
        super::{ImportConsent, ImportOptions, mapping::Mapping},
        *,
    };

    const ANA: &str = "+12125550100";

    fn found(header: &str, row: &str) -> Option<String> {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        let has = |name: &str| header.iter().any(|column| column == name).then(|| name.to_owned());
        let consent = ImportConsent { column: has("agreed"), opt_out_column: has("out"), ..ImportConsent::default() };
        let options = ImportOptions {
            mapping: [("phone".to_owned(), "phone".to_owned())].into(),
            country_column: has("country"),
            consent: Some(consent),
            ..ImportOptions::default()
        };
        let mapping = Mapping::new(&header, &options).unwrap();
        let dates = ("US".to_owned(), jiff::tz::TimeZone::UTC);
        let reader = RowReader::new(mapping, Vec::new(), "US".to_owned(), dates, Timestamp(0));
        let record = Record { number: 2, cells: row.split(',').map(str::to_owned).collect() };
        certain_no(&reader, &record).map(|phone| phone.to_string())
    }

    #[test]
    fn a_no_is_taken_where_it_is_one_whichever_cell_was_torn_apart() {
        for (header, row, is_certain) in [
            ("phone,name,out", "+12125550100,Doe, Ana,yes", true),
            ("phone,name,out", "+12125550100,Ana,stop,more", true),
            ("name,phone,out", "Doe, Ana,+12125550100,yes", true),
            ("name,phone,agreed", "Doe, Ana,+12125550100,unsubscribed", true),
            ("name,phone,agreed,note", "Doe, Ana,+12125550100,stop,a, b", true),
            ("phone,name,out", "+12125550100,Doe, Ana,no", false),
            ("phone,name,out", "+12125550100,Doe, Ana,", false),
            ("phone,name,agreed", "+12125550100,Doe, Ana,yes", false),
            // Either may be the column of opt-outs.
            ("phone,name,news,out", "+12125550100,Doe, Ana,yes,no", false),
            ("phone,name,news,out", "+12125550100,Doe, Ana,no,yes", false),
            // Either may be the number.
            ("name,other,phone,out", "Doe, Ana,+12125550101,+12125550100,yes", false),
            ("name,phone,other,out", "Doe, Ana,+12125550100,+12125550101,yes", false),
            // The number was torn apart.
            ("name,phone,out", "Ana,212,5550100,yes", false),
            ("name,phone,out", "Ana,+49 30 1234567,89,yes", false),
            ("phone,country,name,out", "2125550100,US,Doe, Ana,yes", true),
            ("phone,name,out", "+12125550100,1,2,3,4,5,6,7,8,9,10,yes", false),
        ] {
            assert_eq!(found(header, row), is_certain.then(|| ANA.to_owned()), "{header}: {row}");
        }
    }
}
