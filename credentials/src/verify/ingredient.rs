//! What a manifest says of the files that went into its own, and whether their manifests, where they came with it, hold.
use super::manifest::{Check, digest, reference};
use super::report::{self, IngredientReport, Report, Verdict};
use crate::cbor::Value;
use crate::jumbf::Superbox;
use crate::{StatusCode as Code, Weight};
use std::collections::{HashMap, HashSet};

/// Manifests of one store that are judged: more than a picture goes through, and a bound on what a hostile store costs.
const MAXIMUM_JUDGED: usize = 32;
/// Recorded failures that are kept of one ingredient.
const MAXIMUM_RECORDED: usize = 16;

/// What was done already in a store, so that ingredients that name each other's manifests cost no more than the store is long.
#[derive(Default)]
pub(super) struct Seen {
    /// Labels of the manifests judged.
    pub(super) manifests: HashSet<String>,
    /// By label and algorithm.
    digests: HashMap<(String, String), Option<Vec<u8>>>,
}

impl Check<'_> {
    /// That the manifest which came with an ingredient is the one that was taken in, what the signer made of it then, and whether it holds now.
    pub(super) fn ingredient(&mut self, content: &Value, label: &str, default: &str) {
        if !self.report.has_room() {
            return;
        }
        let said = |key| content.get(key).and_then(Value::as_text).map(report::shown);
        let mut found = IngredientReport {
            title: said("dc:title"),
            relationship: said("relationship"),
            description: said("description"),
            recorded_failures: recorded_failures(content),
            ..IngredientReport::default()
        };
        self.provenance(content, label, default, &mut found);
        self.report.add_ingredient(found);
    }

    fn provenance(&mut self, content: &Value, label: &str, default: &str, found: &mut IngredientReport) {
        let url = self.at(label);
        let Some(entry) = content.get("activeManifest").or_else(|| content.get("c2pa_manifest")) else {
            return self.report.add(Code::IngredientUnknown, &url);
        };
        found.verdict = Verdict::Invalid;
        let Some(reference) = reference(entry, default) else {
            return self.report.add(Code::AssertionMalformed, &url);
        };
        let name = reference.url.strip_prefix("self#jumbf=/c2pa/");
        let store = self.store;
        let Some(manifest) = store.superboxes().find(|manifest| Some(manifest.label) == name) else {
            return self.report.add(Code::IngredientMissing, &url);
        };
        let key = (manifest.label.to_owned(), reference.algorithm.to_owned());
        let hash = self.seen.digests.entry(key).or_insert_with(|| digest(reference.algorithm, &[manifest.payload]));
        match hash {
            None => {
                found.verdict = Verdict::Inconclusive;
                return self.report.add(Code::AlgorithmUnsupported, &url);
            }
            Some(hash) if *hash == reference.hash => self.report.add(Code::IngredientMatches, &url),
            Some(_) => return self.report.add(Code::IngredientChanged, &url),
        }
        if self.seen.manifests.len() >= MAXIMUM_JUDGED || self.seen.manifests.contains(manifest.label) {
            found.verdict = if found.recorded_failures.is_empty() { Verdict::Inconclusive } else { Verdict::Invalid };
        } else {
            let own = self.judge(manifest);
            found.verdict = if found.recorded_failures.is_empty() { own.verdict } else { Verdict::Invalid };
            // A certificate that has expired since then was good when somebody looked.
            let fails = |status: &super::Status| status.code.weight() == Weight::Failure && status.code != Code::CredentialExpired;
            if found.recorded_failures.is_empty() && own.statuses.iter().any(fails) {
                self.report.add(Code::IngredientUnsound, &url);
            }
            found.manifest = Some(Box::new(own));
        }
        if !found.recorded_failures.is_empty() {
            self.report.add(Code::IngredientWasInvalid, &url);
        }
    }

    fn judge<'a>(&mut self, manifest: &'a Superbox<'a>) -> Report {
        let mut report = Report::default();
        let (store, anchors, now) = (self.store, self.anchors, self.now);
        Check { file: None, store, anchors, now, manifest: "", seen: self.seen, report: &mut report }.one(manifest);
        report.conclude();
        report
    }
}

/// Codes of the failures that the signer wrote down; that nobody vouches for the certificate, is none to us.
fn recorded_failures(content: &Value) -> Vec<String> {
    let results = content.get("validationResults").and_then(|results| results.get("activeManifest"));
    let failures = results.and_then(|results| results.get("failure")).map(Value::items).unwrap_or_default().iter();
    // Before version 3 one list held everything.
    let statuses = content.get("validationStatus").map(Value::items).unwrap_or_default().iter();
    let code = |status: &Value| status.get("code").and_then(Value::as_text).map(report::shown);
    let weight = |code: &str| Code::ALL.iter().find(|known| known.name() == code).map(|known| known.weight());
    let failures = failures.filter_map(code).filter(|code| weight(code).is_none_or(|weight| weight == Weight::Failure));
    let statuses = statuses.filter_map(code).filter(|code| weight(code) == Some(Weight::Failure));
    failures.chain(statuses).take(MAXIMUM_RECORDED).collect()
}
