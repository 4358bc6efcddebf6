//! Text in columns.

use super::outcome::printable;

/// Rows of cells, each column as wide as its widest cell, two spaces between.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{:width$}", printable(cell))).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_control_characters_do_not_get_out() {
        let rows = [vec!["a".into(), "é\u{1b}".into(), "x".into()], vec!["bbb".into(), "c".into(), String::new()]];
        assert_eq!(table(&rows), "a    é\u{fffd}  x\nbbb  c");
    }
}
