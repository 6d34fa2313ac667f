//! DOCX, as little of ECMA-376 (Office Open XML) as a word processor needs: a ZIP with content types, relationships, styles, numbering,
//! settings, a header, a footer, and one document part of paragraphs and tables on A4 pages.

mod parts;

use crate::document::{Column, Document, Element, GAP, Mark, form_table};
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Width between the margins of an A4 page, 170 mm, in twentieths of a point.
const TEXT_WIDTH: usize = 9_638;

/// The document as the bytes of a DOCX file; the same document gives the same bytes.
pub fn docx(document: &Document) -> std::io::Result<Vec<u8>> {
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    // A fixed time: the bytes say nothing of when they were written.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).last_modified_time(DateTime::default());
    let title = escape(&document.title);
    let (core, header, body) = (parts::core(&title), parts::header(&title, &escape(&document.subtitle)), body(document));
    for (name, content) in [
        ("[Content_Types].xml", parts::CONTENT_TYPES),
        ("_rels/.rels", parts::RELATIONSHIPS),
        ("word/document.xml", body.as_str()),
        ("word/_rels/document.xml.rels", parts::DOCUMENT_RELATIONSHIPS),
        ("word/styles.xml", parts::STYLES),
        ("word/numbering.xml", parts::NUMBERING),
        ("word/settings.xml", parts::SETTINGS),
        ("word/header1.xml", header.as_str()),
        ("word/footer1.xml", parts::FOOTER),
        ("docProps/core.xml", core.as_str()),
    ] {
        file.start_file(name, options).map_err(std::io::Error::other)?;
        file.write_all(content.as_bytes())?;
    }
    Ok(file.finish().map_err(std::io::Error::other)?.into_inner())
}

fn body(document: &Document) -> String {
    let mut xml = parts::DOCUMENT_BEGINNING.to_owned();
    paragraph(&mut xml, "Title", &document.title);
    if !document.subtitle.is_empty() {
        paragraph(&mut xml, "Subtitle", &document.subtitle);
    }
    for element in &document.elements {
        match element {
            Element::Heading(heading) => paragraph(&mut xml, "Heading1", heading),
            Element::PlainHeading(heading) => paragraph(&mut xml, "PlainHeading", heading),
            Element::Text(text) => text.lines().for_each(|line| paragraph(&mut xml, "BodyText", line)),
            Element::Form(rows) => {
                let (columns, cells) = form_table(rows);
                table(&mut xml, &columns, &cells);
            }
            Element::Table { columns, rows } => table(&mut xml, columns, rows),
        }
    }
    xml.push_str(parts::DOCUMENT_END);
    xml
}

/// A paragraph in which gaps and marks stand out.
fn paragraph(xml: &mut String, style: &str, text: &str) {
    let _ = write!(xml, "<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr>");
    let mut rest = text;
    while !rest.is_empty() {
        let marks = std::iter::once(GAP).chain(Mark::ALL.map(Mark::text));
        let first = marks.filter_map(|mark| Some((rest.find(mark)?, mark))).min();
        let (plain, mark, after) = match first {
            Some((at, mark)) => (rest.get(..at), Some(mark), rest.get(at + mark.len()..)),
            None => (Some(rest), None, None),
        };
        if let Some(plain) = plain.filter(|plain| !plain.is_empty()) {
            let _ = write!(xml, "<w:r><w:t xml:space=\"preserve\">{}</w:t></w:r>", escape(plain));
        }
        if let Some(mark) = mark {
            let _ = write!(xml, "<w:r><w:rPr><w:b/><w:highlight w:val=\"yellow\"/></w:rPr><w:t>{mark}</w:t></w:r>");
            // A zero-width space: a long number may go to the next line whole, so that the mark is not broken.
            xml.push_str("<w:r><w:t>\u{200b}</w:t></w:r>");
        }
        rest = after.unwrap_or_default();
    }
    xml.push_str("</w:p>");
}

/// A table as wide as the text, its first row repeated on each page.
fn table(xml: &mut String, columns: &[Column], rows: &[Vec<String>]) {
    let shares: usize = columns.iter().map(|column| column.share).sum();
    let widths: Vec<usize> = columns.iter().map(|column| TEXT_WIDTH * column.share / shares.max(1)).collect();
    let grid = widths.iter().fold(String::new(), |grid, width| grid + &format!("<w:gridCol w:w=\"{width}\"/>"));
    let total: usize = widths.iter().sum();
    let _ = write!(
        xml,
        "<w:tbl><w:tblPr><w:tblStyle w:val=\"Form\"/><w:tblW w:w=\"{total}\" w:type=\"dxa\"/><w:tblLayout w:type=\"fixed\"/></w:tblPr>\
         <w:tblGrid>{grid}</w:tblGrid>"
    );
    let titles: Vec<String> = columns.iter().map(|column| column.title.clone()).collect();
    row(xml, &titles, &widths, RowKind::Titles);
    for cells in rows {
        row(xml, cells, &widths, RowKind::Values);
    }
    if rows.is_empty() {
        let none: Vec<String> = (0..columns.len()).map(|index| if index == 0 { "（无）".to_owned() } else { String::new() }).collect();
        row(xml, &none, &widths, RowKind::Values);
    }
    // Two tables in a row would run together without a paragraph between them.
    xml.push_str("</w:tbl><w:p><w:pPr><w:pStyle w:val=\"AfterTable\"/></w:pPr></w:p>");
}

#[derive(Clone, Copy, PartialEq)]
enum RowKind {
    Titles,
    Values,
}

/// A row that no page break divides.
fn row(xml: &mut String, cells: &[String], widths: &[usize], kind: RowKind) {
    let (properties, shade, style) = match kind {
        RowKind::Titles => ("<w:cantSplit/><w:tblHeader/>", "<w:shd w:val=\"clear\" w:color=\"auto\" w:fill=\"E7E6E6\"/>", "CellTitle"),
        RowKind::Values => ("<w:cantSplit/>", "", "Cell"),
    };
    let _ = write!(xml, "<w:tr><w:trPr>{properties}</w:trPr>");
    for (cell, width) in cells.iter().zip(widths) {
        let _ = write!(xml, "<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/>{shade}<w:vAlign w:val=\"center\"/></w:tcPr>");
        if cell.is_empty() {
            paragraph(xml, style, "");
        }
        let is_number = kind == RowKind::Values && !cell.is_empty() && cell.chars().all(|letter| letter.is_ascii_digit() || letter == ',');
        let style = if is_number { "CellNumber" } else { style };
        cell.lines().for_each(|line| paragraph(xml, style, line));
        xml.push_str("</w:tc>");
    }
    xml.push_str("</w:tr>");
}

/// Text as XML 1.0 allows it: markup escaped, forbidden control characters left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' => escaped.push(' '),
            _ if character < ' ' || matches!(character, '\u{fffe}' | '\u{ffff}') => {}
            _ => escaped.push(character),
        }
    }
    escaped
}
