use clap::{Args, Subcommand};
use installation::Configuration;
use std::path::PathBuf;

/// The ledger of `danqing generate` without `--out`.
pub const DEFAULT_LEDGER: &str = "danqing-out/danqing-ledger.sqlite";

#[derive(Subcommand)]
pub enum LedgerCommand {
    /// List entries, by account, time or kind / 按账户、时间或类型列出条目
    List(ListOptions),
    /// Show one entry whole, by its file, ProduceID or number / 显示单条记录
    Show(ShowOptions),
    /// Find the entries in which somebody wrote a text / 按文本查找条目
    Search(SearchOptions),
    /// Recompute the whole ledger and find any changed byte; or check one proof without a ledger / 校验账本或单份证明
    Verify(VerifyOptions),
    /// Verify the ledger and print its signed checkpoint, to be kept elsewhere / 打印签名检查点
    Checkpoint(CheckpointOptions),
    /// Write the proof that one picture or refusal is in the ledger / 生成单条记录的证明
    Prove(ProveOptions),
    /// Write all entries with a signed checkpoint, for a third party to check / 导出供第三方核验
    Export(ExportOptions),
    /// Destroy the keys of records whose term is over, so that their personal fields are noise / 销毁已过保存期限的个人信息密钥
    Shred(ShredOptions),
}

#[derive(Args)]
#[command(after_help = "Examples / 示例:
  danqing ledger list
  danqing ledger list --account alice --since 2026-11-01 --kind refused --json

