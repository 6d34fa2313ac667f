use super::ingredient::Seen;
use super::{Anchors, Report, Trust, report};
use crate::cbor::Value;
use crate::cose::Sign1;
use crate::jumbf::Superbox;
use crate::{StatusCode as Code, certificate, jumbf, names};
use certificate::PublicKey;
use sha2::{Sha256, Sha384, Sha512};
use spec::Timestamp;
use std::collections::HashMap;
use std::ops::Range;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// Longest claim and assertion that are taken apart.
const CBOR_LIMIT: usize = 1 << 20;

/// One manifest, and what is found out about it.
pub(super) struct Check<'a> {
    /// The file, and those of its bytes that are the manifest store's own; nothing for an ingredient, which is not here.
    pub(super) file: Option<(&'a [u8], Range<usize>)>,
    pub(super) store: &'a Superbox<'a>,
    pub(super) anchors: &'a Anchors,
    pub(super) now: Timestamp,
    /// Its label.
    pub(super) manifest: &'a str,
    pub(super) seen: &'a mut Seen,
    pub(super) report: &'a mut Report,
}

/// A claim's reference to a box.
pub(super) struct Reference<'a> {
    pub(super) url: &'a str,
    pub(super) hash: &'a [u8],
    pub(super) algorithm: &'a str,
}

impl<'a> Check<'a> {
    /// Address of one of the manifest's assertions.
    pub(super) fn at(&self, label: &str) -> String {
        names::assertion(self.manifest, label)
    }

