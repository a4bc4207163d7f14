//! Tables that people open in a spreadsheet: no cell of them can act as a formula.

/// A cell that no spreadsheet takes for a formula: an apostrophe goes before what could be one.
#[must_use]
pub fn guarded_cell(cell: &str) -> String {
    if acts(cell) { format!("'{cell}") } else { cell.to_owned() }
}

/// A cell without the apostrophe of [`guarded_cell`].
#[must_use]
pub fn unguarded_cell(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| acts(rest)).unwrap_or(cell)
}

/// Whether a spreadsheet may take it for a formula. Some ignore blanks before one.
fn acts(cell: &str) -> bool {
    let begins = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    cell.starts_with(begins) || cell.trim_start_matches([' ', '\u{a0}']).starts_with(begins)
}

/// A row of CSV: every cell is quoted and guarded.
#[must_use]
pub fn row<'c>(cells: impl IntoIterator<Item = &'c str>) -> String {
    let cells: Vec<String> =
        cells.into_iter().map(|cell| format!("\"{}\"", guarded_cell(cell).replace('"', "\"\""))).collect();
    format!("{}\r\n", cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_can_act() {
        for cell in ["=1+1", "+15550100", "-2", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"] {
            assert!(guarded_cell(cell).starts_with('\''), "{cell:?}");
            assert_eq!(unguarded_cell(&guarded_cell(cell)), cell);
        }
        for cell in ["", "Ana", "a=b", "5550100", "'x"] {
            assert_eq!(guarded_cell(cell), cell);
            assert_eq!(unguarded_cell(cell), cell);
        }
        assert_eq!(row(["a\"b", "=1", "x\ny"]), "\"a\"\"b\",\"'=1\",\"x\ny\"\r\n");
    }
}
