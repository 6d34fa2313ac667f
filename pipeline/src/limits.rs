//! What no request may ask for, whatever the model.

use crate::{Error, Result};
use spec::{Asked, PictureRequest, Request};

/// Most artifacts of one request.
const MAXIMUM_COUNT: u32 = 10_000;
/// Longest side of a picture, in pixels: beyond it no supported model was trained.
const MAXIMUM_SIDE: u32 = 8_192;
/// Most denoising steps: schedulers are trained on a thousand noise levels.
const MAXIMUM_STEPS: u32 = 1_000;
/// Strongest guidance: beyond it every model that is known burns its pictures out.
const MAXIMUM_GUIDANCE: f32 = 100.0;

pub fn check(request: &Request) -> Result<()> {
    in_range("count", "张数", request.count, MAXIMUM_COUNT)?;
    match &request.asked {
        Asked::Picture(picture) => check_picture(request, picture),
        Asked::Design(design) => {
            if request.count != 1 {
                return Err(Error::InvalidRequest(
                    "a problem has one design: leave the count at 1 / 一个问题只有一个设计，数量应为 1".into(),
                ));
            }
            Ok(engine::solvers::check_problem(&design.problem)?)
        }
    }
}

fn check_picture(request: &Request, picture: &PictureRequest) -> Result<()> {
    policy::validate_prompt(&request.texts.prompt)?;
    // Blank is none.
    if !request.texts.negative_prompt.trim().is_empty() {
        policy::validate_prompt(&request.texts.negative_prompt)?;
    }
    in_range("width", "宽", picture.width, MAXIMUM_SIDE)?;
    in_range("height", "高", picture.height, MAXIMUM_SIDE)?;
    in_range("steps", "步数", picture.num_inference_steps, MAXIMUM_STEPS)?;
    let value = picture.guidance_scale;
    if !(0.0..=MAXIMUM_GUIDANCE).contains(&value) {
        return Err(Error::InvalidRequest(format!(
            "guidance scale must be from 0 to {MAXIMUM_GUIDANCE}, not {value} / 引导强度应在 0 到 {MAXIMUM_GUIDANCE} 之间，而不是 {value}"
        )));
    }
    // While a model runs, processors take such numbers for zero: they would not read back as they are recorded.
    let numbers = picture.guidance_interval.unwrap_or_default().into_iter().chain([value]);
    if let Some(tiny) = numbers.into_iter().find(|number| number.is_subnormal()) {
        return Err(Error::InvalidRequest(format!(
            "{tiny:e} is too small a number for guidance: 0, or 1.2e-38 and more, is expected / 引导参数 {tiny:e} 过小，应为 0 或不小于 1.2e-38"
        )));
    }
    Ok(())
}

fn in_range(name: &str, chinese: &str, value: u32, limit: u32) -> Result<()> {
    if (1..=limit).contains(&value) {
        return Ok(());
    }
    Err(Error::InvalidRequest(format!("{name} must be from 1 to {limit}, not {value} / {chinese}应在 1 到 {limit} 之间，而不是 {value}")))
}

#[cfg(test)]
mod tests {
    use super::check;
    use spec::{Asked, FileFormat, PictureRequest, Request, Texts};

    #[test]
    fn numbers_that_would_read_back_as_zero_are_refused_by_their_name() {
        let asked = Asked::Picture(PictureRequest {
            width: 128,
            height: 128,
            num_inference_steps: 1,
            guidance_scale: 0.0,
            guidance_interval: None,
            format: FileFormat::Png,
        });
        let request = Request::of("xiaopin", Texts::of("苹果"), asked);
        assert!(check(&request).is_ok());
        for change in [
            |picture: &mut PictureRequest| picture.guidance_scale = 1e-39,
            |picture: &mut PictureRequest| picture.guidance_interval = Some([1e-39, 1.0]),
        ] {
            let error = check(&request.clone().with_picture(change)).unwrap_err().to_string();
            assert!(error.contains("too small") && error.contains("过小"), "{error}");
        }
    }
}
