//! Schedules and steps are those of diffusers: goldens by `testkit/scripts/scheduler_goldens.py`.

use engine::model_folder::JsonFile;
use engine::schedulers::{FlowMatchEulerConfiguration, FlowMatchEulerDiscrete, Steps};
use engine::{Device, Error, Tensor};
use serde::Deserialize;
use spec::RunPrecision;
use std::path::Path;

/// A few units in the last place of f32 for values up to 1; timesteps carry a factor of 1000.
const TOLERANCE: f32 = 3e-7;
const TIMESTEP_TOLERANCE: f32 = 3e-4;

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    configuration: serde_json::Value,
    count: usize,
    input_sigmas: Option<Vec<f32>>,
    mu: Option<f64>,
    sigmas: Vec<f32>,
    timesteps: Vec<f32>,
    sample: Option<Vec<f32>>,
    #[serde(default)]
    model_outputs: Vec<Vec<f32>>,
    #[serde(default)]
    noises: Vec<Vec<f32>>,
    #[serde(default)]
    samples: Vec<Vec<f32>>,
}

fn configuration(json: &str) -> Result<FlowMatchEulerConfiguration, Error> {
    FlowMatchEulerConfiguration::from_json(&JsonFile::parse(Path::new("scheduler_config.json"), json.as_bytes())?)
}

fn compare(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance, "{what}: {found} is not {expected}");
    }
}

#[test]
fn schedules_and_steps_are_those_of_diffusers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/goldens/schedulers.json");
    let goldens: Goldens = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(goldens.cases.len() > 300);
    let device = Device::cpu(RunPrecision::F32);
    let tensor = |values: &[f32]| Tensor::from_f32(values.to_vec(), &[values.len()], &device).unwrap();
    let mut stepped = 0;
    for case in &goldens.cases {
        let scheduler = FlowMatchEulerDiscrete::new(configuration(&case.configuration.to_string()).unwrap());
        let steps = case.input_sigmas.as_deref().map_or(Steps::Count(case.count), Steps::Sigmas);
        let schedule = scheduler.set_timesteps(steps, case.mu).unwrap();
        compare(&format!("{}: sigmas", case.name), schedule.sigmas(), &case.sigmas, TOLERANCE);
        compare(&format!("{}: timesteps", case.name), schedule.timesteps(), &case.timesteps, TIMESTEP_TOLERANCE);
        let Some(sample) = &case.sample else { continue };
        let mut sample = tensor(sample);
        for (index, output) in case.model_outputs.iter().enumerate() {
            sample = schedule.step(index, &tensor(output), &sample, Some(&tensor(&case.noises[index]))).unwrap();
            compare(&format!("{}: step {index}", case.name), sample.f32().unwrap(), &case.samples[index], 4e-6);
            stepped += 1;
        }
        assert!(schedule.step(case.count, &sample, &sample, Some(&sample)).is_err());
    }
    assert!(stepped > 100);
}

#[test]
fn configurations_that_diffusers_refuses_are_errors() {
    for (json, field) in [
        (r#"{"time_shift_type": "cubic"}"#, "time_shift_type"),
        (r#"{"use_karras_sigmas": true, "use_beta_sigmas": true}"#, "use_beta_sigmas"),
        (r#"{"shift": "large"}"#, "shift"),
        (r#"{"shift": -1.0}"#, "shift"),
        (r#"{"num_train_timesteps": 0}"#, "num_train_timesteps"),
        (r#"{"num_train_timesteps": 4000000000}"#, "num_train_timesteps"),
        (r#"{"shift_terminal": 1.5}"#, "shift_terminal"),
    ] {
        match configuration(json) {
            Err(Error::InvalidFile { detail, .. }) => assert!(detail.starts_with(field), "{json}: {detail}"),
            other => panic!("{json}: {other:?}"),
        }
    }
    let other = configuration(r#"{"_class_name": "DDIMScheduler"}"#);
    assert!(matches!(other, Err(Error::Unsupported(text)) if text.contains("DDIMScheduler")));
}

#[test]
fn impossible_requests_are_errors() {
    let dynamic = FlowMatchEulerDiscrete::new(configuration(r#"{"use_dynamic_shifting": true}"#).unwrap());
    assert!(matches!(dynamic.set_timesteps(Steps::Count(4), None), Err(Error::InvalidRequest(_))));
    let plain = FlowMatchEulerDiscrete::new(configuration("{}").unwrap());
    assert!(matches!(plain.set_timesteps(Steps::Count(0), None), Err(Error::InvalidRequest(_))));
    assert!(matches!(plain.set_timesteps(Steps::Sigmas(&[]), None), Err(Error::InvalidRequest(_))));
    assert!(matches!(plain.set_timesteps(Steps::Sigmas(&[1.0, f32::NAN]), None), Err(Error::InvalidRequest(_))));
}

#[test]
fn dynamic_mu_is_the_line_of_the_pipelines() {
    let flux = FlowMatchEulerDiscrete::new(FlowMatchEulerConfiguration::default());
    for (tokens, mu) in [(256, 0.5), (4096, 1.15), (2176, 0.825)] {
        assert!((flux.dynamic_mu(tokens) - mu).abs() < 1e-12, "{tokens}");
    }
}
