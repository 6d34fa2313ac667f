use super::check::{Checked, FoundMark, Known, Mark, SignerTrust};
use crate::Error;
use credentials::Verdict;
use provenance::{LabelVerdict, Security};
use spec::Code;

/// What is asked of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Question {
    /// Whether the ledger has just these bytes.
    #[default]
    Record,
    /// Whether the marks keep the rules, whoever made the file. No ledger is asked.
    Marks,
}

macro_rules! faults {
    ($($variant:ident = $code:literal, $english:literal, $chinese:literal;)*) => {
        /// Something that speaks against a file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        #[expect(missing_docs, reason = "each says itself, in its English text")]
        pub enum Fault { $($variant,)* }

        impl Fault {
            /// All of them, in the order in which they are told.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
            /// Its name in JSON.
            pub fn code(self) -> &'static str { match self { $(Self::$variant => $code,)* } }
            /// In English.
            pub fn english(self) -> &'static str { match self { $(Self::$variant => $english,)* } }
            /// In Chinese.
            pub fn chinese(self) -> &'static str { match self { $(Self::$variant => $chinese,)* } }
        }
    };
}

faults! {
    LabelNoncompliant = "label_noncompliant", "the implicit label is not compliant", "隐式标识不合规";
    LabelMissing = "label_missing", "there is no implicit label", "无隐式标识";
    LabelInconclusive = "label_inconclusive", "the implicit label cannot be judged", "隐式标识无法判定";
    SignatureInvalid = "signature_invalid", "the producer's signature is not valid", "制作方签名无效";
    SignerUntrusted = "signer_untrusted", "the label is signed by no trusted key", "标识签名密钥不受信任";
    PropagatorSignatureInvalid = "propagator_signature_invalid", "the propagator's signature is not valid", "传播方签名无效";
    ManifestInvalid = "manifest_invalid", "the C2PA manifest is not valid", "C2PA 清单无效";
    WatermarkOfAnother = "watermark_of_another", "the watermark is that of another ProduceID than the label's", "水印与标识中的 ProduceID 不符";
    Changed = "changed", "the ledger has its id with other content: the file was changed", "账本中同一编号的内容不同：文件被改动过";
    NotRecorded = "not_recorded", "not in the ledger", "账本中无记录";
    NoLedger = "no_ledger", "there is no ledger to ask", "未找到账本";
}

impl Checked {
    /// All that speaks against the file, in the order of [`Fault::ALL`].
    pub fn faults(&self, question: Question) -> Vec<Fault> {
        let label = match self.report.verdict {
            LabelVerdict::Compliant => None,
            LabelVerdict::Noncompliant => Some(Fault::LabelNoncompliant),
            LabelVerdict::NotFound => Some(Fault::LabelMissing),
            LabelVerdict::Inconclusive => Some(Fault::LabelInconclusive),
        };
        let ledger = match &self.known {
            _ if question == Question::Marks => None,
            Known::Recorded(_) | Known::NotAsked => None,
            Known::Changed(_) => Some(Fault::Changed),
            Known::Unknown => Some(Fault::NotRecorded),
            Known::NoLedger(_) => Some(Fault::NoLedger),
        };
        let when = |holds: bool, fault: Fault| holds.then_some(fault);
        [
            label,
            when(self.report.producer_security == Security::Invalid, Fault::SignatureInvalid),
            when(self.trust == SignerTrust::Stranger, Fault::SignerUntrusted),
            when(self.report.propagator_security == Security::Invalid, Fault::PropagatorSignatureInvalid),
            when(self.manifest.verdict == Verdict::Invalid, Fault::ManifestInvalid),
            when(self.has_watermark_of_another(), Fault::WatermarkOfAnother),
            ledger,
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The one rule. Asked for the record: the ledger has exactly these bytes, their label can be read, and no mark contradicts them; that
    /// its values keep every rule of the standard is then told, and decides nothing. Asked for the marks: nothing at all speaks against
    /// the file.
    pub fn passes(&self, question: Question) -> bool {
        let decides = |fault: &Fault| match fault {
            Fault::LabelNoncompliant | Fault::LabelMissing | Fault::LabelInconclusive => {
                question == Question::Marks || self.report.values.is_none()
            }
            _ => true,
        };
        !self.faults(question).iter().any(decides)
    }

    /// Pixels and label come from different files. A label without a readable ProduceID contradicts nothing.
    fn has_watermark_of_another(&self) -> bool {
        matches!(self.mark, Mark::Found(FoundMark { labels: Some(label), mark, .. }) if label != mark)
    }
}

/// What became of a number of files.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// All that were looked at.
    pub files: usize,
    /// Those that pass.
    pub passed: usize,
    /// Those that the ledger has just so.
    pub recorded: usize,
    /// Those whose label keeps the rules.
    pub compliant: usize,
    /// Those that could not be read or judged.
    pub unreadable: usize,
    /// How many files each fault of [`Fault::ALL`] speaks against.
    faults: [usize; Fault::ALL.len()],
    first_error: Option<Code>,
}

impl Tally {
    /// Counts one file.
    pub fn count(&mut self, checked: &Result<Checked, Error>, question: Question) {
        self.files += 1;
        let checked = match checked {
            Ok(checked) => checked,
            Err(error) => {
                self.unreadable += 1;
                self.first_error.get_or_insert(error.code());
                return;
            }
        };
        self.passed += usize::from(checked.passes(question));
        self.recorded += usize::from(matches!(checked.known, Known::Recorded(_)));
        self.compliant += usize::from(checked.report.verdict == LabelVerdict::Compliant);
        for fault in checked.faults(question) {
            if let Some(count) = Fault::ALL.iter().position(|other| *other == fault).and_then(|place| self.faults.get_mut(place)) {
                *count += 1;
            }
        }
    }

    /// Each fault that was found, and in how many files.
    pub fn faults(&self) -> impl Iterator<Item = (Fault, usize)> + '_ {
        Fault::ALL.iter().copied().zip(self.faults).filter(|(_, count)| *count > 0)
    }

    /// Nothing where all files pass. Otherwise the code of the first that could not be read, or else [`Code::CheckFailed`].
    pub fn failure(&self) -> Option<Code> {
        self.first_error.or((self.passed < self.files).then_some(Code::CheckFailed))
    }
}
