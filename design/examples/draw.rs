//! Solves a problem and draws it, without any label: `cargo run --release -p design --example draw -- PROBLEM.toml OUT.png [stress]`.
//! For looking at; what is handed out goes through `danqing`, which marks and records it.
use design::drawing::{Map, Options, draw};
use design::{Control, Problem, solve};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output, rest @ ..] = arguments.as_slice() else { return Err("usage: draw PROBLEM.toml OUT.png [stress]".into()) };
    let problem = Problem::parse(&std::fs::read_to_string(input)?)?;
    let solution = solve(&problem, &mut |progress| {
        eprintln!("{} of {}: {:.6}, change {:.4}", progress.iteration, progress.iterations, progress.compliance, progress.change);
        Control::Continue
    })?;
    eprintln!("{:?}, compliance {:.6}, {:?}", solution.ended, solution.compliance, solution.connectivity);
    let map = if rest.iter().any(|word| word == "stress") { Map::Stress } else { Map::Density };
    let drawing = draw(&problem, &solution, &Options { map, ..Options::default() });
    let picture =
        image::RgbImage::from_raw(drawing.width as u32, drawing.height as u32, drawing.pixels).ok_or("the drawing has no size")?;
    picture.save(output)?;
    Ok(())
}
