//! A lexicon in a folder: `package.toml`, the header, and a file of rules, one JSON object a line.
//!
//! ```text
//! format = 2
//! name = "my-company"
//! version = "2026-11-23"
//! created = "2026-11-23"
//! terms = "terms.jsonl"      # file name in the same folder
//! sha256 = "…"               # of that file
//! [signature]                # optional; Ed25519 over DOMAIN and the JSON array of the six values above
//! key = "…"                  # 64 hexadecimal digits
//! value = "…"                # 128 hexadecimal digits
//! ```
//!
//! The file of rules is as the header says or the package is not read at all.

use super::signature::{Origin, PublicKey, SecretKey};
use super::{Companions, Field, Lexicon, MatchType, Order, Rule, Severity};
use crate::normalise::Normalised;
use crate::{Date, Error, RiskClass, View};
use serde::{Deserialize, Serialize};
use spec::Sha256Digest;
use std::collections::HashSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Name of the header in a package's folder.
pub(crate) const HEADER: &str = "package.toml";
const TERMS: &str = "terms.jsonl";
const FORMAT_VERSION: u32 = 2;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    name: String,
    version: String,
    created: Date,
    terms: String,
    sha256: String,
    signature: Option<SignatureEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureEntry {
    key: String,
    value: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    class: String,
    terms: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exceptions: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unless_after: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<Field>>,
    #[serde(default, skip_serializing_if = "is_default")]
    severity: Severity,
    #[serde(default, rename = "match", skip_serializing_if = "is_default")]
    match_type: MatchType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    views: Option<Vec<View>>,
    #[serde(default, rename = "with", skip_serializing_if = "Option::is_none")]
    lists: Option<Vec<Vec<String>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within: Option<usize>,
    #[serde(default, skip_serializing_if = "is_default")]
    order: Order,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Header {
    fn parse(text: &str, path: &str) -> Result<Self, Error> {
        let header: Self = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let message = error.message().to_owned();
            invalid(path, before.matches('\n').count() + 1, message.clone(), format!("词库包头有误：{message}"))
        })?;
        let plain_name = Path::new(&header.terms).file_name().is_some_and(|name| name == header.terms.as_str());
        let problem = if header.format != FORMAT_VERSION {
            Some((format!("format must be {FORMAT_VERSION}"), format!("format 应为 {FORMAT_VERSION}")))
        } else if header.name.trim().is_empty() || header.version.trim().is_empty() {
            Some(("name and version must not be empty".to_owned(), "name 与 version 不能为空".to_owned()))
        } else if !plain_name {
            Some(("terms must be the name of a file in the same folder".to_owned(), "terms 应为同一文件夹内的文件名".to_owned()))
        } else {
            None
        };
        problem.map_or(Ok(header), |(english, chinese)| Err(invalid(path, 1, english, chinese)))
    }

    /// What is signed: unambiguous because JSON quotes the strings.
    fn message(&self) -> String {
        serde_json::json!([self.format, self.name, self.version, self.created.to_string(), self.terms, self.sha256]).to_string()
    }

    fn origin(&self, path: &str) -> Result<Origin, Error> {
        let Some(signature) = &self.signature else { return Ok(Origin::Unsigned) };
        let key: PublicKey = signature.key.parse()?;
        if key.verifies(&self.message(), &signature.value) {
            return Ok(Origin::Signed(key));
        }
        Err(damaged(path, "its signature does not hold: the header was changed after signing", "签名不成立：包头在签名后被改动"))
    }

    fn check_terms(&self, terms: &[u8], path: &str) -> Result<(), Error> {
        if Sha256Digest::of(terms).to_string().eq_ignore_ascii_case(&self.sha256) {
            return Ok(());
        }
        Err(damaged(path, "the file of terms is not the one that the header names by its SHA-256", "词条文件与包头中的 SHA-256 不符"))
    }

    fn into_lexicon(self, terms: &[u8], path: &str) -> Result<Lexicon, Error> {
        self.check_terms(terms, path)?;
        let origin = self.origin(path)?;
        let rules = parse_terms(terms, path)?;
        Ok(Lexicon { name: self.name, version: self.version, created: Some(self.created), origin, rules })
    }
}

