//! Files that are there already: passed on with the propagator's fields (标识办法 article 6), or converted with their label.

use crate::colour::Colours;
use crate::container::{Obstacle, SECOND_PICTURES_UNFIT, second_pictures};
use crate::decode;
use crate::explicit::{self, Corner, Plate};
use crate::labeller::{Labelled, Made};
use crate::loss::Loss;
use crate::security::{self, Party};
use crate::{Error, Finding, LabelKey, LabelReport, LabelValues, LabelVerdict, ProviderCode, ServiceType, Severity};
use crate::{container, credentials_writer, encode, read_labels, value};
use credentials::{Change, Signer, Source};
use image::DynamicImage;
use spec::{FileFormat, Operation, ProduceId, Relabelling, Sha256Digest};

const FORMAT_UNKNOWN: Error = Error::FileUnfit {
    english: "its format is none whose label is written (PNG, JPEG, WebP, TIFF, GIF, SVG, MP4, MOV, GLB)",
    chinese: "不是可写入标识的文件格式（PNG、JPEG、WebP、TIFF、GIF、SVG、MP4、MOV、GLB）",
};

/// Why a file without implicit label is labelled (article 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Its user declares it generated: `Label` 2, 可能.
    Declared,
    /// An explicit label or other traces were found: `Label` 3, 疑似.
    Suspected,
}

/// What to do about fields that another propagator has filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EarlierPropagator {
    /// Refuse: there is one slot only.
    #[default]
    Keep,
    /// Put the own fields in their place; the ledger keeps the earlier label.
    Replace,
}

/// Adds the propagator's fields to files. Shareable between threads.
#[derive(Debug, Clone)]
pub struct Propagator {
    code: ProviderCode,
    key: Option<LabelKey>,
}

impl Propagator {
    /// For the service with that code, which must not be a generation code.
    pub fn new(code: ProviderCode, key: Option<LabelKey>) -> Result<Self, Error> {
        if code.service_type() == ServiceType::Generation {
            return Err(Error::ProviderCodeInvalid {
                code: code.to_string(),
                english: "it is a generation code (character 23 is 1); passing on needs 2 there, or 00000 from there on",
                chinese: "这是生成服务编码（第 23 位为 1）；传播服务该位应为 2，或第 23–27 位为 00000",
            });
        }
        Ok(Self { code, key })
    }

    /// The file with `ContentPropagator`, `PropagateID` (which is `id`) and, with a key, `ReservedCode2`. The producer's four fields
    /// stay as they are; a file without label gets one that names no producer, on the given ground. Nothing but the metadata changes.
    pub fn pass_on(&self, bytes: &[u8], ground: Option<Ground>, earlier: EarlierPropagator, id: ProduceId) -> Result<DerivedFile, Error> {
        let report = read_labels(bytes);
        let format = report.format.ok_or(FORMAT_UNKNOWN)?;
        let mut values = match one_label(&report)? {
            Some(values) => values.clone(),
            None => LabelValues {
                label: match ground.ok_or(Error::GroundMissing)? {
                    Ground::Declared => "2".to_owned(),
                    Ground::Suspected => "3".to_owned(),
                },
                ..LabelValues::default()
            },
        };
        let is_taken = [&values.content_propagator, &values.propagate_id, &values.reserved_code_2].iter().any(|value| !value.is_empty());
        if is_taken && earlier == EarlierPropagator::Keep {
            return Err(Error::AlreadyPropagated(values.content_propagator));
        }
        values.content_propagator = self.code.to_string();
        values.propagate_id = id.to_string();
        values.reserved_code_2 = self.key.as_ref().map(|key| security::sign(key, &values, Party::Propagator)).unwrap_or_default();
        // A manifest covers the bytes that change now: left in, it would speak of tampering.
        let bare = without_manifest(format, bytes)?;
        let written = write(format, bare.as_deref().unwrap_or(bytes), &values)?;
        check_read_back(&written, format, &values, &report)?;
        let derived = DerivedFile::new(Operation::PassedOn, id, (bytes, report), (written, format, values), None);
        Ok(derived.changed(vec![Change::MetadataEdited]))
    }
}

/// How a picture is converted.
#[derive(Debug, Clone)]
pub struct Conversion {
    /// The format of the derived file.
    pub format: FileFormat,
    /// Pixels that the derived file must fit into, its proportions kept; smaller pictures stay as they are unless `enlarge`. The same size without it.
    pub fit: Option<(u32, u32)>,
    /// Whether a picture may grow to the size that it must fit into.
    pub enlarge: bool,
    /// Text of the explicit label to draw.
    pub explicit_text: String,
    /// Whether the source is known to show that text as Danqing draws it: then it is drawn anew only where scaling made it too small.
    pub shows_label: bool,
}