    /// The last manifest of the store is the active one.
    pub(super) fn active_manifest(&mut self) {
        let store = self.store;
        let Some(manifest) = store.superboxes().last() else {
            return self.report.add(Code::ClaimMissing, "");
        };
        let mut labels: Vec<&str> = store.superboxes().map(|manifest| manifest.label).collect();
        labels.sort_unstable();
        if labels.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            self.report.manifest = Some(report::shown(manifest.label));
            return self.report.add(Code::ManifestMalformed, "");
        }
        self.one(manifest);
    }

    /// Judges one manifest of the store.
    pub(super) fn one(&mut self, manifest: &'a Superbox<'a>) {
        self.manifest = manifest.label;
        self.seen.manifests.insert(manifest.label.to_owned());
        if !manifest.is(jumbf::MANIFEST) {
            return self.report.add(Code::UpdateUnsupported, "");
        }
        self.report.manifest = Some(report::shown(manifest.label));
        let parts = |kind| manifest.superboxes().filter(move |part| part.is(kind)).collect::<Vec<_>>();
        let claim = match parts(jumbf::CLAIM).as_slice() {
            [] => return self.report.add(Code::ClaimMissing, ""),
            [only] => *only,
            _ => return self.report.add(Code::ClaimSeveral, ""),
        };
        let [signature] = parts(jumbf::SIGNATURE)[..] else {
            return self.report.add(Code::ClaimSignatureMissing, "");
        };
        let [assertions] = parts(jumbf::ASSERTIONS)[..] else {
            return self.report.add(Code::ManifestMalformed, "");
        };
        self.claim(manifest, claim, signature, assertions);
    }

    fn claim(&mut self, manifest: &Superbox<'_>, claim: &Superbox<'_>, signature: &Superbox<'_>, assertions: &Superbox<'_>) {
        let url = names::absolute(manifest.label, claim.label);
        let content = claim.only_content(jumbf::CBOR);
        let Some(claim_bytes) = content.filter(|_| [names::CLAIM, names::OLD_CLAIM].contains(&claim.label)) else {
            return self.report.add(Code::ClaimMalformed, &url);
        };
        let Some(body) = decode(claim_bytes) else {
            return self.report.add(Code::ClaimMalformed, &url);
        };
        self.describe(&body);
        let named = body.get("signature").and_then(Value::as_text).and_then(|url| names::path_in(url, manifest.label));
        if named != Some(names::SIGNATURE) || signature.label != names::SIGNATURE || assertions.label != names::ASSERTION_STORE {
            self.report.add(Code::ClaimMalformed, &url);
        }
        self.signature(claim_bytes, signature, &names::absolute(manifest.label, signature.label));
        self.assertions(assertions, &body, &url);
    }

    fn describe(&mut self, claim: &Value) {
        let instance = claim.get("instanceID").and_then(Value::as_text);
        self.report.instance = instance.map(report::shown);
        self.report.produce_id = instance.and_then(|instance| instance.strip_prefix("xmp:iid:")).and_then(|id| id.parse().ok());
        // One map in version 2, an array of them before.
        let information = claim.get("claim_generator_info");
        let information = information.map(|information| information.items().first().unwrap_or(information));
        let field = |name| information.and_then(|information| information.get(name)).and_then(Value::as_text);
        self.report.generator = match (field("name"), field("version")) {
            (Some(name), Some(version)) => Some(report::shown(&format!("{name} {version}"))),
            (Some(name), None) => Some(report::shown(name)),
            _ => claim.get("claim_generator").and_then(Value::as_text).map(report::shown),
        };
    }

    fn signature(&mut self, claim: &[u8], signature: &Superbox<'_>, url: &str) {
        let Some(signed) = signature.only_content(jumbf::CBOR).filter(|bytes| bytes.len() <= CBOR_LIMIT).and_then(Sign1::read) else {
            return self.report.add(Code::ClaimSignatureWrong, url);
        };
        let Some(chain) = certificate::read_chain(&signed.chain) else {
            return self.report.add(Code::CredentialInvalid, url);
        };
        let Some(signer) = chain.first() else {
            return self.report.add(Code::CredentialInvalid, url);
        };
        self.report.signer = Some(report::shown(&signer.tbs_certificate.subject.to_string()));
        self.report.issuer = Some(report::shown(&signer.tbs_certificate.issuer.to_string()));
        match (signed.algorithm, PublicKey::of(&signer.tbs_certificate.subject_public_key_info)) {
            (Some(algorithm), Some(key)) => {
                let holds = key.algorithm() == algorithm && key.verifies(&signed.signed_bytes(claim), &signed.signature);
                self.report.add(if holds { Code::ClaimSignatureValid } else { Code::ClaimSignatureWrong }, url);
            }
            (None, _) | (_, None) => self.report.add(Code::AlgorithmUnsupported, url),
        }
        self.report.add(if signed.has_time_stamp { Code::TimeStampUnchecked } else { Code::TimeUnstamped }, url);
        if certificate::profile_fault(signer).is_some() {
            self.report.add(Code::CredentialInvalid, url);
        }
        if !chain.iter().all(|certificate| certificate::is_valid_at(certificate, self.now)) {
            self.report.add(Code::CredentialExpired, url);
        }
        self.trust(&signed.chain, &chain, url);
    }

    /// Follows the chain upwards as far as each certificate is issued by the next, and looks for an anchor on the way.
    fn trust(&mut self, ders: &[Vec<u8>], chain: &[Certificate], url: &str) {
        let anchors: Vec<Certificate> = self.anchors.ders().iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
        let anchors: Vec<&Certificate> = anchors.iter().filter(|anchor| certificate::is_valid_at(anchor, self.now)).collect();
        let mut trusted = false;
        for (index, (der, certificate)) in ders.iter().zip(chain).enumerate() {
            let is_anchor = self.anchors.ders().contains(der);
            if is_anchor || anchors.iter().any(|anchor| certificate::is_issued_by(certificate, anchor) == Some(true)) {
                trusted = true;
                break;
            }
            let Some(issuer) = chain.get(index + 1) else { break };
            match certificate::is_issued_by(certificate, issuer) {
                Some(true) => {}
                Some(false) => {
                    self.report.add(Code::CredentialInvalid, url);
                    break;
                }
                // Not said to be wrong: only no way to an anchor.
                None => break,
            }
        }
        let is_test = chain.first().is_some_and(certificate::is_test);
        self.report.add(if trusted && !is_test { Code::CredentialTrusted } else { Code::CredentialUntrusted }, url);
        self.report.trust = Some(match (is_test, trusted) {
            (true, _) => Trust::Test,
            (false, true) => Trust::Pinned,
            (false, false) => Trust::Unknown,
        });
    }

    fn assertions(&mut self, store: &Superbox<'_>, claim: &Value, claim_url: &str) {
        let default = claim.get("alg").and_then(Value::as_text).unwrap_or("sha256");
        let mut found: HashMap<&str, &Superbox<'_>> = HashMap::new();
        for assertion in store.superboxes() {
            if found.insert(assertion.label, assertion).is_some() {
                self.report.add(Code::AssertionUndeclared, &self.at(assertion.label));
            }
        }
        let mut declared: HashMap<&str, &Superbox<'_>> = HashMap::new();
        for entry in
            ["created_assertions", "gathered_assertions", "assertions"].iter().filter_map(|key| claim.get(key)).flat_map(Value::items)
        {
            let Some(reference) = reference(entry, default) else {
                self.report.add(Code::ClaimMalformed, claim_url);
                continue;
            };
            let Some(path) = names::path_in(reference.url, self.manifest) else {
                self.report.add(Code::AssertionOutside, reference.url);
                continue;
            };
            // Boxes of other stores of the manifest, such as credentials, are not looked into.
            let Some(label) = path.strip_prefix(names::ASSERTION_STORE).and_then(|rest| rest.strip_prefix('/')) else {
                self.report.add(Code::AssertionOutside, reference.url);
                continue;
            };
            let url = self.at(label);
            let Some(assertion) = found.get(label) else {
                self.report.add(Code::AssertionMissing, &url);
                continue;
            };
            match digest(reference.algorithm, &[assertion.payload]) {
                None => self.report.add(Code::AlgorithmUnsupported, &url),
                Some(hash) if hash == reference.hash => self.report.add(Code::AssertionMatches, &url),
                Some(_) => self.report.add(Code::AssertionChanged, &url),
            }
            declared.insert(assertion.label, assertion);
        }
        for label in found.keys().filter(|label| !declared.contains_key(**label)) {
            self.report.add(Code::AssertionUndeclared, &self.at(label));
        }
        let mut declared: Vec<&Superbox<'_>> = declared.into_values().collect();
        declared.sort_unstable_by_key(|assertion| assertion.label);
        self.binding(&declared, default);
        self.actions(&declared, claim.get("created_assertions").is_some());
        self.others(&declared, default);
    }

    fn binding(&mut self, assertions: &[&Superbox<'_>], default: &str) {
        let bindings: Vec<_> = assertions.iter().filter(|assertion| assertion.label.starts_with(names::HARD_BINDING_PREFIX)).collect();
        let assertion = match bindings.as_slice() {
            [] => return self.report.add(Code::BindingMissing, ""),
            [only] => only,
            _ => return self.report.add(Code::BindingSeveral, ""),
        };
        let Some((bytes, region)) = &self.file else { return };
        let url = self.at(assertion.label);
        if assertion.label != names::DATA_HASH {
            return self.report.add(Code::BindingUnsupported, &url);
        }
        let Some(content) = content(assertion) else {
            return self.report.add(Code::DataHashMalformed, &url);
        };
        let Some((kept, exact)) = kept_ranges(bytes, region, &content) else {
            return self.report.add(Code::DataHashMalformed, &url);
        };
        let algorithm = content.get("alg").and_then(Value::as_text).unwrap_or(default);
        match (digest(algorithm, &kept), content.get("hash").and_then(Value::as_bytes)) {
            (None, _) => self.report.add(Code::AlgorithmUnsupported, &url),
            (Some(found), Some(meant)) if found == meant => self.report.add(Code::DataHashMatches, &url),
            _ => self.report.add(Code::DataHashWrong, &url),
        }
        if !exact {
            self.report.add(Code::ExclusionsMore, &url);
        }
    }

    fn actions(&mut self, assertions: &[&Superbox<'_>], must_start: bool) {
        let mut first = true;
        for assertion in assertions.iter().filter(|assertion| is_kind(assertion.label, &[names::ACTIONS, names::OLD_ACTIONS])) {
            let Some(content) = content(assertion) else {
                self.report.add(Code::AssertionMalformed, &self.at(assertion.label));
                continue;
            };
            for action in content.get("actions").map(Value::items).unwrap_or_default() {
                let name = action.get("action").and_then(Value::as_text).unwrap_or_default();
                let source = action.get("digitalSourceType").and_then(Value::as_text);
                let starts = name == names::OPENED || (name == names::CREATED && source.is_some());
                if must_start && first != starts {
                    self.report.add(Code::ActionMalformed, &self.at(assertion.label));
                }
                if self.report.digital_source_type.is_none() {
                    self.report.digital_source_type = source.map(report::shown);
                }
                if first {
                    self.report.claimed_time = action.get("when").and_then(Value::as_date).map(report::shown);
                }
                self.report.add_action(name);
                first = false;
            }
        }
        if must_start && first {
            self.report.add(Code::ActionMalformed, "");
        }
    }

    fn others(&mut self, assertions: &[&Superbox<'_>], default: &str) {
        for assertion in assertions {
            let is_ingredient = is_kind(assertion.label, &[names::INGREDIENT, "c2pa.ingredient.v2", "c2pa.ingredient"]);
            if !is_ingredient && !is_kind(assertion.label, &[names::TRAINING_MINING]) {
                continue;
            }
            let Some(content) = content(assertion) else {
                self.report.add(Code::AssertionMalformed, &self.at(assertion.label));
                continue;
            };
            if is_ingredient {
                self.ingredient(&content, assertion.label, default);
            } else if let Some(Value::Map(entries)) = content.get("entries") {
                for (entry, permission) in entries {
                    let permission = permission.get("use").and_then(Value::as_text).unwrap_or_default();
                    self.report.add_training_use(entry.as_text().unwrap_or_default(), permission);
                }
            }
        }
    }
}

/// The parts of the file that are hashed, and whether what is left out is just the manifest's own region.
fn kept_ranges<'a>(bytes: &'a [u8], region: &Range<usize>, content: &Value) -> Option<(Vec<&'a [u8]>, bool)> {
    let mut kept = Vec::new();
    let mut from = 0;
    let mut exact = true;
    for exclusion in content.get("exclusions").map(Value::items).unwrap_or_default() {
        let number = |key| usize::try_from(exclusion.get(key)?.as_unsigned()?).ok();
        let (start, length) = (number("start")?, number("length")?);
        let end = start.checked_add(length)?;
        kept.push(bytes.get(from..start)?);
        from = end;
        exact &= (start..end) == *region;
    }
    kept.push(bytes.get(from..)?);
    Some((kept, exact))
}

fn decode(bytes: &[u8]) -> Option<Value> {
    (bytes.len() <= CBOR_LIMIT).then(|| Value::decode(bytes))?
}

fn content(assertion: &Superbox<'_>) -> Option<Value> {
    decode(assertion.only_content(jumbf::CBOR)?)
}

/// Whether a label is one of `names`, or its second or later instance.
fn is_kind(label: &str, names: &[&str]) -> bool {
    let name = label.rsplit_once("__").map_or(label, |(name, _)| name);
    names.contains(&name)
}

pub(super) fn reference<'a>(entry: &'a Value, default: &'a str) -> Option<Reference<'a>> {
    let algorithm = entry.get("alg").and_then(Value::as_text).unwrap_or(default);
    Some(Reference { url: entry.get("url")?.as_text()?, hash: entry.get("hash")?.as_bytes()?, algorithm })
}

/// Nothing for an algorithm that C2PA does not allow.
pub(super) fn digest(algorithm: &str, parts: &[&[u8]]) -> Option<Vec<u8>> {
    fn of<D: sha2::Digest>(parts: &[&[u8]]) -> Vec<u8> {
        parts.iter().fold(D::new(), sha2::Digest::chain_update).finalize().to_vec()
    }
    match algorithm {
        "sha256" => Some(of::<Sha256>(parts)),
        "sha384" => Some(of::<Sha384>(parts)),
        "sha512" => Some(of::<Sha512>(parts)),
        _ => None,
    }
}
