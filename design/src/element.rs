//! The finite element: a unit square or cube with linear shape functions, as a dense matrix and in modes.
//!
//! Corner `n` lies at the upper end of axis `a` if bit `a` of `n` is set. Along each axis the two ends are replaced by their sum and
//! their difference (a Walsh–Hadamard transform); mode `m` differs along the axes whose bits are set. In these modes the stiffness of an
//! isotropic square or cube is nearly diagonal, because mirroring the element leaves it unchanged: a product costs some 200 operations
//! for a cube where the dense matrix takes 1,152.
use crate::lanes::Lanes;

/// Corners of the largest element.
pub(crate) const CORNERS: usize = 8;
/// Components of the largest element's displacement.
pub(crate) const COMPONENTS: usize = 3;

/// Values at corners, or in modes, by component.
pub(crate) type Local = [[Lanes; CORNERS]; COMPONENTS];

/// An element's stiffness for unit Young's modulus or unit conductivity.
pub(crate) trait Element: Sync {
    /// Axes.
    const DIMENSIONS: usize;
    /// Values a node.
    const COMPONENTS: usize;
    /// Corners.
    const CORNERS: usize = 1 << Self::DIMENSIONS;
    /// Rows of the element's matrix: corner · components + component.
    const FREEDOMS: usize = Self::CORNERS * Self::COMPONENTS;

    /// The dense matrix, `[FREEDOMS, FREEDOMS]`.
    fn matrix(&self) -> &[f64];

    /// Forces in modes of displacements in modes.
    fn modal(&self, modes: &Local) -> Local;
}

/// From corners to modes.
#[inline(always)]
pub(crate) fn transform<E: Element>(values: &mut Local) {
    for component in values.iter_mut().take(E::COMPONENTS) {
        for axis in 0..E::DIMENSIONS {
            for low in (0..E::CORNERS).filter(|corner| corner >> axis & 1 == 0) {
                let (a, b) = (component[low], component[low | 1 << axis]);
                component[low] = a + b;
                component[low | 1 << axis] = b - a;
            }
        }
    }
}

/// From modes back to corners: the transpose of [`transform`].
#[inline(always)]
pub(crate) fn transform_back<E: Element>(values: &mut Local) {
    for component in values.iter_mut().take(E::COMPONENTS) {
        for axis in 0..E::DIMENSIONS {
            for low in (0..E::CORNERS).filter(|corner| corner >> axis & 1 == 0) {
                let (sum, difference) = (component[low], component[low | 1 << axis]);
                component[low] = sum - difference;
                component[low | 1 << axis] = sum + difference;
            }
        }
    }
}

/// Plane stress on a unit square of unit thickness.
pub(crate) struct Plane {
    matrix: Vec<f64>,
    /// Of a stretch on itself, and of one on the other.
    stretch: [Lanes; 2],
    shear: Lanes,
    bending: Lanes,
}

/// A unit cube.
pub(crate) struct Solid {
    matrix: Vec<f64>,
    stretch: [Lanes; 2],
    shear: Lanes,
    /// Of a bending mode on itself, and on its partner about the same axis.
    bending: [Lanes; 2],
    /// Of a twist on itself, and on the two others.
    twist: [Lanes; 2],
    hourglass: Lanes,
}

/// Heat conduction; `D` axes.
pub(crate) struct Conduction<const D: usize> {
    matrix: Vec<f64>,
    /// By the number of axes along which a mode differs.
    modes: [Lanes; 4],
}

impl Plane {
    pub(crate) fn new(poisson: f64) -> Self {
        let matrix = elastic_matrix(2, &plane_stress(poisson));
        let mode = |row: (usize, usize), column: (usize, usize)| modal_entry(&matrix, 2, 2, row, column);
        Self { stretch: [mode((0, 1), (0, 1)), mode((0, 1), (1, 2))], shear: mode((0, 2), (1, 1)), bending: mode((0, 3), (0, 3)), matrix }
    }
}

impl Element for Plane {
    const DIMENSIONS: usize = 2;
    const COMPONENTS: usize = 2;

    fn matrix(&self) -> &[f64] {
        &self.matrix
    }

    #[inline(always)]
    fn modal(&self, modes: &Local) -> Local {
        let mut forces = [[Lanes::ZERO; CORNERS]; COMPONENTS];
        let [x, y, _] = modes;
        forces[0][1] = self.stretch[0] * x[1] + self.stretch[1] * y[2];
        forces[1][2] = self.stretch[1] * x[1] + self.stretch[0] * y[2];
        forces[0][2] = self.shear * (x[2] + y[1]);
        forces[1][1] = forces[0][2];
        forces[0][3] = self.bending * x[3];
        forces[1][3] = self.bending * y[3];
        forces
    }
}

