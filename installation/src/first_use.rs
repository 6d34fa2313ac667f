//! Keys and ledgers that a command makes on the way, so that nobody learns of them by accident.
use crate::keys::file::create_folder;
use crate::{Configuration, Result};
use std::fmt;
use std::path::{Path, PathBuf};

/// What a command may make on its first use, as it was before it ran.
#[derive(Debug)]
pub struct FirstUse {
    missing: Vec<(Kind, PathBuf)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    WatermarkKey,
    LabelKey,
    TestCertificate,
    Ledger,
}

/// A key or a ledger that was made just now.
#[derive(Debug)]
pub struct Made {
    kind: Kind,
    path: PathBuf,
}

impl FirstUse {
    /// What is missing of what `configuration` would make for files in `folder`, but the record key, of which the ledger tells itself. The folders that record key and ledger go to are made.
    pub fn of(configuration: &Configuration, folder: &Path) -> Result<Self> {
        let ledger = configuration.ledger_of(folder);
        let record_key = configuration.record_key(&ledger);
        if configuration.ledger.is_some() {
            create_folder(ledger.parent().unwrap_or(Path::new("")))?;
        }
        if let Some(keys) = configuration.key_folder().filter(|keys| record_key.starts_with(keys)) {
            create_folder(&keys)?;
        }
        let all = [
            (Kind::WatermarkKey, configuration.watermark_key.clone()),
            (Kind::LabelKey, configuration.label_key.clone()),
            (Kind::TestCertificate, configuration.test_certificate(folder)),
            (Kind::Ledger, Some(ledger)),
        ];
        let missing = all.into_iter().filter_map(|(kind, path)| Some((kind, path.filter(|path| !path.exists())?)));
        Ok(Self { missing: missing.collect() })
    }

    /// What is there by now, told once.
    pub fn made(&mut self) -> Vec<Made> {
        let (made, missing) = std::mem::take(&mut self.missing).into_iter().partition(|(_, path)| path.exists());
        self.missing = missing;
        let made: Vec<_> = made;
        // A ledger is what everybody expects; it is worth a word where it could be published by mistake.
        let made = made.into_iter().map(|(kind, path)| Made { kind, path });
        made.filter(|made| made.kind != Kind::Ledger || made.is_in_working_copy()).collect()
    }
}

impl Made {
    fn is_in_working_copy(&self) -> bool {
        is_in_working_copy(&self.path)
    }
}

impl fmt::Display for Made {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (english, chinese) = match self.kind {
            Kind::WatermarkKey => ("made the key of the watermark", "已生成水印密钥"),
            Kind::LabelKey => ("made the key that signs labels", "已生成标识签名密钥"),
            Kind::TestCertificate => ("made a C2PA test certificate with its key", "已生成 C2PA 测试证书及私钥"),
            Kind::Ledger => ("began a ledger", "已新建账本"),
        };
        write!(formatter, "{english} / {chinese}: {}", self.path.display())?;
        if self.is_in_working_copy() {
            let name = self.path.file_name().unwrap_or_default().display();
            write!(
                formatter,
                " — inside a git working copy: never commit it, add {name}* to .gitignore, or run danqing init to keep keys and ledger elsewhere / 位于 git 工作区内：请勿提交，将 {name}* 加入 .gitignore，或用 danqing init 将密钥与账本放到别处"
            )?;
        }
        Ok(())
    }
}

/// Whether a file lies in a git working copy.
pub(crate) fn is_in_working_copy(path: &Path) -> bool {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.ancestors().skip(1).any(|folder| folder.join(".git").exists())
}
