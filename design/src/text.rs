//! A design as text for other programs: outlines for drawing programs, fields for viewers. Neither carries a label; marking adds it.
use crate::problem::Problem;
use crate::solution::Solution;
use crate::surface::Loop;
use std::fmt::Write;

/// Outlines as closed polylines of a DXF file (AutoCAD release 12, which all readers know), in elements.
pub fn dxf(outlines: &[Loop]) -> String {
    let mut text = String::from("0\nSECTION\n2\nENTITIES\n");
    for points in outlines {
        text.push_str("0\nPOLYLINE\n8\noutline\n66\n1\n70\n1\n10\n0.0\n20\n0.0\n30\n0.0\n");
        for [x, y] in points {
            // Writing to a string does not fail.
            let _ = write!(text, "0\nVERTEX\n8\noutline\n10\n{x:.6}\n20\n{y:.6}\n30\n0.0\n");
        }
        text.push_str("0\nSEQEND\n8\noutline\n");
    }
    text.push_str("0\nENDSEC\n0\nEOF\n");
    text
}

/// Density and, case by case, displacements and stresses, in the legacy format of VTK. `title` is the file's second line, cut at its
/// 256 characters and at the first line break.
pub fn vtk(problem: &Problem, solution: &Solution, title: &str) -> String {
    let [x, y, z] = problem.nodes();
    let title: String = title.chars().take_while(|character| !character.is_control()).take(255).collect();
    let mut text = format!(
        "# vtk DataFile Version 3.0\n{title}\nASCII\nDATASET STRUCTURED_POINTS\nDIMENSIONS {x} {y} {z}\nORIGIN 0 0 0\nSPACING 1 1 1\nCELL_DATA {}\n",
        solution.field.values.len()
    );
    scalars(&mut text, "density", &solution.field.values);
    for (index, case) in solution.cases.iter().enumerate() {
        scalars(&mut text, &format!("stress_{}", index + 1), &case.stresses);
    }
    let _ = writeln!(text, "POINT_DATA {}", problem.held().len());
    for (index, case) in solution.cases.iter().enumerate() {
        let _ = writeln!(text, "VECTORS displacement_{} double", index + 1);
        for [x, y, z] in &case.displacements {
            let _ = writeln!(text, "{x} {y} {z}");
        }
    }
    text
}

fn scalars(text: &mut String, name: &str, values: &[f64]) {
    let _ = writeln!(text, "SCALARS {name} double 1\nLOOKUP_TABLE default");
    for value in values {
        let _ = writeln!(text, "{value}");
    }
}
