//! The surface of a design: closed triangles around the material, for printing and for other programs.
mod contour;
mod solid;

pub use contour::{Loop, outline};

use crate::solution::DensityField;
use std::collections::HashMap;

/// Values nearer to the threshold than this are moved off it: a corner that lies on the surface would make triangles without area.
const NUDGE: f64 = 1e-6;
/// Vertices stay this share of an edge away from its ends, for the same reason after rounding to f32.
const LEAST_SHARE: f64 = 1e-3;

/// Triangles over shared vertices, counter-clockwise seen from outside. Coordinates are in elements: x to the right, y up, z towards the viewer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Surface {
    /// Places of the vertices.
    pub positions: Vec<[f32; 3]>,
    /// Three vertices a triangle.
    pub triangles: Vec<[u32; 3]>,
}

/// The surface around densities of at least `threshold`. One layer of elements is extruded to `thickness`; of more layers, the
/// iso-surface is taken, and `thickness` is not used.
pub fn surface(field: &DensityField, threshold: f64, thickness: f64) -> Surface {
    if field.size[2] == 1 { contour::extrude(field, threshold, thickness) } else { solid::iso_surface(field, threshold) }
}

/// The threshold that keeps as much volume as the field has, counting an element as full or empty; never 0 or 1.
pub fn threshold_of_volume(field: &DensityField) -> f64 {
    let mut values = field.values.clone();
    values.sort_by(|a, b| b.total_cmp(a));
    let full = (field.values.iter().sum::<f64>().round() as usize).min(values.len());
    let last = full.checked_sub(1).map_or(1.0, |index| values[index]);
    let next = values.get(full).copied().unwrap_or(0.0);
    (0.5 * (last + next)).clamp(0.05, 0.95)
}

impl Surface {
    /// The corners of each triangle.
    pub fn corners(&self) -> impl Iterator<Item = [[f32; 3]; 3]> {
        self.triangles.iter().map(|triangle| triangle.map(|vertex| self.positions[vertex as usize]))
    }

    /// Whether each edge is passed once in either direction, so that there is an inside.
    pub fn is_closed(&self) -> bool {
        let mut edges: HashMap<[u32; 2], usize> = HashMap::new();
        for edge in self.triangles.iter().flat_map(|[a, b, c]| [[*a, *b], [*b, *c], [*c, *a]]) {
            *edges.entry(edge).or_default() += 1;
        }
        edges.iter().all(|([a, b], count)| *count == 1 && a != b && edges.get(&[*b, *a]) == Some(&1))
    }

    /// Vertices − edges + triangles: 2 for each closed piece without a hole, 2 less for each hole through it.
    pub fn euler_characteristic(&self) -> i64 {
        self.positions.len() as i64 - self.triangles.len() as i64 / 2
    }

    /// Volume inside, by the divergence theorem.
    pub fn volume(&self) -> f64 {
        self.corners()
            .map(|corners| {
                let [a, b, c] = corners.map(|corner| corner.map(f64::from));
                let cross = [b[1] * c[2] - b[2] * c[1], b[2] * c[0] - b[0] * c[2], b[0] * c[1] - b[1] * c[0]];
                (a[0] * cross[0] + a[1] * cross[1] + a[2] * cross[2]) / 6.0
            })
            .sum()
    }
}

/// Densities in the middles of elements with a rim of zeros around them, so that surfaces close at the sides of the box.
struct Samples<'a> {
    field: &'a DensityField,
    threshold: f64,
}

impl Samples<'_> {
    /// Sample 0 lies half an element outside the box.
    fn value(&self, sample: [usize; 3]) -> f64 {
        let element = sample.map(|index| index.wrapping_sub(1));
        let inside = (0..3).all(|axis| element[axis] < self.field.size[axis]);
        let value = if inside { self.field.at(element) } else { 0.0 };
        if (value - self.threshold).abs() < NUDGE { self.threshold + NUDGE } else { value }
    }

    fn inside(&self, sample: [usize; 3]) -> bool {
        self.value(sample) >= self.threshold
    }

    /// Where the surface crosses the line between two samples, one of them inside.
    fn crossing(&self, a: [usize; 3], b: [usize; 3]) -> [f32; 3] {
        let (from, to) = (self.value(a), self.value(b));
        let share = ((self.threshold - from) / (to - from)).clamp(LEAST_SHARE, 1.0 - LEAST_SHARE);
        std::array::from_fn(|axis| {
            let (a, b) = (a[axis] as f64 - 0.5, b[axis] as f64 - 0.5);
            (a + share * (b - a)) as f32
        })
    }
}
