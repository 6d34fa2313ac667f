//! Every path that a Markdown file names is there: targets of links, and paths in backticks that begin with a folder of the root.
use crate::repository;
use anyhow::Result;
use std::fs;
use std::path::Path;

pub fn faults(root: &Path) -> Result<Vec<String>> {
    let rooms = repository::rooms(root)?;
    let mut faults = Vec::new();
    for file in repository::files(root, &["md"])? {
        let text = without_fences(&fs::read_to_string(root.join(&file))?);
        let folder = file.parent().unwrap_or(Path::new(""));
        let links = linked(&text).into_iter().map(|target| (folder.join(target), target));
        let paths = quoted(&text, &rooms).into_iter().map(|path| (path.into(), path));
        for (path, named) in links.chain(paths) {
            if !root.join(path).exists() {
                faults.push(format!("paths: {} names {named}, which is not there", file.display()));
            }
        }
    }
    Ok(faults)
}

/// The text without blocks of code: what they name is an example's.
fn without_fences(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// Targets of links to files of this repository, without the anchor.
fn linked(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|target| !target.is_empty() && !target.contains("://") && !target.contains(char::is_whitespace)).collect()
}

/// Paths in backticks, without the name that may follow after a colon.
fn quoted<'a>(text: &'a str, rooms: &[String]) -> Vec<&'a str> {
    let words = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let paths = words.map(|word| word.split(": ").next().unwrap_or_default());
    let is_plain = |path: &str| path.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-/".contains(letter));
    paths.filter(|path| is_plain(path) && path.split_once('/').is_some_and(|(room, _)| rooms.iter().any(|known| known == room))).collect()
}

#[cfg(test)]
mod tests {
    use super::{linked, quoted, without_fences};

    #[test]
    fn links_and_paths_are_told_from_other_words() {
        let text = "See [a](docs/a.md#part), [b](https://host/b), `cli/src/b.rs: holds`, `danqing-out/x`, `a/b c` and `vae/`.\n```\n`cli/none`\n```\n";
        let text = without_fences(text);
        assert_eq!(linked(&text), ["docs/a.md"]);
        assert_eq!(quoted(&text, &["cli".to_owned(), "docs".to_owned()]), ["cli/src/b.rs"]);
    }
}
