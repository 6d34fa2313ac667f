use super::package::Files;
use super::{DataRecipe, Error};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// Something that can be drawn, with the names that captions call it by.
#[derive(Debug, Clone)]
pub struct Concept {
    /// Code points, for example `1F431`.
    pub id: String,
    /// Subgroup of the annotations, for example `animal-mammal`.
    pub subgroup: String,
    /// Chinese names, the label first.
    pub chinese: Vec<String>,
    /// English name.
    pub english: String,
    /// Chinese measure word.
    pub measure_word: String,
    /// File of its picture in the package.
    pub file: String,
}

/// A picture that was left out.
#[derive(Debug, Clone)]
pub struct Rejected {
    pub file: String,
    pub reason: String,
}

#[derive(Deserialize)]
struct Annotation {
    label: String,
    hexcode: String,
    #[serde(default)]
    tags: Vec<String>,
    group: Option<u32>,
    subgroup: Option<u32>,
}

#[derive(Deserialize)]
struct GroupNames {
    groups: BTreeMap<String, String>,
    subgroups: BTreeMap<String, String>,
}

/// Reason for pictures whose code points no base annotation has.
const NOT_ANNOTATED: &str = "no base annotation: a skin-tone, gender or sequence variant, or a component";

/// Reason for pictures that a recipe with a list does not list.
const NOT_LISTED: &str = "not in the recipe's list";

/// Matches pictures with annotations and applies the filters. Concepts come in the order of the annotations.
pub fn choose(recipe: &DataRecipe, pictures: &Files, annotations: &Files) -> Result<(Vec<Concept>, Vec<Rejected>), Error> {
    let source = &recipe.annotations;
    let chinese: Vec<Annotation> = parse(annotations, &source.chinese)?;
    let english: Vec<Annotation> = parse(annotations, &source.english)?;
    let names: GroupNames = parse(annotations, &source.groups)?;
    let english: HashMap<&str, &str> = english.iter().map(|entry| (entry.hexcode.as_str(), entry.label.as_str())).collect();
    let mut left: BTreeMap<&str, &str> =
        pictures.names().filter(|name| name.starts_with(&recipe.pictures.folder)).map(|name| (name, NOT_ANNOTATED)).collect();
    let mut kept = Vec::new();
    let mut reasons: Vec<(String, String)> = Vec::new();
    for entry in &chinese {
        let Some(file) = picture_file(recipe, pictures, &entry.hexcode) else { continue };
        left.remove(file.as_str());
        let lookup = |table: &BTreeMap<String, String>, key: Option<u32>| {
            key.and_then(|key| table.get(&key.to_string())).cloned().unwrap_or_default()
        };
        let (group, subgroup) = (lookup(&names.groups, entry.group), lookup(&names.subgroups, entry.subgroup));
        match (rejection(recipe, entry, &group, &subgroup), english.get(entry.hexcode.as_str())) {
            (Some(reason), _) => reasons.push((file, reason)),
            (None, None) => reasons.push((file, "no English annotation".into())),
            (None, Some(english)) => kept.push((entry, subgroup, file, (*english).to_owned())),
        }
    }
    // A mistyped code point would otherwise leave something out without a word.
    if let Some(id) = recipe.filters.only.iter().find(|id| !kept.iter().any(|(entry, ..)| entry.hexcode == **id)) {
        return Err(Error::UnknownConcept { id: id.clone() });
    }
    if kept.is_empty() {
        return Err(Error::Empty);
    }
    let mut shared: HashMap<&str, usize> = HashMap::new();
    for (entry, ..) in &kept {
        for tag in &entry.tags {
            *shared.entry(tag).or_default() += 1;
        }
    }
    let labels: std::collections::HashSet<&str> = kept.iter().map(|(entry, ..)| entry.label.as_str()).collect();
    let filters = &recipe.filters;
    let concepts = kept.iter().map(|(entry, subgroup, file, english)| {
        let specific = entry.tags.iter().filter(|tag| {
            shared.get(tag.as_str()).is_some_and(|count| *count <= filters.tag_shared_by_at_most)
                && (2..=filters.tag_characters_at_most).contains(&tag.chars().count())
                && !labels.contains(tag.as_str())
                // A tag without a character of the label names a property or a use (熟, 睡眠), not the thing; a single character alone (红) is such a property too often.
                && tag.chars().any(|character| entry.label.contains(character))
        });
        let own = recipe.captions.names.get(&entry.hexcode);
        let chinese: Vec<String> =
            own.map_or_else(|| std::iter::once(&entry.label).chain(specific).cloned().collect(), |names| names.zh.clone());
        let label = chinese.first().unwrap_or(&entry.label);
        Concept {
            id: entry.hexcode.clone(),
            subgroup: subgroup.clone(),
            measure_word: measure_word(recipe, label, subgroup),
            chinese,
            english: own.and_then(|names| names.en.clone()).unwrap_or_else(|| english.clone()),
            file: file.clone(),
        }
    });
    let concepts = concepts.collect();
    reasons.extend(left.into_iter().map(|(file, reason)| (file.to_owned(), reason.to_owned())));
    reasons.sort();
    Ok((concepts, reasons.into_iter().map(|(file, reason)| Rejected { file, reason }).collect()))
}

