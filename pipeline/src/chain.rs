use crate::outcome::{Released, Settled, Timing, Withheld};
use crate::{Build, Error, Names, Result, SharedLedger, failpoint, file_name, strikes};
use ledger::{Account, Article9Grant};
use policy::{ArtifactGate, Examined, Screened};
use provenance::Labeller;
use spec::stage::{Labelled as _, Recorded as _, Screened as _};
use spec::{Artifact, FileFormat, ProduceId};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use store::{Existing, Outbox, Recovery};

/// The sentence behind the model: examine → mark → put → append → release. The same for every kind of work.
pub struct Chain {
    labeller: Labeller,
    outbox: Outbox,
    ledger: Arc<SharedLedger>,
    examiner: Mutex<Lazy>,
    strikes: bool,
}

/// What a chain is made of besides the ledger.
pub struct ChainOptions<'a> {
    /// Where files come out.
    pub folder: &'a Path,
    /// What to do about files that already have an artifact's name.
    pub existing: Existing,
    /// What labels artifacts. Where it has a watermark's key, pixels depend on the ProduceID too: two pictures of one seed differ by
    /// their marks.
    pub labeller: Labeller,
    /// What looks at artifacts before they are labelled; built for the first of them, since a refused request needs none.
    pub examiner: Build<'static, ArtifactGate>,
    /// Whether a request counts against the account, as a refused one does, when a score withholds an artifact of it.
    pub strikes: bool,
}

enum Lazy {
    ToBuild(Build<'static, ArtifactGate>),
    Built(Arc<ArtifactGate>),
    /// Building failed once; the error was told.
    Failed,
}

/// For whom an artifact is taken out, under which id and name.
pub(crate) struct Taking<'a> {
    pub account: &'a Account,
    pub produce_id: ProduceId,
    pub names: &'a Names,
    /// What allows it to go without its explicit label.
    pub grant: Option<Article9Grant>,
    /// Whether it may count against the account if it is withheld.
    pub may_strike: bool,
}

impl Chain {
    /// Opens the folder's outbox and settles what a crash left in it.
    pub fn open(options: ChainOptions<'_>, ledger: Arc<SharedLedger>) -> Result<Self> {
        let outbox = open_outbox(options.folder, options.existing, &ledger)?;
        let examiner = Mutex::new(Lazy::ToBuild(options.examiner));
        Ok(Self { labeller: options.labeller, outbox, ledger, examiner, strikes: options.strikes })
    }

    /// What opening did about files that a crash had left.
    pub fn recovery(&self) -> &Recovery {
        self.outbox.recovery()
    }

    /// An error if files of this format cannot be called so.
    pub fn check_names(&self, names: &Names, format: FileFormat) -> Result<()> {
        match names {
            Names::ByProduceId => Ok(()),
            Names::Given(name) => Ok(self.outbox.check_name(name, format).map(drop)?),
        }
    }

    /// Builds what examines artifacts, where that is still to be done: a mistake in the configuration is found before the work on artifacts
    /// that would all be withheld for it.
    pub fn prepare(&self) -> Result<()> {
        self.examiner().map(drop)
    }

    /// Whether withheld artifacts may count against accounts.
    pub(crate) fn counts_strikes(&self) -> bool {
        self.strikes
    }

    /// Takes an artifact to its file, or to the record of what was withheld.
    pub(crate) fn take(&self, generated: engine::Generated, taking: Taking<'_>) -> Result<Settled> {
        let examiner = self.examiner()?;
        let started = Instant::now();
        let decision = examiner.screen(generated);
        let timing = Timing { screen: started.elapsed(), ..Timing::default() };
        Ok(match decision {
            Examined::Screened(screened) => Settled::Released(Box::new(self.take_out(screened, taking, timing)?)),
            Examined::Withheld(withheld) => Settled::Withheld(Box::new(self.withhold(&withheld, &taking)?)),
        })
    }

