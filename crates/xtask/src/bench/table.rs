//! Tables for people: for a terminal, or in Markdown for docs/performance.md.

/// Columns that a terminal shows.
#[cfg(test)]
pub const WIDTH_MAX: usize = 100;

/// How tables are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Terminal,
    Markdown,
}

/// Cells by rows; the first column is text, the others are figures.
#[derive(Debug)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(head: &[&str]) -> Self {
        Self {
            head: head.iter().map(|text| (*text).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub fn shown(&self, form: Form) -> String {
        match form {
            Form::Terminal => self.terminal(),
            Form::Markdown => self.markdown(),
        }
    }

    fn terminal(&self) -> String {
        let lines = || std::iter::once(&self.head).chain(&self.rows);
        let widths: Vec<usize> = (0..self.head.len())
            .map(|column| {
                lines()
                    .filter_map(|cells| cells.get(column))
                    .map(|cell| cell.chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for cells in lines() {
            let padded: Vec<String> = cells
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            text.push_str(padded.join("  ").trim_end());
            text.push('\n');
        }
        text
    }

    fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = line(&self.head);
        text.push_str(&line(&vec!["---".to_owned(); self.head.len()]));
        for cells in &self.rows {
            text.push_str(&line(cells));
        }
        text
    }
}

/// A figure that may be absent.
pub fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["program", "write"]);
        table.row(vec![
            "a long name".to_owned(),
            "1.00 (0.90–1.10)".to_owned(),
        ]);
        table.row(vec!["b".to_owned(), or_dash(None)]);
        table
    }

    #[test]
    fn columns_line_up_in_letters_not_bytes() {
        let text = table().shown(Form::Terminal);
        assert_eq!(
            text,
            "program      write\na long name  1.00 (0.90–1.10)\nb            –\n"
        );
    }

    #[test]
    fn markdown_has_a_rule_under_its_head() {
        let text = table().shown(Form::Markdown);
        assert_eq!(
            text,
            "| program | write |\n| --- | --- |\n| a long name | 1.00 (0.90–1.10) |\n| b | – |\n"
        );
    }
}