/// Why a picture is left out. A list overrides the other filters; what they say is still told, for whoever reviews the manifest.
fn rejection(recipe: &DataRecipe, entry: &Annotation, group: &str, subgroup: &str) -> Option<String> {
    let filters = &recipe.filters;
    if filters.only.is_empty() {
        return unsuitable(recipe, entry, group, subgroup);
    }
    if filters.only.contains(&entry.hexcode) {
        return None;
    }
    Some(match unsuitable(recipe, entry, group, subgroup) {
        Some(also) => format!("{NOT_LISTED}; {also}"),
        None => NOT_LISTED.to_owned(),
    })
}

/// What groups, subgroups and the list of exclusions have against a picture.
fn unsuitable(recipe: &DataRecipe, entry: &Annotation, group: &str, subgroup: &str) -> Option<String> {
    let filters = &recipe.filters;
    if !filters.groups.iter().any(|kept| kept == group) {
        return Some(format!("group {group:?} is not kept"));
    }
    if let Some(reason) = filters.exclude_subgroups.get(subgroup) {
        return Some(format!("subgroup {subgroup}: {reason}"));
    }
    filters.exclude.get(&entry.hexcode).cloned()
}

/// What every concept of a data set of this recipe has passed.
pub fn filters_passed(recipe: &DataRecipe) -> &'static [&'static str] {
    if recipe.filters.only.is_empty() {
        &["annotated", "group", "subgroup", "exclude list", "decodes"]
    } else {
        &["annotated", "list", "decodes"]
    }
}

fn measure_word(recipe: &DataRecipe, label: &str, subgroup: &str) -> String {
    let words = &recipe.captions.measure_words;
    words.get(label).or_else(|| words.get(subgroup)).unwrap_or(&recipe.captions.default_measure_word).clone()
}

/// The picture of a code point sequence: packages differ in whether they write the variation selector FE0F.
fn picture_file(recipe: &DataRecipe, pictures: &Files, hexcode: &str) -> Option<String> {
    let code = hexcode.to_lowercase();
    let spellings = [code.clone(), code.replace("-fe0f", ""), format!("{code}-fe0f")];
    spellings.into_iter().map(|spelling| format!("{}{spelling}.webp", recipe.pictures.folder)).find(|file| pictures.get(file).is_some())
}

fn parse<'a, T: Deserialize<'a>>(files: &'a Files, name: &str) -> Result<T, Error> {
    serde_json::from_slice(files.required(name)?).map_err(|error| Error::Package { path: files.place(name), detail: error.to_string() })
}
