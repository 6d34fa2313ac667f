//! The surface of a solid field, lit from the viewer's upper left.
use super::canvas::{Canvas, Colour};
use super::colours::{FRAME, mix, of_value};
use super::view::View;
use crate::connectivity::MATERIAL;
use crate::solution::DensityField;
use crate::surface::{Surface, surface};

/// Material in the light, and in the shade.
const LIGHT: Colour = [196, 206, 218];
const SHADE: Colour = [40, 52, 68];
/// Towards the light.
const SUN: [f64; 3] = [-0.25, 0.75, 0.61];

struct Corner {
    pixel: [f64; 2],
    depth: f64,
    colour: Colour,
}

pub(super) fn draw(canvas: &mut Canvas, view: &View, field: &DensityField, stresses: Option<&[f64]>) {
    box_edges(canvas, view);
    let surface = surface(field, MATERIAL, 1.0);
    let normals = normals(&surface);
    let corners: Vec<Corner> = surface
        .positions
        .iter()
        .zip(&normals)
        .map(|(position, normal)| {
            let place = position.map(f64::from);
            let light = (0..3).map(|axis| normal[axis] * SUN[axis]).sum::<f64>();
            let lit = mix(SHADE, LIGHT, (0.5 + 0.5 * light).clamp(0.0, 1.0));
            let colour = stresses
                .map_or(lit, |stresses| mix([0; 3], of_value(inner(stresses, field.size, place, *normal)), 0.7 + 0.3 * light.max(0.0)));
            Corner { pixel: view.project(place), depth: view.depth(place), colour }
        })
        .collect();
    let mut depths = vec![f64::INFINITY; canvas.len()];
    for triangle in &surface.triangles {
        fill(canvas, triangle.map(|vertex| &corners[vertex as usize]), &mut depths);
    }
}

/// A triangle with colours between those of its corners, where nothing nearer has been drawn.
fn fill(canvas: &mut Canvas, [a, b, c]: [&Corner; 3], depths: &mut [f64]) {
    let cross = |p: [f64; 2], q: [f64; 2], r: [f64; 2]| (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
    let area = cross(a.pixel, b.pixel, c.pixel);
    // Down is positive, so triangles that face the viewer turn the other way.
    if area >= 0.0 {
        return;
    }
    let bounds = |pick: fn(f64, f64) -> f64| [0, 1].map(|axis| pick(a.pixel[axis], pick(b.pixel[axis], c.pixel[axis])));
    canvas.fill_numbered(bounds(f64::min), bounds(f64::max), |number, place| {
        let weights =
            [cross(place, b.pixel, c.pixel), cross(a.pixel, place, c.pixel), cross(a.pixel, b.pixel, place)].map(|part| part / area);
        if weights.iter().any(|weight| *weight < -1e-9) {
            return None;
        }
        let depth = weights[0] * a.depth + weights[1] * b.depth + weights[2] * c.depth;
        if depth >= depths[number] {
            return None;
        }
        depths[number] = depth;
        let channel =
            |channel: usize| [a, b, c].iter().zip(weights).map(|(corner, weight)| f64::from(corner.colour[channel]) * weight).sum::<f64>();
        Some([0, 1, 2].map(|index| channel(index).round().clamp(0.0, 255.0) as u8))
    });
}

/// Means of the triangles' normals around each vertex, of length 1.
fn normals(surface: &Surface) -> Vec<[f64; 3]> {
    let mut normals = vec![[0.0; 3]; surface.positions.len()];
    for (triangle, corners) in surface.triangles.iter().zip(surface.corners()) {
        let [a, b, c] = corners.map(|corner| corner.map(f64::from));
        let (u, v): ([f64; 3], [f64; 3]) = (std::array::from_fn(|axis| b[axis] - a[axis]), std::array::from_fn(|axis| c[axis] - a[axis]));
        let normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
        for vertex in triangle {
            (0..3).for_each(|axis| normals[*vertex as usize][axis] += normal[axis]);
        }
    }
    for normal in &mut normals {
        let length = normal.iter().map(|value| value * value).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        *normal = normal.map(|value| value / length);
    }
    normals
}

/// The value of the element half an element below the surface.
fn inner(values: &[f64], size: [usize; 3], place: [f64; 3], normal: [f64; 3]) -> f64 {
    let [x, y, z] = [0, 1, 2].map(|axis| ((place[axis] - 0.5 * normal[axis]).max(0.0) as usize).min(size[axis] - 1));
    values[(z * size[1] + y) * size[0] + x]
}

fn box_edges(canvas: &mut Canvas, view: &View) {
    let corners: Vec<[f64; 2]> = view.corners().map(|corner| view.project(corner)).collect();
    for from in 0..8_usize {
        for axis in (0..3).filter(|axis| from >> axis & 1 == 0) {
            canvas.line(corners[from], corners[from | 1 << axis], 1.5, FRAME);
        }
    }
}
