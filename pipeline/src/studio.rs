use crate::{Error, Result, strikes, switch};
use engine::families::{Control, Progress};
use engine::model_folder::ModelFolder;
use engine::prompt_enhancer::{Decoding, PromptEnhancer};
use engine::{Device, LoadedModel};
use ledger::{Account, Article9Grant, KeyFiles, Ledger, SuspensionCause, VaultSettings};
use policy::{Cleared, Decision, ImageDecision, ImageGate, LiveGate, LiveSettings};
use provenance::{Labeller, Warning};
use serde::Serialize;
use spec::stage::{Granted, Labelled as _, Recorded as _, Screened as _};
use spec::{Artifact, Asked, Clock, FileFormat, ProduceId, Request, Screening, Sha256Digest, SystemClock, Texts};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Existing, Outbox, Recovery, SqliteLog};

/// Name of the ledger beside the pictures.
pub const LEDGER_FILE: &str = "danqing-ledger.sqlite";
/// Most pictures of one request.
const MAXIMUM_COUNT: u32 = 10_000;
/// Longest side of a picture, in pixels: beyond it no supported model was trained.
const MAXIMUM_SIDE: u32 = 8_192;
/// Most denoising steps.
const MAXIMUM_STEPS: u32 = 1_000;

/// Sampling of the prompt enhancer, as ERNIE-Image's pipeline sets it.
const TEMPERATURE: f32 = 0.6;
/// As above.
const TOP_P: f32 = 0.95;

/// Where pictures go and by which rules.
pub struct StudioOptions<'a> {
    /// Folder of pictures and ledger.
    pub folder: &'a Path,
    /// What to do about files that already have a picture's name.
    pub existing: Existing,
    /// What labels pictures. Where it has a watermark's key, pixels depend on the ProduceID too: two pictures of one seed differ by their
    /// marks.
    pub labeller: Labeller,
    /// Lexicons besides the built-in one, whose to trust, and whom refusals send people to.
    pub policy: LiveSettings,
    /// What looks at pictures before they are labelled; built for the first of them, since a refused request needs none.
    pub image_gate: Build<'static, ImageGate>,
    /// Whether a request counts against the account, as a refused one does, when a score withholds a picture of it.
    pub strikes: bool,
    /// For whom, and how it is recorded.
    pub record: RecordOptions,
}

/// A part that is built when it is first needed.
pub type Build<'a, T> = Box<dyn FnOnce() -> Result<T> + 'a>;

/// For whom files are made, how that is recorded, and what stops it.
pub struct RecordOptions {
    /// The account that asks.
    pub account: String,
    /// How its name and, if so configured, prompts are sealed.
    pub vault: VaultSettings,
    /// The file whose presence stops generation.
    pub stop_file: PathBuf,
}

/// How released files are called.
#[derive(Debug, Clone)]
pub enum Names {
    /// `<ProduceID>.<ending>`.
    ByProduceId,
    /// A given name, for a request of one picture.
    Given(String),
}

/// Everything between a request and a released picture but the model.
pub struct Studio {
    gate: LiveGate,
    labeller: Labeller,
    outbox: Outbox,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    strikes: bool,
    image_gate: Lazy,
    account: Account,
    stop_file: PathBuf,
}

/// A picture that left: labelled, recorded, on disk.
#[derive(Debug, Clone, Serialize)]
pub struct Released {
    /// The file.
    pub path: PathBuf,
    /// The id in its label and record.
    pub produce_id: ProduceId,
    /// Its own seed.
    pub seed: u64,
    /// SHA-256 of the file.
    pub content_sha256: Sha256Digest,
    /// Index of its leaf in the ledger.
    pub ledger_index: u64,
    /// Root of the ledger just after that leaf.
    pub ledger_root: Sha256Digest,
    /// SHA-256 of the model.
    pub model_sha256: Sha256Digest,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Text of the explicit label.
    pub explicit_label: String,
    /// Whether the pixels carry the invisible watermark: some pictures are too small or too busy for it.
    pub watermarked: bool,
    /// How long the words after the model took.
    #[serde(skip)]
    pub timing: Timing,
    /// What the classifiers said of it.
    pub screening: Screening,
}

