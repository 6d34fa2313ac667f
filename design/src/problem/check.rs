//! Every bound of a problem, before any work.
use super::description::{Axis, Description, Fill, Load, LoadCase, Physics};
use super::place::{Nodes, coordinates};
use super::{Case, NodalForce, Problem};
use crate::error::ProblemError;
use crate::grid::Grid;

/// Elements along an axis: beyond, one iteration takes minutes and a picture of the field no longer fits a screen.
const LONGEST: usize = 4096;
/// Bytes that solving may take: what a small workstation has to spare.
const MOST_MEMORY: u64 = 4 << 30;
/// Elements: work of the filter grows with the square or cube of the radius.
const LARGEST_RADIUS: f64 = 32.0;
/// Characters of title, notes and names.
const LONGEST_TEXT: usize = 2000;
/// Cases: each is solved in every iteration and keeps a displacement field.
const MOST_CASES: usize = 32;
/// Moduli and forces beyond would leave the range of f64 in squares and products.
const LARGEST_NUMBER: f64 = 1e30;

pub(super) fn check(description: Description) -> Result<Problem, ProblemError> {
    let grid = check_size(&description)?;
    check_numbers(&description)?;
    check_texts(&description)?;
    check_memory(&description, &grid)?;
    let fills = fills(&description, &grid)?;
    check_symmetry(&description, &grid, &fills)?;
    check_volume(&description, &grid, &fills)?;
    let mut problem = Problem { held: Vec::new(), cases: Vec::new(), description, grid, fills };
    problem.held = held(&problem)?;
    check_supports(&problem)?;
    problem.cases = cases(&problem)?;
    Ok(problem)
}

fn check_size(description: &Description) -> Result<Grid, ProblemError> {
    let size = &description.size;
    let dimensions = size.len();
    if !(2..=3).contains(&dimensions) || !size.iter().all(|count| (1..=LONGEST).contains(count)) {
        return Err(ProblemError::field(
            "size",
            format!("{size:?}: write two or three numbers of elements, each from 1 to {LONGEST}"),
            format!("{size:?}：请写两个或三个单元数，每个为 1 至 {LONGEST}"),
        ));
    }
    for (index, axis) in description.symmetry.iter().enumerate() {
        if axis.index() >= dimensions || description.symmetry[..index].contains(axis) {
            return Err(ProblemError::field("symmetry", "name axes of this problem, each once", "请写本问题具有的坐标轴，每个一次"));
        }
    }
    let mut elements = [1; 3];
    elements[..dimensions].copy_from_slice(size);
    Ok(Grid::new(dimensions, elements))
}

fn check_numbers(description: &Description) -> Result<(), ProblemError> {
    let material = &description.material;
    let bounds: [(&str, f64, f64, f64); 7] = [
        ("volume_fraction", description.volume_fraction, 0.01, 1.0),
        ("penalty", description.penalty, 1.0, 10.0),
        ("filter_radius", description.filter_radius, 1.0, LARGEST_RADIUS),
        ("tolerance", description.tolerance, 1e-6, 1.0),
        ("material.young", material.young, 1.0 / LARGEST_NUMBER, LARGEST_NUMBER),
        ("material.conductivity", material.conductivity, 1.0 / LARGEST_NUMBER, LARGEST_NUMBER),
        // At -1 and 0.5 an elastic solid has no stiffness against shear, or no compressibility.
        ("material.poisson", material.poisson, -0.95, 0.49),
    ];
    for (field, value, least, most) in bounds {
        if !(least..=most).contains(&value) {
            return Err(ProblemError::field(
                field,
                format!("{value} lies outside the range from {least} to {most}"),
                format!("{value} 不在 {least} 至 {most} 的范围内"),
            ));
        }
    }
    if !(1..=2000).contains(&description.iterations) {
        return Err(ProblemError::field(
            "iterations",
            format!("{} lies outside the range from 1 to 2000", description.iterations),
            format!("{} 不在 1 至 2000 的范围内", description.iterations),
        ));
    }
    Ok(())
}