pub(super) fn read(folder: &Path) -> Result<Lexicon, Error> {
    let header_path = folder.join(HEADER);
    let header = Header::parse(&read_text(&header_path)?, &header_path.display().to_string())?;
    let terms_path = folder.join(&header.terms);
    let terms = std::fs::read(&terms_path).map_err(|source| unreadable(&terms_path, source))?;
    header.into_lexicon(&terms, &terms_path.display().to_string())
}

/// The package that is compiled in. Its digest is checked like any other's; the program itself vouches for it.
pub(super) fn parse_builtin() -> Result<Lexicon, Error> {
    let header = Header::parse(include_str!("../../lexicons/builtin/package.toml"), "policy/lexicons/builtin/package.toml")?;
    let mut lexicon = header.into_lexicon(include_bytes!("../../lexicons/builtin/terms.jsonl"), "policy/lexicons/builtin/terms.jsonl")?;
    lexicon.origin = Origin::Builtin;
    Ok(lexicon)
}

fn parse_terms(bytes: &[u8], path: &str) -> Result<Vec<Rule>, Error> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|&&byte| byte == b'\n').count() + 1;
        invalid(path, line, "the file is not UTF-8".to_owned(), "文件不是 UTF-8 编码".to_owned())
    })?;
    let mut rules = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let report = |english: String, chinese: String| invalid(path, index + 1, english, chinese);
        let line: Line = serde_json::from_str(line).map_err(|error| report(error.to_string(), format!("该行格式有误：{error}")))?;
        let rule = line
            .into_rule()
            .map_err(|(rule, english, chinese)| report(format!("rule {rule:?}: {english}"), format!("规则 {rule:?}：{chinese}")))?;
        rules.push(rule);
    }
    let mut ids = HashSet::with_capacity(rules.len());
    if let Some((index, rule)) = rules.iter().enumerate().find(|(_, rule)| !ids.insert(rule.id.as_str())) {
        let message = format!("rule {:?}: another rule has the same id", rule.id);
        return Err(invalid(path, index + 1, message, format!("规则 {:?}：编号与其他规则重复", rule.id)));
    }
    Ok(rules)
}

impl Line {
    fn into_rule(self) -> Result<Rule, (String, &'static str, &'static str)> {
        let Ok(class) = self.class.parse::<RiskClass>() else {
            return Err((self.id, "class must be one of the 31 risks, A1.a to A5.b", "class 应为 31 类风险之一，A1.a 至 A5.b"));
        };
        if self.id.trim().is_empty() || self.terms.is_empty() {
            return Err((self.id, "id and terms must not be empty", "id 与 terms 不能为空"));
        }
        let searchable = |term: &String| self.match_type == MatchType::Regex || !Normalised::new(term).units.is_empty();
        if !self.terms.iter().all(searchable) || !self.exceptions.iter().chain(&self.unless_after).all(searchable) {
            let english = "a term or exception needs at least one letter, digit or ideograph";
            return Err((self.id, english, "词条至少要有一个汉字、字母或数字"));
        }
        let (within, order) = (self.within.unwrap_or(Companions::WITHIN), self.order);
        let companions = self.lists.map(|lists| Companions { lists, within, order });
        let checked = companions.as_ref().map_or(Ok(()), |companions| companions.check(self.match_type));
        if let Err((english, chinese)) = checked {
            return Err((self.id, english, chinese));
        }
        Ok(Rule {
            id: self.id,
            class,
            terms: self.terms,
            exceptions: self.exceptions,
            unless_after: self.unless_after,
            fields: self.fields.unwrap_or_else(|| Field::ALL.to_vec()),
            severity: self.severity,
            match_type: self.match_type,
            views: self.views,
            companions,
        })
    }

