//! Requests as leaves of versions 1 and 2 write them: one flat object, which holds pictures alone.
use serde::de::Deserializer;
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use spec::{Asked, FileFormat, PictureRequest, Request, Run, RunPrecision, Speed, Texts};

#[derive(Serialize, Deserialize)]
struct FlatRequest {
    prompt: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original_prompt: Option<String>,
    negative_prompt: String,
    model: String,
    width: u32,
    height: u32,
    num_inference_steps: u32,
    guidance_scale: f32,
    seed: u64,
    count: u32,
    dtype: RunPrecision,
    #[serde(default, skip_serializing_if = "is_exact")]
    speed: Speed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guidance_interval: Option<[f32; 2]>,
    format: FileFormat,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_exact(speed: &Speed) -> bool {
    *speed == Speed::Exact
}

pub fn serialize<S: Serializer>(request: &Request, serializer: S) -> Result<S::Ok, S::Error> {
    let Asked::Picture(picture) = &request.asked else {
        return Err(S::Error::custom(format!("a leaf of version 2 cannot hold a {}", request.asked.kind())));
    };
    let (texts, picture) = (request.texts.clone(), picture.clone());
    FlatRequest {
        prompt: texts.prompt,
        original_prompt: texts.original_prompt,
        negative_prompt: texts.negative_prompt,
        model: request.model.clone(),
        width: picture.width,
        height: picture.height,
        num_inference_steps: picture.num_inference_steps,
        guidance_scale: picture.guidance_scale,
        seed: request.seed,
        count: request.count,
        dtype: request.run.dtype,
        speed: request.run.speed,
        guidance_interval: picture.guidance_interval,
        format: picture.format,
    }
    .serialize(serializer)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Request, D::Error> {
    let flat = FlatRequest::deserialize(deserializer)?;
    Ok(Request {
        model: flat.model,
        texts: Texts { prompt: flat.prompt, original_prompt: flat.original_prompt, negative_prompt: flat.negative_prompt },
        seed: flat.seed,
        count: flat.count,
        run: Run { dtype: flat.dtype, speed: flat.speed },
        asked: Asked::Picture(PictureRequest {
            width: flat.width,
            height: flat.height,
            num_inference_steps: flat.num_inference_steps,
            guidance_scale: flat.guidance_scale,
            guidance_interval: flat.guidance_interval,
            format: flat.format,
        }),
    })
}
