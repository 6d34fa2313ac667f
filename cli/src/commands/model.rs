use crate::arguments::{CheckOptions, InspectOptions};
use crate::failure::Failure;
use engine::families::Residency;
use engine::measure::Measurement;
use engine::weights::{SafetensorsSource, TensorSource as _};
use engine::{Device, LoadedModel, ModelDefaults};
use serde_json::json;
use spec::{Asked, Code, FileFormat, PictureRequest, Request, Run, RunPrecision, Texts};
use std::str::FromStr;

/// Largest absolute difference that passes in f32: seven digits through tens of layers and steps leave four.
const TOLERANCE_F32: f32 = 1e-3;
/// Largest absolute difference that passes in bf16, whose operands have two to three digits.
const TOLERANCE_BF16: f32 = 0.1;
/// Largest absolute difference that passes in int8, whose operands have two digits; an edge that moves by a pixel differs by much.
const TOLERANCE_INT8: f32 = 0.2;

pub fn inspect(options: &InspectOptions) -> Result<u8, Failure> {
    let inspection = engine::inspection::inspect(&installation::find_model(&options.model)?)?;
    if options.json {
        println!("{}", json!(inspection));
        return Ok(0);
    }
    println!("{}  ({})", inspection.class_name, inspection.diffusers_version.as_deref().unwrap_or("?"));
    for component in &inspection.components {
        let types = component.dtypes.iter().map(|(name, count)| format!("{name}×{count}")).collect::<Vec<_>>().join(" ");
        println!(
            "  {:<16} {:<34} {:>15} parameters / 参数 {:>15} bytes / 字节  {types}{}",
            component.name,
            component.class_name,
            component.parameters,
            component.bytes,
            if component.supported { "" } else { "  NOT SUPPORTED / 不支持" }
        );
    }
    println!("  total / 合计: {} parameters / 参数, {} bytes / 字节", inspection.parameters, inspection.bytes);
    if inspection.supported {
        println!("  supported / 支持");
    }
    for reason in &inspection.reasons {
        println!("  not supported / 不支持: {reason}");
    }
    for warning in &inspection.warnings {
        println!("  warning / 警告 {}: {warning}", warning.code());
    }
    Ok(0)
}

pub fn check(options: &CheckOptions) -> Result<u8, Failure> {
    let reference = SafetensorsSource::open(&options.reference)?;
    let folder = installation::find_model(&options.model)?;
    let request = request(options, &reference, ModelDefaults::read(&folder)?)?;
    let device = Device::cpu(RunPrecision::F32);
    let expected = reference.tensor("image", &device)?;
    let (width, height) = request.picture_size();
    let shape = [height as usize, width as usize, 3];
    if expected.shape() != shape {
        let message = format!(
            "{}: image has shape {:?}, the metadata says {shape:?} / 参考图形状与元数据不符",
            options.reference.display(),
            expected.shape()
        );
        return Err(Failure::new(Code::DataInvalid, message));
    }
    let mut model = LoadedModel::open(folder, &options.model, options.dtype, Residency::OneAtATime)?;
    let picture = Measurement::of(&mut model).picture(&request)?;
    let difference = Difference::between(picture.f32()?, expected.to_f32().f32()?);
    let tolerance = options.tolerance.unwrap_or(match options.dtype {
        RunPrecision::F32 => TOLERANCE_F32,
        RunPrecision::Bf16 => TOLERANCE_BF16,
        RunPrecision::Int8 => TOLERANCE_INT8,
    });
    // A comparison with NaN is false: such a picture does not pass.
    let passed = difference.maximum <= tolerance;
    println!(
        "{}",
        json!({
            "max_absolute_difference": difference.maximum,
            "mean_absolute_difference": difference.mean,
            "psnr_db": difference.psnr(),
            "tolerance": tolerance,
            "dtype": options.dtype,
            "passed": passed,
        })
    );
    Ok(if passed { 0 } else { Code::CheckFailed.exit_code() })
}

fn request(options: &CheckOptions, reference: &SafetensorsSource, defaults: ModelDefaults) -> Result<Request, Failure> {
    let metadata = reference.metadata();
    let invalid = |field: &str, problem: String| {
        Failure::new(Code::DataInvalid, format!("{}: metadata {field:?} {problem} / 元数据 {field:?} 有误", options.reference.display()))
    };
    let text = |field: &str| metadata.get(field).cloned().ok_or_else(|| invalid(field, "is missing".into()));
    Ok(Request {
        model: options.model.clone(),
        texts: Texts {
            prompt: text("prompt")?,
            negative_prompt: metadata.get("negative_prompt").cloned().unwrap_or_default(),
            ..Texts::default()
        },
        seed: number(Some(&text("seed")?), 0).map_err(|problem| invalid("seed", problem))?,
        count: 1,
        run: Run { dtype: options.dtype, speed: options.speed },
        asked: Asked::Picture(PictureRequest {
            width: number(metadata.get("width"), defaults.width).map_err(|problem| invalid("width", problem))?,
            height: number(metadata.get("height"), defaults.height).map_err(|problem| invalid("height", problem))?,
            num_inference_steps: number(metadata.get("num_inference_steps"), defaults.num_inference_steps)
                .map_err(|problem| invalid("num_inference_steps", problem))?,
            guidance_scale: number(metadata.get("guidance_scale"), defaults.guidance_scale)
                .map_err(|problem| invalid("guidance_scale", problem))?,
            guidance_interval: None,
            format: FileFormat::Png,
        }),
    })
}

fn number<T: FromStr>(text: Option<&String>, default: T) -> Result<T, String> {
    text.map_or(Ok(default), |text| text.trim().parse().map_err(|_| format!("is not a number: {text:?}")))
}

struct Difference {
    maximum: f32,
    mean: f64,
    mean_square: f64,
}

impl Difference {
    fn between(a: &[f32], b: &[f32]) -> Self {
        let (mut maximum, mut sum, mut squares) = (0.0_f32, 0.0_f64, 0.0_f64);
        for (a, b) in a.iter().zip(b) {
            let difference = (a - b).abs();
            // NaN must stay: `max` would drop it.
            maximum = if difference.is_nan() || difference > maximum { difference } else { maximum };
            sum += f64::from(difference);
            squares += f64::from(difference) * f64::from(difference);
        }
        let count = a.len().max(1) as f64;
        Self { maximum, mean: sum / count, mean_square: squares / count }
    }

    /// Peak signal-to-noise ratio over the range 0..1 in decibels; `None` for equal pictures.
    fn psnr(&self) -> Option<f64> {
        (self.mean_square > 0.0).then(|| -10.0 * self.mean_square.log10())
    }
}