/// How long screening, label, store, record and release of one picture took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timing {
    /// All classifiers.
    pub screen: Duration,
    /// Marks, encoding, and reading back.
    pub label: Duration,
    /// The hidden file, flushed to disk.
    pub store: Duration,
    /// The leaf in the ledger, flushed to disk.
    pub record: Duration,
    /// The visible name.
    pub release: Duration,
}

/// A recorded picture that did not leave.
#[derive(Debug, Clone, Serialize)]
pub struct Withheld {
    /// Its own seed.
    pub seed: u64,
    /// Why.
    pub screening: Screening,
    /// Index of its leaf in the ledger.
    pub ledger_index: u64,
    /// Whether it counts against the account: the first of its request does, where a score withheld it.
    pub strike: bool,
    /// The limit that the account reached with it, if it did. Other pictures of the request go on; the next request does not.
    pub suspended: Option<SuspensionCause>,
    /// Which score met which rule, and what to do if that is a mistake.
    pub english: String,
    /// The same in Chinese.
    pub chinese: String,
}

/// What became of one picture.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// It is on disk.
    Released(Box<Released>),
    /// The image gate stopped it; the other pictures go on.
    Withheld(Box<Withheld>),
}

/// What became of [`Studio::copy`].
#[derive(Debug)]
pub enum CopyOutcome {
    /// It left.
    Released(Box<Released>),
    /// The image gate, as it is now, withholds it. Recorded; nothing follows.
    Withheld(Box<Withheld>),
    /// The gate, as it is now, refuses the request. Recorded; nothing follows.
    Refused(Box<Refused>),
}

/// A recorded refusal.
#[derive(Debug)]
pub struct Refused {
    /// What the gate said.
    pub refusal: policy::Refusal,
    /// Index of its leaf in the ledger.
    pub ledger_index: u64,
    /// The limit of refusals that the account reached with it, if it did.
    pub suspended: Option<SuspensionCause>,
}

/// The gate's answer.
#[derive(Debug)]
pub enum Outcome {
    /// Go on with [`Studio::render`].
    Cleared(Arc<Cleared>),
    /// Recorded; nothing follows.
    Refused(Box<Refused>),
}

/// The image gate, before and after the first picture.
enum Lazy {
    Built(Arc<ImageGate>),
    ToBuild(Build<'static, ImageGate>),
    Failed,
}

impl Studio {
    /// Opens gate, labeller, ledger and outbox, and settles what a crash left in the folder.
    pub fn open(options: StudioOptions<'_>) -> Result<Self> {
        let gate = LiveGate::open(options.policy)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        store::prepare_folder(options.folder)?;
        let RecordOptions { account, vault, stop_file } = options.record;
        let account = Account::new(&account)?;
        let ledger = open_ledger(&options.folder.join(LEDGER_FILE), &vault, Arc::clone(&clock))?;
        // Before the outbox: while generation is stopped, what a crash left hidden stays so.
        check_running(&ledger, &stop_file)?;
        let outbox = open_outbox(options.folder, options.existing, &ledger)?;
        let (labeller, strikes, image_gate) = (options.labeller, options.strikes, Lazy::ToBuild(options.image_gate));
        Ok(Self { gate, labeller, outbox, ledger, clock, strikes, image_gate, account, stop_file })
    }

    /// An error while generation is stopped.
    pub fn check_running(&self) -> Result<()> {
        check_running(&self.ledger, &self.stop_file)
    }

    /// What the user should be told about the ledger.
    pub fn notices(&self) -> &[ledger::Notice] {
        self.ledger.notices()
    }

    /// What the user should be told before anything is made.
    pub fn warnings(&self) -> Vec<Warning> {
        self.labeller.warnings()
    }

    /// What opening did about files that a crash had left.
    pub fn recovery(&self) -> &Recovery {
        self.outbox.recovery()
    }