impl Conversion {
    /// Decodes, scales, labels and encodes a picture whose implicit label is kept as it is; `id` is the derived file's own in the ledger.
    ///
    /// A picture that says it is generated (`Label` 1) shows the explicit label afterwards: scaled with the picture where that is high enough,
    /// drawn over the old one where not, and in the lower left corner of pictures that Danqing did not make, whose own label often stands
    /// in the right one.
    pub fn convert(&self, bytes: &[u8], id: ProduceId) -> Result<DerivedFile, Error> {
        let report = read_labels(bytes);
        report.format.ok_or(FORMAT_UNKNOWN)?;
        let values = one_label(&report)?.ok_or(Error::LabelMissing)?.clone();
        let source = decode::decode(bytes)?;
        if let Some(fault) = source.unfit {
            return Err(Error::PictureUnreadable(fault));
        }
        let (turned, before) = (source.is_turned, (source.pixels.width(), source.pixels.height()));
        let has_more = second_pictures::has_more(bytes);
        let has_metadata = source.has_exif || container::has_more_than_label(bytes);
        let encode::Fitted { pixels, colours, mut losses } = encode::fit_to(self.format, source.pixels, source.colours);
        losses.extend(has_more.then_some(Loss::SecondPicture).into_iter().chain(has_metadata.then_some(Loss::Metadata)));
        let mut picture = encode::scale(pixels, self.size(before))?;
        let drawn = values.label == "1" && self.draw_label(&mut picture, &colours, before)?;
        let encoded = encode::encode_fitted(&picture, &colours, self.format)?;
        let format = self.format;
        let written = write(format, &encoded, &values)?;
        check_read_back(&written, format, &values, &report)?;
        if !decode::decodes_to(&written, (&picture).into())? {
            return Err(Error::EmbeddingFailed);
        }
        let text = drawn.then(|| self.explicit_text.clone());
        let resized = (picture.width(), picture.height()) != before;
        let edited = text.as_ref().map(|text| Change::Edited(format!("explicit label drawn / 添加显式标识: {text}")));
        let visible = [turned.then_some(Change::Turned), resized.then_some(Change::Resized), edited, Some(Change::Transcoded)];
        let derived = DerivedFile::new(Operation::Converted, id, (bytes, report), (written, format, values), text);
        Ok(DerivedFile { losses, ..derived.changed(visible.into_iter().flatten().collect()) })
    }

    fn size(&self, (width, height): (u32, u32)) -> (u32, u32) {
        let Some((most_wide, most_high)) = self.fit else { return (width, height) };
        let scale = (f64::from(most_wide) / f64::from(width)).min(f64::from(most_high) / f64::from(height));
        if scale >= 1.0 && !self.enlarge {
            return (width, height);
        }
        let side = |length: u32, most: u32| ((f64::from(length) * scale).round() as u32).clamp(1, most.max(1));
        (side(width, most_wide), side(height, most_high))
    }

    /// Whether it had to be drawn.
    fn draw_label(&self, picture: &mut DynamicImage, colours: &Colours, before: (u32, u32)) -> Result<bool, Error> {
        if !self.shows_label {
            return explicit::draw_on(picture, colours, &self.explicit_text, Corner::LowerLeft, Plate::WhereNeeded).map(|()| true);
        }
        let scale = f64::from(picture.width()) / f64::from(before.0);
        let scaled = f64::from(explicit::least_ink_height(before.0, before.1)) * scale;
        if (picture.width(), picture.height()) == before
            || scaled >= f64::from(explicit::least_ink_height(picture.width(), picture.height()))
        {
            return Ok(false);
        }
        explicit::draw_on(picture, colours, &self.explicit_text, Corner::LowerRight, Plate::Solid).map(|()| true)
    }
}

/// The file's one label, if it can be kept as it is; nothing where the file surely has none.
fn one_label(report: &LabelReport) -> Result<Option<&LabelValues>, Error> {
    // What a label may break and still be written again with the same seven values.
    let is_kept = |finding: &Finding| {
        finding.severity() == Severity::Note
            || matches!(
                finding,
                Finding::KeyMissing
                    | Finding::KeyOrder
                    | Finding::ProducerMissing
                    | Finding::ProduceIdMissing
                    | Finding::PropagatorMissing
                    | Finding::PropertyMisplaced
                    | Finding::SignatureInvalid
                    | Finding::WebpFlagMissing
                    | Finding::WrapperMissing
                    | Finding::WrapperUnexpected
            )
    };
    if report.verdict == LabelVerdict::NotFound {
        return Ok(None);
    }
    match &report.values {
        Some(values) if report.raw.len() == 1 && report.findings.iter().all(is_kept) => Ok(Some(values)),
        _ => Err(Error::LabelUnclear { findings: report.findings.clone() }),
    }
}