Accounts and sealed prompts are shown where the record key can be read. Days are of UTC.
可读取记录密钥时显示账户与加密的提示词。日期按 UTC。")]
pub struct ListOptions {
    #[command(flatten)]
    pub(super) ledger: LedgerOptions,
    /// Only this account's; needs the record key / 仅该账户的条目
    #[arg(long, value_name = "NAME")]
    pub(super) account: Option<String>,
    /// Only from this day on, YYYY-MM-DD / 起始日
    #[arg(long, value_name = "DATE")]
    pub(super) since: Option<String>,
    /// Only up to this day, it included / 截止日（含）
    #[arg(long, value_name = "DATE")]
    pub(super) until: Option<String>,
    /// Only this kind, for example produced, refused or withheld / 仅该类型
    #[arg(long, value_name = "KIND")]
    pub(super) kind: Option<String>,
    /// The latest so many / 最近若干条
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(super) limit: usize,
    /// One JSON object a line / 以 JSON 输出，每行一条
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
#[command(after_help = "Examples / 示例:
  danqing ledger show danqing-out/picture.png
  danqing ledger show 12 --json")]
pub struct ShowOptions {
    /// A file, a ProduceID, or the number of an entry / 文件、ProduceID 或条目序号
    #[arg(value_name = "FILE|PRODUCE_ID|ENTRY")]
    pub(super) what: String,
    #[command(flatten)]
    pub(super) ledger: LedgerOptions,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
#[command(after_help = "Example / 示例:
  danqing ledger search 红色高跟鞋

Where prompts are stored as digests (prompt_storage = hashed), only the whole text is found, and only with the record key.
Exit code 1: nothing was found.
提示词仅存摘要时，只能以完整文本查找，且需要记录密钥。退出码 1：未找到。")]
pub struct SearchOptions {
    /// What was written: a part of it, or all of it / 文本（部分或全部）
    pub(super) text: String,
    #[command(flatten)]
    pub(super) ledger: LedgerOptions,
    /// One JSON object a line / 以 JSON 输出，每行一条
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
#[command(after_help = "Example / 示例:
  danqing ledger shred --before 2026-01-01

Refused, for all, while one record of before that day (00:00 UTC) is inside its term: retention_days, at least 184. The entries stay, and
the ledger verifies as before. Copies of the ledger from before hold the destroyed keys: delete them too.
只要该日（UTC 零点）之前有一条记录未满保存期限（retention_days，至少 184 天）即整体拒绝。条目保留，账本仍可校验。此前的账本备份仍含被销毁的密钥，请一并删除。")]
pub struct ShredOptions {
    #[command(flatten)]
    pub(super) ledger: LedgerOptions,
    /// The first day that is kept, YYYY-MM-DD / 保留起始日
    #[arg(long, value_name = "DATE")]
    pub(super) before: String,
    /// Who decides; by default the system user / 决定人
    #[arg(long, env = "DANQING_OFFICER", value_name = "NAME")]
    pub(super) officer: Option<String>,
}

#[derive(Args)]
pub struct LedgerOptions {
    /// The ledger; by default the configured one, or that of danqing-out / 账本文件
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
}

impl LedgerOptions {
    /// The ledger that was named, the configured one, or the default one.
    pub(super) fn path(&self, configuration: &Configuration) -> PathBuf {
        self.ledger.clone().or_else(|| configuration.ledger.clone()).unwrap_or_else(|| DEFAULT_LEDGER.into())
    }
}

#[derive(Args)]
#[command(after_help = "Examples / 示例:
  danqing ledger verify
  danqing ledger verify --since last-month.checkpoint --vkey danqing-ledger.vkey
  danqing ledger verify --proof proof.json --vkey danqing-ledger.vkey --file picture.png

Exit code 0: it holds; 1: a proof or signature does not; 8: the ledger does not.
退出码 0：成立；1：证明或签名不成立；8：账本不成立。")]
pub struct VerifyOptions {
    #[command(flatten)]
    pub(super) ledger: LedgerOptions,
    /// Check this proof instead; needs no ledger / 核验证明文件，无需账本
    #[arg(long, value_name = "FILE", requires = "vkey")]
    pub(super) proof: Option<PathBuf>,
    /// With --proof: this picture is the one that the proof speaks of / 同时核对图片文件
    #[arg(long, value_name = "FILE", requires = "proof")]
    pub(super) file: Option<PathBuf>,
    /// The ledger must continue this earlier signed checkpoint / 账本须延续此前的签名检查点
    #[arg(long, value_name = "CHECKPOINT", conflicts_with = "proof")]
    pub(super) since: Option<PathBuf>,
    /// With --since: the time-stamp authority's answer about that checkpoint / 该检查点的时间戳响应
    #[arg(long, value_name = "FILE", requires = "since")]
    pub(super) timestamp_response: Option<PathBuf>,
    /// With --timestamp-response: PEM file of the authority's certificate, or of a CA above it; its signature is then checked / 时间戳机构或其 CA 的证书
    #[arg(long, value_name = "PEM", requires = "timestamp_response")]
    pub(super) timestamp_ca: Option<PathBuf>,
    /// Verifier key: its text or its file; by default the one beside the ledger / 验证公钥
    #[arg(long, value_name = "KEY|FILE")]
    pub(super) vkey: Option<String>,
    /// Do not open sealed records, though the record key is at hand / 不读取记录密钥
    #[arg(long)]
    pub(super) without_record_key: bool,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
#[command(after_help = "Example / 示例:
  danqing ledger checkpoint > 2026-11-30.checkpoint
  danqing ledger checkpoint --timestamp-query 2026-11-30.tsq > 2026-11-30.checkpoint
  curl -H 'Content-Type: application/timestamp-query' --data-binary @2026-11-30.tsq https://YOUR-AUTHORITY > 2026-11-30.tsr
  danqing ledger verify --since 2026-11-30.checkpoint --timestamp-response 2026-11-30.tsr --timestamp-ca AUTHORITY.pem

The key is made on the first use and lies beside the ledger (danqing-ledger.key, mode 0600) unless `ledger_key` in danqing.toml says where.
密钥在首次使用时生成，默认与账本同目录（danqing-ledger.key，权限 0600），可由 danqing.toml 的 ledger_key 指定位置。")]
pub struct CheckpointOptions {
    #[command(flatten)]
    pub(super) ledger: LedgerOptions,
    /// Also write the RFC 3161 query for it, for a time-stamp authority to answer / 另写出时间戳请求
    #[arg(long, value_name = "FILE")]
    pub(super) timestamp_query: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "Examples / 示例:
  danqing ledger prove danqing-out/picture.png --out proof.json
  danqing ledger prove 0192f0c1-7e2a-7b3c-8d4e-5f60718293a4")]
pub struct ProveOptions {
    /// A picture, a ProduceID, or the number of an entry / 图片文件、ProduceID 或条目序号
    #[arg(value_name = "FILE|PRODUCE_ID|ENTRY")]
    pub(super) what: String,
    /// The ledger; by default the configured one, the one beside the picture, or that of danqing-out / 账本文件
    #[arg(long, value_name = "FILE")]
    pub(super) ledger: Option<PathBuf>,
    /// Where to write it; standard output when left out / 输出文件
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "Example / 示例:
  danqing ledger export audit-2026-11

The export holds every prompt as it was recorded: give it only to those who may read them.
导出内容包含全部提示词原文，请仅交给有权查阅者。")]
pub struct ExportOptions {
    /// New or empty folder / 新建或空文件夹
    #[arg(value_name = "DIR")]
    pub(super) folder: PathBuf,
    #[command(flatten)]
    pub(super) ledger: LedgerOptions,
}

impl ProveOptions {
    /// The ledger that was named, the configured one, the one where `beside` lies, or the default one.
    pub(super) fn ledger(&self, beside: Option<PathBuf>, configuration: &Configuration) -> PathBuf {
        let named = self.ledger.clone().or_else(|| configuration.ledger.clone());
        named.or(beside.filter(|path| path.exists())).unwrap_or_else(|| DEFAULT_LEDGER.into())
    }
}
