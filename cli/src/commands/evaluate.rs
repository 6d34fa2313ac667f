use crate::arguments::EvaluateOptions;
use crate::failure::Failure;
use crate::progress;
use engine::families::{Control, Residency};
use engine::measure::Measurement;
use engine::{LoadedModel, ModelDefaults};
use serde_json::json;
use spec::{Request, Run};
use trainer::data::{DataRecipe, Dataset, PALETTE};
use trainer::evaluation::{ConceptMatcher, border_colour};

/// Seed of the choice of prompts and of the pictures, so that a figure can be measured again.
const SEED: u64 = 20_261_123;
/// Pictures made together.
const BATCH: usize = 16;
/// Wrong answers that are listed.
const LISTED: usize = 20;

pub fn run(options: &EvaluateOptions) -> Result<u8, Failure> {
    let dataset = Dataset::open(DataRecipe::read(&options.recipe)?, &options.data)?;
    let folder = installation::find_model(&options.model)?;
    let defaults = ModelDefaults::read(&folder)?;
    let mut model = LoadedModel::open(folder, &options.model, options.dtype, Residency::Keep)?;
    let concepts = dataset.concept_prompts(SEED, options.prompts);
    let backgrounds = dataset.background_prompts(SEED, options.prompts);
    let prompts: Vec<String> =
        concepts.iter().map(|prompt| prompt.prompt.clone()).chain(backgrounds.iter().map(|prompt| prompt.prompt.clone())).collect();
    let bar = progress::steps(prompts.len() as u64);
    let request = request(options, defaults);
    let mut pictures = Vec::new();
    for batch in prompts.chunks(BATCH) {
        let seed = SEED + pictures.len() as u64;
        pictures.extend(Measurement::of(&mut model).pixels(&request, batch, seed, &mut |_| Control::Continue)?);
        bar.set_position(pictures.len() as u64);
    }
    bar.finish_and_clear();
    let side = defaults.width as usize;
    let matcher = ConceptMatcher::new(&dataset);
    let (mut first, mut among_five, mut wrong) = (0, 0, Vec::new());
    for (prompt, picture) in concepts.iter().zip(&pictures) {
        let ranking = matcher.ranking(picture, side);
        first += usize::from(ranking.first() == Some(&prompt.concept));
        among_five += usize::from(ranking.iter().take(5).any(|concept| *concept == prompt.concept));
        if ranking.first() != Some(&prompt.concept) && wrong.len() < LISTED {
            let name = |concept: usize| dataset.concepts()[concept].chinese[0].clone();
            wrong.push(format!("{} → {}", prompt.prompt, ranking.first().map_or_else(String::new, |concept| name(*concept))));
        }
    }
    let coloured =
        backgrounds.iter().zip(&pictures[concepts.len()..]).filter(|(prompt, picture)| border_colour(picture, side) == prompt.colour);
    let right = coloured.count();
    let share = |count: usize, all: usize| count as f64 / all.max(1) as f64;
    println!(
        "{}",
        json!({
            "model_sha256": model.identity().sha256,
            "concepts_known": dataset.concepts().len(),
            "colours_known": PALETTE.len(),
            "concept_prompts": concepts.len(),
            "nearest_concept_is_right": share(first, concepts.len()),
            "right_concept_among_nearest_5": share(among_five, concepts.len()),
            "background_prompts": backgrounds.len(),
            "border_colour_is_right": share(right, backgrounds.len()),
            "wrong_examples": wrong,
        })
    );
    Ok(0)
}

fn request(options: &EvaluateOptions, defaults: ModelDefaults) -> Request {
    Request { seed: SEED, run: Run::exact(options.dtype), ..defaults.request(&options.model, "") }
}
