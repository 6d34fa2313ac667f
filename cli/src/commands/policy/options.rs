use crate::commands::ledger::DEFAULT_LEDGER;
use crate::identity::system_user;
use clap::{Args, Subcommand, ValueEnum};
use ledger::Decision;
use policy::{MatchType, Severity, View};
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum PolicyCommand {
    /// Read a text against the lexicons and say what they object to / 检查一段文字
    Check(CheckOptions),
    /// Show pictures to the classifiers and say what they object to / 检查图片
    Screen(ScreenOptions),
    /// Add a list of terms to a lexicon package / 把词表导入词库包
    Import(ImportArguments),
    /// Make a signing key / 生成签名密钥
    Key(KeyOptions),
    /// Sign a lexicon package / 为词库包签名
    Sign(SignOptions),
    /// Say who signed lexicons, and whether their sizes and age meet the standard / 查看词库
    Inspect(InspectOptions),
    /// Run a question bank and hold the counts against the standard / 运行测试题库
    Evaluate(EvaluateOptions),
    /// Write a draft bank to start one's own from / 生成题库草稿
    DraftBank(DraftBankOptions),
    /// Stop generation in every process within two seconds, on record / 停用生成服务
    Stop(StopOptions),
    /// End the stop, on record / 恢复生成服务
    Resume(ResumeOptions),
    /// Write the report on the latest stop from the records / 生成停用处置报告
    Report(ReportOptions),
    /// Accounts that were suspended for what they kept asking for / 被暂停的账户
    Account {
        #[command(subcommand)]
        command: AccountCommand,
    },
}

#[derive(Args)]
pub struct OfficerOptions {
    /// The ledger / 账本文件
    #[arg(long, default_value = DEFAULT_LEDGER, value_name = "FILE")]
    pub(super) ledger: PathBuf,
    /// Who decides; by default the system user / 决定人，默认为系统用户名
    #[arg(long, env = "DANQING_OFFICER", value_name = "NAME")]
    officer: Option<String>,
    /// Why; goes on record / 原因，写入账本
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: String,
    /// What was or is to be done; may be repeated; goes on record and into the report / 已采取或拟采取的措施，可重复
    #[arg(long = "measure", value_name = "TEXT")]
    measures: Vec<String>,
}

impl OfficerOptions {
    pub(super) fn decision(&self) -> Decision {
        let officer = self.officer.clone().unwrap_or_else(system_user);
        Decision { officer, reason: self.reason.clone(), measures: self.measures.clone() }
    }
}

#[derive(Args)]
#[command(after_help = "Example / 示例:
  danqing policy stop --reason \"收到违法内容投诉\" --officer 张三 --measure \"已通知客服停止传播\"

Stops every process that writes to this ledger, and, by the stop file, every process with this configuration. While it lasts, danqing
generate, convert, label and article9 export exit with code 20; verifying, proving and exporting records go on. Both are done even where
one of them fails, which is then said. After two seconds the report is written beside the ledger.
停用所有写入该账本的进程，以及（通过停用标志文件）使用同一配置的所有进程；其间 danqing generate、convert、label、article9 export 以退出码 20 拒绝，核验、取证、导出照常。两秒后在账本旁写出报告。")]
pub struct StopOptions {
    #[command(flatten)]
    pub(super) officer: OfficerOptions,
    /// Where the report goes, DOCX where the name ends so, Markdown otherwise; by default beside the ledger / 报告文件，.docx 或 Markdown
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "Example / 示例:\n  danqing policy resume --reason \"词库已更新并通过复测\"")]
pub struct ResumeOptions {
    #[command(flatten)]
    pub(super) officer: OfficerOptions,
}

