//! The key that wraps the keys of records, in a file of its own.

use crate::key_files::{Readers, write_new};
use crate::vault::{decrypt, encrypt};
use crate::{Error, Result};
use spec::{LogStorage, Secret, SecretId, Sha256Digest, Timestamp};
use std::path::Path;

/// The vault's key: 64 hexadecimal digits in its file.
pub struct Master(pub [u8; 32]);

/// Id of the secret that tells the right key from another; no record's key has it.
const CHECK: SecretId = [0; 16];
const CHECK_TEXT: &[u8] = b"danqing.record-key.v1";

pub fn random<const LENGTH: usize>() -> Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| Error::Random(error.to_string()))?;
    Ok(bytes)
}

/// Reads the key in `path`, or makes it where the ledger never had one, and says whether it did. An error if it is not the ledger's.
pub fn open(storage: &mut dyn LogStorage, path: &Path) -> Result<(Master, bool)> {
    let known = storage.secret(CHECK)?;
    let mut made = false;
    if !path.exists() {
        if known.is_some() {
            return Err(Error::RecordKeyMissing { key: path.to_owned() });
        }
        made = write_new(path, &(Sha256Digest(random()?).to_string() + "\n"), Readers::Owner)?;
    }
    let master = from_file(path)?;
    if known.is_none() {
        let content = encrypt(&master.0, &CHECK, CHECK_TEXT)?;
        // The ledger itself is as old as time and never shredded, and so is this.
        let end = Timestamp(i64::MAX as u64);
        storage.keep_secret(&Secret { id: CHECK, time: end, keep_until: end, content })?;
    }
    // Read again: another process may have been first.
    check(storage, master, path).map(|master| (master, made))
}

/// Reads the key in `path`, which must be the ledger's. Writes nothing.
pub fn read(storage: &dyn LogStorage, path: &Path) -> Result<Master> {
    check(storage, from_file(path)?, path)
}

fn check(storage: &dyn LogStorage, master: Master, path: &Path) -> Result<Master> {
    match storage.secret(CHECK)?.and_then(|check| decrypt(&master.0, &CHECK, &check)) {
        Some(text) if text == CHECK_TEXT => Ok(master),
        _ => Err(Error::RecordKeyOfAnother { key: path.to_owned() }),
    }
}

fn from_file(path: &Path) -> Result<Master> {
    let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
    // As many digits as a digest has.
    let Sha256Digest(bytes) = text.trim().parse().map_err(|_| Error::RecordKeyInvalid { key: path.to_owned() })?;
    Ok(Master(bytes))
}