    /// Checks a request and puts it before the gate; a refusal is recorded, and counts against the account. Lexicons that changed on disk into something that cannot
    /// be used are an error: whoever changed them should not think that they are in force.
    pub fn clear(&mut self, request: Request) -> Result<Outcome> {
        check(&request)?;
        self.check_running()?;
        strikes::check(&self.ledger, &self.account)?;
        if let Asked::Picture(picture) = &request.asked {
            self.labeller.check_size(picture.width, picture.height)?;
        }
        let (gate, reloaded) = self.gate.current();
        reloaded?;
        match gate.clear(request) {
            Decision::Cleared(cleared) => Ok(Outcome::Cleared(Arc::new(cleared))),
            Decision::Refused(refusal) => {
                let ledger_index = self.ledger.append_refusal(&refusal.request, &refusal.verdict, &self.account)?;
                let suspended = strikes::count(&mut self.ledger, &self.account, self.clock.now())?;
                Ok(Outcome::Refused(Box::new(Refused { refusal, ledger_index, suspended })))
            }
        }
    }

    /// As [`Self::clear`], with the prompt rewritten in between by the model's prompt enhancer. Both texts pass the gate; the record
    /// holds both.
    pub fn clear_enhanced(&mut self, request: Request, folder: &ModelFolder, should_stop: &mut dyn FnMut() -> bool) -> Result<Outcome> {
        if let Outcome::Refused(refused) = self.clear(request.clone())? {
            return Ok(Outcome::Refused(refused));
        }
        let enhancer = PromptEnhancer::load(folder, &Device::cpu(request.run.dtype))?
            .ok_or_else(|| Error::InvalidRequest("this model has no prompt enhancer / 该模型没有提示词增强组件".into()))?;
        let size = request.asked.picture().map_or((0, 0), |picture| (picture.width as usize, picture.height as usize));
        let decoding = Decoding::Sampled { temperature: TEMPERATURE, top_p: TOP_P, seed: request.seed };
        let prompt = enhancer.enhance(&request.texts.prompt, size, decoding, should_stop)?;
        let texts = Texts { original_prompt: Some(request.texts.prompt), prompt, negative_prompt: request.texts.negative_prompt };
        self.clear(Request { texts, ..request })
    }

    /// Renders all pictures of a cleared request, in batches sized to memory, and takes each to its file, or to the record of what was
    /// withheld, as soon as it is made.
    pub fn render(
        &mut self,
        model: &mut LoadedModel,
        cleared: &Arc<Cleared>,
        names: &Names,
        observer: &mut dyn FnMut(Progress) -> Control,
        deliver: &mut dyn FnMut(Delivery),
    ) -> Result<()> {
        if let Names::Given(name) = names {
            self.outbox.check_name(name, spec::stage::Cleared::request(&**cleared).asked.format())?;
        }
        // Before the work on pictures that would all be withheld for a mistake in the configuration.
        let image_gate = self.image_gate()?;
        let request = spec::stage::Cleared::request(&**cleared);
        let (count, batch) = (request.count, model.batch_size(request) as u32);
        // The rule counts what people ask for, and not how many pictures of it.
        let mut may_strike = self.strikes;
        let mut first = 0;
        while first < count {
            let end = first.saturating_add(batch).min(count);
            for rendered in self.draw(model, cleared, first..end, observer)? {
                let started = Instant::now();
                let decision = image_gate.screen(rendered);
                let screen = started.elapsed();
                deliver(match decision {
                    ImageDecision::Screened(screened) => Delivery::Released(Box::new(self.take_out(screened, names, screen, None)?)),
                    ImageDecision::Withheld(withheld) => {
                        let withheld = self.withhold(withheld, may_strike)?;
                        may_strike &= !withheld.strike;
                        Delivery::Withheld(Box::new(withheld))
                    }
                });
            }
            first = end;
        }
        Ok(())
    }

