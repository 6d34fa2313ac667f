//! A lexicon in one TOML file: unsigned, made by hand, with line numbers in its errors.

use super::{Companions, Field, Lexicon, MatchType, Order, Rule, Severity, signature::Origin};
use crate::normalise::Normalised;
use crate::{Error, RiskClass, View};
use serde::Deserialize;
use std::collections::HashSet;
use toml::Spanned;

/// The only version of the file format so far.
const FORMAT_VERSION: i64 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: Spanned<i64>,
    name: Spanned<String>,
    version: Spanned<String>,
    #[serde(default, rename = "rule")]
    rules: Vec<FileRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRule {
    id: Spanned<String>,
    class: Spanned<String>,
    terms: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    exceptions: Vec<Spanned<String>>,
    #[serde(default)]
    unless_after: Vec<Spanned<String>>,
    fields: Option<Vec<Field>>,
    #[serde(default)]
    severity: Severity,
    #[serde(default, rename = "match")]
    match_type: MatchType,
    views: Option<Vec<View>>,
    with: Option<Spanned<Vec<Vec<String>>>>,
    within: Option<usize>,
    #[serde(default)]
    order: Order,
}

pub(super) fn parse(text: &str, path: &str) -> Result<Lexicon, Error> {
    let reporter = Reporter { text, path };
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let message = error.message().to_owned();
        reporter.error(at, message.clone(), format!("词库格式有误：{message}"))
    })?;
    if *file.format.get_ref() != FORMAT_VERSION {
        return Err(reporter.error(
            file.format.span().start,
            format!("format must be {FORMAT_VERSION}"),
            format!("format 应为 {FORMAT_VERSION}"),
        ));
    }
    for label in [&file.name, &file.version] {
        if label.get_ref().trim().is_empty() {
            return Err(reporter.error(
                label.span().start,
                "name and version must not be empty".to_owned(),
                "name 与 version 不能为空".to_owned(),
            ));
        }
    }
    let mut ids = HashSet::new();
    let mut rules = Vec::with_capacity(file.rules.len());
    for rule in file.rules {
        if !ids.insert(rule.id.get_ref().clone()) {
            return Err(reporter.rule_error(rule.id.span().start, rule.id.get_ref(), "another rule has the same id", "编号与其他规则重复"));
        }
        rules.push(reporter.rule(rule)?);
    }
    Ok(Lexicon { name: file.name.into_inner(), version: file.version.into_inner(), created: None, origin: Origin::Unsigned, rules })
}

struct Reporter<'a> {
    text: &'a str,
    path: &'a str,
}

impl Reporter<'_> {
    fn error(&self, offset: usize, english: String, chinese: String) -> Error {
        let before = self.text.get(..offset).unwrap_or(self.text);
        Error::LexiconInvalid { path: self.path.to_owned(), line: before.matches('\n').count() + 1, english, chinese }
    }

    fn rule_error(&self, offset: usize, rule: &str, english: &str, chinese: &str) -> Error {
        self.error(offset, format!("rule {rule:?}: {english}"), format!("规则 {rule:?}：{chinese}"))
    }

    fn rule(&self, rule: FileRule) -> Result<Rule, Error> {
        let id = rule.id.get_ref();
        if id.trim().is_empty() {
            return Err(self.rule_error(rule.id.span().start, id, "the id must not be empty", "编号不能为空"));
        }
        let class = rule.class.get_ref().parse::<RiskClass>().map_err(|()| {
            self.rule_error(
                rule.class.span().start,
                id,
                "class must be one of the 31 risks, A1.a to A5.b (see policy/lexicons/README.md)",
                "class 应为 31 类风险之一，A1.a 至 A5.b",
            )
        })?;
        if rule.terms.get_ref().is_empty() {
            return Err(self.rule_error(rule.terms.span().start, id, "terms must not be empty", "terms 不能为空"));
        }
        for term in rule.terms.get_ref().iter().chain(&rule.exceptions).chain(&rule.unless_after) {
            let searchable = rule.match_type == MatchType::Regex || !Normalised::new(term.get_ref()).units.is_empty();
            if !searchable {
                return Err(self.rule_error(
                    term.span().start,
                    id,
                    "a term or exception needs at least one letter, digit or ideograph",
                    "词条至少要有一个汉字、字母或数字",
                ));
            }
        }
        let (within, order) = (rule.within.unwrap_or(Companions::WITHIN), rule.order);
        let companions = match rule.with {
            None => None,
            Some(lists) => {
                let offset = lists.span().start;
                let companions = Companions { lists: lists.into_inner(), within, order };
                companions.check(rule.match_type).map_err(|(english, chinese)| self.rule_error(offset, id, english, chinese))?;
                Some(companions)
            }
        };
        let strings = |list: Vec<Spanned<String>>| list.into_iter().map(Spanned::into_inner).collect();
        Ok(Rule {
            class,
            terms: strings(rule.terms.into_inner()),
            exceptions: strings(rule.exceptions),
            unless_after: strings(rule.unless_after),
            fields: rule.fields.unwrap_or_else(|| Field::ALL.to_vec()),
            severity: rule.severity,
            match_type: rule.match_type,
            views: rule.views,
            companions,
            id: rule.id.into_inner(),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::Lexicon;

    const HEAD: &str = "format = 1\nname = \"own\"\nversion = \"3\"\n";

    #[test]
    fn errors_name_file_line_and_rule() {
        for (body, line, words) in [
            ("[[rule]]\nid = \"a\"\nclass = \"A9.z\"\nterms = [\"x\"]\n", 6, "rule \"a\""),
            ("[[rule]]\nid = \"a\"\nclass = \"A1.a\"\nterms = []\n", 7, "rule \"a\""),
            ("[[rule]]\nid = \"a\"\nclass = \"A1.a\"\nterms = [\n\"x\",\n\"…\"]\n", 9, "rule \"a\""),
            ("[[rule]]\nid = \"a\"\nclass = \"A1.a\"\nterm = [\"x\"]\n", 7, "term"),
            ("[[rule]\n", 4, ""),
            (
                "[[rule]]\nid = \"a\"\nclass = \"A1.a\"\nterms = [\"x\"]\n[[rule]]\nid = \"a\"\nclass = \"A1.a\"\nterms = [\"x\"]\n",
                9,
                "same id",
            ),
        ] {
            let message = Lexicon::parse(&format!("{HEAD}{body}"), "own.toml").expect_err(body).to_string();
            assert!(message.starts_with(&format!("own.toml:{line}: ")), "{message}");
            assert!(message.contains(words), "{message}");
        }
        let message = Lexicon::parse("format = 2\nname = \"a\"\nversion = \"1\"\n", "own.toml").expect_err("format 2").to_string();
        assert!(message.starts_with("own.toml:1: "), "{message}");
    }
}