fn check_texts(description: &Description) -> Result<(), ProblemError> {
    if description.title.trim().is_empty() {
        return Err(ProblemError::field("title", "say what the part is", "请写明零件名称"));
    }
    let names = description.load_cases.iter().map(|case| ("load_cases.name", &case.name));
    for (field, text) in [("title", &description.title), ("notes", &description.notes)].into_iter().chain(names) {
        let count = text.chars().count();
        if count > LONGEST_TEXT {
            return Err(ProblemError::field(
                field,
                format!("{count} characters; at most {LONGEST_TEXT} are read"),
                format!("共 {count} 个字符，最多 {LONGEST_TEXT} 个"),
            ));
        }
    }
    Ok(())
}

/// Bytes that solving takes: vectors on the finest grid, and stencils on the coarser ones.
fn memory(description: &Description, grid: &Grid) -> u64 {
    let dimensions = description.size.len();
    let components = if description.physics == Physics::Heat { 1 } else { dimensions };
    let cases = description.load_cases.len().max(1);
    // Solver and multigrid keep eight vectors of the finest grid, each case its forces and displacements twice.
    let vectors = grid.vector_length(components) * (8 + 4 * cases);
    let stencil = grid.vector_length(1) * components * components * if dimensions == 3 { 27 } else { 9 };
    // A quarter or an eighth of the nodes, and a third or a seventh more for all coarser grids.
    let stencils = stencil / if dimensions == 3 { 7 } else { 3 };
    8 * (vectors + stencils + grid.element_count() * (10 + cases)) as u64
}

fn check_memory(description: &Description, grid: &Grid) -> Result<(), ProblemError> {
    let bytes = memory(description, grid);
    if bytes > MOST_MEMORY {
        let (needed, most) = (bytes >> 20, MOST_MEMORY >> 20);
        return Err(ProblemError::field(
            "size",
            format!("{:?} would take {needed} MiB of memory; at most {most} MiB are used: choose fewer elements", description.size),
            format!("{:?} 需要约 {needed} MiB 内存，上限为 {most} MiB：请减少单元数", description.size),
        ));
    }
    Ok(())
}

fn fills(description: &Description, grid: &Grid) -> Result<Vec<Option<Fill>>, ProblemError> {
    let dimensions = description.size.len();
    let mut fills = vec![None; grid.element_count()];
    for (index, passive) in description.passive.iter().enumerate() {
        let field = format!("passive[{index}]");
        let inside: Box<dyn Fn([f64; 3]) -> bool> = match (passive.from.is_empty(), passive.centre.is_empty(), passive.radius) {
            (false, true, None) if passive.along.is_none() => {
                let (low, high) =
                    (coordinates(&passive.from, grid, dimensions, &field)?, coordinates(&passive.to, grid, dimensions, &field)?);
                Box::new(move |centre| (0..dimensions).all(|axis| (low[axis]..=high[axis]).contains(&centre[axis])))
            }
            (true, false, Some(radius)) if passive.to.is_empty() && radius > 0.0 && radius.is_finite() => {
                let centre = coordinates(&passive.centre, grid, dimensions, &field)?;
                let along = passive.along.map(Axis::index);
                Box::new(move |place| {
                    let axes = (0..dimensions).filter(|axis| Some(*axis) != along);
                    axes.map(|axis| (place[axis] - centre[axis]).powi(2)).sum::<f64>() <= radius * radius
                })
            }
            _ => {
                return Err(ProblemError::field(
                    field,
                    "write either `from` and `to` of a box, or `centre` and a positive `radius` (and `along` for a cylinder)",
                    "请写长方体的 `from` 与 `to`，或 `centre` 与正的 `radius`（圆柱另写 `along`）",
                ));
            }
        };
        let mut hits = 0;
        for (fill, element) in fills.iter_mut().zip(grid.each_element()) {
            if inside(element.map(|index| index as f64 + 0.5)) {
                *fill = Some(passive.fill);
                hits += 1;
            }
        }
        if hits == 0 {
            return Err(ProblemError::field(field, "no element's centre lies in this region", "此区域内没有任何单元的中心"));
        }
    }
    Ok(fills)
}