impl Solid {
    pub(crate) fn new(poisson: f64) -> Self {
        let matrix = elastic_matrix(3, &isotropic(poisson));
        let mode = |row: (usize, usize), column: (usize, usize)| modal_entry(&matrix, 3, 3, row, column);
        Self {
            stretch: [mode((0, 1), (0, 1)), mode((0, 1), (1, 2))],
            shear: mode((0, 2), (1, 1)),
            bending: [mode((0, 3), (0, 3)), mode((0, 3), (2, 6))],
            twist: [mode((0, 6), (0, 6)), mode((0, 6), (1, 5))],
            hourglass: mode((0, 7), (0, 7)),
            matrix,
        }
    }
}

impl Element for Solid {
    const DIMENSIONS: usize = 3;
    const COMPONENTS: usize = 3;

    fn matrix(&self) -> &[f64] {
        &self.matrix
    }

    #[inline(always)]
    fn modal(&self, modes: &Local) -> Local {
        let mut forces = [[Lanes::ZERO; CORNERS]; COMPONENTS];
        let stretches = self.stretch[1] * (modes[0][1] + modes[1][2] + modes[2][4]);
        let twists = self.twist[1] * (modes[0][6] + modes[1][5] + modes[2][3]);
        for axis in 0..3 {
            let (next, last) = ((axis + 1) % 3, (axis + 2) % 3);
            let [bit, next_bit, last_bit] = [1 << axis, 1 << next, 1 << last];
            forces[axis][bit] = stretches + (self.stretch[0] - self.stretch[1]) * modes[axis][bit];
            let shear = self.shear * (modes[axis][next_bit] + modes[next][bit]);
            forces[axis][next_bit] = shear;
            forces[next][bit] = shear;
            let bend = [modes[next][next_bit | bit], modes[last][last_bit | bit]];
            forces[next][next_bit | bit] = self.bending[0] * bend[0] + self.bending[1] * bend[1];
            forces[last][last_bit | bit] = self.bending[1] * bend[0] + self.bending[0] * bend[1];
            forces[axis][7 ^ bit] = twists + (self.twist[0] - self.twist[1]) * modes[axis][7 ^ bit];
            forces[axis][7] = self.hourglass * modes[axis][7];
        }
        forces
    }
}

impl<const D: usize> Conduction<D> {
    pub(crate) fn new() -> Self {
        let matrix = conduction_matrix(D);
        let modes = [0, 1, 3, if D == 3 { 7 } else { 0 }].map(|mode| modal_entry(&matrix, D, 1, (0, mode), (0, mode)));
        Self { matrix, modes }
    }
}

impl<const D: usize> Element for Conduction<D> {
    const DIMENSIONS: usize = D;
    const COMPONENTS: usize = 1;

    fn matrix(&self) -> &[f64] {
        &self.matrix
    }

    #[inline(always)]
    fn modal(&self, modes: &Local) -> Local {
        let mut forces = [[Lanes::ZERO; CORNERS]; COMPONENTS];
        for mode in 1..1_usize << D {
            forces[0][mode] = self.modes[mode.count_ones() as usize] * modes[0][mode];
        }
        forces
    }
}

/// Stress of strain, `[xx, yy, xy]`, for unit Young's modulus.
pub(crate) fn plane_stress(poisson: f64) -> Vec<Vec<f64>> {
    let factor = 1.0 / (1.0 - poisson * poisson);
    vec![vec![factor, factor * poisson, 0.0], vec![factor * poisson, factor, 0.0], vec![0.0, 0.0, 0.5 / (1.0 + poisson)]]
}

/// Stress of strain, `[xx, yy, zz, xy, yz, zx]`, for unit Young's modulus.
pub(crate) fn isotropic(poisson: f64) -> Vec<Vec<f64>> {
    let factor = 1.0 / ((1.0 + poisson) * (1.0 - 2.0 * poisson));
    (0..6)
        .map(|row| {
            (0..6)
                .map(|column| match (row < 3, column < 3, row == column) {
                    (true, true, true) => factor * (1.0 - poisson),
                    (true, true, false) => factor * poisson,
                    (false, false, true) => 0.5 / (1.0 + poisson),
                    _ => 0.0,
                })
                .collect()
        })
        .collect()
}

/// Strain of a unit element's corner displacements at a place inside it, `[strains, FREEDOMS]`.
pub(crate) fn strain_of_displacement(dimensions: usize, place: [f64; 3]) -> Vec<Vec<f64>> {
    let corners = 1 << dimensions;
    let shears: &[[usize; 2]] = if dimensions == 2 { &[[0, 1]] } else { &[[0, 1], [1, 2], [2, 0]] };
    let mut strain = vec![vec![0.0; corners * dimensions]; dimensions + shears.len()];
    for corner in 0..corners {
        let slope = shape_slopes(dimensions, corner, place);
        for axis in 0..dimensions {
            strain[axis][corner * dimensions + axis] = slope[axis];
        }
        for (shear, [a, b]) in shears.iter().enumerate() {
            strain[dimensions + shear][corner * dimensions + a] = slope[*b];
            strain[dimensions + shear][corner * dimensions + b] = slope[*a];
        }
    }
    strain
}

