//! The first steps of an installation: a configuration and its keys, in one folder, written once.
use crate::configuration::{CONFIGURATION_FILE, RECORD_KEY_FILE, user_configuration_folder, user_data_folder};
use crate::first_use::is_in_working_copy;
use crate::keys::file::{Readers, create_folder, create_if_missing, random};
use crate::{Configuration, Error, Result};
use pipeline::LEDGER_FILE;
use provenance::ProviderCode;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Name of the key that signs labels, in a new configuration.
const LABEL_KEY_FILE: &str = "danqing-label.key";
/// Name of the key that signs checkpoints, in a new configuration.
const LEDGER_KEY_FILE: &str = "danqing-ledger.key";
/// What git should not see of the folder.
const IGNORED: &str = "*.key\n*.key.checkpoint\n*.record-key\n*.pem\ndanqing-ledger.sqlite*\ndanqing-stopped.json\n";

/// What a new installation starts with.
#[derive(Debug, Default)]
pub struct Start {
    /// Folder of configuration and keys; the user's own where it is not set.
    pub folder: Option<PathBuf>,
    /// The one ledger for all folders; where it is not set, beside the configuration in a given folder, and in the user's data folder
    /// otherwise.
    pub ledger: Option<PathBuf>,
    /// Of the service that generates.
    pub provider_code: Option<ProviderCode>,
    /// Of the service that passes files on.
    pub propagator_code: Option<ProviderCode>,
}

/// What [`Start::run`] did.
#[derive(Debug)]
pub struct Started {
    /// The configuration.
    pub configuration: PathBuf,
    /// The ledger that it names.
    pub ledger: Option<PathBuf>,
    /// Files that were written now; those that were there already are as they were.
    pub written: Vec<PathBuf>,
    /// Whether the folder lies in a git working copy.
    pub in_working_copy: bool,
}

impl Start {
    /// Writes the configuration and the keys that it names, each unless it is there. What is there already is never changed: with values for
    /// a new configuration where there is one, nothing is done and that is an error.
    pub fn run(&self) -> Result<Started> {
        let no_home = || {
            Error::configuration("neither HOME nor XDG_CONFIG_HOME is set: name a folder / 未设置 HOME 或 XDG_CONFIG_HOME，请指定文件夹")
        };
        let folder = self.folder.clone().or_else(user_configuration_folder).ok_or_else(no_home)?;
        let path = folder.join(CONFIGURATION_FILE);
        let mut written = Vec::new();
        if path.exists() {
            if self.ledger.is_some() || self.provider_code.is_some() || self.propagator_code.is_some() {
                return Err(Error::configuration(format!(
                    "{0} is there already and is not changed: edit it, or name another folder / {0} 已存在，不会改动：请直接编辑，或指定另一个文件夹",
                    path.display()
                )));
            }
        } else {
            create_folder(&folder)?;
            create_if_missing(&path, self.text()?.trim_end(), Readers::Everybody)?;
            written.push(path.clone());
        }
        let configuration = Configuration::load(Some(&path))?;
        if let Some(key) = configuration.record_key.as_deref().filter(|key| !key.exists()) {
            create_if_missing(key, &spec::Sha256Digest(random()?).to_string(), Readers::Owner)?;
            written.push(key.to_owned());
        }
        for key in [&configuration.label_key, &configuration.watermark_key].into_iter().flatten().filter(|key| !key.exists()) {
            written.push(key.clone());
        }
        configuration.label_key()?;
        configuration.watermark_key()?;
        let in_working_copy = is_in_working_copy(&path);
        let ignore = folder.join(".gitignore");
        if in_working_copy && !ignore.exists() {
            create_if_missing(&ignore, IGNORED.trim_end(), Readers::Everybody)?;
            written.push(ignore);
        }
        Ok(Started { configuration: path, ledger: configuration.ledger.clone(), written, in_working_copy })
    }

    fn ledger(&self) -> Result<PathBuf> {
        if let Some(path) = &self.ledger {
            // A path on the command line counts from the current folder, and one in the file would count from the file's.
            return std::path::absolute(path).map_err(|error| Error::file(path, error));
        }
        match (&self.folder, user_data_folder()) {
            (None, Some(folder)) => Ok(folder.join(LEDGER_FILE)),
            _ => Ok(LEDGER_FILE.into()),
        }
    }

    fn text(&self) -> Result<String> {
        let mut text = String::from(
            "# Danqing 丹青. Relative paths count from this file's folder; every key is explained in docs/configuration.md.\n\
             # 相对路径以本文件所在文件夹为准；各项含义见 docs/configuration.md。\n\n",
        );
        let mut code = |name: &str, value: &Option<ProviderCode>, meaning: &str| {
            let _ = match value {
                Some(value) => writeln!(text, "# {meaning}\n{name} = {}\n", quoted(&value.to_string())),
                None => writeln!(text, "# {meaning}\n# {name} = \"\"\n"),
            };
        };
        code("provider_code", &self.provider_code, "Your 27-character code, in every implicit label / 服务提供者编码（27 位）");
        code("propagator_code", &self.propagator_code, "Your code when you pass files on (danqing label) / 传播服务编码（27 位）");
        let ledger = self.ledger()?;
        let ledger = ledger.to_str().ok_or_else(|| {
            Error::configuration(format!("{0} is not UTF-8: name another --ledger / {0} 不是 UTF-8 路径，请换一个", ledger.display()))
        })?;
        for (meaning, name, value) in [
            ("One ledger for all folders / 所有文件夹共用的账本", "ledger", ledger),
            ("Seals accounts and, if so configured, prompts: keep a copy / 记录密钥，请另存备份", "record_key", RECORD_KEY_FILE),
            ("Signs checkpoints of the ledger; made on the first use / 账本签名密钥，首次使用时生成", "ledger_key", LEDGER_KEY_FILE),
            ("Signs implicit labels; its public half is in the file .pub / 标识签名密钥，公钥在 .pub 文件", "label_key", LABEL_KEY_FILE),
        ] {
            let _ = writeln!(text, "# {meaning}\n{name} = {}\n", quoted(value));
        }
        text.push_str(
            "# An invisible watermark; the same seed then gives different pixels / 隐形水印；启用后同一种子的像素不再相同\n\
             # watermark_key = \"danqing-watermark.key\"\n\n\
             # Your own C2PA certificate; a test certificate that nobody trusts is used without it / 自有 C2PA 证书\n\
             # c2pa_certificate = \"c2pa.pem\"\n# c2pa_key = \"c2pa.key\"\n",
        );
        Ok(text)
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