fn check_symmetry(description: &Description, grid: &Grid, fills: &[Option<Fill>]) -> Result<(), ProblemError> {
    for axis in &description.symmetry {
        let mirrored = |mut element: [usize; 3]| {
            element[axis.index()] = grid.elements[axis.index()] - 1 - element[axis.index()];
            fills[(element[2] * grid.elements[1] + element[1]) * grid.elements[0] + element[0]]
        };
        if grid.each_element().zip(fills).any(|(element, fill)| mirrored(element) != *fill) {
            return Err(ProblemError::field(
                "symmetry",
                format!("the passive regions are not symmetric along {axis:?}: add their mirror images, or leave the symmetry out"),
                format!("被动区域沿 {axis:?} 方向不对称：请补上镜像区域，或去掉该对称"),
            ));
        }
    }
    Ok(())
}

fn check_volume(description: &Description, grid: &Grid, fills: &[Option<Fill>]) -> Result<(), ProblemError> {
    let share = |fill: Fill| fills.iter().filter(|other| **other == Some(fill)).count() as f64 / grid.element_count() as f64;
    let (solid, room, asked) = (share(Fill::Solid), 1.0 - share(Fill::Void), description.volume_fraction);
    if asked < solid || asked > room {
        return Err(ProblemError::field(
            "volume_fraction",
            format!("{asked} does not fit the passive regions, which leave room for {solid:.3} to {room:.3}"),
            format!("{asked} 与被动区域不符，可取范围为 {solid:.3} 至 {room:.3}"),
        ));
    }
    Ok(())
}

/// Whether a node belongs to an element that may be solid.
fn carries(problem: &Problem, node: [usize; 3]) -> bool {
    let grid = &problem.grid;
    let solid = problem.dimensions() == 3;
    (0..if solid { 8 } else { 4 }).any(|corner: usize| {
        let element: [usize; 3] =
            std::array::from_fn(|axis| (node[axis] + (corner >> axis & 1)).wrapping_sub(usize::from(axis < 2 || solid)));
        let inside = (0..3).all(|axis| element[axis] < grid.elements[axis]);
        inside && problem.fills[(element[2] * grid.elements[1] + element[1]) * grid.elements[0] + element[0]] != Some(Fill::Void)
    })
}

fn node_index(grid: &Grid, node: [usize; 3]) -> usize {
    (node[2] * grid.nodes[1] + node[1]) * grid.nodes[0] + node[0]
}

fn require_material(problem: &Problem, nodes: Nodes, field: &str) -> Result<(), ProblemError> {
    if nodes.each().any(|node| carries(problem, node)) {
        return Ok(());
    }
    Err(ProblemError::field(
        field,
        "lies wholly in a region that is void: nothing there can carry it",
        "完全位于空洞区域内：该处没有材料可以承受",
    ))
}

fn held(problem: &Problem) -> Result<Vec<[bool; 3]>, ProblemError> {
    let (description, grid, dimensions) = (&problem.description, &problem.grid, problem.dimensions());
    let mut held = vec![[false; 3]; grid.node_count()];
    for (index, support) in description.supports.iter().enumerate() {
        let field = format!("supports[{index}]");
        let nodes = Nodes::of(&support.at, grid, dimensions, &format!("{field}.at"))?;
        require_material(problem, nodes, &field)?;
        let heat = description.physics == Physics::Heat;
        if support.axes.iter().any(|axis| heat || axis.index() >= dimensions) {
            return Err(ProblemError::field(
                format!("{field}.axes"),
                if heat { "a support of a heat problem has temperature 0 and no axes" } else { "a plane has no z axis" },
                if heat { "热传导问题的支承为零温度，不写坐标轴" } else { "平面问题没有 z 轴" },
            ));
        }
        for node in nodes.each() {
            let axes = &mut held[node_index(grid, node)];
            for axis in 0..dimensions {
                let named = |name: &Axis| name.index() == axis;
                axes[axis] |= support.axes.is_empty() || support.axes.iter().any(named);
            }
        }
    }
    Ok(held)
}

