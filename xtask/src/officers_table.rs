//! Every test that the officer's table names exists: `room/path.rs: function` in `docs/compliance/README.md`.
use anyhow::Result;
use std::fs;
use std::path::Path;

const TABLE: &str = "docs/compliance/README.md";

pub fn faults(root: &Path) -> Result<Vec<String>> {
    let table = fs::read_to_string(root.join(TABLE))?;
    let missing = named(&table).into_iter().filter(|(file, test)| {
        let text = fs::read_to_string(root.join(file)).unwrap_or_default();
        text.is_empty() || test.as_ref().is_some_and(|test| !text.contains(&format!("fn {test}(")))
    });
    Ok(missing.map(|(file, test)| format!("{TABLE}: no test {} in {file}", test.unwrap_or_default())).collect())
}

/// Files and, where one is named, the test in each.
fn named(table: &str) -> Vec<(String, Option<String>)> {
    let quoted = table.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let rust = quoted.filter_map(|text| {
        let (file, test) = text.split_once(": ").map_or((text, None), |(file, test)| (file, Some(test.to_owned())));
        (Path::new(file).extension().is_some_and(|ending| ending == "rs") && !file.starts_with("room/")).then(|| (file.to_owned(), test))
    });
    rust.collect()
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn files_and_tests_are_told_from_other_words() {
        let found = named("| `a/tests/b.rs: holds`; `c/src/d.rs` tests | `danqing verify` | `room/tests/file.rs: test` |\n");
        assert_eq!(found, [("a/tests/b.rs".to_owned(), Some("holds".to_owned())), ("c/src/d.rs".to_owned(), None)]);
    }
}
