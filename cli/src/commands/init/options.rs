use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "Examples / 示例:
  danqing init
  danqing init --provider-code 001191110000100006666010001
  danqing init /srv/danqing --ledger /srv/danqing/danqing-ledger.sqlite

Writes danqing.toml, the key that seals records and the key that signs labels (mode 0600), once. What is there already is kept as it is, so
that a second run only adds what is missing; options for a new danqing.toml are an error where there is one.
Without DIR, everything goes to $XDG_CONFIG_HOME/danqing (~/.config/danqing), and one ledger for all folders to $XDG_DATA_HOME/danqing
(~/.local/share/danqing). That danqing.toml is read wherever danqing runs, unless --config, DANQING_CONFIG or a danqing.toml in the
current folder says otherwise. Keys and ledger then never lie beside pictures. Inside a git working copy, a .gitignore is written too.
一次性写入 danqing.toml、记录密钥和标识签名密钥；已有文件保持不变，再次运行只补充缺少的部分。
省略 DIR 时写入用户配置目录，所有文件夹共用一个账本（位于用户数据目录）；除非 --config、DANQING_CONFIG 或当前文件夹的 danqing.toml 另有指定。")]
pub struct InitOptions {
    /// Folder of configuration and keys; by default the user's own / 配置与密钥所在文件夹
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// The one ledger for all folders / 所有文件夹共用的账本
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// 27-character code of the service that generates / 服务提供者编码
    #[arg(long, value_name = "CODE")]
    pub provider_code: Option<String>,
    /// 27-character code of the service that passes files on / 传播服务编码
    #[arg(long, value_name = "CODE")]
    pub propagator_code: Option<String>,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub json: bool,
}
