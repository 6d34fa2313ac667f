//! DOCX, as little of ECMA-376 (Office Open XML) as a word processor needs: a ZIP with content types, relationships, styles, and one
//! document part of paragraphs and tables.

use crate::document::{Block, Document, FORM_HEADER, GAP};
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

const CONTENT_TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/><Override PartName="/word/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/><Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>"#;
const RELATIONSHIPS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>"#;
const DOCUMENT_RELATIONSHIPS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;
/// Sizes are half points: 10.5 pt is 五号, the usual size of Chinese office texts.
const STYLES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii="Times New Roman" w:hAnsi="Times New Roman" w:eastAsia="宋体" w:cs="Times New Roman"/><w:sz w:val="21"/><w:szCs w:val="21"/><w:lang w:val="en-US" w:eastAsia="zh-CN"/></w:rPr></w:rPrDefault><w:pPrDefault><w:pPr><w:spacing w:after="100" w:line="300" w:lineRule="auto"/></w:pPr></w:pPrDefault></w:docDefaults><w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style><w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/><w:basedOn w:val="Normal"/><w:pPr><w:jc w:val="center"/><w:spacing w:before="120" w:after="240"/></w:pPr><w:rPr><w:rFonts w:eastAsia="黑体"/><w:b/><w:sz w:val="36"/><w:szCs w:val="36"/></w:rPr></w:style><w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/><w:basedOn w:val="Normal"/><w:next w:val="Normal"/><w:pPr><w:keepNext/><w:spacing w:before="240" w:after="120"/><w:outlineLvl w:val="0"/></w:pPr><w:rPr><w:rFonts w:eastAsia="黑体"/><w:b/><w:sz w:val="26"/><w:szCs w:val="26"/></w:rPr></w:style><w:style w:type="paragraph" w:styleId="Cell"><w:name w:val="Cell"/><w:basedOn w:val="Normal"/><w:pPr><w:spacing w:after="0" w:line="260" w:lineRule="auto"/></w:pPr><w:rPr><w:sz w:val="18"/><w:szCs w:val="18"/></w:rPr></w:style></w:styles>"#;
const NAMESPACE: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
/// Width between the margins of an A4 page, in twentieths of a point.
const TEXT_WIDTH: usize = 9_638;

/// The document as the bytes of a DOCX file; the same document gives the same bytes.
pub fn render(document: &Document) -> std::io::Result<Vec<u8>> {
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    // A fixed time: the bytes say nothing of when they were written.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).last_modified_time(DateTime::default());
    let title = escape(&document.title);
    let core = format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title><dc:language>zh-CN</dc:language></cp:coreProperties>"#
    );
    let body = body(document);
    for (name, content) in [
        ("[Content_Types].xml", CONTENT_TYPES),
        ("_rels/.rels", RELATIONSHIPS),
        ("word/document.xml", body.as_str()),
        ("word/_rels/document.xml.rels", DOCUMENT_RELATIONSHIPS),
        ("word/styles.xml", STYLES),
        ("docProps/core.xml", core.as_str()),
    ] {
        file.start_file(name, options).map_err(std::io::Error::other)?;
        file.write_all(content.as_bytes())?;
    }
    Ok(file.finish().map_err(std::io::Error::other)?.into_inner())
}

fn body(document: &Document) -> String {
    let mut xml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<w:document xmlns:w=\"{NAMESPACE}\"><w:body>");
    paragraph(&mut xml, Some("Title"), &document.title);
    for block in &document.blocks {
        match block {
            Block::Heading(heading) => paragraph(&mut xml, Some("Heading1"), heading),
            Block::Text(text) => text.lines().for_each(|line| paragraph(&mut xml, None, line)),
            Block::Form(rows) => {
                let rows: Vec<Vec<String>> = rows.iter().map(|row| row.cells().to_vec()).collect();
                table(&mut xml, &FORM_HEADER.map(str::to_owned), &rows, &[22, 46, 32]);
            }
            Block::Table { header, rows } => table(&mut xml, header, rows, &vec![100 / header.len().max(1); header.len()]),
        }
    }
    xml.push_str(
        "<w:sectPr><w:pgSz w:w=\"11906\" w:h=\"16838\"/>\
         <w:pgMar w:top=\"1134\" w:right=\"1134\" w:bottom=\"1134\" w:left=\"1134\" w:header=\"567\" w:footer=\"567\" w:gutter=\"0\"/>\
         </w:sectPr></w:body></w:document>",
    );
    xml
}

fn paragraph(xml: &mut String, style: Option<&str>, text: &str) {
    let style = style.map_or_else(String::new, |style| format!("<w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr>"));
    let _ = write!(xml, "<w:p>{style}");
    for (index, part) in text.split(GAP).enumerate() {
        if index > 0 {
            let _ = write!(xml, "<w:r><w:rPr><w:b/><w:highlight w:val=\"yellow\"/></w:rPr><w:t>{GAP}</w:t></w:r>");
        }
        if !part.is_empty() {
            let _ = write!(xml, "<w:r><w:t xml:space=\"preserve\">{}</w:t></w:r>", escape(part));
        }
    }
    xml.push_str("</w:p>");
}

/// A table whose columns have these shares of the width, in percent.
fn table(xml: &mut String, header: &[String], rows: &[Vec<String>], shares: &[usize]) {
    let widths: Vec<usize> = shares.iter().map(|share| TEXT_WIDTH * share / 100).collect();
    let border = |side: &str| format!("<w:{side} w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"808080\"/>");
    let borders: String = ["top", "left", "bottom", "right", "insideH", "insideV"].iter().map(|side| border(side)).collect();
    let grid = widths.iter().fold(String::new(), |grid, width| grid + &format!("<w:gridCol w:w=\"{width}\"/>"));
    let total: usize = widths.iter().sum();
    let _ = write!(
        xml,
        "<w:tbl><w:tblPr><w:tblW w:w=\"{total}\" w:type=\"dxa\"/><w:tblBorders>{borders}</w:tblBorders><w:tblLayout w:type=\"fixed\"/></w:tblPr>\
         <w:tblGrid>{grid}</w:tblGrid>"
    );
    row(xml, header, &widths, true);
    for cells in rows {
        row(xml, cells, &widths, false);
    }
    // Two tables in a row would run together without a paragraph between them.
    xml.push_str("</w:tbl><w:p/>");
}

fn row(xml: &mut String, cells: &[String], widths: &[usize], is_header: bool) {
    xml.push_str(if is_header { "<w:tr><w:trPr><w:tblHeader/></w:trPr>" } else { "<w:tr>" });
    for (cell, width) in cells.iter().zip(widths) {
        let shade = if is_header { "<w:shd w:val=\"clear\" w:color=\"auto\" w:fill=\"E7E6E6\"/>" } else { "" };
        let _ = write!(xml, "<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/>{shade}</w:tcPr>");
        if cell.is_empty() {
            xml.push_str("<w:p/>");
        }
        cell.lines().for_each(|line| paragraph(xml, Some("Cell"), line));
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
