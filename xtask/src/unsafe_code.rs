//! `unsafe` lives where it is reviewed: the kernels, the mapping of files, and the loops that measure the processor.
use crate::stages::rust_files;
use anyhow::Result;
use std::fs;
use std::path::Path;

/// Folders and files that may hold it, from the root.
const HOMES: &[&str] = &["kernels/src/", "benches/src/ceilings.rs", "engine/src/weights/bytes.rs"];

pub fn faults(root: &Path, rooms: &[String]) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for room in rooms {
        for file in rust_files(&root.join(room))? {
            let place = file.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            if HOMES.iter().any(|home| place.starts_with(home)) {
                continue;
            }
            let text = fs::read_to_string(&file)?;
            for (line, _) in text.lines().enumerate().filter(|(_, line)| has_unsafe(line)) {
                faults.push(format!("unsafe: {place}:{} is outside {HOMES:?}", line + 1));
            }
        }
    }
    Ok(faults)
}

/// Whether a line of code, comments left out, opens unsafe code.
fn has_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    ["{", "fn", "impl", "extern"].iter().any(|what| code.contains(&format!("unsafe {what}")))
}

#[cfg(test)]
mod tests {
    use super::has_unsafe;

    #[test]
    fn code_and_not_comments() {
        assert!(has_unsafe("    let x = unsafe { y.get_unchecked(0) };"));
        assert!(has_unsafe("pub unsafe fn f() {}"));
        assert!(!has_unsafe("// unsafe { } is not here"));
        assert!(!has_unsafe("#[deny(unsafe_op_in_unsafe_fn)]"));
    }
}