    /// The one picture that `grant` is for, drawn again and taken out without its explicit label. The request passes the gate anew, and
    /// the weights must be those of the record.
    pub fn copy(
        &mut self,
        model: &mut LoadedModel,
        grant: Article9Grant,
        name: &str,
        observer: &mut dyn FnMut(Progress) -> Control,
    ) -> Result<CopyOutcome> {
        self.outbox.check_name(name, grant.request().asked.format())?;
        let (recorded, present) = (Granted::model(&grant).sha256, model.identity().sha256);
        if recorded != present {
            return Err(Error::InvalidRequest(format!(
                "the picture was made by model {recorded}, not by {present} / 该图片由模型 {recorded} 生成，而不是 {present}"
            )));
        }
        let image_gate = self.image_gate()?;
        let cleared = match self.clear(grant.request().clone())? {
            Outcome::Cleared(cleared) => cleared,
            Outcome::Refused(refused) => return Ok(CopyOutcome::Refused(refused)),
        };
        let rendered = self.draw(model, &cleared, 0..1, observer)?.pop();
        let rendered = rendered.ok_or_else(|| Error::InvalidRequest("no picture was drawn / 未绘制图片".into()))?;
        let started = Instant::now();
        let decision = image_gate.screen(rendered);
        let (names, screen) = (Names::Given(name.to_owned()), started.elapsed());
        Ok(match decision {
            ImageDecision::Screened(screened) => CopyOutcome::Released(Box::new(self.take_out(screened, &names, screen, Some(grant))?)),
            // Nobody asked for anything new.
            ImageDecision::Withheld(withheld) => CopyOutcome::Withheld(Box::new(self.withhold(withheld, false)?)),
        })
    }

    /// Model → sampler → decode, for as long as generation is not stopped.
    fn draw(
        &self,
        model: &mut LoadedModel,
        cleared: &Arc<Cleared>,
        range: Range<u32>,
        observer: &mut dyn FnMut(Progress) -> Control,
    ) -> Result<Vec<engine::Generated>> {
        let mut stopped = None;
        let drawn = engine::generate(model, cleared, range, &mut |progress| {
            failpoint("drawing");
            stopped = self.check_running().err();
            if stopped.is_some() { Control::Stop } else { observer(progress) }
        });
        match stopped {
            Some(error) => Err(error),
            None => Ok(drawn?),
        }
    }

    /// label → store → log → release.
    fn take_out(&mut self, screened: policy::Screened, names: &Names, screen: Duration, grant: Option<Article9Grant>) -> Result<Released> {
        failpoint("drawn");
        let produce_id = new_id(self.clock.as_ref())?;
        let (rendered, screening) = (screened.generated(), screened.screening().clone());
        let name = match names {
            Names::ByProduceId => file_name(produce_id, rendered.request().asked.format()),
            Names::Given(name) => name.clone(),
        };
        let (seed, model_sha256) = (rendered.seed(), rendered.model().sha256);
        let (width, height) = match rendered.artifact() {
            Artifact::Picture(picture) => (picture.width(), picture.height()),
            Artifact::Design(design) => (design.drawing.width(), design.drawing.height()),
        };
        let mut started = Instant::now();
        let mut lap = || std::mem::replace(&mut started, Instant::now()).elapsed();
        let labelled = match grant {
            Some(grant) => self.labeller.label_granted(screened, produce_id, grant)?,
            None => self.labeller.label(screened, produce_id)?,
        };
        let label = lap();
        failpoint("labelled");
        let (content_sha256, watermarked) = (labelled.content_sha256(), labelled.watermarked());
        let explicit_label = labelled.explicit_label().to_owned();
        let stored = self.outbox.put(labelled, &name)?;
        let store = lap();
        failpoint("stored");
        let recorded = self.ledger.append(stored, &self.account)?;
        let record = lap();
        failpoint("recorded");
        // A stop that came just now keeps the file hidden; the first start after its end releases it.
        self.check_running()?;
        let path = self.outbox.release(&recorded)?;
        let timing = Timing { screen, label, store, record, release: lap() };
        failpoint("released");
        let (ledger_index, ledger_root) = (recorded.leaf_index(), recorded.root());
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
            timing,
            screening,
        })
    }

    /// Records a picture that does not leave. It is a strike where that is allowed and a score withheld it: that a classifier gave no
    /// answer is nobody's fault who asked for a picture.
    fn withhold(&mut self, withheld: policy::Withheld, may_strike: bool) -> Result<Withheld> {
        let (seed, screening) = (withheld.origin().seed(), withheld.screening().clone());
        let strike = may_strike && !screening.blocking_classes().is_empty();
        let ledger_index = self.ledger.append_withheld(withheld.origin(), &screening, strike, &self.account)?;
        let suspended = if strike { strikes::count(&mut self.ledger, &self.account, self.clock.now())? } else { None };
        Ok(Withheld { seed, screening, ledger_index, strike, suspended, english: withheld.english, chinese: withheld.chinese })
    }

    fn image_gate(&mut self) -> Result<Arc<ImageGate>> {
        let gate = match std::mem::replace(&mut self.image_gate, Lazy::Failed) {
            Lazy::Built(gate) => gate,
            Lazy::ToBuild(build) => Arc::new(build()?),
            Lazy::Failed => return Err(Error::InvalidRequest("the image gate could not be built before / 图片审核此前未能建立".into())),
        };
        self.image_gate = Lazy::Built(Arc::clone(&gate));
        Ok(gate)
    }
}

