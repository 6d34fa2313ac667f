use crate::Error;
use serde_json::Value;
use std::path::Path;

/// What a data manifest (`danqing data manifest`) says in its header and rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestSummary {
    /// Name of the data set.
    pub name: String,
    /// SHA-256 of the data recipe.
    pub recipe_sha256: String,
    /// Package, version, licence and attribution of each source.
    pub packages: Vec<[String; 4]>,
    /// Pictures used.
    pub used: u64,
    /// Pictures left out.
    pub left_out: u64,
    /// What else the header says.
    pub note: String,
    /// Filters that every used picture passed.
    pub filters: Vec<String>,
    /// Reasons for which pictures were left out, the commonest first, and how many.
    pub reasons: Vec<(String, u64)>,
}

impl ManifestSummary {
    /// Reads a manifest.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// The manifest's text; errors name `path`.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let invalid = |detail: String| Error::RecordInvalid { path: path.to_owned(), detail };
        let mut lines = text.lines();
        let parse = |line: &str| serde_json::from_str::<Value>(line).map_err(|error| invalid(format!("not JSON: {error}")));
        let header = parse(lines.next().unwrap_or_default())?;
        if header["format"] != "danqing.data-manifest.v1" {
            return Err(invalid("not a data manifest of danqing.data-manifest.v1".to_owned()));
        }
        let string = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let packages = header["packages"].as_array().into_iter().flatten();
        let mut summary = Self {
            name: string(&header["name"]),
            recipe_sha256: string(&header["recipe_sha256"]),
            packages: packages.map(|package| ["name", "version", "licence", "attribution"].map(|key| string(&package[key]))).collect(),
            used: 0,
            left_out: 0,
            note: string(&header["note"]),
            filters: Vec::new(),
            reasons: Vec::new(),
        };
        for line in lines {
            let row = parse(line)?;
            if row["use"] == true {
                summary.used += 1;
                let filters = row["filters_passed"].as_array().into_iter().flatten().map(string);
                summary.filters =
                    if summary.used == 1 { filters.collect() } else { filters.filter(|name| summary.filters.contains(name)).collect() };
            } else {
                summary.left_out += 1;
                let reason = string(&row["reason"]);
                match summary.reasons.iter_mut().find(|(known, _)| *known == reason) {
                    Some((_, count)) => *count += 1,
                    None => summary.reasons.push((reason, 1)),
                }
            }
        }
        summary.reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(summary)
    }
}