/// The file without its C2PA manifest; nothing where it has none.
fn without_manifest(format: FileFormat, bytes: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let Some(mut bare) = credentials::remove(bytes) else { return Ok(None) };
    if format == FileFormat::Jpeg && second_pictures::follow(bytes, &mut bare).is_none() {
        let Obstacle { english, chinese } = SECOND_PICTURES_UNFIT;
        return Err(Error::FileUnfit { english, chinese });
    }
    Ok(Some(bare))
}

fn write(format: FileFormat, bytes: &[u8], values: &LabelValues) -> Result<Vec<u8>, Error> {
    let text = value::write(values).ok_or(Error::EmbeddingFailed)?;
    container::write(format, bytes, &text).map_err(|Obstacle { english, chinese }| Error::FileUnfit { english, chinese })
}

/// The file must hold exactly that one label, and no fault that its source did not have.
fn check_read_back(bytes: &[u8], format: FileFormat, values: &LabelValues, source: &LabelReport) -> Result<(), Error> {
    let report = read_labels(bytes);
    let is_expected = |finding: &Finding| finding.severity() == Severity::Note || source.findings.contains(finding);
    let as_written = report.format == Some(format)
        && report.raw.len() == 1
        && report.values.as_ref() == Some(values)
        && report.findings.iter().all(is_expected);
    if as_written { Ok(()) } else { Err(Error::ReadBackDiffers { verdict: report.verdict, findings: report.findings }) }
}

/// A file made from another one, whose label reads back as meant. Only [`Propagator::pass_on`] and [`Conversion::convert`] make one.
#[derive(Debug, Clone)]
pub struct DerivedFile {
    relabelling: Relabelling,
    format: FileFormat,
    values: LabelValues,
    changes: Vec<Change>,
    losses: Vec<Loss>,
    bytes: Vec<u8>,
    sidecar: Option<Vec<u8>>,
}

impl DerivedFile {
    fn new(
        operation: Operation,
        id: ProduceId,
        (source, report): (&[u8], LabelReport),
        (bytes, format, values): (Vec<u8>, FileFormat, LabelValues),
        explicit_label: Option<String>,
    ) -> Self {
        let relabelling = Relabelling {
            id,
            operation,
            source_sha256: Sha256Digest::of(source),
            content_sha256: Sha256Digest::of(&bytes),
            byte_length: bytes.len() as u64,
            format: format.to_string(),
            source_label: report.raw.into_iter().next(),
            label: value::write(&values).unwrap_or_default(),
            explicit_label,
        };
        Self { relabelling, format, values, changes: Vec::new(), losses: Vec::new(), bytes, sidecar: None }
    }

    fn changed(self, changes: Vec<Change>) -> Self {
        Self { changes, ..self }
    }

    /// The same with a signed C2PA manifest, last of all: its parent is `source`, the file that this one was made from, with the manifest
    /// that it had. The manifest goes into PNG, JPEG and WebP files and lies beside others.
    pub fn with_credentials(mut self, source: &Source<'_>, signer: &Signer) -> Result<Self, Error> {
        if Sha256Digest::of(source.bytes) != self.relabelling.source_sha256 {
            return Err(Error::SourceOfAnother);
        }
        let signed = credentials_writer::sign_changed(&self.bytes, source, &self.changes, self.relabelling.id, signer)?;
        self.relabelling.content_sha256 = Sha256Digest::of(&signed.bytes);
        self.relabelling.byte_length = signed.bytes.len() as u64;
        Ok(Self { bytes: signed.bytes, sidecar: signed.sidecar, ..self })
    }

    /// What the source had and this file has not.
    pub fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// What was done, for the record.
    pub fn relabelling(&self) -> &Relabelling {
        &self.relabelling
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The C2PA manifest store that goes beside it, for a file that carries none inside.
    pub fn sidecar(&self) -> Option<&[u8]> {
        self.sidecar.as_deref()
    }

    /// The stage that it has reached: a file with its labels.
    pub fn labelled(self) -> Labelled {
        let content_sha256 = self.relabelling.content_sha256;
        let made = Made::Derived(Box::new(self.relabelling));
        Labelled { made, bytes: self.bytes, sidecar: self.sidecar, format: self.format, content_sha256 }
    }

    /// The label's values.
    pub fn values(&self) -> &LabelValues {
        &self.values
    }
}
