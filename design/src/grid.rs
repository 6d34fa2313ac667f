//! A box of unit elements, and how its nodes and elements lie in memory.
//!
//! ```text
//! nodal values   [node row = layer · rows + row][component][pitch], the first value of a row being a zero to the left of node 0
//! elements       [element row][element pitch], zeros behind the last
//! ```
//!
//! Rows end in zeros, so that loops over four neighbours need no remainder and a stencil may read one node beyond either end.
use crate::lanes::LANES;

/// Zeros before node 0 of a row.
pub(crate) const MARGIN: usize = 1;

/// Elements along x, y and z; two axes or three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Elements along each axis; 1 along z of a plane.
    pub(crate) elements: [usize; 3],
    /// Nodes along each axis; 1 along z of a plane.
    pub(crate) nodes: [usize; 3],
    /// Values in a row of nodes.
    pub(crate) pitch: usize,
    /// Values in a row of elements.
    pub(crate) element_pitch: usize,
}

impl Grid {
    /// A grid of `elements`, whose third number is ignored unless `dimensions` is 3.
    pub(crate) fn new(dimensions: usize, elements: [usize; 3]) -> Self {
        let depth = if dimensions == 3 { elements[2] } else { 1 };
        let elements = [elements[0], elements[1], depth];
        let nodes = [elements[0] + 1, elements[1] + 1, if dimensions == 3 { depth + 1 } else { 1 }];
        Self {
            elements,
            nodes,
            pitch: MARGIN + nodes[0].next_multiple_of(LANES) + LANES - MARGIN,
            element_pitch: elements[0].next_multiple_of(LANES),
        }
    }

    pub(crate) fn node_rows(&self) -> usize {
        self.nodes[1] * self.nodes[2]
    }

    pub(crate) fn element_rows(&self) -> usize {
        self.elements[1] * self.elements[2]
    }

    pub(crate) fn node_count(&self) -> usize {
        self.nodes.iter().product()
    }

    pub(crate) fn element_count(&self) -> usize {
        self.elements.iter().product()
    }

    /// Length of a vector with `components` values a node.
    pub(crate) fn vector_length(&self, components: usize) -> usize {
        self.node_rows() * components * self.pitch
    }

    /// Where the vector keeps a component of a node.
    pub(crate) fn at(&self, node: [usize; 3], component: usize, components: usize) -> usize {
        ((node[2] * self.nodes[1] + node[1]) * components + component) * self.pitch + MARGIN + node[0]
    }

    /// Where padded element fields keep an element.
    pub(crate) fn element_at(&self, element: [usize; 3]) -> usize {
        (element[2] * self.elements[1] + element[1]) * self.element_pitch + element[0]
    }

    /// Nodes in order: x first, then y, then z.
    pub(crate) fn each_node(&self) -> impl Iterator<Item = [usize; 3]> + use<> {
        each(self.nodes)
    }

    /// Elements in order: x first, then y, then z.
    pub(crate) fn each_element(&self) -> impl Iterator<Item = [usize; 3]> + use<> {
        each(self.elements)
    }
}

fn each(counts: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    let [x, y, z] = counts;
    (0..z).flat_map(move |k| (0..y).flat_map(move |j| (0..x).map(move |i| [i, j, k])))
}
