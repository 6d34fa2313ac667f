use crate::document::{Block, Document, FORM_HEADER};

/// The document as GitHub-flavoured Markdown.
pub fn render(document: &Document) -> String {
    let mut text = format!("# {}\n", document.title);
    for block in &document.blocks {
        text.push('\n');
        match block {
            Block::Heading(heading) => text.extend(["## ", heading, "\n"]),
            Block::Text(paragraph) => text.extend([paragraph, "\n"]),
            Block::Form(rows) => {
                let rows: Vec<Vec<String>> = rows.iter().map(|row| row.cells().to_vec()).collect();
                table(&mut text, &FORM_HEADER, &rows);
            }
            Block::Table { header, rows } => table(&mut text, header, rows),
        }
    }
    text
}

fn table<S: AsRef<str>>(text: &mut String, header: &[S], rows: &[Vec<String>]) {
    line(text, header.iter().map(AsRef::as_ref));
    line(text, header.iter().map(|_| "---"));
    for row in rows {
        line(text, row.iter().map(String::as_str));
    }
}

fn line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    text.push('|');
    for cell in cells {
        let escaped = cell.replace('\\', "\\\\").replace('|', "\\|").replace('\n', "<br>").replace('\r', "");
        text.extend([" ", &escaped, " |"]);
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::document::{Content, Document, Row};

    #[test]
    fn cells_cannot_break_out_of_their_table() {
        let row = Row::new("甲|乙", Content::filled("一\n二|三\\", "记录"), "条");
        let text = render(&Document::new("", "a", "题").form([row]));
        assert!(text.contains("| 甲\\|乙 | 一<br>二\\|三\\\\ | 条｜记录 |"), "{text}");
    }
}
