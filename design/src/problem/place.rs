//! From places as people write them to nodes with weights.
use super::description::{Place, Region};
use crate::error::ProblemError;
use crate::grid::Grid;

/// The nodes of a place along each axis: from, to; both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Nodes {
    first: [usize; 3],
    last: [usize; 3],
}

/// A node and its share of a load that is spread evenly over a place.
pub(super) struct Share {
    pub(super) node: [usize; 3],
    pub(super) share: f64,
}

impl Nodes {
    /// `field` is where the place is written.
    pub(super) fn of(place: &Place, grid: &Grid, dimensions: usize, field: &str) -> Result<Self, ProblemError> {
        match place {
            Place::Named(name) => named(name, grid, dimensions, field),
            Place::Point(point) => {
                let node = nearest(point, grid, dimensions, field)?;
                Ok(Self { first: node, last: node })
            }
            Place::Box(Region { from, to }) => {
                let (low, high) = (coordinates(from, grid, dimensions, field)?, coordinates(to, grid, dimensions, field)?);
                let first = low.map(|value| (value - SLACK).ceil().max(0.0) as usize);
                let last = high.map(|value| (value + SLACK).floor().max(0.0) as usize);
                if (0..3).any(|axis| first[axis] > last[axis]) {
                    return Err(ProblemError::field(
                        field,
                        format!("no node lies between {from:?} and {to:?}: `from` is the lower corner, and nodes have whole coordinates"),
                        format!("{from:?} 与 {to:?} 之间没有节点：`from` 为较小的角点，节点坐标为整数"),
                    ));
                }
                Ok(Self { first, last })
            }
        }
    }

    pub(super) fn each(self) -> impl Iterator<Item = [usize; 3]> {
        let [x, y, z] = [0, 1, 2].map(|axis| self.first[axis]..=self.last[axis]);
        z.flat_map(move |k| {
            let x = x.clone();
            y.clone().flat_map(move |j| x.clone().map(move |i| [i, j, k]))
        })
    }

    /// Shares add up to 1; along each axis the outermost nodes have half of what the others have.
    pub(super) fn shares(self) -> Vec<Share> {
        let along = |axis: usize, index: usize| {
            let (first, last) = (self.first[axis], self.last[axis]);
            match (last - first, index == first || index == last) {
                (0, _) => 1.0,
                (length, true) => 0.5 / length as f64,
                (length, false) => 1.0 / length as f64,
            }
        };
        self.each().map(|node| Share { node, share: (0..3).map(|axis| along(axis, node[axis])).product() }).collect()
    }
}

/// Coordinates may be this far from a node that they mean: decimals such as 0.1 · 3 are not exact.
const SLACK: f64 = 1e-6;

fn named(name: &str, grid: &Grid, dimensions: usize, field: &str) -> Result<Nodes, ProblemError> {
    let end = grid.nodes.map(|count| count - 1);
    let mut nodes = Nodes { first: [0; 3], last: end };
    if name == "all" {
        return Ok(nodes);
    }
    let mut seen = [false; 3];
    for word in name.split('-') {
        let (axis, node) = match word {
            "left" => (0, 0),
            "right" => (0, end[0]),
            "bottom" => (1, 0),
            "top" => (1, end[1]),
            "back" if dimensions == 3 => (2, 0),
            "front" if dimensions == 3 => (2, end[2]),
            _ => {
                let sides = if dimensions == 3 { "left, right, bottom, top, back, front" } else { "left, right, bottom, top" };
                return Err(ProblemError::field(
                    field,
                    format!("{word:?} is no side: join sides by hyphens ({sides}), or say all"),
                    format!("{word:?} 不是边的名称：请用连字符连接（{sides}），或写 all"),
                ));
            }
        };
        if std::mem::replace(&mut seen[axis], true) {
            return Err(ProblemError::field(
                field,
                format!("{name:?} names two sides of one axis"),
                format!("{name:?} 在同一坐标轴上写了两条边"),
            ));
        }
        (nodes.first[axis], nodes.last[axis]) = (node, node);
    }
    Ok(nodes)
}

fn nearest(point: &[f64], grid: &Grid, dimensions: usize, field: &str) -> Result<[usize; 3], ProblemError> {
    Ok(coordinates(point, grid, dimensions, field)?.map(|value| value.round().max(0.0) as usize))
}

/// As many finite numbers as axes, all inside the box; 0 along z of a plane.
pub(super) fn coordinates(point: &[f64], grid: &Grid, dimensions: usize, field: &str) -> Result<[f64; 3], ProblemError> {
    if point.len() != dimensions {
        return Err(ProblemError::field(
            field,
            format!("{point:?} has {} coordinates; this problem has {dimensions} axes", point.len()),
            format!("{point:?} 有 {} 个坐标，而本问题有 {dimensions} 个坐标轴", point.len()),
        ));
    }
    let inside = |axis: usize| point[axis] >= -SLACK && point[axis] <= grid.elements[axis] as f64 + SLACK;
    if !(0..dimensions).all(inside) {
        let size = &grid.elements[..dimensions];
        return Err(ProblemError::field(
            field,
            format!("{point:?} lies outside the box from 0 to {size:?}"),
            format!("{point:?} 在 0 到 {size:?} 的设计域之外"),
        ));
    }
    Ok(std::array::from_fn(|axis| point.get(axis).copied().unwrap_or(0.0)))
}