    fn of(rule: &Rule) -> Self {
        Self {
            id: rule.id.clone(),
            class: rule.class.id().to_owned(),
            terms: rule.terms.clone(),
            exceptions: rule.exceptions.clone(),
            unless_after: rule.unless_after.clone(),
            fields: (rule.fields != Field::ALL).then(|| rule.fields.clone()),
            severity: rule.severity,
            match_type: rule.match_type,
            views: rule.views.clone(),
            lists: rule.companions.as_ref().map(|companions| companions.lists.clone()),
            within: rule.companions.as_ref().map(|companions| companions.within),
            order: rule.companions.as_ref().map(|companions| companions.order).unwrap_or_default(),
        }
    }
}

/// What a new package is made of.
#[derive(Debug, Clone)]
pub struct Package {
    /// Shown in verdicts as `name@version`.
    pub name: String,
    /// Free text; a date serves.
    pub version: String,
    /// Its age is counted from here.
    pub created: Date,
    /// At least one.
    pub rules: Vec<Rule>,
}

impl Package {
    /// Writes the package into `folder`, unsigned. A package that is there is replaced: the rules first, then the header, so
    /// that a reader in between sees a mismatch and keeps what it has.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let mut terms = Vec::new();
        for rule in &self.rules {
            serde_json::to_writer(&mut terms, &Line::of(rule)).map_err(|error| unwritable(folder, error.into()))?;
            terms.push(b'\n');
        }
        parse_terms(&terms, &folder.display().to_string())?;
        let header = Header {
            format: FORMAT_VERSION,
            name: self.name.clone(),
            version: self.version.clone(),
            created: self.created,
            terms: TERMS.to_owned(),
            sha256: Sha256Digest::of(&terms).to_string(),
            signature: None,
        };
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
        replace(&folder.join(TERMS), &terms)?;
        write_header(folder, &header)
    }
}

/// Signs the package in `folder`, in place of any signature that it has. Its rules are read first: nobody signs what cannot
/// be used.
pub fn sign_package(folder: &Path, key: &SecretKey) -> Result<(), Error> {
    let path = folder.join(HEADER);
    let mut header = Header::parse(&read_text(&path)?, &path.display().to_string())?;
    let terms_path = folder.join(&header.terms);
    let terms = std::fs::read(&terms_path).map_err(|source| unreadable(&terms_path, source))?;
    header.check_terms(&terms, &terms_path.display().to_string())?;
    parse_terms(&terms, &terms_path.display().to_string())?;
    header.signature = Some(SignatureEntry { key: key.public().to_string(), value: key.sign(&header.message()) });
    write_header(folder, &header)
}

/// The files that a lexicon at `path` is read from.
pub(crate) fn files(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let header = path.join(HEADER);
    let terms = std::fs::read_to_string(&header).ok().and_then(|text| Header::parse(&text, "").ok()).map(|header| path.join(header.terms));
    std::iter::once(header).chain(terms).collect()
}

fn write_header(folder: &Path, header: &Header) -> Result<(), Error> {
    let path = folder.join(HEADER);
    let text = toml::to_string(header).map_err(|error| unwritable(&path, std::io::Error::other(error)))?;
    replace(&path, text.as_bytes())
}

fn replace(path: &Path, contents: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(contents)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| unwritable(path, error))
}

fn read_text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| unreadable(path, source))
}

fn invalid(path: &str, line: usize, english: String, chinese: String) -> Error {
    Error::LexiconInvalid { path: path.to_owned(), line, english, chinese }
}

fn damaged(path: &str, english: &str, chinese: &str) -> Error {
    Error::PackageDamaged { path: path.to_owned(), english: english.to_owned(), chinese: chinese.to_owned() }
}

fn unreadable(path: &Path, source: std::io::Error) -> Error {
    Error::LexiconUnreadable { path: path.display().to_string(), source }
}

fn unwritable(path: &Path, source: std::io::Error) -> Error {
    Error::Unwritable { path: path.display().to_string(), source }
}
