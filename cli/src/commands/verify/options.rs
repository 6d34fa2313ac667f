use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "Examples / 示例:
  danqing verify danqing-out/*.png
  danqing verify copy.jpg --ledger danqing-out/danqing-ledger.sqlite
  danqing verify --batch pictures --json > report.jsonl
  danqing verify --batch uploads --no-ledger

Reads the implicit label of PNG, JPEG, WebP, TIFF, GIF, SVG, MP4, GLB, HEIF and AVIF files, the signature in it, the C2PA manifest, the
invisible watermark where watermark_key is configured, and the ledger. The explicit label is pixels and is not read. Nothing is written;
without the ledger's record key, all but its sealed fields is checked.
Exit code 0: the ledger has every file just as it is, its label can be read, and no mark contradicts it. With --no-ledger: every label is
compliant and no mark contradicts it. Otherwise 1; where a file cannot be read, the others are checked all the same, and the code is that
of the first such error. Every fault is named per file, and counted in the summary of a batch.
可读取 PNG、JPEG、WebP、TIFF、GIF、SVG、MP4、GLB、HEIF、AVIF 的隐式标识及其签名、C2PA 清单、隐形水印（需配置 watermark_key）和账本记录；不写入任何文件。
退出码 0：所有文件均与账本记录一致、标识可读且无标记与之矛盾；--no-ledger 时：所有标识合规且无标记与之矛盾。否则为 1；
文件无法读取时继续核验其余文件，退出码取首个此类错误。每个文件的问题逐项列出，批量核验时另作汇总。")]
pub struct VerifyOptions {
    /// Files / 文件
    #[arg(required_unless_present = "batch", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Every picture below this folder, in all threads / 核验文件夹中的所有图片
    #[arg(long, value_name = "DIR", conflicts_with = "files")]
    pub batch: Option<PathBuf>,
    /// With --batch: look for the invisible watermark too, which takes far longer / 批量核验时也检查水印（较慢）
    #[arg(long, requires = "batch")]
    pub watermark: bool,
    /// The ledger; by default that of the configuration, or the one beside each file / 账本文件
    #[arg(long, value_name = "FILE", conflicts_with = "no_ledger")]
    pub ledger: Option<PathBuf>,
    /// Ask no ledger: judge the marks alone, for files of others / 不查账本，只核验标记（适用于他人的文件）
    #[arg(long)]
    pub no_ledger: bool,
    /// One JSON object per file, and one with the summary of a batch / 以 JSON 输出
    #[arg(long)]
    pub json: bool,
}
