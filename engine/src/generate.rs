use crate::error::{Error, Result};
use crate::families::{Control, FamilyRequest, Observer, Progress, Shortcuts};
use crate::loaded_model::LoadedModel;
use crate::solvers;
use crate::waist::Tensor;
use spec::stage::{self, Cleared};
use spec::{Artifact, Asked, ModelIdentity, Picture, PictureRequest, Request, Verdict};
use std::ops::Range;
use std::sync::Arc;

/// What a model made. Only [`generate`] makes one.
pub struct Generated {
    cleared: Arc<dyn Cleared + Send + Sync>,
    model: ModelIdentity,
    seed: u64,
    artifact: Artifact,
}

impl stage::Origin for Generated {
    fn request(&self) -> &Request {
        self.cleared.request()
    }

    fn verdict(&self) -> &Verdict {
        self.cleared.verdict()
    }

    fn model(&self) -> &ModelIdentity {
        &self.model
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

impl stage::Generated for Generated {
    fn artifact(&self) -> &Artifact {
        &self.artifact
    }
}

/// Generates artifacts `range` of a cleared request. Artifact `i` has seed `request.seed + i` (wrapping) and is the same, bit for bit,
/// whichever others it is generated with.
pub fn generate<C: Cleared + Send + Sync + 'static>(
    model: &mut LoadedModel,
    cleared: &Arc<C>,
    range: Range<u32>,
    observer: &mut dyn FnMut(Progress) -> Control,
) -> Result<Vec<Generated>> {
    let request = cleared.request();
    let observer: &mut Observer<'_> = observer;
    let artifacts: Vec<Artifact> = match &request.asked {
        Asked::Picture(_) => {
            let pictures = model.family()?.generate(&family_request(request, range.clone())?, observer)?;
            pictures.iter().map(|picture| Ok(Artifact::Picture(to_bytes(picture)?))).collect::<Result<_>>()?
        }
        Asked::Design(asked) => {
            range.clone().map(|_| Ok(Artifact::Design(Box::new(solvers::design(asked, observer)?)))).collect::<Result<_>>()?
        }
    };
    let seeds = range.map(|index| request.seed.wrapping_add(u64::from(index)));
    let generated = artifacts.into_iter().zip(seeds).map(|(artifact, seed)| {
        let cleared: Arc<dyn Cleared + Send + Sync> = Arc::<C>::clone(cleared);
        Generated { cleared, model: model.identity().clone(), seed, artifact }
    });
    Ok(generated.collect())
}

/// What the family is asked for: pictures `range` of a request.
pub(crate) fn family_request(request: &Request, range: Range<u32>) -> Result<FamilyRequest> {
    let asked = picture_of(request)?;
    Ok(FamilyRequest {
        prompts: range.clone().map(|_| request.texts.prompt.clone()).collect(),
        negative_prompt: request.texts.negative_prompt.clone(),
        width: asked.width as usize,
        height: asked.height as usize,
        num_inference_steps: asked.num_inference_steps as usize,
        guidance_scale: asked.guidance_scale,
        seeds: range.map(|index| request.seed.wrapping_add(u64::from(index))).collect(),
        shortcuts: Shortcuts { guidance_interval: asked.guidance_interval.map(|[low, high]| low..=high), ..request.run.speed.into() },
    })
}

/// The picture that a request asks for.
pub(crate) fn picture_of(request: &Request) -> Result<&PictureRequest> {
    match &request.asked {
        Asked::Picture(picture) => Ok(picture),
        other @ Asked::Design(_) => Err(Error::InvalidRequest(format!(
            "model {} makes pictures, not a {} / 模型 {} 生成图片，而不是{}",
            request.model,
            other.kind(),
            request.model,
            other.kind().chinese()
        ))),
    }
}

/// 8-bit sRGB as diffusers rounds it.
pub(crate) fn to_bytes(picture: &Tensor) -> Result<Picture> {
    let pixels = picture.f32()?.iter().map(|value| (value * 255.0).round_ties_even() as u8).collect();
    Picture::new(picture.size(1) as u32, picture.size(0) as u32, pixels)
        .map_err(|error| Error::Shape { operation: "picture", detail: error.to_string() })
}
