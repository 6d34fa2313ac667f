//! The sections of BENCHMARKS.md that the command writes, each between two marker lines.
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Puts `section` between the markers of `group` in the file at `path`.
pub fn replace(path: &Path, group: &str, section: &str) -> Result<()> {
    let text = fs::read_to_string(path)?;
    let text = with_section(&text, group, section).with_context(|| format!("{} has no markers of {group}", path.display()))?;
    Ok(fs::write(path, text)?)
}

fn with_section(text: &str, group: &str, section: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- bench:{group} -->\n"), format!("<!-- /bench:{group} -->"));
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{}\n\n{end}{after}", section.trim()))
}

#[cfg(test)]
mod tests {
    use super::with_section;

    #[test]
    fn only_the_section_of_the_group_is_replaced() {
        let text = "# B\n<!-- bench:a -->\nold\n<!-- /bench:a -->\n<!-- bench:b -->\nkept\n<!-- /bench:b -->\nend\n";
        let replaced = with_section(text, "a", "new\n").unwrap();
        assert_eq!(replaced, "# B\n<!-- bench:a -->\n\nnew\n\n<!-- /bench:a -->\n<!-- bench:b -->\nkept\n<!-- /bench:b -->\nend\n");
        assert_eq!(with_section(&replaced, "a", "new"), Some(replaced));
        assert_eq!(with_section(text, "c", "new"), None);
    }
}
