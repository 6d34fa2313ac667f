//! The stiffness of the whole part on the finest grid, without a matrix: each element's forces, from its displacements in modes.
use crate::element::{COMPONENTS, CORNERS, Element, Local, transform, transform_back};
use crate::grid::{Grid, MARGIN};
use crate::lanes::{LANES, Lanes};
use crate::parts::each_part;
use kernels::dispatch::vectorised;

/// Rows of corners of one row of elements in a cube.
const CORNER_ROWS: usize = CORNERS / 2;

/// Elements of one kind on a grid. Moduli, displacements and forces are handed to it.
pub(crate) struct Operator<'a, E: Element> {
    pub(crate) grid: Grid,
    pub(crate) element: &'a E,
    /// 1 where a component of a node may move, 0 where it is held and in the margins.
    pub(crate) free: &'a [f64],
}

impl<E: Element> Operator<'_, E> {
    /// `forces = free · K · displacements`, where `moduli` are in the grid's padded layout.
    pub(crate) fn apply(&self, moduli: &[f64], displacements: &[f64], forces: &mut [f64]) {
        let row = E::COMPONENTS * self.grid.pitch;
        let rows_in_layer = if E::DIMENSIONS == 3 { self.grid.nodes[1] } else { 1 };
        let layer = rows_in_layer * row;
        each_part(forces, layer, &|first, part| {
            part.fill(0.0);
            let layers = first / layer..(first + part.len()) / layer;
            let element_layers = layers.start.saturating_sub(1)..layers.end.min(self.element_layers());
            vectorised(
                #[inline(always)]
                || {
                    for element_layer in element_layers.clone() {
                        for element_row in self.rows_of(element_layer) {
                            self.apply_row(element_row, moduli, displacements, first, part);
                        }
                    }
                    let free = &self.free[first..first + part.len()];
                    part.iter_mut().zip(free).for_each(
                        #[inline(always)]
                        |(force, free)| *force *= free,
                    );
                },
            );
        });
    }

    /// Twice the strain energy of each element of unit modulus, added to `energies` (padded) times `weight`.
    pub(crate) fn add_energies(&self, displacements: &[f64], weight: f64, energies: &mut [f64]) {
        let pitch = self.grid.element_pitch;
        let weight = Lanes::splat(weight);
        each_part(energies, pitch, &|first, part| {
            vectorised(
                #[inline(always)]
                || {
                    for (offset, row) in part.chunks_mut(pitch).enumerate() {
                        let starts = self.corner_rows(first / pitch + offset);
                        for x in (0..pitch).step_by(LANES) {
                            let mut modes = load::<E>(displacements, &starts, self.grid.pitch, x);
                            transform::<E>(&mut modes);
                            let forces = self.element.modal(&modes);
                            let mut sum = Lanes::ZERO;
                            for component in 0..E::COMPONENTS {
                                for mode in 1..E::CORNERS {
                                    sum += modes[component][mode] * forces[component][mode];
                                }
                            }
                            (sum * weight).add_to(&mut row[x..]);
                        }
                    }
                },
            );
        });
    }

    /// Sum of the moduli around each component that may move, times the element's diagonal entry: the diagonal of the whole.
    pub(crate) fn diagonal(&self, moduli: &[f64]) -> Vec<f64> {
        let grid = &self.grid;
        let mut diagonal = vec![0.0; grid.vector_length(E::COMPONENTS)];
        let entry = self.element.matrix()[0];
        for row in 0..grid.element_rows() {
            for start in self.corner_rows(row).into_iter().take(E::CORNERS / 2) {
                for component in 0..E::COMPONENTS {
                    let start = start + component * grid.pitch + MARGIN;
                    for x in 0..grid.elements[0] {
                        let value = entry * moduli[row * grid.element_pitch + x];
                        diagonal[start + x] += value;
                        diagonal[start + x + 1] += value;
                    }
                }
            }
        }
        diagonal.iter_mut().zip(self.free).for_each(|(value, free)| *value *= free);
        diagonal
    }

    fn element_layers(&self) -> usize {
        self.grid.elements[E::DIMENSIONS - 1]
    }

    #[inline(always)]
    fn rows_of(&self, layer: usize) -> std::ops::Range<usize> {
        let rows = if E::DIMENSIONS == 3 { self.grid.elements[1] } else { 1 };
        layer * rows..(layer + 1) * rows
    }

    /// Where the rows of nodes at a row of elements begin, by the corner's bits for y and z.
    #[inline(always)]
    fn corner_rows(&self, element_row: usize) -> [usize; CORNER_ROWS] {
        let (j, k) = (element_row % self.grid.elements[1], element_row / self.grid.elements[1]);
        let row = E::COMPONENTS * self.grid.pitch;
        std::array::from_fn(
            #[inline(always)]
            |corner| {
                let z = if E::DIMENSIONS == 3 { corner >> 1 } else { 0 };
                ((k + z) * self.grid.nodes[1] + j + (corner & 1)) * row
            },
        )
    }

    #[inline(always)]
    fn apply_row(&self, element_row: usize, moduli: &[f64], displacements: &[f64], first: usize, part: &mut [f64]) {
        let pitch = self.grid.pitch;
        let starts = self.corner_rows(element_row);
        let moduli = &moduli[element_row * self.grid.element_pitch..][..self.grid.element_pitch];
        for (chunk, modulus) in moduli.chunks_exact(LANES).enumerate() {
            let x = chunk * LANES;
            let mut values = load::<E>(displacements, &starts, pitch, x);
            transform::<E>(&mut values);
            let modulus = Lanes::load(modulus);
            let mut forces = self.element.modal(&values);
            for component in forces.iter_mut().take(E::COMPONENTS) {
                for force in component.iter_mut().take(E::CORNERS) {
                    *force = *force * modulus;
                }
            }
            transform_back::<E>(&mut forces);
            for (corner_row, start) in starts.into_iter().enumerate().take(E::CORNERS / 2) {
                // Rows of a neighbouring part are the neighbour's.
                if start < first || start >= first + part.len() {
                    continue;
                }
                for component in 0..E::COMPONENTS {
                    let target = &mut part[start - first + component * pitch + MARGIN + x..][..=LANES];
                    forces[component][corner_row << 1].add_to(target);
                    forces[component][corner_row << 1 | 1].add_to(&mut target[1..]);
                }
            }
        }
    }
}

/// Displacements of four elements of a row.
#[inline(always)]
fn load<E: Element>(displacements: &[f64], starts: &[usize; CORNER_ROWS], pitch: usize, x: usize) -> Local {
    let mut values = [[Lanes::ZERO; CORNERS]; COMPONENTS];
    for (corner_row, start) in starts.iter().enumerate().take(E::CORNERS / 2) {
        for component in 0..E::COMPONENTS {
            let source = &displacements[start + component * pitch + MARGIN + x..][..=LANES];
            values[component][corner_row << 1] = Lanes::load(source);
            values[component][corner_row << 1 | 1] = Lanes::load(&source[1..]);
        }
    }
    values
}
