//! On the same weights and the same batch the trainer has PyTorch's loss and PyTorch's gradients, and a run that starts from a
//! PyTorch checkpoint holds its weights bit for bit: goldens by `testkit/scripts/training_goldens.py`.

mod packages;
mod tiny;

use engine::Device;
use engine::weights::{SafetensorsSource, TensorSource as _};
use serde_json::Value;
use spec::RunPrecision;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use trainer::autodiff::{Gradients, Recorder};
use trainer::networks::{self, Conditioner};
use trainer::parameters::{Layout, Parameters};
use trainer::recipe::Recipe;
use trainer::stages::{AutoencoderBatch, DenoiserBatch, Losses, autoencoder_step, denoiser_step};
use trainer::{Existing, Options, Stage};

/// Relative. Only the order of f32 sums differs.
const LOSS_TOLERANCE: f32 = 1e-5;
/// Of one value, in shares of the greatest value of the same parameter's gradient. PyTorch's own f32 gradients lie up to 1.5e-5
/// from its f64 ones, at biases before a normalisation, which takes most of their gradient away.
const GRADIENT_TOLERANCE: f32 = 5e-5;
/// Loss of a run whose products round their operands to eight bits, relative to PyTorch's in f32.
const BF16_LOSS_TOLERANCE: f32 = 5e-3;
/// Euclidean distance of all its gradients together from PyTorch's in f32, in shares of their length.
const BF16_GRADIENT_TOLERANCE: f32 = 5e-2;

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/goldens/training")
}

