//! How long a package of many terms takes to load, and a prompt to be read against it.
//!
//! `cargo run --release -p policy --example screen_speed [TERMS]`. The terms are made up: two to six of the 3,000 commonest
//! ideographs, and one in ten of letters.

use policy::{Field, Gate, ImportFormat, ImportOptions, Lexicon, MatchType, Package, SecretKey, Severity, Trust, import, sign_package};
use std::time::{Duration, Instant};

const PROMPTS: &[(&str, &str)] = &[
    ("short", "两只小狗，蓝色背景"),
    ("usual", "白色背景上的红色高跟鞋，3D 风格，柔和的光线，电商主图，高级质感，细节清晰，无文字，居中构图"),
    ("English", "A studio photograph of a ceramic teapot on a wooden table, soft morning light, 85mm lens, shallow depth of field"),
];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64 (Steele, Lea and Flood 2014).
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

fn terms(count: usize) -> String {
    let mut random = Random(1);
    let mut text = String::new();
    for index in 0..count {
        if index % 10 == 0 {
            let length = 4 + random.below(7);
            text.extend((0..length).map(|_| char::from(b'a' + random.below(26) as u8)));
        } else {
            let length = 2 + random.below(5);
            text.extend((0..length).filter_map(|_| char::from_u32(0x4E00 + (random.below(3_000) * 7) as u32 % 20_900)));
        }
        text.push('\n');
    }
    text
}

/// Median and 99th percentile.
fn measure<T>(repetitions: usize, mut step: impl FnMut() -> T) -> (Duration, Duration) {
    let mut times: Vec<Duration> = (0..repetitions)
        .map(|_| {
            let started = Instant::now();
            std::hint::black_box(step());
            started.elapsed()
        })
        .collect();
    times.sort();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let options = ImportOptions {
        format: ImportFormat::Text,
        class: "A1.h".parse().ok(),
        severity: Severity::Refuse,
        match_type: MatchType::Automatic,
        views: None,
        fields: Field::ALL.to_vec(),
    };
    let imported = import(terms(count).as_bytes(), "made up", &options)?;
    let folder = tempfile::tempdir()?;
    let rules = imported.rules.len();
    Package { name: "speed".into(), version: "1".into(), created: "2026-01-01".parse()?, rules: imported.rules }.write(folder.path())?;
    let key = SecretKey::generate()?;
    sign_package(folder.path(), &key)?;
    let trust = Trust::Keys(vec![key.public()]);
    // The tables of the views are made once in a process.
    let (first, _) = measure(1, || Gate::builtin().map(|gate| gate.examine("色", Field::Prompt)));
    println!("tables and built-in lexicon: {first:.1?}");
    let (read, _) = measure(5, || Lexicon::read_trusting(folder.path(), &trust));
    let lexicons = [Lexicon::builtin()?, Lexicon::read_trusting(folder.path(), &trust)?];
    let (build, _) = measure(5, || Gate::new(&lexicons));
    println!("{rules} terms: read, digest and signature {read:.1?}, views {build:.1?}, together {:.1?}", read + build);
    let gate = Gate::new(&lexicons)?;
    for (name, prompt) in PROMPTS {
        let (median, slow) = measure(10_000, || gate.examine(prompt, Field::Prompt));
        println!("{name} prompt, {} characters: median {median:.1?}, 99th percentile {slow:.1?}", prompt.chars().count());
    }
    let long: String = PROMPTS.iter().cycle().map(|(_, prompt)| *prompt).take(60).collect();
    let longest: String = long.chars().take(policy::MAXIMUM_PROMPT_CHARACTERS).collect();
    let (median, slow) = measure(1_000, || gate.examine(&longest, Field::Prompt));
    println!("longest prompt, {} characters: median {median:.1?}, 99th percentile {slow:.1?}", longest.chars().count());
    Ok(())
}
