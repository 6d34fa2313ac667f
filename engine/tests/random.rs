//! Seeds give PyTorch's numbers: goldens by `testkit/scripts/random_goldens.py`.

use engine::random::Generator;

use half::bf16;
use std::collections::BTreeMap;
use std::path::Path;

/// PyTorch's vectorised logarithm and sine differ by about this much between processors.
const TOLERANCE: f32 = 2e-6;
/// One unit in the last place of a bfloat16 of magnitude 2 to 4, for a value that lies on the border between two.
const BF16_STEP: f32 = 1.0 / 64.0;

#[test]
fn every_call_of_a_generator_gives_the_numbers_of_torch() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/goldens/random.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut generators: BTreeMap<u64, Generator> = BTreeMap::new();
    let mut names: Vec<&str> = file.names().into_iter().collect();
    names.sort_unstable();
    assert!(names.len() > 100);
    let (mut compared, mut off_by_one_step) = (0, 0);
    for name in names {
        let [seed, _, kind, size] = name.split('/').collect::<Vec<_>>().try_into().unwrap();
        let (seed, size): (u64, usize) = (seed.parse().unwrap(), size.parse().unwrap());
        let generator = generators.entry(seed).or_insert_with(|| Generator::seeded(seed));
        let data = file.tensor(name).unwrap().data();
        match kind {
            "u32" => {
                let expected: Vec<i32> = data.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect();
                let found: Vec<i32> = (0..size).map(|_| (generator.next_u32() & 0x7fff_ffff).cast_signed()).collect();
                assert_eq!(found, expected, "{name}");
            }
            "uniform" => {
                let found: Vec<f32> = (0..size).map(|_| generator.uniform()).collect();
                assert_eq!(found, f32_values(data), "{name}");
            }
            "f32" => {
                let found = generator.normal_f32(size);
                let largest = found.iter().zip(f32_values(data)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(largest <= TOLERANCE, "{name} differs by {largest}");
            }
            "bf16" => {
                let expected: Vec<f32> = data.as_chunks().0.iter().map(|bytes| bf16::from_le_bytes(*bytes).to_f32()).collect();
                for (found, expected) in generator.normal_bf16(size).iter().zip(expected) {
                    let difference = (found.to_f32() - expected).abs();
                    assert!(difference <= BF16_STEP, "{name}: {found} is not {expected}");
                    compared += 1;
                    off_by_one_step += usize::from(difference > 0.0);
                }
            }
            other => panic!("{other}"),
        }
    }
    println!("bf16: {off_by_one_step} of {compared} values differ by one step");
    assert!(off_by_one_step * 100 <= compared, "{off_by_one_step} of {compared} bf16 values are another number");
}

fn f32_values(data: &[u8]) -> Vec<f32> {
    data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
