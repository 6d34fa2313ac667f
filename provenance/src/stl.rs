//! Stereolithography in text (3D Systems, 1988): triangles with their normals, and a name that people and programs read.
//!
//! ```text
//! solid AI-generated AI\\u751f\\u6210 AIGC={"Label":"1",…}
//!  facet normal 0 0 1
//!   outer loop
//!    vertex 0 0 0        three of them, counter-clockwise from outside
//!   endloop
//!  endfacet
//! endsolid
//! ```
//!
//! All of it is ASCII, since some readers take any other byte for a sign of the binary form.

use spec::Surface;
use std::fmt::Write as _;

/// What the name begins with where the explicit label is written: the words in English, which need no escapes.
const EXPLICIT: &str = "AI-generated";

/// The file, with the explicit words in its name.
pub(crate) fn write(surface: &Surface, words: Option<&str>) -> Vec<u8> {
    let mut text = String::from("solid");
    if let Some(words) = words {
        // Writing into a string does not fail.
        let _ = write!(text, " {EXPLICIT} {}", escaped(words));
    }
    for [a, b, c] in corners(surface) {
        let [x, y, z] = normal(a, b, c);
        let _ = write!(text, "\n facet normal {x} {y} {z}\n  outer loop\n");
        for [x, y, z] in [a, b, c] {
            let _ = writeln!(text, "   vertex {x} {y} {z}");
        }
        text.push_str("  endloop\n endfacet");
    }
    text.push_str("\nendsolid\n");
    text.into_bytes()
}

/// The corners of all triangles, in their order; of one that names a corner that is not there, none.
pub(crate) fn corners(surface: &Surface) -> Vec<[[f32; 3]; 3]> {
    let corner = |index: u32| surface.positions.get(index as usize).copied();
    let triangle = |[a, b, c]: &[u32; 3]| Some([corner(*a)?, corner(*b)?, corner(*c)?]);
    surface.triangles.iter().filter_map(triangle).collect()
}

/// The corners in a file of [`write`]; nothing where it is laid out otherwise.
pub(crate) fn read(file: &[u8]) -> Option<Vec<[[f32; 3]; 3]>> {
    let text = std::str::from_utf8(file).ok()?;
    let vertices = text.lines().filter_map(|line| line.trim_start().strip_prefix("vertex "));
    let mut found = Vec::new();
    for vertex in vertices {
        let mut numbers = vertex.split_ascii_whitespace().map(str::parse::<f32>);
        found.push([numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?]);
    }
    let triangles = found.chunks_exact(3);
    if !triangles.remainder().is_empty() {
        return None;
    }
    triangles.map(|triangle| triangle.try_into().ok()).collect()
}

/// Of unit length, by the right-hand rule; zero for a triangle without area, which readers then work out themselves.
fn normal(a: [f32; 3], b: [f32; 3], c: [f32; 3]) -> [f32; 3] {
    let ([ax, ay, az], [bx, by, bz], [cx, cy, cz]) = (a.map(f64::from), b.map(f64::from), c.map(f64::from));
    let ([ux, uy, uz], [vx, vy, vz]) = ([bx - ax, by - ay, bz - az], [cx - ax, cy - ay, cz - az]);
    let normal = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    let length = normal.iter().map(|part| part * part).sum::<f64>().sqrt();
    // Adding zero turns a negative one into zero.
    if length > 0.0 { normal.map(|part| (part / length) as f32 + 0.0) } else { [0.0; 3] }
}

/// In ASCII without spaces at its ends: other characters as JSON escapes them.
fn escaped(words: &str) -> String {
    let mut text = String::new();
    for unit in words.trim().encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ 0x20..=0x7e) => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{corners, read, write};
    use spec::Surface;

    #[test]
    fn a_surface_reads_back_and_its_name_is_ascii() {
        let surface = Surface { positions: vec![[0.0; 3], [1.5, 0.0, 0.0], [0.0, 0.0, 2.25]], triangles: vec![[0, 1, 2], [2, 1, 0]] };
        let file = write(&surface, Some("AI生成"));
        let text = std::str::from_utf8(&file).unwrap();
        assert!(text.starts_with("solid AI-generated AI\\u751f\\u6210\n facet normal 0 -1 0\n"), "{text}");
        assert!(text.is_ascii() && text.ends_with("endfacet\nendsolid\n"));
        assert_eq!(read(&file).unwrap(), corners(&surface));
        assert_eq!(read(b"solid\nvertex 0 0 0\nendsolid"), None);
        assert!(write(&Surface::default(), None).starts_with(b"solid\nendsolid"));
    }
}