/// Whether the supports leave a movement of the whole part free.
fn check_supports(problem: &Problem) -> Result<(), ProblemError> {
    let (grid, dimensions) = (&problem.grid, problem.dimensions());
    let unsupported =
        |english: &str, chinese: &str| Err(ProblemError::Unsupported { english: english.to_owned(), chinese: chinese.to_owned() });
    if problem.description.physics == Physics::Heat {
        if problem.held.iter().any(|axes| axes[0]) {
            return Ok(());
        }
        return unsupported("at temperature 0: add [[supports]] where heat leaves it", "的温度（零度）：请在散热处添加 [[supports]]");
    }
    for axis in 0..dimensions {
        if !problem.held.iter().any(|axes| axes[axis]) {
            let name = ["x", "y", "z"][axis];
            return unsupported(
                &format!("against moving along {name}: add [[supports]] that hold it there"),
                &format!("沿 {name} 方向的移动：请添加相应的 [[supports]]"),
            );
        }
    }
    let rotations: &[[usize; 2]] = if dimensions == 2 { &[[0, 1]] } else { &[[0, 1], [1, 2], [2, 0]] };
    let modes = dimensions + rotations.len();
    let mut gram = vec![vec![0.0; modes]; modes];
    for (axes, node) in problem.held.iter().zip(grid.each_node()) {
        let place: [f64; 3] =
            std::array::from_fn(|axis| node[axis] as f64 / LONGEST as f64 * 2.0 - grid.elements[axis] as f64 / LONGEST as f64);
        for axis in (0..dimensions).filter(|axis| axes[*axis]) {
            let mut row = vec![0.0; modes];
            row[axis] = 1.0;
            for (mode, [a, b]) in rotations.iter().enumerate() {
                let turning = &mut row[dimensions + mode];
                *turning = if axis == *b {
                    place[*a]
                } else if axis == *a {
                    -place[*b]
                } else {
                    0.0
                };
            }
            for a in 0..modes {
                for b in 0..modes {
                    gram[a][b] += row[a] * row[b];
                }
            }
        }
    }
    if rank(gram) < modes {
        return unsupported(
            "against turning: add [[supports]] further apart, or along another axis",
            "的转动：请在相距更远处或沿另一坐标轴添加 [[supports]]",
        );
    }
    Ok(())
}

/// Rank of a symmetric positive semi-definite matrix, by elimination with the largest scaled pivot.
fn rank(mut matrix: Vec<Vec<f64>>) -> usize {
    /// What is left of an entry that is zero but for rounding, relative to what it was.
    const ROUNDING: f64 = 1e-11;
    let size = matrix.len();
    let first: Vec<f64> = (0..size).map(|index| matrix[index][index]).collect();
    let mut left: Vec<usize> = (0..size).filter(|index| first[*index] > 0.0).collect();
    let mut rank = 0;
    while let Some((position, pivot)) =
        left.iter().copied().enumerate().max_by(|a, b| (matrix[a.1][a.1] / first[a.1]).total_cmp(&(matrix[b.1][b.1] / first[b.1])))
    {
        if matrix[pivot][pivot] <= ROUNDING * first[pivot] {
            break;
        }
        left.swap_remove(position);
        rank += 1;
        for row in &left {
            let factor = matrix[*row][pivot] / matrix[pivot][pivot];
            for column in 0..size {
                matrix[*row][column] -= factor * matrix[pivot][column];
            }
        }
    }
    rank
}

