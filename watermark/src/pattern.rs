//! The keyed meaning of the lines: which are pilot, which code bit the others carry, with which sign.
use crate::key::{Id, Key};
use crate::polar::{CODE_BITS, Polar};
use crate::tile::{LINES, Line, PILOT_LINES, SIDE, Spectrum, Tile};

pub struct Pattern {
    pub spectrum: Spectrum,
    key: Key,
    polar: Polar,
    /// Line and its chips.
    pilot: Vec<(usize, Line)>,
    /// By code bit: line, part, and sign.
    carriers: Vec<(usize, usize, f32)>,
}

/// Where the pilot stands in a tile.
#[derive(Debug, Clone, Copy)]
pub struct Peak {
    pub x: f32,
    pub y: f32,
    /// Height in standard deviations of the pilot's correlation over all places.
    pub height: f32,
}

/// A message that passed its check.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub id: Id,
    /// Share of code bits that agree with the message's code word.
    pub agreement: f32,
}

impl Pattern {
    pub fn new(key: &Key) -> Self {
        let mut lines: Vec<usize> = (0..LINES).collect();
        shuffle(&mut lines, key.stream(*b"lines"));
        let mut random = key.stream(*b"chips");
        let mut sign = || if random() & 1 == 0 { 1.0 } else { -1.0 };
        let pilot = lines[..PILOT_LINES].iter().map(|&line| (line, [sign(), sign()])).collect();
        let mut carriers: Vec<_> = lines[PILOT_LINES..].iter().flat_map(|&line| [(line, 0, sign()), (line, 1, sign())]).collect();
        shuffle(&mut carriers, key.stream(*b"order"));
        Self { spectrum: Spectrum::new(), key: key.clone(), polar: Polar::new(), pilot, carriers }
    }

    /// The sign that every part of every line has in a picture marked with `id`.
    pub fn chips(&self, id: Id) -> Vec<Line> {
        let mut chips = vec![[0.0; 2]; LINES];
        self.pilot.iter().for_each(|&(line, pair)| chips[line] = pair);
        let word = self.polar.encode(self.key.seal(id));
        for (&(line, part, sign), bit) in self.carriers.iter().zip(word) {
            chips[line][part] = if bit { -sign } else { sign };
        }
        chips
    }

    /// The highest place of the pilot.
    pub fn peak(&self, lines: &[Line]) -> Peak {
        let map = self.pilot_map(lines);
        let mut best = 0;
        for (place, value) in map.iter().enumerate() {
            if *value > map[best] {
                best = place;
            }
        }
        Peak { x: (best % SIDE) as f32, y: (best / SIDE) as f32, height: map[best] / deviation(&map) }
    }

    /// Up to `count` places of the pilot, highest first.
    pub fn peaks(&self, lines: &[Line], count: usize) -> Vec<Peak> {
        let map = self.pilot_map(lines);
        let deviation = deviation(&map);
        // Only what stands out is worth sorting.
        let mut places: Vec<usize> = (0..map.len()).filter(|&place| map[place] > 2.0 * deviation).collect();
        let higher = |&a: &usize, &b: &usize| map[b].total_cmp(&map[a]).then(a.cmp(&b));
        places.sort_by(higher);
        let mut peaks: Vec<Peak> = Vec::new();
        for place in places {
            if peaks.len() == count {
                break;
            }
            let (x, y) = (place % SIDE, place / SIDE);
            let apart = |a: f32, b: usize| (a - b as f32).abs().min(SIDE as f32 - (a - b as f32).abs());
            if peaks.iter().all(|peak| apart(peak.x, x).max(apart(peak.y, y)) > 2.0) {
                // Neighbours of a peak are high too, and lead to the same reading.
                peaks.push(Peak { x: x as f32, y: y as f32, height: map[place] / deviation });
            }
        }
        peaks
    }

