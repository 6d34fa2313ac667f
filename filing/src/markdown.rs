use crate::document::{Document, Element, chinese_number, form_table};

/// The document as GitHub-flavoured Markdown.
pub fn markdown(document: &Document) -> String {
    let mut text = format!("# {}\n", document.title);
    if !document.subtitle.is_empty() {
        text.extend(["\n", &document.subtitle, "\n"]);
    }
    let mut number = 0;
    for element in &document.elements {
        text.push('\n');
        match element {
            Element::Heading(heading) => {
                number += 1;
                text.extend(["## ", &chinese_number(number), "、", heading, "\n"]);
            }
            Element::PlainHeading(heading) => text.extend(["## ", heading, "\n"]),
            Element::Text(paragraph) => text.extend([paragraph, "\n"]),
            Element::Form(rows) => {
                let (columns, cells) = form_table(rows);
                table(&mut text, columns.iter().map(|column| column.title.as_str()), &cells);
            }
            Element::Table { columns, rows } => table(&mut text, columns.iter().map(|column| column.title.as_str()), rows),
        }
    }
    text
}

fn table<'a>(text: &mut String, titles: impl Iterator<Item = &'a str> + Clone, rows: &[Vec<String>]) {
    line(text, titles.clone());
    line(text, titles.map(|_| "---"));
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
    use super::markdown;
    use crate::document::{Content, Document, Row};

    #[test]
    fn cells_cannot_break_out_of_their_table() {
        let row = Row::new("甲|乙", Content::filled("一\n二|三\\", "记录"), "条");
        let text = markdown(&Document::new("", "a", "题").form([row]));
        assert!(text.contains("| 甲\\|乙 | 一<br>二\\|三\\\\ | 条<br>所据：记录 |"), "{text}");
    }

    #[test]
    fn headings_are_numbered_in_their_order() {
        let text = markdown(&Document::new("", "a", "题").heading("甲").plain_heading("无号").heading("乙"));
        assert!(text.contains("## 一、甲\n\n## 无号\n\n## 二、乙"), "{text}");
    }
}
