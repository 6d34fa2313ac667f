use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The subject file when none is named.
const DEFAULT_SUBJECT: &str = "filing.toml";

#[derive(Subcommand)]
pub enum FilingCommand {
    /// Print an empty subject file: every field, its form and clause / 打印空白的主体信息文件
    Template,
    /// Write the documents, DOCX and Markdown, in Chinese / 生成备案材料
    Build(BuildOptions),
    /// Say what is missing, out of date, or contradicts the records / 核对备案材料
    Check(CheckOptions),
}

#[derive(Args)]
#[command(after_help = "Example / 示例:
  danqing filing template > filing.toml        # then fill in what you know
  danqing filing build filing-2026-11

Writes 算法备案 (7 documents), 生成式人工智能服务备案 (6 and the keywords as CSV), 应用商店标识材料, 模型卡, a cover that lists every
gap with its clause, and records.json. Every value names the record it was read from; what no record says is marked 【待补】, what is not to be
relied on carries a mark. Exit code 1 while a conclusion contradicts the records; the documents are written, and say so.
每个值注明所据记录；没有记录的一律标【待补】并列于封面，不可径信的值前加标记。结论与记录矛盾时照常写出并标明，退出码为 1。")]
pub struct BuildOptions {
    /// Folder to write; must not exist / 输出文件夹
    pub(super) out: PathBuf,
    /// The subject file / 主体信息文件
    #[arg(long, value_name = "FILE", default_value = DEFAULT_SUBJECT)]
    pub(super) subject: PathBuf,
}

#[derive(Args)]
#[command(after_help = "Exit code 1 when anything but notes is found. That nothing is found does not mean that a service conforms.
除提示外有任何发现时退出码为 1；没有发现不等于合规。")]
pub struct CheckOptions {
    /// The subject file / 主体信息文件
    #[arg(long, value_name = "FILE", default_value = DEFAULT_SUBJECT)]
    pub(super) subject: PathBuf,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub(super) json: bool,
}
