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

/// Files and, where one is named, the test in each. After a test, further names of the same cell are tests of the same file.
fn named(table: &str) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for cell in table.lines().flat_map(|line| line.split('|')) {
        let mut last: Option<String> = None;
        for text in cell.split('`').skip(1).step_by(2) {
            let (file, test) = text.split_once(": ").map_or((text, None), |(file, test)| (file, Some(test.to_owned())));
            if Path::new(file).extension().is_some_and(|ending| ending == "rs") && !file.starts_with("room/") {
                last = test.is_some().then(|| file.to_owned());
                found.push((file.to_owned(), test));
            } else if let Some(file) = last.as_ref().filter(|_| text.contains('_')) {
                found.push((file.clone(), Some(text.to_owned())));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn files_and_tests_are_told_from_other_words() {
        let found = named("| `a_b` | `a/tests/b.rs: holds`, `holds_too`; `c/src/d.rs` tests | `a_key` | `room/tests/file.rs: test` |\n");
        let b = |test: &str| ("a/tests/b.rs".to_owned(), Some(test.to_owned()));
        assert_eq!(found, [b("holds"), b("holds_too"), ("c/src/d.rs".to_owned(), None)]);
    }
}
