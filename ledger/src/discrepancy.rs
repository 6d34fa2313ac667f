use spec::StorageFault;
use std::fmt;
use std::path::PathBuf;

/// What lies beside the leaves and does not agree with them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discrepancy {
    /// The storage lost a tag of a leaf.
    TagMissing {
        /// The tag.
        tag: String,
        /// The leaf's index.
        index: u64,
    },
    /// The storage has a tag for a leaf that does not have it.
    TagForeign {
        /// The tag.
        tag: String,
        /// The index that it names.
        index: u64,
    },
    /// The key of a sealed record is gone, and no shredding on record explains it.
    SecretMissing {
        /// The record's index.
        index: u64,
    },
    /// The key of a sealed record, or what it seals, does not open with the record key, or names another account.
    SecretChanged {
        /// The record's index.
        index: u64,
    },
    /// The term of the key of a sealed record is not what the record's time asks.
    SecretTerm {
        /// The record's index.
        index: u64,
    },
    /// The record key that was named does not open this ledger.
    RecordKeyForeign {
        /// Its file.
        key: PathBuf,
    },
    /// The storage's own structure or guards.
    Storage(StorageFault),
    /// The checkpoint that was signed last says otherwise: an error's text.
    Signed(String),
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TagMissing { tag, index } => {
                write!(formatter, "leaf {index} lost its tag {tag} in the database / 数据库中第 {index} 叶的标签 {tag} 被删除")
            }
            Self::TagForeign { tag, index } => {
                write!(
                    formatter,
                    "the database has the tag {tag} for leaf {index}, which does not have it / 数据库为第 {index} 叶添加了不属于它的标签 {tag}"
                )
            }
            Self::SecretMissing { index } => write!(
                formatter,
                "the key of the personal fields of leaf {index} is gone, and no shredding is on record / 第 {index} 叶个人信息的密钥缺失，且无销毁记录"
            ),
            Self::SecretChanged { index } => write!(
                formatter,
                "the personal fields of leaf {index} do not open with the record key / 第 {index} 叶的个人信息无法以记录密钥解密"
            ),
            Self::SecretTerm { index } => write!(
                formatter,
                "the term of the key of the personal fields of leaf {index} was changed / 第 {index} 叶个人信息密钥的保存期限被改动"
            ),
            Self::RecordKeyForeign { key } => {
                let key = key.display();
                write!(
                    formatter,
                    "the record key {key} does not open this ledger: it is another ledger's (verify with --without-record-key then), or the sealed keys were changed / 记录密钥 {key} 无法打开此账本：它属于其他账本（此时请加 --without-record-key 校验），或密钥被改动"
                )
            }
            Self::Storage(fault) => write!(formatter, "{fault}"),
            Self::Signed(text) => formatter.write_str(text),
        }
    }
}