/// Slope along each axis of a corner's shape function.
pub(crate) fn shape_slopes(dimensions: usize, corner: usize, place: [f64; 3]) -> [f64; 3] {
    let upper = |axis: usize| corner >> axis & 1 == 1;
    let value = |axis: usize| if upper(axis) { place[axis] } else { 1.0 - place[axis] };
    std::array::from_fn(|along| {
        if along >= dimensions {
            return 0.0;
        }
        let sign = if upper(along) { 1.0 } else { -1.0 };
        (0..dimensions).filter(|axis| *axis != along).fold(sign, |product, axis| product * value(axis))
    })
}

/// Gauss points of order two in a unit element; each weighs 1 / their number.
fn gauss_points(dimensions: usize) -> Vec<[f64; 3]> {
    let offset = 0.5 / 3f64.sqrt();
    (0..1 << dimensions)
        .map(|point: usize| std::array::from_fn(|axis| if point >> axis & 1 == 1 { 0.5 + offset } else { 0.5 - offset }))
        .collect()
}

fn elastic_matrix(dimensions: usize, material: &[Vec<f64>]) -> Vec<f64> {
    let freedoms = dimensions << dimensions;
    let points = gauss_points(dimensions);
    let mut matrix = vec![0.0; freedoms * freedoms];
    for point in &points {
        let strain = strain_of_displacement(dimensions, *point);
        for row in 0..freedoms {
            for column in 0..freedoms {
                let energy: f64 = (0..material.len())
                    .flat_map(|a| (0..material.len()).map(move |b| (a, b)))
                    .map(|(a, b)| strain[a][row] * material[a][b] * strain[b][column])
                    .sum();
                matrix[row * freedoms + column] += energy / points.len() as f64;
            }
        }
    }
    matrix
}

fn conduction_matrix(dimensions: usize) -> Vec<f64> {
    let corners = 1 << dimensions;
    let points = gauss_points(dimensions);
    let mut matrix = vec![0.0; corners * corners];
    for point in &points {
        for row in 0..corners {
            let a = shape_slopes(dimensions, row, *point);
            for column in 0..corners {
                let b = shape_slopes(dimensions, column, *point);
                matrix[row * corners + column] += (a[0] * b[0] + a[1] * b[1] + a[2] * b[2]) / points.len() as f64;
            }
        }
    }
    matrix
}

/// Entry of the matrix in modes, where a row or column is a component and a mode; scaled so that products need no further factor.
fn modal_entry(matrix: &[f64], dimensions: usize, components: usize, row: (usize, usize), column: (usize, usize)) -> Lanes {
    let corners = 1_usize << dimensions;
    let sign = |mode: usize, corner: usize| if (mode & !corner).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
    let mut sum = 0.0;
    for a in 0..corners {
        for b in 0..corners {
            let entry = matrix[(a * components + row.0) * corners * components + b * components + column.0];
            sum += sign(row.1, a) * entry * sign(column.1, b);
        }
    }
    Lanes::splat(sum / (corners * corners) as f64)
}

#[cfg(test)]
mod tests {
    use super::{COMPONENTS, CORNERS, Conduction, Element, Plane, Solid, transform, transform_back};
    use crate::lanes::Lanes;

    fn largest_difference<E: Element>(element: &E) -> f64 {
        let mut worst = 0f64;
        for column in 0..E::FREEDOMS {
            let mut values = [[Lanes::ZERO; CORNERS]; COMPONENTS];
            values[column % E::COMPONENTS][column / E::COMPONENTS] = Lanes::splat(1.0);
            transform::<E>(&mut values);
            let mut forces = element.modal(&values);
            transform_back::<E>(&mut forces);
            for row in 0..E::FREEDOMS {
                let force = forces[row % E::COMPONENTS][row / E::COMPONENTS].sum() / 4.0;
                worst = worst.max((force - element.matrix()[row * E::FREEDOMS + column]).abs());
            }
        }
        worst
    }

    #[test]
    fn modes_and_dense_matrix_agree() {
        for poisson in [-0.4, 0.0, 0.3, 0.45] {
            assert!(largest_difference(&Plane::new(poisson)) < 1e-14, "plane, {poisson}");
            assert!(largest_difference(&Solid::new(poisson)) < 1e-13, "solid, {poisson}");
        }
        assert!(largest_difference(&Conduction::<2>::new()) < 1e-14);
        assert!(largest_difference(&Conduction::<3>::new()) < 1e-14);
    }
}