fn recipe() -> Recipe {
    Recipe::read(&goldens().join("parity.recipe.toml")).unwrap()
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn read(source: &SafetensorsSource, name: &str) -> Vec<f32> {
    source.tensor(name, &Device::cpu(RunPrecision::F32)).unwrap().f32().unwrap().to_vec()
}

/// The weights that diffusers and transformers saved, in the order of `layout`.
fn checkpoint(layout: &Layout) -> Vec<f32> {
    let open = |file: &str| SafetensorsSource::open(&goldens().join("model").join(file)).unwrap();
    let components = [
        ("vae/", open("vae/diffusion_pytorch_model.safetensors")),
        ("transformer/", open("transformer/diffusion_pytorch_model.safetensors")),
        ("text_encoder/", open("text_encoder/model.safetensors")),
    ];
    let mut values = Vec::with_capacity(layout.len());
    for (name, slot) in layout.slots() {
        let mut found = components.iter().filter_map(|(prefix, source)| Some((name.strip_prefix(prefix)?, source)));
        let (name, source) = found.next().unwrap();
        assert_eq!(source.shape(name), Some(slot.shape.clone()), "{name}");
        values.extend(read(source, name));
    }
    values
}

/// What PyTorch made of one batch.
struct Golden(SafetensorsSource);

impl Golden {
    fn open(file: &str) -> Self {
        Self(SafetensorsSource::open(&goldens().join(file)).unwrap())
    }

    fn values(&self, name: &str) -> Vec<f32> {
        read(&self.0, name)
    }

    fn loss(&self, part: &str) -> f32 {
        self.values(&format!("loss/{part}"))[0]
    }

    /// Parameter and gradient of everything that PyTorch's loss depends on.
    fn gradients(&self) -> Vec<(String, Vec<f32>)> {
        self.0.names().iter().filter_map(|name| Some((name.strip_prefix("gradient/")?.to_owned(), self.values(name)))).collect()
    }
}

struct Autoencoding {
    recipe: Recipe,
    layout: Layout,
    golden: Golden,
}

impl Autoencoding {
    fn new() -> Self {
        let recipe = recipe();
        Self { layout: networks::autoencoder_layout(&recipe), recipe, golden: Golden::open("autoencoder.safetensors") }
    }

    fn step(&self, precision: RunPrecision, values: &[f32]) -> (Gradients, Losses) {
        let batch = AutoencoderBatch { pictures: self.golden.values("pictures"), noise: self.golden.values("noise"), size: 2, side: 32 };
        autoencoder_step(&Recorder::new(precision), &self.recipe, &self.layout, values, &batch).unwrap()
    }
}

struct Denoising {
    recipe: Recipe,
    conditioner: Conditioner,
    layout: Layout,
    golden: Golden,
}

impl Denoising {
    fn new() -> Self {
        let recipe = recipe();
        let tokenizer = read_json(&goldens().join("model/tokenizer/tokenizer.json"));
        let conditioner = Conditioner::new(&recipe, &tokenizer).unwrap();
        let layout = networks::denoiser_layout(&recipe, &tokenizer);
        Self { recipe, conditioner, layout, golden: Golden::open("denoiser.safetensors") }
    }

    /// Token ids of each prompt, by our tokenizer.
    fn tokens(&self) -> Vec<Vec<u32>> {
        let prompts: Vec<String> = serde_json::from_str(&self.golden.0.metadata()["prompts"]).unwrap();
        prompts.iter().map(|prompt| self.conditioner.tokens(prompt).unwrap()).collect()
    }

    fn step(&self, precision: RunPrecision, values: &[f32]) -> (Gradients, f32) {
        let golden = &self.golden;
        let batch = DenoiserBatch {
            tokens: self.tokens(),
            sigmas: golden.values("sigmas"),
            noised: golden.values("noised"),
            velocity: golden.values("velocity"),
        };
        let recorder: Arc<Recorder> = Recorder::new(precision);
        denoiser_step(&recorder, &self.recipe, Parameters { layout: &self.layout, values }, &self.conditioner, &batch).unwrap()
    }
}

fn relative(ours: f32, theirs: f32) -> f32 {
    (ours - theirs).abs() / theirs.abs()
}

/// Every trained parameter has a gradient that is not zero, and it is PyTorch's: returns the greatest difference of one value,
/// in shares of the greatest value of the same parameter's gradient.
fn greatest_difference(gradients: &Gradients, golden: &Golden, layout: &Layout) -> f32 {
    let theirs = golden.gradients();
    let trained = layout.slots().keys().filter(|name| ![networks::LATENT_MEAN, networks::LATENT_VARIANCE].contains(&name.as_str()));
    assert!(trained.eq(theirs.iter().map(|(name, _)| name)), "PyTorch and the trainer train the same parameters");
    assert!(gradients.names().eq(theirs.iter().map(|(name, _)| name.as_str())));
    let mut worst = (0.0, "");
    for (name, theirs) in &theirs {
        let ours = gradients.get(name).unwrap();
        assert_eq!(ours.len(), theirs.len(), "{name}");
        let greatest = theirs.iter().fold(0.0_f32, |greatest, value| greatest.max(value.abs()));
        assert!(greatest > 1e-6 && ours.iter().any(|value| *value != 0.0), "{name} has no gradient");
        for (ours, theirs) in ours.iter().zip(theirs) {
            let difference = (ours - theirs).abs() / greatest;
            assert!(difference.is_finite(), "{name}");
            worst = if difference > worst.0 { (difference, name.as_str()) } else { worst };
        }
    }
    println!(
        "gradients of {} parameters: greatest difference {:.1e} of the gradient's greatest value ({})",
        theirs.len(),
        worst.0,
        worst.1
    );
    worst.0
}

/// Euclidean distance of all gradients together, in shares of the length of PyTorch's.
fn distance(gradients: &Gradients, golden: &Golden) -> f32 {
    let (mut apart, mut length) = (0.0, 0.0);
    for (name, theirs) in golden.gradients() {
        for (ours, theirs) in gradients.get(&name).unwrap().iter().zip(theirs) {
            apart += (ours - theirs).powi(2);
            length += theirs.powi(2);
        }
    }
    (apart / length).sqrt()
}

#[test]
fn the_autoencoder_has_the_loss_and_the_gradients_of_pytorch() {
    let case = Autoencoding::new();
    let values = checkpoint(&case.layout);
    let (gradients, losses) = case.step(RunPrecision::F32, &values);
    let parts = [
        ("total", losses.total),
        ("absolute", losses.absolute),
        ("squared", losses.squared),
        ("edge", losses.edge),
        ("divergence", losses.divergence),
    ];
    for (part, ours) in parts {
        let theirs = case.golden.loss(part);
        println!("autoencoder, f32, {part}: {ours} and {theirs}, apart by {:.1e}", relative(ours, theirs));
        assert!(relative(ours, theirs) < LOSS_TOLERANCE, "{part}: {ours}, PyTorch {theirs}");
    }
    assert!(greatest_difference(&gradients, &case.golden, &case.layout) < GRADIENT_TOLERANCE);
}

#[test]
fn denoiser_and_text_encoder_have_the_loss_and_the_gradients_of_pytorch() {
    let case = Denoising::new();
    let tokens: Vec<Vec<u32>> = serde_json::from_str(&case.golden.0.metadata()["tokens"]).unwrap();
    assert_eq!(case.tokens(), tokens, "the tokenizers differ");
    let values = checkpoint(&case.layout);
    let (gradients, ours) = case.step(RunPrecision::F32, &values);
    let theirs = case.golden.loss("total");
    println!("denoiser, f32: {ours} and {theirs}, apart by {:.1e}", relative(ours, theirs));
    assert!(relative(ours, theirs) < LOSS_TOLERANCE, "{ours}, PyTorch {theirs}");
    assert!(greatest_difference(&gradients, &case.golden, &case.layout) < GRADIENT_TOLERANCE);
}

#[test]
fn in_bfloat16_loss_and_gradients_stay_near_those_of_pytorch_in_f32() {
    let (autoencoding, denoising) = (Autoencoding::new(), Denoising::new());
    let (autoencoder, losses) = autoencoding.step(RunPrecision::Bf16, &checkpoint(&autoencoding.layout));
    let (denoiser, loss) = denoising.step(RunPrecision::Bf16, &checkpoint(&denoising.layout));
    for (name, ours, golden, gradients) in
        [("autoencoder", losses.total, &autoencoding.golden, autoencoder), ("denoiser", loss, &denoising.golden, denoiser)]
    {
        let (loss, gradient) = (relative(ours, golden.loss("total")), distance(&gradients, golden));
        println!("{name}, bf16: {ours} and {}, apart by {loss:.1e}; gradients by {gradient:.1e}", golden.loss("total"));
        assert!(loss < BF16_LOSS_TOLERANCE && gradient < BF16_GRADIENT_TOLERANCE, "{name}: loss apart by {loss}, gradients by {gradient}");
    }
}

/// A changed weight must show: otherwise equal losses would say nothing.
#[test]
fn every_weight_counts() {
    let case = Denoising::new();
    let values = checkpoint(&case.layout);
    let theirs = case.golden.loss("total");
    for (name, slot) in case.layout.slots() {
        let mut changed = values.clone();
        changed[slot.range.clone()].rotate_left(1);
        let (_, ours) = case.step(RunPrecision::F32, &changed);
        assert!(relative(ours, theirs) > LOSS_TOLERANCE, "{name} does not show: {ours}");
    }
}

#[test]
fn a_run_that_starts_from_the_checkpoint_holds_its_weights() {
    let place = tempfile::tempdir().unwrap();
    packages::write_packages(place.path());
    let path = place.path().join("parity.recipe.toml");
    std::fs::copy(goldens().join("parity.recipe.toml"), &path).unwrap();
    let options = Options {
        data: place.path().to_owned(),
        output: place.path().join("run"),
        existing: Existing::Refuse,
        initialise: Some(goldens().join("model")),
        until: Stage::Denoiser,
        time_limit: None,
    };
    trainer::train(&path, &options, &tiny::encode, &AtomicBool::new(false)).unwrap();

    let recipe = recipe();
    let first = Denoising::new().layout;
    let tokenizer = read_json(&options.output.join("tokenizer.json"));
    let run = [
        ("autoencoder.safetensors", networks::autoencoder_layout(&recipe), networks::autoencoder_layout(&recipe)),
        ("denoiser.safetensors", networks::denoiser_layout(&recipe, &tokenizer), first),
    ];
    for (file, layout, first) in run {
        let values = read(&SafetensorsSource::open(&options.output.join(file)).unwrap(), "values");
        let theirs = checkpoint(&first);
        for (name, slot) in layout.slots() {
            if [networks::LATENT_MEAN, networks::LATENT_VARIANCE].contains(&name.as_str()) {
                continue; // The statistics are those of the run's own latents.
            }
            // New captions bring new tokens, whose rows come after the checkpoint's.
            let theirs = &theirs[first.slots()[name].range.clone()];
            let ours = &values[slot.range.start..][..theirs.len()];
            assert!(ours == theirs, "{name} is not what PyTorch saved");
        }
    }
}