    /// The peak moved to the best place within a pixel, in quarters of one.
    pub fn settle(&self, lines: &[Line], peak: Peak) -> Peak {
        let lines: Vec<Line> = self.pilot.iter().map(|&(line, _)| lines[line]).collect();
        let score = |x: f32, y: f32| -> f32 {
            let products = self.pilot.iter().zip(&lines).map(|(&(line, chips), &value)| {
                let (kx, ky) = self.spectrum.frequencies[line];
                let (sine, cosine) = (std::f32::consts::TAU * (kx as f32 * x + ky as f32 * y) / SIDE as f32).sin_cos();
                let [real, imaginary] = phase(value, chips);
                real * cosine + imaginary * sine
            });
            products.sum()
        };
        let mut best = (f32::MIN, peak);
        for step in 0..49 {
            let (x, y) = (peak.x + (step % 7 - 3) as f32 * 0.25, peak.y + (step / 7 - 3) as f32 * 0.25);
            let found = score(x, y);
            if found > best.0 {
                best = (found, Peak { x, y, ..peak });
            }
        }
        best.1
    }

    /// Reads the message of lines whose origin is known.
    pub fn read(&self, lines: &[Line]) -> Option<Reading> {
        let level = levels(lines);
        let ratios: [f32; CODE_BITS] = std::array::from_fn(|bit| {
            let (line, part, sign) = self.carriers[bit];
            // One part that the picture dominates must not outvote the others.
            (sign * lines[line][part] / level[line]).clamp(-2.0, 2.0)
        });
        let (message, id) = self.polar.decode(&ratios).into_iter().find_map(|message| Some((message, self.key.open(message)?)))?;
        let word = self.polar.encode(message);
        let agreeing = ratios.iter().zip(word).filter(|(ratio, bit)| (**ratio < 0.0) == *bit).count();
        Some(Reading { id, agreement: agreeing as f32 / CODE_BITS as f32 })
    }

    /// Correlation with the pilot at every whole pixel of the tile.
    fn pilot_map(&self, lines: &[Line]) -> Tile {
        // Re(z·e^(−iωd)) = Re(z̄·e^(+iωd)).
        let conjugate = |&(line, chips): &(usize, Line)| {
            let [real, imaginary] = phase(lines[line], chips);
            (line, [real, -imaginary])
        };
        let products: Vec<_> = self.pilot.iter().map(conjugate).collect();
        self.spectrum.synthesise(&products)
    }
}

/// Standard deviation of a correlation over all places; its mean is nought.
fn deviation(map: &[f32]) -> f32 {
    let mut lanes = [0f32; 16];
    for values in map.chunks(lanes.len()) {
        lanes.iter_mut().zip(values).for_each(|(lane, value)| *lane += value * value);
    }
    (lanes.iter().sum::<f32>() / map.len() as f32).sqrt().max(f32::MIN_POSITIVE)
}

/// Mean magnitude of the parts of lines of about the same frequency.
pub fn levels(lines: &[Line]) -> Vec<f32> {
    // Few enough to follow how pictures fade towards fine detail, many enough for a steady mean.
    const RING: usize = 40;
    let ring = |chunk: &[Line]| {
        let sum: f32 = chunk.iter().map(|[real, imaginary]| real.abs() + imaginary.abs()).sum();
        vec![(sum / (2 * chunk.len()) as f32).max(f32::MIN_POSITIVE); chunk.len()]
    };
    lines.chunks(RING).flat_map(ring).collect()
}

/// Phase of `value` against the chips. Only the phase: magnitudes are mostly the picture's own.
fn phase([real, imaginary]: Line, [a, b]: Line) -> Line {
    let length = (real * real + imaginary * imaginary).sqrt().max(f32::MIN_POSITIVE);
    [(real * a + imaginary * b) / length, (imaginary * a - real * b) / length]
}

fn shuffle<T>(items: &mut [T], mut random: impl FnMut() -> u32) {
    for at in (1..items.len()).rev() {
        items.swap(at, ((u64::from(random()) * (at as u64 + 1)) >> 32) as usize);
    }
}
