use super::options::ExportOptions;
use super::{key_files, sign, unwritable};
use crate::failure::Failure;
use installation::Configuration;
use ledger::{Signed, Snapshot};
use spec::Code;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use store::{SqliteLog, create_output};

/// One leaf a line, in the ledger's order.
const ENTRIES: &str = "entries.jsonl";
/// The signed note.
const CHECKPOINT: &str = "checkpoint.txt";
/// The verifier key.
const VERIFIER: &str = "danqing-ledger.vkey";
/// What it is and how to check it.
const README_FILE: &str = "README.md";

pub fn run(options: &ExportOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let (path, folder) = (&options.ledger.path(configuration), &options.folder);
    let log = SqliteLog::open_existing(path)?;
    let snapshot = Snapshot::read(&log)?;
    let made = prepare(folder)?;
    let signed = match sign(&snapshot, &key_files(path, configuration)).and_then(|signed| fill(folder, &snapshot, &signed).map(|()| signed))
    {
        Ok(signed) => signed,
        Err(failure) => {
            clear(folder, made);
            return Err(failure);
        }
    };
    println!("{}", folder.display());
    let size = snapshot.checkpoint().size;
    eprintln!("{size} entries / 共 {size} 条；{}", signed.verifier);
    Ok(0)
}

fn fill(folder: &Path, snapshot: &Snapshot<'_>, signed: &Signed) -> Result<(), Failure> {
    write_entries(&folder.join(ENTRIES), snapshot)?;
    let size = snapshot.checkpoint().size;
    write(&folder.join(VERIFIER), &format!("{}\n", signed.verifier))?;
    write(&folder.join(README_FILE), &README.replace("{size}", &size.to_string()).replace("{vkey}", &signed.verifier.to_string()))?;
    // Last: an export that was cut off by a power cut has none.
    write(&folder.join(CHECKPOINT), signed.checkpoint.text())
}

/// After a failure nothing of ours stays, not even half: the folder was empty or not there.
fn clear(folder: &Path, made: bool) {
    for name in [ENTRIES, VERIFIER, README_FILE, CHECKPOINT] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    if made {
        let _ = std::fs::remove_dir(folder);
    }
}

/// Whether the folder was made.
fn prepare(folder: &Path) -> Result<bool, Failure> {
    let is_new = !folder.exists();
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let mut contents = std::fs::read_dir(folder).map_err(|error| unwritable(folder, &error))?;
    if contents.next().is_none() {
        return Ok(is_new);
    }
    let message = format!("{0} is not empty: choose a new folder / 文件夹 {0} 不为空：请另选一个", folder.display());
    Err(Failure::new(Code::InvalidRequest, message))
}

fn write_entries(path: &Path, snapshot: &Snapshot<'_>) -> Result<(), Failure> {
    let mut file = BufWriter::new(create_output(path)?);
    for index in 0..snapshot.checkpoint().size {
        let Some(mut leaf) = snapshot.leaf(index)? else { break };
        // JSON escapes line feeds, so that a leaf is one line.
        leaf.push(b'\n');
        file.write_all(&leaf).map_err(|error| unwritable(path, &error))?;
    }
    file.flush().map_err(|error| unwritable(path, &error))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let mut file = create_output(path)?;
    file.write_all(text.as_bytes()).map_err(|error| unwritable(path, &error))
}

const README: &str = "# Danqing ledger export · 丹青账本导出

{size} entries. Verifier key · 验证公钥:

    {vkey}

**Compare this key with one you got another way** (from the operator, in writing): a forger can replace the whole folder, key included.
**请与从其他渠道取得的公钥核对**：仅凭本文件夹无法排除整体伪造。

| file · 文件 | content · 内容 |
|---|---|
| `entries.jsonl` | one entry a line, the exact bytes that were hashed, without the line feed · 每行一条记录，即参与哈希的原始字节（不含换行） |
| `checkpoint.txt` | signed note (C2SP signed-note, tlog-checkpoint): origin, number of entries, base64 of the Merkle root, blank line, signature · 签名检查点 |
| `danqing-ledger.vkey` | Ed25519 verifier key, `<name>+<id>+<base64>` · 验证公钥 |

## Check it · 核验

    python3 verify_ledger_export.py THIS_FOLDER --vkey YOUR_OWN_COPY.vkey

The script is in Danqing's source, `testkit/scripts/verify_ledger_export.py`; it needs only Python 3. Or write your own:
脚本见丹青源代码 `testkit/scripts/verify_ledger_export.py`，只需 Python 3；也可按以下定义自行编写：

    leaf hash = SHA-256(0x00 ‖ line)    node hash = SHA-256(0x01 ‖ left ‖ right)    (RFC 6962 §2.1)
    key id    = first 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)
    signature = Ed25519 (RFC 8032) over the three lines before the blank one; base64 of key id ‖ signature
    a key's base64 holds 0x01 ‖ public key

Unless the operator stores them otherwise, the entries hold prompts as they were typed; accounts and recipients are sealed.
除非运营者另有设置，记录含提示词原文，请妥善保管；账户与接收人已加密。
";