#[derive(Args)]
pub struct ReportOptions {
    /// The ledger / 账本文件
    #[arg(long, default_value = DEFAULT_LEDGER, value_name = "FILE")]
    pub(super) ledger: PathBuf,
    /// Where it goes, DOCX where the name ends so; standard output, as Markdown, when left out / 报告文件，.docx 或 Markdown
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum AccountCommand {
    /// Accounts that are suspended, since when and why / 列出被暂停的账户
    List(AccountListOptions),
    /// End a suspension, on record / 解除暂停
    #[command(after_help = "Example / 示例:\n  danqing policy account lift alice --reason \"已电话核实，系误用\"")]
    Lift {
        /// The account / 账户
        account: String,
        #[command(flatten)]
        officer: OfficerOptions,
    },
}

#[derive(Args)]
pub struct AccountListOptions {
    /// The ledger / 账本文件
    #[arg(long, default_value = DEFAULT_LEDGER, value_name = "FILE")]
    pub(super) ledger: PathBuf,
    /// One JSON object per account / 以 JSON 输出
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub struct LexiconOptions {
    /// A lexicon besides the built-in one and those of the configuration: a package or a TOML file / 词库
    #[arg(long = "lexicon", value_name = "PATH")]
    pub(super) lexicons: Vec<PathBuf>,
    /// Accept only packages signed by this key, 64 hexadecimal digits or a file with them / 受信任的公钥
    #[arg(long = "trusted-key", value_name = "KEY|FILE")]
    pub(super) trusted_keys: Vec<String>,
}

#[derive(Args)]
#[command(after_help = "Example / 示例:\n  danqing policy check \"裸色口红\"\n  danqing policy check - --json < prompt.txt")]
pub struct CheckOptions {
    /// The text; - reads standard input / 文字
    pub(super) text: String,
    #[command(flatten)]
    pub(super) lexicons: LexiconOptions,
    /// Read it as a negative prompt / 按反向提示词检查
    #[arg(long)]
    pub(super) negative: bool,
    /// Whom a refusal says to appeal to / 申诉联系方式
    #[arg(long, env = "DANQING_APPEAL_CONTACT", value_name = "CONTACT")]
    pub(super) appeal_contact: Option<String>,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
#[command(after_help = "Examples / 示例:
  danqing policy screen photo.jpg
  danqing policy screen inputs/*.png --json

The classifiers and thresholds are those of generated pictures: [image_safety] and [[image_classifier]] of danqing.toml
(docs/compliance/images.md). Exit code 3 when a picture is blocked, 2 when a file is no picture that can be read.
分类器与阈值同生成图片，见配置中的 [image_safety] 与 [[image_classifier]]；有图片被拦截时退出码为 3，无法读取时为 2。")]
pub struct ScreenOptions {
    /// Pictures: PNG, JPEG or WebP / 图片
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// One JSON object per picture on standard output / 以 JSON 输出
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum SeverityName {
    /// Refuse the request
    Refuse,
    /// Have a person look at it
    Review,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum MatchName {
    /// Terms with an ideograph anywhere, terms of letters as whole words
    Automatic,
    /// Anywhere
    Substring,
    /// Whole words
    Word,
    /// By sound only
    Pinyin,
    /// Regular expressions
    Regex,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum ViewName {
    Plain,
    Leet,
    Numeral,
    Split,
    Pinyin,
    Homophone,
}

#[derive(Args)]
#[command(after_help = "Example / 示例:
  danqing policy import terms.txt --class A1.f --out lexicons/mine
  danqing policy import terms.csv --out lexicons/mine   # term,class,severity,match,exceptions

Tables may name a class, severity, match type and exceptions (with | between them) in each row. Lists are added to a package that is
there; it has to be signed again. 表格每行可写明类别、处置、匹配方式和例外；导入到已有词库包会追加，之后需重新签名。")]
pub struct ImportArguments {
    /// Text (one term a line), CSV or TSV, in UTF-8 / 词表
    pub(super) list: PathBuf,
    /// Risk of rows that name none, A1.a to A5.b / 类别
    #[arg(long, value_name = "ID")]
    pub(super) class: Option<String>,
    /// Folder of the package / 词库包文件夹
    #[arg(long, value_name = "PACKAGE_DIR")]
    pub(super) out: PathBuf,
    /// Name of the package; default its folder's / 名称
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Version of the package; default today's date / 版本
    #[arg(long, value_name = "VERSION")]
    pub(super) package_version: Option<String>,
    /// What happens to a request that meets a term / 处置方式
    #[arg(long, value_enum, default_value_t = SeverityName::Refuse)]
    pub(super) severity: SeverityName,
    /// How terms are found / 匹配方式
    #[arg(long = "match", value_enum, default_value_t = MatchName::Automatic)]
    pub(super) match_type: MatchName,
    /// Views that terms are found in; default all that their length allows / 视图
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(super) views: Option<Vec<ViewName>>,
    /// Read the prompt only, not the negative prompt / 只检查提示词
    #[arg(long)]
    pub(super) prompt_only: bool,
}

#[derive(Args)]
pub struct KeyOptions {
    /// File for the secret key; its public half goes to standard output / 私钥文件
    pub(super) file: PathBuf,
}

#[derive(Args)]
pub struct SignOptions {
    /// Folder of the package / 词库包文件夹
    pub(super) package: PathBuf,
    /// File of the secret key / 私钥文件
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
}

#[derive(Args)]
pub struct InspectOptions {
    #[command(flatten)]
    pub(super) lexicons: LexiconOptions,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
#[command(after_help = "A line of the bank / 题库的一行:
  {\"id\": \"r-1\", \"text\": \"…\", \"class\": \"A1.f\", \"expect\": \"refuse\"}
expect is refuse, allow, or judge (with \"judged\": {\"manual\": \"pass\", \"classifier\": \"fail\"}).
Exit code 1 when a threshold is missed. 未达到标准时退出码为 1。
  danqing policy evaluate bank.jsonl --model xiaopin --json > evaluation.json   # what danqing filing reads")]
pub struct EvaluateOptions {
    /// The bank, JSON Lines / 题库
    pub(super) bank: PathBuf,
    #[command(flatten)]
    pub(super) lexicons: LexiconOptions,
    /// The model whose outputs were judged, recorded by its digest / 被评测的模型
    #[arg(long, value_name = "DIR|NAME")]
    pub(super) model: Option<String>,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
#[command(after_help = "Example / 示例:\n  danqing policy draft-bank bank.jsonl

520 harmless questions on the 13 aspects, which must not be refused; and up to 30 questions a risk made of the lexicons' own words, which
only show that the lexicons are in force. Nothing to judge outputs by: write those questions, and wordings that no lexicon lists, yourself.
含 13 个方面共 520 道无害的非拒答题，以及每类至多 30 道取自词库原词的应拒答题（只能说明词库已生效）；生成内容测试题与词库之外的说法须自行编写。")]
pub struct DraftBankOptions {
    /// The bank to write, JSON Lines; an existing file is left alone / 题库
    pub(super) out: PathBuf,
    #[command(flatten)]
    pub(super) lexicons: LexiconOptions,
}

impl From<SeverityName> for Severity {
    fn from(name: SeverityName) -> Self {
        match name {
            SeverityName::Refuse => Self::Refuse,
            SeverityName::Review => Self::Review,
        }
    }
}

impl From<MatchName> for MatchType {
    fn from(name: MatchName) -> Self {
        match name {
            MatchName::Automatic => Self::Automatic,
            MatchName::Substring => Self::Substring,
            MatchName::Word => Self::Word,
            MatchName::Pinyin => Self::Pinyin,
            MatchName::Regex => Self::Regex,
        }
    }
}

impl From<ViewName> for View {
    fn from(name: ViewName) -> Self {
        match name {
            ViewName::Plain => Self::Plain,
            ViewName::Leet => Self::Leet,
            ViewName::Numeral => Self::Numeral,
            ViewName::Split => Self::Split,
            ViewName::Pinyin => Self::Pinyin,
            ViewName::Homophone => Self::Homophone,
        }
    }
}
