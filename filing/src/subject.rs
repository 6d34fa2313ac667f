use crate::Error;
use crate::documents::assessment::ITEMS;
use crate::fields::{FIELDS, RECORD_PATHS};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The subject file (`filing.toml`): what only the operator knows, where the records lie, and people's conclusions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    path: PathBuf,
    values: BTreeMap<String, String>,
}

/// Conclusions that an item of the assessment may have.
pub(crate) const CONCLUSIONS: [&str; 3] = ["符合", "不符合", "不适用"];

impl Subject {
    /// Reads the file; a key that is not one of [`FIELDS`], the records' paths or the assessment's items is an error.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// The file's text; errors and paths of records name `path`.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let invalid = |english: String, chinese: String| Error::SubjectInvalid { path: path.to_owned(), english, chinese };
        let table: toml::Table = toml::from_str(text).map_err(|error| invalid(error.to_string(), format!("格式有误：{error}")))?;
        let mut values = BTreeMap::new();
        for (section, content) in &table {
            let toml::Value::Table(content) = content else {
                return Err(invalid(format!("{section} must stand in a section"), format!("{section} 应写在小节内")));
            };
            for (name, value) in content {
                let key = format!("{section}.{name}");
                let known = FIELDS.iter().any(|field| field.key == key)
                    || RECORD_PATHS.iter().any(|(path, _)| *path == key)
                    || (section == "assessment" && ITEMS.iter().any(|item| item.id == name));
                if !known {
                    return Err(invalid(
                        format!("{key} is not known; danqing filing template lists what is"),
                        format!("{key} 不是已知的项；可用的项见 danqing filing template"),
                    ));
                }
                let value = match value {
                    toml::Value::String(text) => text.trim().to_owned(),
                    toml::Value::Array(_) | toml::Value::Table(_) => {
                        return Err(invalid(format!("{key} must be a text or a number"), format!("{key} 应为文字或数字")));
                    }
                    other => other.to_string(),
                };
                if section == "assessment" && !value.is_empty() && !CONCLUSIONS.iter().any(|known| value.starts_with(known)) {
                    let english = format!("{key} must begin with one of {}", CONCLUSIONS.join(", "));
                    return Err(invalid(english, format!("{key} 应以 {} 之一开头", CONCLUSIONS.join("、"))));
                }
                if !value.is_empty() {
                    values.insert(key, value);
                }
            }
        }
        Ok(Self { path: path.to_owned(), values })
    }

    /// The value of a key, if it was supplied.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// The path that a key of `[records]` names, relative to the file's folder.
    pub fn record_path(&self, name: &str) -> Option<PathBuf> {
        let value = self.value(&format!("records.{name}"))?;
        Some(self.path.parent().unwrap_or(Path::new("")).join(value))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// An empty file with every key, its meaning, and the clause that asks for it.
    pub fn template() -> String {
        let mut text = "# 备案主体信息：留空的项会在材料中标为【待补】。What is left empty is marked as a gap.\n".to_owned();
        let mut section = "";
        for (key, chinese, clause) in FIELDS.iter().map(|field| (field.key, field.chinese, field.clause)) {
            let (of, name) = key.split_once('.').unwrap_or(("", key));
            if of != section {
                section = of;
                let _ = write!(text, "\n[{section}]\n");
            }
            let _ = writeln!(text, "{name} = \"\"  # {chinese}｜{clause}");
        }
        text.push_str("\n# 记录的位置，相对于本文件 / where the records lie, relative to this file\n[records]\n");
        for (key, meaning) in RECORD_PATHS {
            let _ = writeln!(text, "{} = \"\"  # {meaning}", key.trim_start_matches("records."));
        }
        text.push_str("\n# 评估人的结论：符合、不符合或不适用，其后可写说明 / people's conclusions\n[assessment]\n");
        for item in ITEMS {
            let _ = writeln!(text, "{} = \"\"  # {}", item.id, item.chinese);
        }
        text
    }
}
