//! Writes a sheet of composed training samples and prints their captions: `contact_sheet RECIPE PACKAGES OUT.png`.
use trainer::data::{DataRecipe, Dataset};

const COLUMNS: usize = 12;
const ROWS: usize = 6;
const SIDE: usize = 128;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, recipe, packages, out] = &arguments[..] else { return Err("usage: contact_sheet RECIPE PACKAGES OUT.png".into()) };
    let dataset = Dataset::open(DataRecipe::read(recipe.as_ref())?, packages.as_ref())?;
    println!("{} concepts", dataset.concepts().len());
    let mut sheet = vec![0; COLUMNS * ROWS * SIDE * SIDE * 3];
    let started = std::time::Instant::now();
    for index in 0..COLUMNS * ROWS {
        let sample = dataset.sample(7, index as u64, SIDE as u32);
        println!("{} {}", index, sample.caption);
        for (row, pixels) in sample.pixels.chunks_exact(SIDE * 3).enumerate() {
            let at = ((index / COLUMNS * SIDE + row) * COLUMNS + index % COLUMNS) * SIDE * 3;
            sheet[at..at + SIDE * 3].copy_from_slice(pixels);
        }
    }
    println!("{:.0} samples/s", (COLUMNS * ROWS) as f64 / started.elapsed().as_secs_f64());
    image::save_buffer(out, &sheet, (COLUMNS * SIDE) as u32, (ROWS * SIDE) as u32, image::ExtendedColorType::Rgb8)?;
    Ok(())
}
