use super::concepts::filters_passed;
use super::recipe::Package;
use super::{DataRecipe, Dataset, Error};
use serde_json::{Value, json};
use spec::Sha256Digest;
use std::path::Path;

/// Version of the manifest's rows.
const FORMAT: &str = "danqing.data-manifest.v1";

impl Dataset {
    /// The data manifest, JSON lines: a header, then one row for each source picture that is used, then one for each that was
    /// left out. `packages` is the folder that the data set was opened from.
    pub fn manifest(&self, packages: &Path) -> Result<String, Error> {
        let recipe = &self.recipe;
        let pictures = super::package::read(&recipe.pictures.package, packages)?;
        let mut header = json!({
            "format": FORMAT,
            "name": recipe.name,
            "recipe_sha256": recipe.digest,
            "packages": [&recipe.pictures.package, &recipe.annotations.package],
            "used": self.concepts.len(),
            "left_out": self.rejected.len(),
        });
        if let Some(note) = &recipe.note {
            header["note"] = json!(note);
        }
        let mut rows = vec![header];
        for concept in &self.concepts {
            rows.push(json!({
                "use": true,
                "id": concept.id,
                "subgroup": concept.subgroup,
                "source": place(&recipe.pictures.package, &concept.file),
                "sha256": Sha256Digest::of(pictures.required(&concept.file)?),
                "licence": recipe.pictures.package.licence,
                "attribution": recipe.pictures.package.attribution,
                "captions_zh": concept.chinese,
                "captions_en": concept.english,
                "measure_word": concept.measure_word,
                "captions_source": sources_of_names(recipe, &concept.id),
                "filters_passed": filters_passed(recipe),
            }));
        }
        for rejected in &self.rejected {
            rows.push(json!({
                "use": false,
                "source": place(&recipe.pictures.package, &rejected.file),
                "sha256": Sha256Digest::of(pictures.required(&rejected.file)?),
                "reason": rejected.reason,
            }));
        }
        let lines: Vec<String> = rows.iter().map(ToString::to_string).collect();
        Ok(lines.join("\n") + "\n")
    }

    /// Writes [`Self::manifest`] to `path`, whole or not at all.
    pub fn write_manifest(&self, packages: &Path, path: &Path) -> Result<(), Error> {
        let failed = |source| Error::Io { path: path.to_owned(), source };
        let temporary = path.with_extension(format!("{}.partial", std::process::id()));
        std::fs::write(&temporary, self.manifest(packages)?).and_then(|()| std::fs::rename(&temporary, path)).map_err(failed)
    }
}

/// Where a concept's names come from: files of the annotations, or the recipe for names of our own.
fn sources_of_names(recipe: &DataRecipe, id: &str) -> Value {
    let annotations = &recipe.annotations;
    let (chinese, english) = (place(&annotations.package, &annotations.chinese), place(&annotations.package, &annotations.english));
    let of_recipe = || "recipe".to_owned();
    match recipe.captions.names.get(id) {
        None => json!({"zh": chinese, "en": english}),
        Some(own) => json!({"zh": of_recipe(), "en": if own.en.is_some() { of_recipe() } else { english }}),
    }
}

fn place(package: &Package, file: &str) -> String {
    format!("npm:{}@{}/{file}", package.name, package.version)
}
