//! What is measured against what.
use super::environment::Environment;
use super::worker::{Side, Workers};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs;

/// In the order of BENCHMARKS.md; each has its section there.
pub const GROUPS: &[&str] = &["kernels", "block", "pipeline", "stable-diffusion", "checkpoint", "variations", "scaling"];
/// A turn of a kernel is repeated until it takes this long: shorter ones measure the clock and the waking of threads.
const SECONDS_A_TURN: f64 = 0.15;
/// Layers of the two forward passes whose difference is the time of blocks.
const LAYERS: [usize; 2] = [1, 3];

/// What a contestant is to the ratios of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Ceiling,
    Danqing,
    Eager,
    Compiled,
    Other,
}

/// One column of numbers.
pub struct Contestant {
    pub name: String,
    pub side: Side,
    pub role: Role,
    /// Loads; where there are two, a sample is the second's time less the first's, over the difference in layers.
    pub loads: Vec<Value>,
    pub threads: usize,
    /// What one run does, in the unit of its match.
    pub work: f64,
}

/// Contestants that take turns.
pub struct Match {
    pub title: String,
    /// Of speeds; none where only times are told.
    pub unit: Option<&'static str>,
    pub contestants: Vec<Contestant>,
    pub rounds: usize,
    pub seconds_a_turn: f64,
}

impl Contestant {
    fn new(name: &str, role: Role, loads: Vec<Value>, threads: usize) -> Self {
        let side = match role {
            Role::Ceiling | Role::Danqing => Side::Danqing,
            Role::Eager | Role::Compiled => Side::Diffusers,
            Role::Other => Side::StableDiffusion,
        };
        Self { name: name.to_owned(), side, role, loads, threads, work: 0.0 }
    }
}

/// A sample from the times of a contestant's loads.
pub fn sample(seconds: &[f64]) -> f64 {
    match seconds {
        [few, many] => (many - few) / (LAYERS[1] - LAYERS[0]) as f64,
        _ => seconds.iter().sum(),
    }
}

pub fn of_group(group: &str, workers: &Workers, environment: &Environment) -> Result<Vec<Match>> {
    let context = Subject { workers, environment };
    match group {
        "kernels" => Ok(context.kernels()),
        "block" => Ok(context.blocks()),
        "pipeline" => Ok(vec![context.pipeline()]),
        "stable-diffusion" => Ok(vec![context.stable_diffusion()]),
        "checkpoint" => Ok(vec![context.checkpoint(1)?]),
        "variations" => Ok(vec![context.checkpoint(if environment.tiny { 3 } else { 64 })?]),
        "scaling" => context.scaling(),
        other => bail!("there is no group {other}"),
    }
}

/// Operations of a kernel in units of the table.
fn kernel_work(order: &Value) -> f64 {
    let of = |field: &str| order[field].as_f64().unwrap_or(1.0);
    match order["kind"].as_str() {
        Some("gemm") => 2.0 * of("m") * of("k") * of("n"),
        Some("conv") => 18.0 * of("side").powi(2) * of("channels").powi(2),
        Some("attention") => 4.0 * of("heads") * of("tokens").powi(2) * of("width"),
        _ => 2.0 * of("bytes"),
    }
}

fn with(mut order: Value, field: &str, value: impl Into<Value>) -> Value {
    order[field] = value.into();
    order
}

struct Subject<'a> {
    workers: &'a Workers,
    environment: &'a Environment,
}

