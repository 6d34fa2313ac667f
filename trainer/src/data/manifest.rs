use super::recipe::Package;
use super::{Dataset, Error};
use serde_json::json;
use spec::Sha256Digest;
use std::io::Write as _;
use std::path::Path;

/// Version of the manifest's rows.
const FORMAT: &str = "danqing.data-manifest.v1";

impl Dataset {
    /// The data manifest, JSON lines: a header, then one row for each source picture that is used, then one for each that was
    /// left out. `packages` is the folder that the data set was opened from.
    pub fn manifest(&self, packages: &Path) -> Result<String, Error> {
        let recipe = &self.recipe;
        let pictures = super::package::read(&recipe.pictures.package, packages)?;
        let mut rows = vec![json!({
            "format": FORMAT,
            "name": recipe.name,
            "recipe_sha256": recipe.digest,
            "packages": [&recipe.pictures.package, &recipe.annotations.package],
            "used": self.concepts.len(),
            "left_out": self.rejected.len(),
        })];
        for concept in &self.concepts {
            rows.push(json!({
                "use": true,
                "id": concept.id,
                "source": place(&recipe.pictures.package, &concept.file),
                "sha256": Sha256Digest::of(pictures.required(&concept.file)?),
                "licence": recipe.pictures.package.licence,
                "attribution": recipe.pictures.package.attribution,
                "captions_zh": concept.chinese,
                "captions_en": concept.english,
                "captions_source": place(&recipe.annotations.package, &recipe.annotations.chinese),
                "filters_passed": ["annotated", "group", "subgroup", "exclude list", "decodes"],
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
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(self.manifest(packages)?.as_bytes()).map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

fn place(package: &Package, file: &str) -> String {
    format!("npm:{}@{}/{file}", package.name, package.version)
}
