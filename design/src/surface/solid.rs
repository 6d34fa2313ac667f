//! The iso-surface of a solid field, by marching tetrahedra: six to a cube around its long diagonal, which fit those of the neighbours,
//! so that the surface is closed and no edge belongs to more than two triangles.
use super::{Samples, Surface};
use crate::solution::DensityField;
use std::collections::HashMap;

/// Orders in which a path from a cube's lowest corner to its highest takes the axes, and whether the tetrahedron over it is right-handed.
const PATHS: [([usize; 3], bool); 6] =
    [([0, 1, 2], true), ([1, 2, 0], true), ([2, 0, 1], true), ([0, 2, 1], false), ([2, 1, 0], false), ([1, 0, 2], false)];

/// For each pair of corners that are inside together, the even permutation that begins with them.
const PAIRS: [[usize; 4]; 6] = [[0, 1, 2, 3], [0, 2, 3, 1], [0, 3, 1, 2], [1, 2, 0, 3], [1, 3, 2, 0], [2, 3, 0, 1]];

/// For each corner, the even permutation that begins with it.
const SINGLES: [[usize; 4]; 4] = [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]];

type Sample = [usize; 3];

struct Builder<'a> {
    samples: Samples<'a>,
    vertices: HashMap<(Sample, Sample), u32>,
    surface: Surface,
}

pub(super) fn iso_surface(field: &DensityField, threshold: f64) -> Surface {
    let mut builder = Builder { samples: Samples { field, threshold }, vertices: HashMap::new(), surface: Surface::default() };
    let [width, height, depth] = field.size;
    for z in 0..=depth {
        for y in 0..=height {
            for x in 0..=width {
                builder.cube([x, y, z]);
            }
        }
    }
    builder.surface
}

impl Builder<'_> {
    fn cube(&mut self, lowest: Sample) {
        let corner = |bits: usize| [0, 1, 2].map(|axis| lowest[axis] + (bits >> axis & 1));
        let inside: [bool; 8] = std::array::from_fn(|bits| self.samples.inside(corner(bits)));
        if inside == [inside[0]; 8] {
            return;
        }
        for ([a, b, _], right_handed) in PATHS {
            let bits = [0, 1 << a, 1 << a | 1 << b, 7];
            self.tetrahedron(bits.map(corner), bits.map(|bits| inside[bits]), right_handed);
        }
    }

    fn tetrahedron(&mut self, corners: [Sample; 4], inside: [bool; 4], right_handed: bool) {
        let count = inside.iter().filter(|inside| **inside).count();
        match count {
            1 | 3 => {
                let lone = inside.iter().position(|inside| *inside == (count == 1)).unwrap_or_default();
                let [a, b, c, d] = SINGLES[lone].map(|index| corners[index]);
                let triangle = [self.vertex(a, b), self.vertex(a, c), self.vertex(a, d)];
                self.add(triangle, right_handed == (count == 1));
            }
            2 => {
                for order in PAIRS.into_iter().filter(|order| inside[order[0]] && inside[order[1]]) {
                    let [a, b, c, d] = order.map(|index| corners[index]);
                    let [first, second, third, fourth] = [self.vertex(a, c), self.vertex(a, d), self.vertex(b, d), self.vertex(b, c)];
                    self.add([first, second, third], right_handed);
                    self.add([first, third, fourth], right_handed);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, [a, b, c]: [u32; 3], forwards: bool) {
        self.surface.triangles.push(if forwards { [a, b, c] } else { [a, c, b] });
    }

    fn vertex(&mut self, a: Sample, b: Sample) -> u32 {
        let key = (a.min(b), a.max(b));
        let (samples, positions) = (&self.samples, &mut self.surface.positions);
        *self.vertices.entry(key).or_insert_with(|| {
            positions.push(samples.crossing(key.0, key.1));
            positions.len() as u32 - 1
        })
    }
}
