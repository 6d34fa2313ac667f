//! Pixels without a label leave the engine through one type, `engine::measure::Measurement`. These are the files that may name it.
use crate::stages::rust_files;
use anyhow::Result;
use std::fs;
use std::path::Path;

/// Files and folders that may measure a model, from the root: the type's own room, commands that print figures and write no picture, the
/// benchmark's side, and tests.
const CALLERS: &[&str] = &[
    "engine/src/measure.rs",
    "engine/src/lib.rs",
    "engine/src/families.rs",
    "engine/src/families/toy.rs",
    "engine/examples/big_model.rs",
    "engine/tests/",
    "trainer/tests/",
    "benches/src/models.rs",
    "cli/src/commands/bench.rs",
    "cli/src/commands/evaluate.rs",
    "cli/src/commands/model.rs",
    "cli/src/commands/quantize.rs",
    "cli/src/commands/speeds.rs",
];

pub fn faults(root: &Path, rooms: &[String]) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for room in rooms {
        for file in rust_files(&root.join(room))? {
            let place = file.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            if CALLERS.iter().any(|caller| place.starts_with(caller)) {
                continue;
            }
            let text = fs::read_to_string(&file)?;
            for (line, _) in text.lines().enumerate().filter(|(_, line)| measures(line)) {
                faults.push(format!("measurement: {place}:{} is not among those that may see unlabelled pixels: {CALLERS:?}", line + 1));
            }
        }
    }
    Ok(faults)
}

/// Whether a line of code, comments left out, names the type or its module.
fn measures(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.contains("Measurement") || code.contains("engine::measure") || code.contains("crate::measure")
}

#[cfg(test)]
mod tests {
    use super::measures;

    #[test]
    fn every_way_to_name_it_is_found_and_comments_are_not() {
        assert!(measures("use engine::measure::Measurement;"));
        assert!(measures("use engine::measure as m;"));
        assert!(measures("let pixels = Measurement::of(&mut model).picture(&request)?;"));
        assert!(!measures("/// See `engine::measure::Measurement`."));
        assert!(!measures("fn measured() {}"));
    }
}