impl Subject<'_> {
    fn runs_int8(&self) -> bool {
        self.workers.about()["dtypes"].as_array().is_some_and(|dtypes| dtypes.iter().any(|dtype| dtype == "int8"))
    }

    /// Where this processor has no instructions for bfloat16, PyTorch is several times faster in f32: its best settings are those.
    fn peer_dtype(&self) -> &'static str {
        if self.workers.about()["simd"] == "Avx512Bf16" { "bf16" } else { "f32" }
    }

    fn folder(&self, name: &str) -> String {
        self.environment.models.join(name).to_string_lossy().into_owned()
    }

    fn thread_counts(&self) -> Vec<usize> {
        let mut counts = vec![1, self.workers.threads()];
        counts.dedup();
        counts
    }

    fn kernels(&self) -> Vec<Match> {
        let gemm = |m: usize, k: usize, n: usize, dtype: &str| {
            (format!("GEMM {m} × {k} × {n}, {dtype}"), json!({"kind": "gemm", "m": m, "k": k, "n": n, "dtype": dtype}))
        };
        let conv = |dtype: &str| {
            (format!("conv 3×3, 64 × 64 × 128, {dtype}"), json!({"kind": "conv", "side": 64, "channels": 128, "dtype": dtype}))
        };
        let attention = |tokens: usize, dtype: &str| {
            let order = json!({"kind": "attention", "heads": 24, "tokens": tokens, "width": 128, "dtype": dtype});
            (format!("attention, 24 heads of 128, {tokens} tokens, {dtype}"), order)
        };
        let bytes = 1280 * 8192 * 4;
        let mut rows = vec![
            gemm(1280, 3072, 3072, "f32"),
            gemm(1280, 3072, 3072, "bf16"),
            gemm(1280, 3072, 8192, "bf16"),
            gemm(1280, 8192, 3072, "bf16"),
            gemm(4608, 3072, 3072, "bf16"),
            gemm(4608, 3072, 8192, "bf16"),
            conv("f32"),
            conv("bf16"),
            attention(1280, "f32"),
            attention(1280, "bf16"),
            attention(4608, "bf16"),
            ("SiLU, 1280 × 8192, f32".to_owned(), json!({"kind": "silu", "bytes": bytes, "dtype": "f32"})),
        ];
        if self.runs_int8() {
            rows.extend([gemm(1280, 3072, 3072, "int8"), gemm(1280, 3072, 8192, "int8"), gemm(4608, 3072, 8192, "int8"), conv("int8")]);
        }
        if self.environment.tiny {
            rows = vec![gemm(128, 256, 256, "f32"), gemm(128, 256, 256, "bf16"), conv("bf16"), attention(128, "bf16"), rows[11].clone()];
            if self.runs_int8() {
                rows.push(gemm(128, 256, 256, "int8"));
            }
        }
        rows.into_iter()
            .flat_map(|(title, order)| self.thread_counts().into_iter().map(move |threads| (title.clone(), order.clone(), threads)))
            .map(|(title, order, threads)| self.kernel(title, &order, threads))
            .collect()
    }

    fn kernel(&self, title: String, order: &Value, threads: usize) -> Match {
        let moves_memory = order["kind"] == "silu";
        let mut contestants = Vec::new();
        if moves_memory {
            let copy = json!({"kind": "ceiling", "which": "copy", "bytes": order["bytes"]});
            contestants.push(Contestant { work: kernel_work(order), ..Contestant::new("copy", Role::Ceiling, vec![copy], threads) });
        } else {
            let ceilings = &self.workers.about()["ceilings"];
            // A processor without the instruction has the ceiling of what it does instead.
            let which = order["dtype"].as_str().filter(|dtype| !ceilings[*dtype].is_null()).unwrap_or("f32");
            if let Some(operations) = ceilings[which].as_f64() {
                let order = json!({"kind": "ceiling", "which": which});
                let ceiling = Contestant::new("ceiling", Role::Ceiling, vec![order], threads);
                contestants.push(Contestant { work: operations * threads as f64, ..ceiling });
            }
        }
        let work = kernel_work(order);
        contestants.push(Contestant { work, ..Contestant::new("Danqing", Role::Danqing, vec![order.clone()], threads) });
        // PyTorch has no product that quantises by itself: its best dtype is what int8 stands in for. So it is for bf16 where that is slower.
        let peer = if order["dtype"] == "f32" { order.clone() } else { with(order.clone(), "dtype", self.peer_dtype()) };
        contestants.push(Contestant { work, ..Contestant::new("PyTorch", Role::Eager, vec![peer], threads) });
        Match { title, unit: Some(if moves_memory { "GB/s" } else { "GFLOP/s" }), contestants, rounds: 7, seconds_a_turn: SECONDS_A_TURN }
    }

    /// Danqing in its precisions and diffusers in `modes` (precision, mode), each over the orders that `order` makes.
    fn sides(&self, modes: &[(&str, &str)], order: &dyn Fn(Value) -> Vec<Value>) -> Vec<Contestant> {
        let threads = self.workers.threads();
        let mut ours = vec!["bf16"];
        ours.extend(self.runs_int8().then_some("int8"));
        let ours = ours
            .into_iter()
            .map(|dtype| Contestant::new(&format!("Danqing {dtype}"), Role::Danqing, order(json!({"dtype": dtype})), threads));
        let peers = modes.iter().map(|(dtype, mode)| {
            let (role, name) = match *mode {
                "compile" => (Role::Compiled, format!("diffusers, torch.compile, {dtype}")),
                _ => (Role::Eager, format!("diffusers, eager, {dtype}")),
            };
            Contestant::new(&name, role, order(json!({"dtype": dtype, "mode": mode})), threads)
        });
        ours.chain(peers).collect()
    }

    fn block_orders(&self, (side, text): (usize, usize), order: &Value) -> Vec<Value> {
        let order = with(order.clone(), "kind", "block");
        let order = with(with(with(order, "folder", self.folder("block")), "side", side), "text", text);
        LAYERS.into_iter().map(|layers| with(order.clone(), "layers", layers)).collect()
    }

    fn blocks(&self) -> Vec<Match> {
        let sizes: &[(usize, usize, usize)] = if self.environment.tiny { &[(8, 16, 1)] } else { &[(32, 256, 7), (64, 512, 5)] };
        let dtype = self.peer_dtype();
        let modes = [(dtype, "eager"), (dtype, "compile")];
        sizes
            .iter()
            .map(|&(side, text, rounds)| Match {
                title: format!("{} tokens ({side} × {side} of the picture, {text} of the text)", side * side + text),
                unit: None,
                contestants: self.sides(&modes, &|order| self.block_orders((side, text), &order)),
                rounds,
                seconds_a_turn: SECONDS_A_TURN,
            })
            .collect()
    }

    fn picture(&self, folder: &str, steps: usize, order: Value) -> Value {
        let side = if self.environment.tiny { 128 } else { 512 };
        let folder = self.folder(folder);
        let fields = json!({
            "kind": "picture", "folder": folder, "model": folder, "prompt": "a red shoe on a white background, studio light",
            "width": side, "height": side, "steps": steps, "guidance_scale": 1.0, "count": 1,
        });
        merged(fields, order)
    }

    fn pipeline(&self) -> Match {
        let steps = if self.environment.tiny { 2 } else { 8 };
        let dtype = self.peer_dtype();
        let modes = [(dtype, "eager"), (dtype, "compile")];
        Match {
            title: format!("one picture, {steps} steps, guidance 1"),
            unit: None,
            contestants: self.sides(&modes, &|order| vec![self.picture("pipeline", steps, order)]),
            rounds: 3,
            seconds_a_turn: 0.0,
        }
    }

    fn stable_diffusion(&self) -> Match {
        let steps = if self.environment.tiny { 1 } else { 4 };
        let mut contestants = self.sides(&[(self.peer_dtype(), "eager")], &|order| vec![self.picture("wide", steps, order)]);
        for kind in ["bf16", "q8_0"] {
            let order = self.picture("wide", steps, json!({"wtype": kind}));
            contestants.push(Contestant::new(&format!("stable-diffusion.cpp, {kind}"), Role::Other, vec![order], self.workers.threads()));
        }
        Match { title: format!("one picture, {steps} steps, guidance 1"), unit: None, contestants, rounds: 3, seconds_a_turn: 0.0 }
    }

    /// The order for `count` pictures of the default checkpoint at its own settings.
    fn checkpoint_order(&self, count: usize) -> Result<Value> {
        let folder = self.environment.root.join("models/xiaopin");
        let defaults: Value = serde_json::from_slice(&fs::read(folder.join("danqing.json"))?)?;
        let steps = defaults["num_inference_steps"].as_u64().context("danqing.json has no num_inference_steps")?;
        Ok(json!({
            "kind": "picture", "folder": folder, "model": folder, "prompt": "一只小猫", "count": count, "width": defaults["width"],
            "height": defaults["height"], "steps": if self.environment.tiny { 2 } else { steps }, "guidance_scale": defaults["guidance_scale"],
        }))
    }

    fn checkpoint(&self, count: usize) -> Result<Match> {
        let fields = self.checkpoint_order(count)?;
        let dtypes = if self.peer_dtype() == "bf16" { &["bf16", "f32"][..] } else { &["f32"] };
        // The loop that users write is not compiled.
        let ways = if count == 1 { &["eager", "compile"][..] } else { &["eager"] };
        let modes: Vec<_> = ways.iter().flat_map(|way| dtypes.iter().map(|dtype| (*dtype, *way))).collect();
        let mut contestants = self.sides(&modes, &|order| vec![merged(fields.clone(), order)]);
        let exact = vec![with(fields.clone(), "dtype", "f32")];
        contestants.insert(0, Contestant::new("Danqing f32", Role::Danqing, exact, self.workers.threads()));
        let title = if count == 1 { "one picture".to_owned() } else { format!("{count} pictures of one prompt") };
        Ok(Match { title, unit: None, contestants, rounds: if count == 1 { 9 } else { 3 }, seconds_a_turn: 0.0 })
    }

    fn scaling(&self) -> Result<Vec<Match>> {
        let gemm = json!({"kind": "gemm", "m": 1280, "k": 3072, "n": 8192, "dtype": "bf16"});
        let block = self.block_orders(if self.environment.tiny { (8, 16) } else { (32, 256) }, &json!({"dtype": "bf16"}));
        let picture = with(self.checkpoint_order(1)?, "dtype", "bf16");
        let subjects = [
            ("GEMM 1280 × 3072 × 8192, bf16", vec![gemm]),
            ("DiT block, 1,280 tokens, bf16", block),
            ("one picture, xiaopin, bf16", vec![picture]),
        ];
        Ok(subjects
            .into_iter()
            .map(|(title, loads)| {
                let side = |threads: usize| Contestant::new(&format!("{threads}"), Role::Danqing, loads.clone(), threads);
                let contestants = vec![side(1), side(self.workers.threads())];
                Match { title: title.to_owned(), unit: None, contestants, rounds: 7, seconds_a_turn: SECONDS_A_TURN }
            })
            .collect())
    }
}

/// `fields` and those of `more`.
fn merged(mut fields: Value, more: Value) -> Value {
    if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
        fields.extend(more);
    }
    fields
}
