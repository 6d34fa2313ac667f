use crate::credentials_writer::CredentialsWriter;
use crate::marking::{Explicit, Marked, MarkedDesign, Marking as _, Order};
use crate::security::{self, Party, Security};
use crate::{Error, Finding, LabelKey, LabelValues, LabelVerdict, ProviderCode, ServiceType};
use crate::{decode, explicit, lettering, read_labels};
use credentials::{Signer, TrainingUse};
use spec::stage::{Granted, Production, Screened, Source};
use spec::{Artifact, FileFormat, ImplicitLabel, LabelKind, Picture, ProduceId, Relabelling, Sha256Digest, Threads};
use std::fmt;

/// Shortest text that names both elements of GB 45438-2025 §5.2.
pub const DEFAULT_EXPLICIT_TEXT: &str = "AI生成";

/// Labels what the engine rendered. Shareable between threads.
#[derive(Debug, Clone)]
pub struct Labeller {
    provider_code: Option<ProviderCode>,
    pub(crate) explicit_text: String,
    pub(crate) watermark: Option<watermark::Key>,
    pub(crate) credentials: Option<CredentialsWriter>,
    key: Option<LabelKey>,
    pub(crate) threads: Threads,
}

/// Something that the user should be told; labelling goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// No provider code is configured.
    ProviderCodeUnset,
    /// C2PA manifests are signed with a test certificate.
    TestCertificate,
}

impl Warning {
    /// A stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::ProviderCodeUnset => "provider_code_unset",
            Self::TestCertificate => "test_certificate",
        }
    }

    /// What it is about, in English.
    pub fn english(self) -> &'static str {
        match self {
            Self::ProviderCodeUnset => {
                "no provider code: ContentProducer stays empty, which GB 45438-2025 forbids a public service; set provider_code"
            }
            Self::TestCertificate => "C2PA is signed with a test certificate, which nobody trusts; set c2pa_certificate and c2pa_key",
        }
    }

    /// The same in Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::ProviderCodeUnset => "未设置服务提供者编码，ContentProducer 为空，向公众服务时不符合 GB 45438-2025；请配置 provider_code",
            Self::TestCertificate => "C2PA 由测试证书签名，不被信任；请配置 c2pa_certificate 与 c2pa_key",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} / {}", self.english(), self.chinese())
    }
}

impl Labeller {
    /// A labeller for the provider with that code, which must not be a propagation code. The explicit text is
    /// [`DEFAULT_EXPLICIT_TEXT`]. It works on [`Threads::available`].
    pub fn new(provider_code: Option<ProviderCode>) -> Result<Self, Error> {
        if let Some(code) = &provider_code
            && code.service_type() == ServiceType::Propagation
        {
            return Err(Error::ProviderCodeInvalid {
                code: code.to_string(),
                english: "it is a propagation code (character 23 is 2); generating needs 1 there, or 00000 from there on",
                chinese: "这是传播服务编码（第 23 位为 2）；生成服务该位应为 1，或第 23–27 位为 00000",
            });
        }
        Ok(Self {
            provider_code,
            explicit_text: DEFAULT_EXPLICIT_TEXT.to_owned(),
            watermark: None,
            credentials: None,
            key: None,
            threads: Threads::available(),
        })
    }

    /// The same with another explicit text: it must contain 人工智能 or AI, and 生成 or 合成, and the label font must have all
    /// its characters.
    pub fn with_explicit_text(mut self, text: &str) -> Result<Self, Error> {
        check_explicit_text(text)?;
        text.clone_into(&mut self.explicit_text);
        Ok(self)
    }

    /// The same, which also hides [`ProduceId::mark`] in the pixels of pictures that can carry it.
    #[must_use]
    pub fn with_watermark(self, key: [u8; 32]) -> Self {
        Self { watermark: Some(watermark::Key::from_bytes(key)), ..self }
    }

    /// The same, which also signs `Label`, `ContentProducer` and `ProduceID` in `ReservedCode1`.
    #[must_use]
    pub fn with_key(self, key: LabelKey) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The same, which also signs every picture of a request with a C2PA manifest, last of all.
    #[must_use]
    pub fn with_credentials(self, signer: Signer, training_use: TrainingUse) -> Self {
        Self { credentials: Some(CredentialsWriter { signer, training_use }), ..self }
    }

    /// The same, on as many threads; the bytes of files do not depend on it.
    #[must_use]
    pub fn with_threads(self, threads: Threads) -> Self {
        Self { threads, ..self }
    }

    /// What the user should be told before labelling.
    pub fn warnings(&self) -> Vec<Warning> {
        let code = self.provider_code.is_none().then_some(Warning::ProviderCodeUnset);
        let is_test = self.credentials.as_ref().is_some_and(|credentials| credentials.signer.is_test());
        code.into_iter().chain(is_test.then_some(Warning::TestCertificate)).collect()
    }

    /// Whether a `width × height` picture has room for the explicit label; worth asking before it is rendered.
    pub fn check_size(&self, width: u32, height: u32) -> Result<(), Error> {
        explicit::lay_out(width, height, &self.explicit_text).map(|_| ())
    }

