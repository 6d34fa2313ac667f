//! Drawings and text files: their size, their room for a label, and what they say.
use design::drawing::{Map, Options, draw};
use design::{Control, Problem, Solution, dxf, outline, solve, vtk};

fn solved(name: &str) -> (Problem, Solution) {
    let text = std::fs::read_to_string(format!("{}/examples-problems/{name}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let problem = Problem::parse(&text).unwrap();
    let solution = solve(&problem, &mut |progress| if progress.iteration < 12 { Control::Continue } else { Control::Stop }).unwrap();
    (problem, solution)
}

#[test]
fn drawings_show_the_part_and_leave_a_white_band_for_the_label() {
    for name in ["mbb-beam", "bridge", "two-load-cases", "heat-sink", "solid-cantilever"] {
        let (problem, solution) = solved(name);
        for map in [Map::Density, Map::Stress] {
            let options = Options { longest_side: 240, map, case: None };
            let drawing = draw(&problem, &solution, &options);
            assert_eq!(drawing.pixels.len(), drawing.width * drawing.height * 3);
            let room = drawing.label_room;
            assert_eq!((room.x, room.width, room.y + room.height), (0, drawing.width, drawing.height));
            let below = &drawing.pixels[room.y * drawing.width * 3..];
            assert!(below.iter().all(|value| *value == 255), "{name}: the room for a label is not white");
            let drawn = drawing.pixels.chunks(3).filter(|pixel| *pixel != [255; 3]).count();
            assert!(drawn * 10 > drawing.width * drawing.height, "{name}: only {drawn} pixels are drawn");
            assert_eq!(drawing, draw(&problem, &solution, &options));
        }
    }
}

#[test]
fn outlines_and_fields_are_written_as_text() {
    let (problem, solution) = solved("mbb-beam");
    let outlines = outline(&solution.field, 0.5);
    let text = dxf(&outlines);
    assert!(text.starts_with("0\nSECTION\n") && text.ends_with("0\nEOF\n"));
    assert_eq!(text.matches("\nVERTEX\n").count(), outlines.iter().map(Vec::len).sum::<usize>());
    let text = vtk(&problem, &solution, "beam\nsecond line");
    assert_eq!(text.lines().nth(1), Some("beam"));
    let nodes = 97 * 33;
    assert!(text.contains("DIMENSIONS 97 33 1\n") && text.contains(&format!("POINT_DATA {nodes}\n")));
    let numbers = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit() || c == '-')).count();
    assert_eq!(numbers, 2 * 96 * 32 + nodes);
}