    /// mark → put → append → release.
    fn take_out(&self, screened: Screened, taking: Taking<'_>, mut timing: Timing) -> Result<Released> {
        failpoint("drawn");
        let (generated, screening) = (screened.generated(), screened.screening().clone());
        let name = match taking.names {
            Names::ByProduceId => file_name(taking.produce_id, generated.request().asked.format()),
            Names::Given(name) => name.clone(),
        };
        let (seed, model_sha256) = (generated.seed(), generated.model().sha256);
        let (width, height) = match generated.artifact() {
            Artifact::Picture(picture) => (picture.width(), picture.height()),
            Artifact::Design(design) => (design.drawing.width(), design.drawing.height()),
        };
        let mut started = Instant::now();
        let mut lap = || std::mem::replace(&mut started, Instant::now()).elapsed();
        let labelled = match taking.grant {
            Some(grant) => self.labeller.label_granted(screened, taking.produce_id, grant)?,
            None => self.labeller.label(screened, taking.produce_id)?,
        };
        timing.label = lap();
        failpoint("labelled");
        let content_sha256 = labelled.content_sha256();
        let (explicit_label, watermarked) = labelled
            .production()
            .map_or_else(Default::default, |production| (production.explicit_label.to_owned(), production.watermarked));
        let stored = self.outbox.put(labelled, &name)?;
        timing.store = lap();
        failpoint("stored");
        let recorded = self.ledger.write(|ledger| ledger.append(stored, taking.account))?;
        timing.record = lap();
        failpoint("recorded");
        // A stop that came just now keeps the file hidden; the first start after its end releases it.
        self.ledger.check_running()?;
        let path = self.outbox.release(&recorded)?;
        timing.release = lap();
        failpoint("released");
        let (ledger_index, ledger_root) = (recorded.leaf_index(), recorded.root());
        let produce_id = taking.produce_id;
        Ok(Released {
            path,
            produce_id,
            seed,
            content_sha256,
            ledger_index,
            ledger_root,
            model_sha256,
            width,
            height,
            explicit_label,
            watermarked,
            sidecar: None,
            timing,
            screening,
        })
    }

    /// Records an artifact that does not leave. It is a strike where that is allowed and a score withheld it: that a classifier gave no
    /// answer is nobody's fault who asked for a picture.
    fn withhold(&self, withheld: &policy::Withheld, taking: &Taking<'_>) -> Result<Withheld> {
        let (seed, screening) = (withheld.origin().seed(), withheld.screening().clone());
        let strike = taking.may_strike && !screening.blocking_classes().is_empty();
        let now = self.ledger.now();
        let (ledger_index, suspended) = self.ledger.write(|ledger| {
            let index = ledger.append_withheld(withheld.origin(), &screening, strike, taking.account)?;
            Ok::<_, Error>((index, if strike { strikes::count(ledger, taking.account, now)? } else { None }))
        })?;
        let (english, chinese) = (withheld.english.clone(), withheld.chinese.clone());
        Ok(Withheld { seed, screening, ledger_index, strike, suspended, english, chinese })
    }

    fn examiner(&self) -> Result<Arc<ArtifactGate>> {
        let mut lazy = self.examiner.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = match std::mem::replace(&mut *lazy, Lazy::Failed) {
            Lazy::Built(gate) => gate,
            Lazy::ToBuild(build) => Arc::new(build()?),
            Lazy::Failed => {
                let message = "what examines pictures could not be built, see the first error / 图片审核组件未能建立，见首条错误";
                return Err(Error::InvalidRequest(message.into()));
            }
        };
        *lazy = Lazy::Built(Arc::clone(&gate));
        Ok(gate)
    }
}

/// The folder's outbox, where what a crash left is settled by what the ledger knows.
pub(crate) fn open_outbox(folder: &Path, existing: Existing, ledger: &SharedLedger) -> Result<Outbox> {
    Ok(Outbox::open(folder, existing, |id| {
        ledger.read(|ledger| ledger.find(id)).map(|found| found.as_ref().and_then(ledger::Entry::release_name).map(str::to_owned))
    })?)
}