    /// Encodes a picture put together from labelled pictures (a contact sheet, whose parts show their explicit labels) and writes
    /// its own implicit label.
    pub fn label_sheet(&self, sheet: &Picture, format: FileFormat, produce_id: ProduceId) -> Result<Vec<u8>, Error> {
        let encoded = sheet.encode(format, self.threads)?;
        Ok(self.write_implicit(&encoded, format, produce_id, &mut |_| ())?.0)
    }

    /// Both labels for a picture that no request asked for, such as a sheet of samples from a training run.
    pub fn label_samples(&self, samples: &Picture, format: FileFormat, produce_id: ProduceId) -> Result<Vec<u8>, Error> {
        self.label_sheet(&self.draw_explicit(samples)?, format, produce_id)
    }

    /// The picture with the explicit label alone.
    pub fn draw_explicit(&self, picture: &Picture) -> Result<Picture, Error> {
        let mut picture = picture.clone();
        picture.mark_explicit(&self.explicit_text)?;
        Ok(picture)
    }

    pub(crate) fn implicit_label(&self, produce_id: ProduceId) -> ImplicitLabel {
        let content_producer = self.provider_code.as_ref().map(ToString::to_string).unwrap_or_default();
        let signed = LabelValues {
            label: "1".to_owned(),
            content_producer: content_producer.clone(),
            produce_id: produce_id.to_string(),
            ..LabelValues::default()
        };
        ImplicitLabel {
            label: LabelKind::Generated,
            content_producer,
            produce_id,
            reserved_code_1: self.key.as_ref().map(|key| security::sign(key, &signed, Party::Producer)).unwrap_or_default(),
            content_propagator: String::new(),
            propagate_id: String::new(),
            reserved_code_2: String::new(),
        }
    }

    /// Puts all marks into a file of the request's format, in the order of the module `marking`, and hands it out only if it reads back as written.
    pub fn label<S: Screened + Send + 'static>(&self, screened: S, produce_id: ProduceId) -> Result<Labelled, Error> {
        self.finish(screened, produce_id, None)
    }

    /// Labels the one picture that may go without explicit label (标识办法 article 9), as the grant allows. Implicit label, watermark and manifest
    /// stay.
    pub fn label_granted<S, G>(&self, screened: S, produce_id: ProduceId, granted: G) -> Result<Labelled, Error>
    where
        S: Screened + Send + 'static,
        G: Granted + 'static,
    {
        let generated = screened.generated();
        let same = generated.request() == granted.request()
            && generated.seed() == granted.request().seed
            && generated.model().sha256 == granted.model().sha256;
        if !same {
            return Err(Error::GrantOfAnother);
        }
        self.finish(screened, produce_id, Some(Box::new(granted)))
    }

    fn finish<S: Screened + Send + 'static>(
        &self,
        screened: S,
        produce_id: ProduceId,
        granted: Option<Box<dyn Granted>>,
    ) -> Result<Labelled, Error> {
        let format = screened.generated().request().asked.format();
        let explicit = if granted.is_some() { Explicit::Granted } else { Explicit::Drawn };
        let order = Order { format, produce_id, explicit };
        let Marked { bytes, label, watermarked } = match screened.generated().artifact() {
            Artifact::Picture(picture) => self.mark(picture.clone(), order, &mut |_| ())?,
            Artifact::Design(design) => self.mark(MarkedDesign::new(design), order, &mut |_| ())?,
        };
        let explicit_label = if granted.is_some() { String::new() } else { self.explicit_text.clone() };
        let made = Made::Generated(Box::new(Generation { screened: Box::new(screened), label, explicit_label, granted, watermarked }));
        Ok(Labelled { content_sha256: Sha256Digest::of(&bytes), made, bytes, sidecar: None, format })
    }

    pub(crate) fn check_read_back(&self, bytes: &[u8], format: FileFormat, label: &ImplicitLabel, text: &str) -> Result<(), Error> {
        let report = read_labels(bytes);
        // The one fault that may be there is the one that the user was warned of.
        let (verdict, findings) = match self.provider_code {
            Some(_) => (LabelVerdict::Compliant, vec![]),
            None => (LabelVerdict::Noncompliant, vec![Finding::ProducerMissing]),
        };
        let security = self.key.as_ref().map_or(Security::Absent, |key| Security::Valid { key: key.public().clone() });
        let as_written = report.format == Some(format)
            && report.verdict == verdict
            && report.findings == findings
            && report.label.as_ref() == Some(label)
            && report.producer_security == security
            && report.raw == [text];
        if as_written { Ok(()) } else { Err(Error::ReadBackDiffers { verdict: report.verdict, findings: report.findings }) }
    }
}

/// Whether `text` may be an explicit label: see [`Labeller::with_explicit_text`].
pub fn check_explicit_text(text: &str) -> Result<(), Error> {
    let any = |words: [&str; 2]| words.iter().any(|word| text.contains(word));
    if !any(["人工智能", "AI"]) || !any(["生成", "合成"]) {
        return Err(Error::ExplicitTextIncomplete(text.to_owned()));
    }
    lettering::check(text)
}

