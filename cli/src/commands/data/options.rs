use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum DataCommand {
    /// Read a data recipe's packages and write the data manifest / 读取数据配方并写出数据清单
    Manifest(ManifestOptions),
    /// Enter a recipe's sources into the registry of sources / 登记配方的数据来源
    Register(RegisterOptions),
    /// Show the registry / 查看数据来源登记
    List(ListOptions),
    /// Say what a training run refuses, and what is missing before filing / 核对登记
    Check(CheckOptions),
    /// Draw a random sample of a source for review / 随机抽取样本供检查
    Sample(SampleOptions),
    /// Enter a filled-in worksheet into the registry / 把检查结果记入登记
    Judge(JudgeOptions),
}

#[derive(Args)]
#[command(after_help = "Example / 示例:\n  danqing data manifest recipes/xiaopin.data.toml --data packages --manifest data_manifest.jsonl")]
pub struct ManifestOptions {
    /// The data recipe (TOML) / 数据配方
    pub(super) recipe: PathBuf,
    /// Folder that holds the data packages (.tgz) / 数据包文件夹
    #[arg(long, value_name = "DIR")]
    pub(super) data: PathBuf,
    /// The data manifest to write / 数据清单
    #[arg(long, value_name = "FILE")]
    pub(super) manifest: PathBuf,
}

#[derive(Args)]
#[command(after_help = "Example / 示例:
  danqing data register recipes/xiaopin.registry.toml --recipe recipes/xiaopin.data.toml

danqing train reads NAME.registry.toml beside NAME.data.toml, or the file that the training recipe names. What the recipe does not know
(origin, personal information, consent, review of intellectual property) is for you to write into the file; comments in it are lost when
it is written again. 配方中没有的内容（境内外、个人信息、同意、知识产权审查）请直接写入该文件；重写时注释不保留。")]
pub struct RegisterOptions {
    /// The registry (TOML), made where there is none / 数据来源登记
    pub(super) registry: PathBuf,
    /// The data recipe whose sources are entered / 数据配方
    #[arg(long, value_name = "FILE")]
    pub(super) recipe: PathBuf,
}

#[derive(Args)]
pub struct ListOptions {
    /// The registry (TOML) / 数据来源登记
    pub(super) registry: PathBuf,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
#[command(after_help = "Exit code 1 when anything is missing. REFUSED stops a training run: no licence record or proof, no authorisation
or consent where one is due, other bytes than registered, or more than 5 % bad samples in the newest check. 有缺项时退出码为 1；
标为 REFUSED 的来源训练时拒绝使用：无许可或证明、应有而无授权或同意、内容与登记不符、最近一次抽检不良超过 5%。")]
pub struct CheckOptions {
    /// The registry (TOML) / 数据来源登记
    pub(super) registry: PathBuf,
    /// Check the sources of this data recipe; default all that are registered / 只核对该配方的来源
    #[arg(long, value_name = "FILE")]
    pub(super) recipe: Option<PathBuf>,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
#[command(after_help = "Example / 示例:
  danqing data sample npm:@lobehub/fluent-emoji-3d@1.1.0 --recipe recipes/xiaopin.data.toml --data packages --out review
  danqing data judge recipes/xiaopin.registry.toml review/worksheet.csv --by 审核组")]
pub struct SampleOptions {
    /// Id of the source, as the registry lists it / 来源编号
    pub(super) source: String,
    /// The data recipe that names the source / 数据配方
    #[arg(long, value_name = "FILE")]
    pub(super) recipe: PathBuf,
    /// Folder that holds the data packages (.tgz) / 数据包文件夹
    #[arg(long, value_name = "DIR")]
    pub(super) data: PathBuf,
    /// Items to draw; default 4,000 or all / 抽取件数
    #[arg(long, value_name = "N")]
    pub(super) count: Option<u64>,
    /// Seed of the drawing / 随机种子
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub(super) seed: u64,
    /// Folder for the items and worksheet.csv / 输出文件夹
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
}

#[derive(Args)]
pub struct JudgeOptions {
    /// The registry (TOML) / 数据来源登记
    pub(super) registry: PathBuf,
    /// worksheet.csv with good or bad in the last column / 填好的检查表
    pub(super) worksheet: PathBuf,
    /// Who or what judged / 检查人
    #[arg(long, value_name = "NAME")]
    pub(super) by: String,
    /// Keywords or a classifier judged, not people / 由关键词或分类模型判定
    #[arg(long)]
    pub(super) technical: bool,
    /// The day of the check; default today / 检查日期
    #[arg(long, value_name = "DATE")]
    pub(super) date: Option<policy::Date>,
}
