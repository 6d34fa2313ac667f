//! Marching squares over a plane field: its outline, and the plate that it bounds.
use super::{Samples, Surface};
use crate::solution::DensityField;
use std::collections::HashMap;

/// A closed outline, its last point joined to its first: counter-clockwise around material, clockwise around a hole.
pub type Loop = Vec<[f32; 2]>;

/// Steps from a cell's lowest corner to its corners, counter-clockwise.
const CORNERS: [[usize; 2]; 4] = [[0, 0], [1, 0], [1, 1], [0, 1]];

/// A point of a cell's polygon: the sample itself, or the crossing between two neighbouring samples, lower first.
type Key = ([usize; 2], [usize; 2]);

/// The material in a square of four samples: convex polygons, counter-clockwise.
fn polygons(samples: &Samples<'_>, cell: [usize; 2]) -> Vec<Vec<Key>> {
    let corners = CORNERS.map(|step| [cell[0] + step[0], cell[1] + step[1]]);
    let inside = corners.map(|corner| samples.inside(flat(corner)));
    let crossing = |a: usize, b: usize| (corners[a].min(corners[b]), corners[a].max(corners[b]));
    let opposite = inside[0] == inside[2] && inside[1] == inside[3] && inside[0] != inside[1];
    let mean = corners.iter().map(|corner| samples.value(flat(*corner))).sum::<f64>() / 4.0;
    if opposite && mean < samples.threshold {
        let single = |corner: usize| {
            vec![crossing((corner + 3) % 4, corner), (corners[corner], corners[corner]), crossing(corner, (corner + 1) % 4)]
        };
        return (0..4).filter(|corner| inside[*corner]).map(single).collect();
    }
    let mut polygon = Vec::new();
    for corner in 0..4 {
        let next = (corner + 1) % 4;
        if inside[corner] {
            polygon.push((corners[corner], corners[corner]));
        }
        if inside[corner] != inside[next] {
            polygon.push(crossing(corner, next));
        }
    }
    if polygon.is_empty() { Vec::new() } else { vec![polygon] }
}

fn flat(sample: [usize; 2]) -> [usize; 3] {
    // The plane's only layer of elements lies at sample 1 along z.
    [sample[0], sample[1], 1]
}

fn place(samples: &Samples<'_>, key: Key) -> [f32; 2] {
    let (a, b) = key;
    if a == b {
        return a.map(|index| index as f32 - 0.5);
    }
    let [x, y, _] = samples.crossing(flat(a), flat(b));
    [x, y]
}

fn cells(field: &DensityField) -> impl Iterator<Item = [usize; 2]> + use<> {
    let [width, height, _] = field.size;
    (0..=height).flat_map(move |y| (0..=width).map(move |x| [x, y]))
}

/// Sides of a polygon that are part of the outline.
fn sides(polygon: &[Key]) -> impl Iterator<Item = (Key, Key)> {
    let pairs = polygon.iter().zip(polygon.iter().cycle().skip(1));
    pairs.filter(|(a, b)| a.0 != a.1 && b.0 != b.1).map(|(a, b)| (*a, *b))
}

/// The outlines of a field's first layer around densities of at least `threshold`.
pub fn outline(field: &DensityField, threshold: f64) -> Vec<Loop> {
    let samples = Samples { field, threshold };
    let segments = || cells(field).flat_map(|cell| polygons(&samples, cell)).flat_map(|polygon| sides(&polygon).collect::<Vec<_>>());
    let mut next: HashMap<Key, Key> = segments().collect();
    let mut loops = Vec::new();
    for (start, _) in segments() {
        let mut points = Vec::new();
        let mut at = start;
        while let Some(following) = next.remove(&at) {
            points.push(place(&samples, at));
            at = following;
        }
        if !points.is_empty() {
            loops.push(points);
        }
    }
    loops
}

/// The plate between z = 0 and z = `thickness`.
pub(super) fn extrude(field: &DensityField, threshold: f64, thickness: f64) -> Surface {
    let samples = Samples { field, threshold };
    let mut surface = Surface::default();
    let mut vertices: HashMap<(Key, bool), u32> = HashMap::new();
    for polygon in cells(field).flat_map(|cell| polygons(&samples, cell)) {
        let mut vertex = |key: Key, top: bool| {
            *vertices.entry((key, top)).or_insert_with(|| {
                let [x, y] = place(&samples, key);
                surface.positions.push([x, y, if top { thickness as f32 } else { 0.0 }]);
                surface.positions.len() as u32 - 1
            })
        };
        let mut triangles = Vec::new();
        for index in 1..polygon.len() - 1 {
            let [a, b, c] = [0, index, index + 1].map(|index| polygon[index]);
            triangles.push([vertex(a, true), vertex(b, true), vertex(c, true)]);
            triangles.push([vertex(a, false), vertex(c, false), vertex(b, false)]);
        }
        for (a, b) in sides(&polygon) {
            let [low_a, low_b, high_a, high_b] = [vertex(a, false), vertex(b, false), vertex(a, true), vertex(b, true)];
            triangles.extend([[low_a, low_b, high_b], [low_a, high_b, high_a]]);
        }
        surface.triangles.extend(triangles);
    }
    surface
}
