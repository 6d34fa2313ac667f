//! A plane field, smooth between the middles of its elements.
use super::canvas::Canvas;
use super::colours::{FRAME, MATERIAL, VOID, mix, of_value};
use super::view::View;
use crate::solution::DensityField;

pub(super) fn draw(canvas: &mut Canvas, view: &View, field: &DensityField, stresses: Option<&[f64]>) {
    let [width, height, _] = view.size;
    let low = view.project([0.0, height, 0.0]);
    let high = view.project([width, 0.0, 0.0]);
    let frame = |end: [f64; 2], sign: f64| end.map(|value| value + sign);
    canvas.fill(frame(low, -1.0), frame(high, 1.0), |_| Some(FRAME));
    canvas.fill(low, high, |pixel| {
        let place = view.on_plane(pixel);
        let density = sample(&field.values, field.size, place);
        let colour = stresses.map_or(MATERIAL, |stresses| of_value(sample(stresses, field.size, place)));
        Some(mix(VOID, colour, density.clamp(0.0, 1.0)))
    });
}

/// Bilinear between the middles of elements.
fn sample(values: &[f64], size: [usize; 3], place: [f64; 2]) -> f64 {
    let along = |axis: usize| {
        let value = (place[axis] - 0.5).clamp(0.0, (size[axis] - 1) as f64);
        let low = (value as usize).min(size[axis].saturating_sub(2));
        (low, (low + 1).min(size[axis] - 1), value - low as f64)
    };
    let ((left, right, x), (below, above, y)) = (along(0), along(1));
    let row = |row: usize| values[row * size[0] + left] * (1.0 - x) + values[row * size[0] + right] * x;
    row(below) * (1.0 - y) + row(above) * y
}
