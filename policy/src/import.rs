//! Lists that people keep (text, CSV, TSV) into rules.

use crate::lexicon::{Field, MatchType, Rule, Severity};
use crate::normalise::Normalised;
use crate::{Error, RiskClass, View};
use spec::Sha256Digest;
use std::collections::HashSet;

/// Bytes of the digest in a rule's id: enough that lists of a million terms hardly ever need the longer one.
const ID_BYTES: usize = 6;
/// What the first field of a table's first row says when the row names the columns.
const HEADINGS: &[&str] = &["term", "terms", "keyword", "word", "词", "词条", "关键词", "敏感词"];

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    /// One term a line.
    Text,
    /// Fields between commas, quoted as in RFC 4180: term, class, severity, match, exceptions with `|` between them. All but the
    /// first may be left out or empty.
    Csv,
    /// Fields between tabs, without quotes.
    Tsv,
}

impl ImportFormat {
    /// By a file name's ending; anything else than csv and tsv is text.
    pub fn of_file_name(name: &str) -> Self {
        match name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
            Some("csv") => Self::Csv,
            Some("tsv" | "tab") => Self::Tsv,
            _ => Self::Text,
        }
    }
}

/// What rows that say nothing else get.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// How the list is written.
    pub format: ImportFormat,
    /// Risk of rows that name none. Without it such rows are an error.
    pub class: Option<RiskClass>,
    /// Severity of rows that name none.
    pub severity: Severity,
    /// Match type of rows that name none.
    pub match_type: MatchType,
    /// Views of every rule; none for the default.
    pub views: Option<Vec<View>>,
    /// Parts of the request that every rule reads.
    pub fields: Vec<Field>,
}

/// A list that was read.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Import {
    /// One for each distinct term, with an id made of its class and its normalised text, so that the next version of the list
    /// gives the same term the same id.
    pub rules: Vec<Rule>,
    /// Rows that repeat a term after normalisation.
    pub repeated: usize,
    /// Rows without a letter, digit or ideograph.
    pub unsearchable: usize,
}

/// Reads a list; `path` is only named in errors.
pub fn import(bytes: &[u8], path: &str, options: &ImportOptions) -> Result<Import, Error> {
    let reporter = Reporter { path };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|&&byte| byte == b'\n').count() + 1;
        reporter.error(
            line,
            "the file is not UTF-8: convert it first, for example with iconv -f GB18030 -t UTF-8",
            "文件不是 UTF-8 编码：请先转换，例如 iconv -f GB18030 -t UTF-8",
        )
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut imported = Import::default();
    let mut seen = HashSet::new();
    let mut ids = HashSet::new();
    for (line, row) in rows(text, options.format) {
        let heading = line == 1 && row.len() > 1 && row.first().is_some_and(|cell| HEADINGS.contains(&cell.to_lowercase().as_str()));
        let term = row.first().map(String::as_str).unwrap_or_default();
        if term.is_empty() || heading {
            continue;
        }
        let Some(mut rule) = reporter.rule(line, &row, options)? else {
            imported.unsearchable += 1;
            continue;
        };
        let key = if rule.match_type == MatchType::Regex { term.to_owned() } else { Normalised::new(term).text };
        let digest = Sha256Digest::of(key.as_bytes()).to_string();
        if !seen.insert((rule.class, rule.match_type, key)) {
            imported.repeated += 1;
            continue;
        }
        let short = format!("{}-{}", rule.class, digest.get(..2 * ID_BYTES).unwrap_or(&digest));
        rule.id = if ids.insert(short.clone()) { short } else { format!("{}-{digest}-{line}", rule.class) };
        imported.rules.push(rule);
    }
    Ok(imported)
}

/// Rows with the number of the line that they begin on.
fn rows(text: &str, format: ImportFormat) -> Vec<(usize, Vec<String>)> {
    let lines = || text.lines().enumerate().map(|(index, line)| (index + 1, line));
    match format {
        ImportFormat::Text => lines().map(|(number, line)| (number, vec![line.trim().to_owned()])).collect(),
        ImportFormat::Tsv => {
            lines().map(|(number, line)| (number, line.split('\t').map(|cell| cell.trim().to_owned()).collect())).collect()
        }
        ImportFormat::Csv => csv(text),
    }
}

fn csv(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut rows = Vec::new();
    let (mut row, mut cell) = (Vec::new(), String::new());
    let (mut line, mut began) = (1, 1);
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        line += usize::from(character == '\n');
        match (quoted, character) {
            (true, '"') if characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            (true, '"') => quoted = false,
            (false, '"') if cell.trim().is_empty() => {
                cell.clear();
                quoted = true;
            }
            (false, ',') => row.push(std::mem::take(&mut cell).trim().to_owned()),
            (false, '\n') => {
                row.push(std::mem::take(&mut cell).trim().to_owned());
                rows.push((began, std::mem::take(&mut row)));
                began = line;
            }
            (_, other) => cell.push(other),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell.trim().to_owned());
        rows.push((began, row));
    }
    rows
}

