use crate::arguments::DataOptions;
use crate::failure::Failure;
use trainer::data::{DataRecipe, Dataset};

pub fn run(options: &DataOptions) -> Result<u8, Failure> {
    let dataset = Dataset::open(DataRecipe::read(&options.recipe)?, &options.data)?;
    dataset.write_manifest(&options.data, &options.manifest)?;
    println!("{} concepts / 个概念 → {}", dataset.concepts().len(), options.manifest.display());
    Ok(0)
}
