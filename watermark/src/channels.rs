//! A picture's red, green and blue apart from each other, so that one instruction works on many pixels; and how a mark is added.
use crate::blur::Rows;
use crate::view::LUMINANCE;
use kernels::dispatch::vectorised;
use spec::Threads;

/// Change of red, green and blue for one level of luminance: half-way between grey, which shows least on saturated colours, and
/// [`LUMINANCE`] over its square, which distorts least.
const SHARES: [f32; 3] = [0.834, 1.157, 0.627];
/// Pixels that a thread changes at a time: what it reads and writes stays in its cache.
const RUN: usize = 1 << 14;

#[derive(Clone)]
pub struct Channels {
    planes: [Vec<u8>; 3],
    width: usize,
}

impl Channels {
    pub fn split(pixels: &[u8], width: usize) -> Self {
        let mut planes = [0; 3].map(|_| vec![0; pixels.len() / 3]);
        let [red, green, blue] = &mut planes;
        for (((pixel, red), green), blue) in pixels.chunks_exact(3).zip(red).zip(green).zip(blue) {
            (*red, *green, *blue) = (pixel[0], pixel[1], pixel[2]);
        }
        Self { planes, width }
    }

    pub fn join(&self, pixels: &mut [u8]) {
        let [red, green, blue] = &self.planes;
        for (((pixel, red), green), blue) in pixels.chunks_exact_mut(3).zip(red).zip(green).zip(blue) {
            pixel.copy_from_slice(&[*red, *green, *blue]);
        }
    }

    /// Pixels.
    pub fn count(&self) -> usize {
        self.planes[0].len()
    }

    /// Writes into `marked` these pixels changed by `gain` times `change`, in levels of luminance and at most `most`. Returns the mean
    /// squared difference over all channels.
    pub fn changed(&self, change: &[f32], gain: f32, most: f32, marked: &mut Self, threads: Threads) -> f32 {
        let mut sums = vec![0u64; self.count().div_ceil(RUN)];
        let [red, green, blue] = &mut marked.planes;
        let targets = red.chunks_mut(RUN).zip(green.chunks_mut(RUN)).zip(blue.chunks_mut(RUN));
        let runs = targets.zip(&mut sums).zip(change.chunks(RUN)).enumerate().collect();
        threads.each(runs, |(run, ((((red, green), blue), sum), change))| {
            let original = |channel: usize| &self.planes[channel][run * RUN..][..change.len()];
            let mut limited = vec![0.0; change.len()];
            // A soft limit, of the shape of the hyperbolic tangent.
            vectorised(
                #[inline(always)]
                || {
                    limited.iter_mut().zip(change).for_each(|(limited, change)| {
                        let wanted = gain * change;
                        *limited = wanted / (1.0 + (wanted / most) * (wanted / most)).sqrt();
                    });
                },
            );
            *sum = [red, green, blue]
                .into_iter()
                .enumerate()
                .map(|(channel, target)| {
                    vectorised(
                        #[inline(always)]
                        || written(target, original(channel), &limited, SHARES[channel]),
                    )
                })
                .sum();
        });
        (sums.iter().sum::<u64>() as f64 / (3 * self.count()) as f64) as f32
    }
}

/// Writes into `target` the levels of `original` changed by `share` of `change`. Returns the sum of the squared differences.
#[inline(always)]
fn written(target: &mut [u8], original: &[u8], change: &[f32], share: f32) -> u64 {
    let mut squares = 0u32;
    for ((target, original), change) in target.iter_mut().zip(original).zip(change) {
        let before = f32::from(*original);
        let after = nearest((before + share * change).clamp(0.0, 255.0));
        *target = after as u8;
        squares += (after as i32 - i32::from(*original)).pow(2) as u32;
    }
    u64::from(squares)
}

/// A value between 0 and 255 rounded as `f32::round` does, which is a call for each value on processors without an instruction for it.
#[inline(always)]
fn nearest(value: f32) -> u32 {
    // From here on, neighbouring numbers are one apart, and the integer stands in the lowest bits.
    const WHOLE: f32 = 8_388_608.0;
    let sum = value + WHOLE;
    // The addition rounded halves to the even neighbour; where that is the lower one, the difference, which is exact, is a half.
    (sum.to_bits() & 0x1FF) + u32::from(value - (sum - WHOLE) >= 0.5)
}

/// Luminance of a copy of a picture.
pub struct Copy<'a> {
    pub channels: &'a Channels,
    /// Levels by which the copy is brighter, where it is one: what is whiter than white is lost then.
    pub brighter: Option<f32>,
}

impl Rows for Copy<'_> {
    fn size(&self) -> (usize, usize) {
        (self.channels.width, self.channels.count() / self.channels.width)
    }

    fn read(&self, y: usize, row: &mut [f32]) {
        let [red, green, blue] = self.channels.planes.each_ref().map(|plane| &plane[y * row.len()..][..row.len()]);
        for (((value, red), green), blue) in row.iter_mut().zip(red).zip(green).zip(blue) {
            *value = f32::from(*red) * LUMINANCE[0] + f32::from(*green) * LUMINANCE[1] + f32::from(*blue) * LUMINANCE[2];
        }
        if let Some(brighter) = self.brighter {
            for value in row {
                *value = (*value + brighter).min(255.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_round_as_the_standard_library_rounds() {
        for level in 0..=255 {
            for value in [level as f32, level as f32 + 0.5] {
                for value in [value.next_down().next_down(), value.next_down(), value, value.next_up(), value + 0.25]
                    .map(|value| value.clamp(0.0, 255.0))
                {
                    assert_eq!(nearest(value), value.round() as u32, "{value}");
                }
            }
        }
    }

    #[test]
    fn a_picture_taken_apart_is_put_together_again() {
        let pixels: Vec<u8> = (0..3 * 35).map(|at| (at * 7) as u8).collect();
        let mut joined = vec![0; pixels.len()];
        Channels::split(&pixels, 7).join(&mut joined);
        assert_eq!(joined, pixels);
    }
}
