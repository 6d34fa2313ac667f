//! Writing a registry into the file that people keep: what is new is added, and comments, order and spacing stay.

use super::{Registry, Source};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

/// The text of a registry's file with all of `registry` in it.
pub fn with_all(text: &str, registry: &Registry) -> Result<String, String> {
    if text.trim().is_empty() {
        return toml::to_string(registry).map_err(|error| error.to_string());
    }
    let known: Registry = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.to_string())?;
    let sources = document.entry("source").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(sources) = sources.as_array_of_tables_mut() else {
        return Err("sources must be written as [[source]] / 来源须写作 [[source]]".to_owned());
    };
    for source in &registry.sources {
        match known.sources.iter().enumerate().find(|(_, known)| known.id == source.id) {
            Some((_, known)) if known == source => {}
            Some((index, known)) => {
                let table = sources.get_mut(index).ok_or("a source is missing")?;
                update(table, known, source)?;
            }
            None => sources.push(table_of(source)?),
        }
    }
    let is_kept =
        |table: &Table| table.get("id").and_then(Item::as_str).is_some_and(|id| registry.sources.iter().any(|source| source.id == id));
    sources.retain(is_kept);
    Ok(document.to_string())
}

/// Adds to `table`, which says `known`, what `source` has more: checks of samples. Where it says anything else anew, it is written anew.
fn update(table: &mut Table, known: &Source, source: &Source) -> Result<(), String> {
    let added = source.sampling.get(known.sampling.len()..).unwrap_or_default();
    let mut expected = known.clone();
    expected.sampling.extend_from_slice(added);
    let written = table_of(source)?;
    if expected != *source {
        *table = written;
        return Ok(());
    }
    let checks = table.entry("sampling").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let (Some(checks), Some(all)) = (checks.as_array_of_tables_mut(), written.get("sampling").and_then(Item::as_array_of_tables)) else {
        *table = written;
        return Ok(());
    };
    for check in all.iter().skip(known.sampling.len()) {
        checks.push(check.clone());
    }
    Ok(())
}

/// A source as a table that has no place in a document yet, so that it comes last.
fn table_of(source: &Source) -> Result<Table, String> {
    let text = toml::to_string(source).map_err(|error| error.to_string())?;
    let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.to_string())?;
    Ok(unplaced(document.as_table()))
}

/// The keys and values of a table, without its place among other tables.
fn unplaced(table: &Table) -> Table {
    let mut copy = Table::new();
    for (key, item) in table {
        match item.as_array_of_tables() {
            Some(tables) => {
                let mut copies = ArrayOfTables::new();
                tables.iter().for_each(|table| copies.push(unplaced(table)));
                copy.insert(key, Item::ArrayOfTables(copies));
            }
            None => {
                copy.insert(key, item.clone());
            }
        }
    }
    copy
}

#[cfg(test)]
mod tests {
    use super::super::{Registry, Sampling, SamplingMethod, Source};
    use super::with_all;

    const KEPT: &str = "# Who keeps this: the data desk.\nformat = 1\n\n# Bought in spring.\n[[source]]\nid = \"a\"   # the contract's number\nkind = \"commercial\"\nmodality = \"image\"\n\n[[source.sampling]]  # the first look\ndate = \"2026-11-01\"\nby = \"desk\"\nmethod = \"manual\"\npopulation = 10\nsampled = 5\nbad = 0\n\n# Drawn by ourselves.\n[[source]]\nid = \"b\"\nkind = \"self_collected\"\nmodality = \"image\"\n";

    fn registry(text: &str) -> Registry {
        toml::from_str(text).unwrap()
    }

    fn check(date: &str) -> Sampling {
        let (date, by) = (date.to_owned(), "desk".to_owned());
        Sampling { date, by, method: SamplingMethod::Manual, population: 10, sampled: 5, bad: 1, seed: Some(3), worksheet_sha256: None }
    }

    #[test]
    fn nothing_new_changes_no_byte() {
        assert_eq!(with_all(KEPT, &registry(KEPT)).unwrap(), KEPT);
    }

    #[test]
    fn sources_and_checks_are_added_and_comments_stay() {
        let mut wanted = registry(KEPT);
        wanted.sources[0].sampling.push(check("2026-11-02"));
        wanted.sources[1].sampling.push(check("2026-11-03"));
        wanted.sources.push(Source { id: "c".to_owned(), sampling: vec![check("2026-11-04")], ..wanted.sources[1].clone() });
        let text = with_all(KEPT, &wanted).unwrap();
        assert_eq!(registry(&text), wanted, "{text}");
        for comment in KEPT.lines().filter_map(|line| line.split_once('#')).map(|(_, comment)| comment) {
            assert!(text.contains(comment), "{comment}: {text}");
        }
        assert!(text.find("2026-11-02") < text.find("Drawn by ourselves"), "a check stands with its source: {text}");
    }

    #[test]
    fn a_change_of_a_source_is_written_anew_in_its_place() {
        let mut wanted = registry(KEPT);
        wanted.sources[0].licence = "contract 7".to_owned();
        let text = with_all(KEPT, &wanted).unwrap();
        assert_eq!(registry(&text), wanted, "{text}");
        assert!(text.contains("Drawn by ourselves"), "{text}");
    }
}
