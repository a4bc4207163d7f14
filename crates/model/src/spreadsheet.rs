//! Tables that people open in a spreadsheet: no cell of them can act as a formula.

/// A cell that no spreadsheet takes for a formula: an apostrophe goes before what could be one.
#[must_use]
pub fn guarded_cell(cell: &str) -> String {
    let acts = |text: &str| text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    // Some spreadsheets ignore blanks before a formula.
    if acts(cell) || acts(cell.trim_start_matches([' ', '\u{a0}'])) { format!("'{cell}") } else { cell.to_owned() }
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
        }
        for cell in ["", "Ana", "a=b", "5550100", "'x"] {
            assert_eq!(guarded_cell(cell), cell);
        }
        assert_eq!(row(["a\"b", "=1", "x\ny"]), "\"a\"\"b\",\"'=1\",\"x\ny\"\r\n");
    }
}
