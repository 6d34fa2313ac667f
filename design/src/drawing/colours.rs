//! Colours of densities, stresses and symbols.
use super::Rectangle;
use super::canvas::{Canvas, Colour};

/// Material of density 1.
pub(super) const MATERIAL: Colour = [38, 52, 70];
/// No material: the box stays visible on white paper.
pub(super) const VOID: Colour = [240, 242, 245];
/// Sides of the box.
pub(super) const FRAME: Colour = [150, 158, 168];
/// What holds the part.
pub(super) const SUPPORT: Colour = [20, 120, 80];
/// What keeps it cold.
pub(super) const COLD: Colour = [30, 100, 200];
/// Loads, case by case; distinguishable to colour-blind readers (after Okabe and Ito).
pub(super) const LOADS: [Colour; 4] = [[213, 94, 0], [0, 114, 178], [204, 121, 167], [230, 159, 0]];

/// The colour map viridis (Smith, van der Walt 2015, public domain) at ninths: as light as the value is large, also in grey print.
const VIRIDIS: [Colour; 9] = [
    [68, 1, 84],
    [71, 44, 122],
    [59, 81, 139],
    [44, 113, 142],
    [33, 144, 141],
    [39, 173, 129],
    [92, 200, 99],
    [170, 220, 50],
    [253, 231, 37],
];

/// Between two colours.
pub(super) fn mix(from: Colour, to: Colour, share: f64) -> Colour {
    std::array::from_fn(|channel| (f64::from(from[channel]) * (1.0 - share) + f64::from(to[channel]) * share).round() as u8)
}

/// The colour of a value from 0 to 1.
pub(super) fn of_value(value: f64) -> Colour {
    let place = value.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let index = (place as usize).min(VIRIDIS.len() - 2);
    mix(VIRIDIS[index], VIRIDIS[index + 1], place - index as f64)
}

/// All colours of [`of_value`], from the least at the bottom to the largest at the top.
pub(super) fn bar(canvas: &mut Canvas, room: Rectangle) {
    let [left, top, width, height] = [room.x, room.y, room.width, room.height].map(|value| value as f64);
    canvas.fill([left, top], [left + width, top + height], |place| Some(of_value(1.0 - (place[1] - top) / height)));
}