/// The [`ProduceId::mark`] hidden in an encoded picture by a labeller with this key; `None` where there is none, or nothing that decodes.
pub fn read_watermark(bytes: &[u8], key: [u8; 32]) -> Option<u64> {
    let picture = decode::as_seen(decode::decode(bytes).ok()?).ok()?;
    let key = watermark::Key::from_bytes(key);
    let found = watermark::detect(picture.pixels(), picture.width(), picture.height(), &key).ok().flatten()?;
    Some(found.id.value())
}

/// A file with its labels. Only [`Labeller::label`] makes one, [`Labeller::label_granted`] one without the explicit label, and
/// [`crate::DerivedFile`] one of another file.
pub struct Labelled {
    pub(crate) made: Made,
    pub(crate) bytes: Vec<u8>,
    pub(crate) sidecar: Option<Vec<u8>>,
    pub(crate) format: FileFormat,
    pub(crate) content_sha256: Sha256Digest,
}

pub(crate) enum Made {
    Generated(Box<Generation>),
    Derived(Box<Relabelling>),
}

pub(crate) struct Generation {
    screened: Box<dyn Screened + Send>,
    label: ImplicitLabel,
    explicit_label: String,
    granted: Option<Box<dyn Granted>>,
    watermarked: bool,
}

impl Labelled {
    /// What the record keeps of a generated file; `None` of a derived one.
    pub fn production(&self) -> Option<Production<'_>> {
        match spec::stage::Labelled::source(self) {
            Source::Generated(production) => Some(production),
            Source::Derived(_) => None,
        }
    }
}

impl fmt::Debug for Labelled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Labelled")
            .field("format", &self.format)
            .field("content_sha256", &self.content_sha256)
            .finish_non_exhaustive()
    }
}

impl spec::stage::Labelled for Labelled {
    fn id(&self) -> ProduceId {
        match &self.made {
            Made::Generated(generation) => generation.label.produce_id,
            Made::Derived(relabelling) => relabelling.id,
        }
    }

    fn source(&self) -> Source<'_> {
        match &self.made {
            Made::Generated(generation) => Source::Generated(Production {
                origin: generation.screened.generated(),
                screening: generation.screened.screening(),
                label: &generation.label,
                explicit_label: &generation.explicit_label,
                granted: generation.granted.as_deref(),
                watermarked: generation.watermarked,
            }),
            Made::Derived(relabelling) => Source::Derived(relabelling),
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn sidecar(&self) -> Option<&[u8]> {
        self.sidecar.as_deref()
    }

    fn format(&self) -> FileFormat {
        self.format
    }

    fn content_sha256(&self) -> Sha256Digest {
        self.content_sha256
    }
}

#[cfg(test)]
mod tests {
    use super::Labeller;
    use crate::{Error, container, value};
    use spec::{FileFormat, ImplicitLabel, LabelKind};

    #[test]
    fn bytes_that_read_back_otherwise_are_withheld() {
        let labeller = Labeller::new("001191110000100006666010001".parse().ok()).unwrap();
        let label = |id: &str| ImplicitLabel {
            label: LabelKind::Generated,
            content_producer: "001191110000100006666010001".to_owned(),
            produce_id: id.parse().unwrap(),
            reserved_code_1: String::new(),
            content_propagator: String::new(),
            propagate_id: String::new(),
            reserved_code_2: String::new(),
        };
        let meant = label("0192f0c1-7e2a-7b3c-8d4e-5f60718293a4");
        let text = value::write(&meant).unwrap();
        let mut file = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(4, 4).write_to(&mut file, image::ImageFormat::Png).unwrap();
        let embed = |text: &str| container::write(FileFormat::Png, file.get_ref(), text).unwrap();
        let check = |bytes: &[u8]| labeller.check_read_back(bytes, FileFormat::Png, &meant, &text);
        assert!(check(&embed(&text)).is_ok());
        let other = value::write(&label("0192f0c1-7e2a-7b3c-8d4e-5f60718293a5")).unwrap();
        for bytes in [file.get_ref().clone(), embed(&other), embed(&format!("{text} "))] {
            assert!(matches!(check(&bytes), Err(Error::ReadBackDiffers { .. })));
        }
    }

    #[test]
    fn values_outside_the_character_set_are_not_written() {
        let mut label = ImplicitLabel {
            label: LabelKind::Generated,
            content_producer: "某公司".to_owned(),
            produce_id: "0192f0c1-7e2a-7b3c-8d4e-5f60718293a4".parse().unwrap(),
            reserved_code_1: String::new(),
            content_propagator: String::new(),
            propagate_id: String::new(),
            reserved_code_2: String::new(),
        };
        assert_eq!(value::write(&label), None);
        label.content_producer = "a b".to_owned();
        assert_eq!(value::write(&label), None);
        label.content_producer = "a\"b".to_owned();
        assert!(value::write(&label).unwrap().contains(r#""a\"b""#));
    }
}