pub(crate) fn check_running(ledger: &Ledger, stop_file: &Path) -> Result<()> {
    switch::check_file(stop_file)?;
    match ledger.halt()? {
        Some(halt) => Err(ledger::Error::from(halt).into()),
        None => Ok(()),
    }
}

/// The ledger in the file `path`, which must continue what its key signed last.
pub(crate) fn open_ledger(path: &Path, vault: &VaultSettings, clock: Arc<dyn Clock>) -> Result<Ledger> {
    let ledger = Ledger::open(Box::new(SqliteLog::open(path)?), clock)?.with_vault(vault)?;
    ledger.check_last_signed(&KeyFiles::of(path, None))?;
    Ok(ledger)
}

/// Where the tests kill the process; nothing in a build.
#[cfg(not(test))]
#[inline]
fn failpoint(_step: &str) {}

#[cfg(test)]
use crate::killed::failpoint;

/// A seed for a request that names none. It has 32 bits, so that it survives every JSON reader and torch accepts it.
pub fn random_seed() -> Result<u64> {
    let mut random = [0; 4];
    fill_random(&mut random)?;
    Ok(u64::from(u32::from_le_bytes(random)))
}

/// The folder's outbox, where what a crash left is settled by what the ledger knows.
pub(crate) fn open_outbox(folder: &Path, existing: Existing, ledger: &Ledger) -> Result<Outbox> {
    Ok(Outbox::open(folder, existing, |id| {
        ledger.find(id).map(|found| found.as_ref().and_then(ledger::Entry::release_name).map(str::to_owned))
    })?)
}

/// A new id of a file.
pub(crate) fn new_id(clock: &dyn Clock) -> Result<ProduceId> {
    let mut random = [0; 10];
    fill_random(&mut random)?;
    Ok(ProduceId::new(clock.now(), random))
}

fn fill_random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| Error::Random(error.to_string()))
}

fn file_name(produce_id: ProduceId, format: FileFormat) -> String {
    format!("{produce_id}.{}", format.extension())
}

fn check(request: &Request) -> Result<()> {
    policy::validate_prompt(&request.texts.prompt)?;
    if !request.texts.negative_prompt.is_empty() {
        policy::validate_prompt(&request.texts.negative_prompt)?;
    }
    let in_range = |name: &str, chinese: &str, value: u32, limit: u32| {
        if (1..=limit).contains(&value) {
            return Ok(());
        }
        Err(Error::InvalidRequest(format!(
            "{name} must be from 1 to {limit}, not {value} / {chinese}应在 1 到 {limit} 之间，而不是 {value}"
        )))
    };
    in_range("count", "张数", request.count, MAXIMUM_COUNT)?;
    let Asked::Picture(picture) = &request.asked else { return Ok(()) };
    in_range("width", "宽", picture.width, MAXIMUM_SIDE)?;
    in_range("height", "高", picture.height, MAXIMUM_SIDE)?;
    in_range("steps", "步数", picture.num_inference_steps, MAXIMUM_STEPS)?;
    if !picture.guidance_scale.is_finite() || !(0.0..=100.0).contains(&picture.guidance_scale) {
        let value = picture.guidance_scale;
        return Err(Error::InvalidRequest(format!(
            "guidance scale must be from 0 to 100, not {value} / 引导强度应在 0 到 100 之间，而不是 {value}"
        )));
    }
    Ok(())
}
