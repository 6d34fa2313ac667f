//! From the box of elements to the picture.
use crate::problem::Problem;

/// A solid is seen from the right and from above, in parallel perspective: three faces of its box show.
const YAW: f64 = 0.6;
const PITCH: f64 = 0.42;

pub(super) struct View {
    /// Elements along each axis; 0 along z of a plane.
    pub(super) size: [f64; 3],
    pub(super) scale: f64,
    /// Directions on the picture (to the right, down) and away from the viewer.
    axes: [[f64; 3]; 3],
    origin: [f64; 2],
    extent: [f64; 2],
}

impl View {
    pub(super) fn of(problem: &Problem, longest_side: f64, margin: f64) -> Self {
        let mut size = problem.size().map(|count| count as f64);
        let (sin_yaw, cos_yaw) = YAW.sin_cos();
        let (sin_pitch, cos_pitch) = PITCH.sin_cos();
        let axes = if problem.dimensions() == 2 {
            size[2] = 0.0;
            [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]]
        } else {
            [
                [cos_yaw, 0.0, -sin_yaw],
                [sin_pitch * sin_yaw, -cos_pitch, sin_pitch * cos_yaw],
                [-cos_pitch * sin_yaw, -sin_pitch, -cos_pitch * cos_yaw],
            ]
        };
        let mut view = Self { size, scale: 1.0, axes, origin: [0.0; 2], extent: [0.0; 2] };
        let corners: Vec<[f64; 2]> = view.corners().map(|corner| view.project(corner)).collect();
        let least = [0, 1].map(|axis| corners.iter().map(|corner| corner[axis]).fold(f64::INFINITY, f64::min));
        let most = [0, 1].map(|axis| corners.iter().map(|corner| corner[axis]).fold(f64::NEG_INFINITY, f64::max));
        let extent = [0, 1].map(|axis| most[axis] - least[axis]);
        view.scale = longest_side / extent[0].max(extent[1]);
        view.origin = [0, 1].map(|axis| margin - least[axis] * view.scale);
        view.extent = extent.map(|extent| extent * view.scale + 2.0 * margin);
        view
    }

    /// Columns and rows that box and margins take.
    pub(super) fn extent(&self) -> [usize; 2] {
        self.extent.map(|extent| extent.ceil() as usize)
    }

    /// The corners of the box, by bits.
    pub(super) fn corners(&self) -> impl Iterator<Item = [f64; 3]> + use<> {
        let size = self.size;
        (0..8_usize).map(move |corner| std::array::from_fn(|axis| if corner >> axis & 1 == 1 { size[axis] } else { 0.0 }))
    }

    pub(super) fn project(&self, place: [f64; 3]) -> [f64; 2] {
        let [right, down] = self.direction(place);
        [self.origin[0] + right * self.scale, self.origin[1] + down * self.scale]
    }

    /// A direction on the picture, as long as it looks if it is one element long, in elements.
    pub(super) fn direction(&self, direction: [f64; 3]) -> [f64; 2] {
        [0, 1].map(|axis| along(self.axes[axis], direction))
    }

    /// How far away a place is, in elements.
    pub(super) fn depth(&self, place: [f64; 3]) -> f64 {
        along(self.axes[2], place)
    }

    /// From a pixel of a plane's picture back to the plane.
    pub(super) fn on_plane(&self, pixel: [f64; 2]) -> [f64; 2] {
        [(pixel[0] - self.origin[0]) / self.scale, (self.origin[1] - pixel[1]) / self.scale]
    }
}

fn along(axis: [f64; 3], place: [f64; 3]) -> f64 {
    axis[0] * place[0] + axis[1] * place[1] + axis[2] * place[2]
}