struct Reporter<'a> {
    path: &'a str,
}

impl Reporter<'_> {
    fn error(&self, line: usize, english: &str, chinese: &str) -> Error {
        Error::LexiconInvalid { path: self.path.to_owned(), line, english: english.to_owned(), chinese: chinese.to_owned() }
    }

    /// None for a term in which there is nothing to search for.
    fn rule(&self, line: usize, row: &[String], options: &ImportOptions) -> Result<Option<Rule>, Error> {
        let cell = |index: usize| row.get(index).map(String::as_str).filter(|cell| !cell.is_empty());
        let class = match cell(1) {
            Some(class) => Some(class.parse().map_err(|()| {
                self.error(line, "the class must be one of the 31 risks, A1.a to A5.b", "类别应为 31 类风险之一，A1.a 至 A5.b")
            })?),
            None => options.class,
        };
        let class = class.ok_or_else(|| {
            self.error(line, "the row names no class and no class was given for the list", "该行没有类别，也没有为整个列表指定类别")
        })?;
        let severity = match cell(2) {
            None => options.severity,
            Some("refuse") => Severity::Refuse,
            Some("review") => Severity::Review,
            Some(_) => return Err(self.error(line, "the severity must be refuse or review", "处置方式应为 refuse 或 review")),
        };
        let match_type = match cell(3) {
            None => options.match_type,
            Some("automatic") => MatchType::Automatic,
            Some("substring") => MatchType::Substring,
            Some("word") => MatchType::Word,
            Some("pinyin") => MatchType::Pinyin,
            Some("regex") => MatchType::Regex,
            Some(_) => {
                let english = "the match type must be automatic, substring, word, pinyin or regex";
                return Err(self.error(line, english, "匹配方式应为 automatic、substring、word、pinyin 或 regex"));
            }
        };
        let term = cell(0).unwrap_or_default();
        let searchable = |text: &str| !Normalised::new(text).units.is_empty();
        if match_type != MatchType::Regex && !searchable(term) {
            return Ok(None);
        }
        let exceptions = cell(4).unwrap_or_default().split('|').map(str::trim).filter(|text| searchable(text)).map(String::from).collect();
        Ok(Some(Rule {
            id: String::new(),
            class,
            terms: vec![term.to_owned()],
            exceptions,
            unless_after: Vec::new(),
            fields: options.fields.clone(),
            severity,
            match_type,
            views: options.views.clone(),
            companions: None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::{ImportFormat, ImportOptions, import};
    use crate::{Field, MatchType, Severity};

    fn options(format: ImportFormat) -> ImportOptions {
        ImportOptions {
            format,
            class: "A1.h".parse().ok(),
            severity: Severity::Refuse,
            match_type: MatchType::Automatic,
            views: None,
            fields: Field::ALL.to_vec(),
        }
    }

    #[test]
    fn text_and_tables_are_read() {
        let list = import("\u{feff}甲乙丙\n\n甲 乙 丙\n！！\r\nabc\n".as_bytes(), "list.txt", &options(ImportFormat::Text)).unwrap();
        assert_eq!((list.rules.len(), list.repeated, list.unsearchable), (2, 1, 1));
        let table = "关键词,类别,处置,匹配,例外\n\"甲,\"\"乙\",A2.a,review,,甲乙丁|甲乙戊\n丙丁,,,word\n";
        let list = import(table.as_bytes(), "list.csv", &options(ImportFormat::Csv)).unwrap();
        assert_eq!(list.rules[0].terms, ["甲,\"乙"]);
        assert_eq!((list.rules[0].class.id(), list.rules[0].severity), ("A2.a", Severity::Review));
        assert_eq!(list.rules[0].exceptions, ["甲乙丁", "甲乙戊"]);
        assert_eq!((list.rules[1].class.id(), list.rules[1].match_type), ("A1.h", MatchType::Word));
        let again = import("丙丁\tA1.h\n".as_bytes(), "list.tsv", &options(ImportFormat::Tsv)).unwrap();
        assert_eq!(again.rules[0].id, list.rules[1].id);
    }

    #[test]
    fn errors_name_the_line() {
        for (bytes, line) in [("甲\n乙,A9\n".as_bytes(), 2), ("甲,,maybe\n".as_bytes(), 1), (b"a\nb\n\xb7\xa8\n".as_slice(), 3)] {
            let error = import(bytes, "list.csv", &options(ImportFormat::Csv)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("list.csv:{line}: ")), "{error}");
        }
    }
}
