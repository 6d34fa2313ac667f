//! The quality bars of a model card: is a picture's nearest training concept the one that was asked for, and has its border the
//! colour that was named?
//!
//! The metric: the object's bounding box, found against the border's median colour, is squared, resampled to 24 × 24 pixels over
//! white, and compared by squared distance in sRGB with every training concept treated alike. Position and size do not count,
//! shape and colour do.

use crate::data::{Dataset, nearest_colour};

/// Side of the thumbnails that are compared: enough to tell shapes, coarse enough to forgive texture.
const SIDE: usize = 24;
/// Largest channel difference from the border's colour that still counts as background.
const BACKGROUND_TOLERANCE: i32 = 40;
/// Pixels of a row or column that differ from the border's colour before it belongs to the object: stray specks do not.
const LEAST_PIXELS: usize = 4;
/// Side of the reference pictures.
const REFERENCE_SIDE: u32 = 128;
/// Each thumbnail pixel is the mean of 4 × 4 samples, so that thin shapes count by their area.
const SAMPLES: usize = 4;
const WHITE: [u8; 3] = [255, 255, 255];

/// Finds the training concept that a picture looks most like.
pub struct ConceptMatcher {
    references: Vec<Vec<f32>>,
}

impl ConceptMatcher {
    /// Prepares every concept of the data set.
    pub fn new(dataset: &Dataset) -> Self {
        let portrait = |concept| thumbnail(&dataset.concept_picture(concept, REFERENCE_SIDE, WHITE), REFERENCE_SIDE as usize);
        Self { references: (0..dataset.concepts().len()).map(portrait).collect() }
    }

    /// Indices of all concepts, the most alike first, for `pixels [side, side, 3]`.
    pub fn ranking(&self, pixels: &[u8], side: usize) -> Vec<usize> {
        let found = thumbnail(pixels, side);
        let distance = |reference: &[f32]| reference.iter().zip(&found).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        let distances: Vec<f32> = self.references.iter().map(|reference| distance(reference)).collect();
        let mut order: Vec<usize> = (0..distances.len()).collect();
        order.sort_by(|a, b| distances[*a].total_cmp(&distances[*b]));
        order
    }
}

/// Median colour of the outermost pixels of `pixels [side, side, 3]`, channel by channel.
pub fn border_median(pixels: &[u8], side: usize) -> [u8; 3] {
    let on_border = |index: usize| {
        let (row, column) = (index / side, index % side);
        row < 2 || column < 2 || row + 2 >= side || column + 2 >= side
    };
    std::array::from_fn(|channel| {
        let mut values: Vec<u8> = (0..side * side).filter(|index| on_border(*index)).map(|index| pixels[index * 3 + channel]).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or(0)
    })
}

/// Index in the palette of the colour nearest to the border's median.
pub fn border_colour(pixels: &[u8], side: usize) -> usize {
    nearest_colour(border_median(pixels, side))
}

/// The object over white, `[SIDE, SIDE, 3]`, 0..1.
fn thumbnail(pixels: &[u8], side: usize) -> Vec<f32> {
    let background = border_median(pixels, side);
    let is_object = |index: usize| {
        let pixel = &pixels[index * 3..index * 3 + 3];
        pixel.iter().zip(background).any(|(value, behind)| (i32::from(*value) - i32::from(behind)).abs() > BACKGROUND_TOLERANCE)
    };
    let object: Vec<bool> = (0..side * side).map(is_object).collect();
    let rows = || (0..side).filter(|row| (0..side).filter(|column| object[row * side + column]).count() >= LEAST_PIXELS);
    let columns = || (0..side).filter(|column| (0..side).filter(|row| object[row * side + column]).count() >= LEAST_PIXELS);
    let (top, bottom) = (rows().min().unwrap_or(0), rows().max().unwrap_or(side - 1));
    let (left, right) = (columns().min().unwrap_or(0), columns().max().unwrap_or(side - 1));
    let extent = (bottom - top).max(right - left) as f32 + 1.0;
    let (centre_row, centre_column) = ((top + bottom) as f32 / 2.0 + 0.5, (left + right) as f32 / 2.0 + 0.5);
    let colour = |row: f32, column: f32| -> [f32; 3] {
        let (row, column) = (row.floor(), column.floor());
        if row < 0.0 || column < 0.0 || row >= side as f32 || column >= side as f32 || !object[row as usize * side + column as usize] {
            return [1.0; 3];
        }
        std::array::from_fn(|channel| f32::from(pixels[(row as usize * side + column as usize) * 3 + channel]) / 255.0)
    };
    let step = extent / (SIDE * SAMPLES) as f32;
    let mut values = vec![0.0; SIDE * SIDE * 3];
    for y in 0..SIDE * SAMPLES {
        for x in 0..SIDE * SAMPLES {
            let sample =
                colour(centre_row - extent / 2.0 + (y as f32 + 0.5) * step, centre_column - extent / 2.0 + (x as f32 + 0.5) * step);
            for (channel, value) in sample.iter().enumerate() {
                values[(y / SAMPLES * SIDE + x / SAMPLES) * 3 + channel] += value / (SAMPLES * SAMPLES) as f32;
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::{border_colour, border_median, thumbnail};
    use crate::data::PALETTE;

    fn square(side: usize, (left, top, size): (usize, usize, usize), object: [u8; 3], background: [u8; 3]) -> Vec<u8> {
        let inside = |at: usize, first: usize| (first..first + size).contains(&at);
        (0..side * side).flat_map(|i| if inside(i % side, left) && inside(i / side, top) { object } else { background }).collect()
    }

    #[test]
    fn position_size_and_background_do_not_count() {
        let a = thumbnail(&square(64, (10, 12, 24), [200, 30, 30], [255, 255, 255]), 64);
        let b = thumbnail(&square(64, (30, 20, 12), [200, 30, 30], [50, 105, 220]), 64);
        let c = thumbnail(&square(64, (30, 20, 12), [30, 200, 30], [50, 105, 220]), 64);
        let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        assert!(distance(&a, &b) < 1.0, "{}", distance(&a, &b));
        assert!(distance(&a, &c) > 100.0, "{}", distance(&a, &c));
    }

    #[test]
    fn the_border_has_the_background_colour() {
        for (index, colour) in PALETTE.iter().enumerate() {
            let picture = square(32, (8, 8, 16), [1, 2, 3], colour.rgb);
            assert_eq!(border_median(&picture, 32), colour.rgb);
            assert_eq!(border_colour(&picture, 32), index);
        }
    }
}
