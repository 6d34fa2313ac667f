use crate::random::Generator;

/// How the next token is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decoding {
    /// The likeliest.
    Greedy,
    /// One of the likeliest, drawn.
    Sampled {
        /// Divides the logits; above 0.
        temperature: f32,
        /// Only the likeliest tokens that make up this probability take part; at 0 only the likeliest.
        top_p: f32,
        /// Of the draws. They are the engine's own: the stream of `torch.multinomial` is not imitated.
        seed: u64,
    },
}

impl Default for Decoding {
    /// The reference's 0.6 and 0.95, seed 0.
    fn default() -> Self {
        Self::Sampled { temperature: 0.6, top_p: 0.95, seed: 0 }
    }
}

/// What `generate` of transformers keeps before top-p where a checkpoint does not say otherwise.
const TOP_K: usize = 50;
const SIGNIFICAND_BITS: u32 = f64::MANTISSA_DIGITS;

pub(super) struct Chooser {
    decoding: Decoding,
    generator: Generator,
}

impl Chooser {
    pub(super) fn new(decoding: Decoding) -> Self {
        let seed = match decoding {
            Decoding::Greedy => 0,
            Decoding::Sampled { seed, .. } => seed,
        };
        Self { decoding, generator: Generator::seeded(seed) }
    }

    /// An index into `logits`; 0 if there are none.
    pub(super) fn choose(&mut self, logits: &[f32]) -> u32 {
        // Likeliest first, the lower index where two are equal.
        let mut order: Vec<u32> = (0..logits.len() as u32).collect();
        order.sort_by(|&a, &b| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b)));
        match self.decoding {
            Decoding::Greedy => order.first().copied().unwrap_or(0),
            Decoding::Sampled { temperature, top_p, .. } => self.draw(&order, logits, f64::from(temperature), f64::from(top_p)),
        }
    }

    fn draw(&mut self, order: &[u32], logits: &[f32], temperature: f64, top_p: f64) -> u32 {
        let Some(&likeliest) = order.first() else { return 0 };
        let highest = f64::from(logits[likeliest as usize]);
        let taking_part = &order[..order.len().min(TOP_K)];
        let weights: Vec<f64> = taking_part.iter().map(|&id| ((f64::from(logits[id as usize]) - highest) / temperature).exp()).collect();
        let total: f64 = weights.iter().sum();
        // A token stays while those before it do not yet make up top_p.
        let mut kept = 0.0;
        let mut count = 0;
        for weight in &weights {
            if count > 0 && kept >= top_p * total {
                break;
            }
            kept += weight;
            count += 1;
        }
        let mut point = (self.generator.next_u64() >> (u64::BITS - SIGNIFICAND_BITS)) as f64 / (1_u64 << SIGNIFICAND_BITS) as f64 * kept;
        for (id, weight) in taking_part.iter().zip(&weights).take(count) {
            if point < *weight {
                return *id;
            }
            point -= weight;
        }
        taking_part[count - 1]
    }
}
