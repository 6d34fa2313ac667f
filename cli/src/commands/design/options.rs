use clap::{Args, Subcommand};
use spec::{FileFormat, KindOfWork, UnknownFormat};
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum DesignCommand {
    /// Find where material must go so that a part bears its loads: topology optimisation (SIMP) / 拓扑优化：求承载所需的材料布局
    Solve(SolveOptions),
}

#[derive(Args)]
#[command(after_help = "Examples / 示例:
  danqing design solve beam.toml
  danqing design solve beam.toml --out beam.stl

docs/design.md describes the problem file; design/examples-problems holds classical cases. The result is labelled and recorded as
pictures are. 问题文件格式见 docs/design.md；结果与图片一样带标识并入账。")]
pub struct SolveOptions {
    /// Loads, supports and the volume fraction, in TOML / 问题文件（TOML）：载荷、支承与体积分数
    pub problem: PathBuf,
    /// File or folder; default ./danqing-out / 输出文件或文件夹
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// png (a drawing) or stl (the solid); default from --out's ending, else png / 图纸 png 或实体 stl
    #[arg(long, value_name = "FORMAT", value_parser = design_format)]
    pub format: Option<FileFormat>,
    /// Replace an existing file at --out / 覆盖已有文件
    #[arg(long)]
    pub force: bool,
    /// Who asks / 账户，默认为系统用户名
    #[arg(long, env = "DANQING_ACCOUNT", value_name = "NAME")]
    pub account: Option<String>,
    /// One JSON object on standard output / 以 JSON 输出
    #[arg(long)]
    pub json: bool,
}

fn design_format(name: &str) -> Result<FileFormat, UnknownFormat> {
    KindOfWork::Design.format(name)
}