fn cases(problem: &Problem) -> Result<Vec<Case>, ProblemError> {
    let description = &problem.description;
    let one;
    let cases = match (description.loads.is_empty(), description.load_cases.is_empty()) {
        (true, true) => return Err(ProblemError::field("loads", "there are none: add [[loads]]", "没有载荷：请添加 [[loads]]")),
        (false, false) => {
            return Err(ProblemError::field(
                "loads",
                "write either [[loads]] or [[load_cases]], not both",
                "[[loads]] 与 [[load_cases]] 只能写其一",
            ));
        }
        (true, false) => &description.load_cases,
        (false, true) => {
            one = vec![LoadCase { name: String::new(), weight: 1.0, loads: description.loads.clone() }];
            &one
        }
    };
    if cases.len() > MOST_CASES {
        return Err(ProblemError::field(
            "load_cases",
            format!("{} cases; at most {MOST_CASES} are solved", cases.len()),
            format!("共 {} 个工况，最多 {MOST_CASES} 个", cases.len()),
        ));
    }
    cases
        .iter()
        .enumerate()
        .map(|(index, case)| {
            let prefix = if description.loads.is_empty() { format!("load_cases[{index}].") } else { String::new() };
            if !(f64::MIN_POSITIVE..=LARGEST_NUMBER).contains(&case.weight) {
                return Err(ProblemError::field(format!("{prefix}weight"), "must be positive", "必须为正数"));
            }
            let name = if case.name.trim().is_empty() { (index + 1).to_string() } else { case.name.clone() };
            Ok(Case { name, weight: case.weight, forces: forces(problem, &case.loads, &prefix)? })
        })
        .collect()
}

fn forces(problem: &Problem, loads: &[Load], prefix: &str) -> Result<Vec<NodalForce>, ProblemError> {
    let grid = &problem.grid;
    let mut sums = vec![[0.0; 3]; grid.node_count()];
    for (index, load) in loads.iter().enumerate() {
        let field = format!("{prefix}loads[{index}]");
        let nodes = Nodes::of(&load.at, grid, problem.dimensions(), &format!("{field}.at"))?;
        require_material(problem, nodes, &field)?;
        let force = force(problem, load, &field)?;
        for share in nodes.shares() {
            let sum = &mut sums[node_index(grid, share.node)];
            *sum = std::array::from_fn(|axis| sum[axis] + share.share * force[axis]);
        }
    }
    let acts = |(force, held): (&[f64; 3], &[bool; 3])| (0..3).any(|axis| force[axis] != 0.0 && !held[axis]);
    if !sums.iter().zip(&problem.held).any(acts) {
        return Err(ProblemError::field(
            format!("{prefix}loads"),
            "nothing acts on a node that may move: the loads are zero, cancel, or lie on supports",
            "没有载荷作用在可移动的节点上：载荷为零、互相抵消或位于支承上",
        ));
    }
    let forces = sums.into_iter().enumerate().map(|(node, force)| NodalForce { node, force });
    Ok(forces.filter(|force| force.force.iter().any(|part| *part != 0.0)).collect())
}

fn force(problem: &Problem, load: &Load, field: &str) -> Result<[f64; 3], ProblemError> {
    let values = match (problem.description.physics, load.heat) {
        (Physics::Heat, Some(heat)) if load.force.is_empty() => vec![heat],
        (Physics::Elasticity, None) if load.force.len() == problem.dimensions() => load.force.clone(),
        (Physics::Heat, _) => {
            return Err(ProblemError::field(field, "write `heat = NUMBER` and no `force`", "请写 `heat = 数值`，不写 `force`"));
        }
        (Physics::Elasticity, _) => {
            let axes = problem.dimensions();
            return Err(ProblemError::field(
                field,
                format!("write `force` with {axes} numbers and no `heat`"),
                format!("请写含 {axes} 个数的 `force`，不写 `heat`"),
            ));
        }
    };
    if values.iter().any(|value| !value.is_finite() || value.abs() > LARGEST_NUMBER) {
        return Err(ProblemError::field(field, "the numbers must be finite and at most 1e30", "数值必须有限且不超过 1e30"));
    }
    Ok(std::array::from_fn(|axis| values.get(axis).copied().unwrap_or(0.0)))
}
