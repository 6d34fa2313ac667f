//! Time stamps of checkpoints (RFC 3161): the query that a time-stamp authority answers, and what its answer says.

use crate::{Error, Result, SignedCheckpoint};
use spec::Sha256Digest;

/// `id-sha256` (RFC 8017 appendix B.1), as the contents of a DER object identifier.
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// `id-signedData` (RFC 5652 §5.1).
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// `id-ct-TSTInfo` (RFC 3161 §2.4.2).
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const EXPLICIT_0: u8 = 0xa0;

/// The `TimeStampReq` for a signed checkpoint, in DER: SHA-256 of its text, and the authority's certificate asked for.
pub fn timestamp_query(checkpoint: &SignedCheckpoint) -> Vec<u8> {
    // With the parameters NULL, as OpenSSL writes it and every authority takes it.
    let algorithm = element(SEQUENCE, &[element(OBJECT_IDENTIFIER, SHA256), element(NULL, &[])].concat());
    let imprint = element(OCTET_STRING, &Sha256Digest::of(checkpoint.text().as_bytes()).0);
    let imprint = element(SEQUENCE, &[algorithm, imprint].concat());
    // Version 1; no policy, no nonce: the checkpoint is never the same twice; certReq true.
    element(SEQUENCE, &[&[INTEGER, 1, 1][..], &imprint, &[0x01, 1, 0xff]].concat())
}

/// What the answer of a time-stamp authority says. **Its signature is not checked here**: `credentials::verify_time_stamp` does, with the
/// authority's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampResponse {
    imprint: Sha256Digest,
    time: String,
}

impl TimestampResponse {
    /// Reads a granted `TimeStampResp` in DER.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let malformed = || Error::rejected("it is not a time-stamp response", "不是时间戳响应");
        let (status, token) = parts(bytes).ok_or_else(malformed)?;
        // 0 granted, 1 granted with modifications (RFC 3161 §2.4.2).
        match (status, token) {
            ([0 | 1], Some(token)) => info(token).ok_or_else(malformed),
            _ => Err(Error::rejected("the authority did not grant the time stamp", "时间戳机构未签发")),
        }
    }

    /// The moment it names, RFC 3339; an error unless it is about exactly this checkpoint.
    pub fn time_of(&self, checkpoint: &SignedCheckpoint) -> Result<&str> {
        match self.imprint == Sha256Digest::of(checkpoint.text().as_bytes()) {
            true => Ok(&self.time),
            false => Err(Error::rejected("the time stamp is of something else than this checkpoint", "时间戳所指不是该检查点")),
        }
    }
}

/// The status and, if there is one, the content of the token's `SignedData`.
fn parts(bytes: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let (response, []) = take(SEQUENCE, bytes)? else { return None };
    let (status, rest) = take(SEQUENCE, response)?;
    let (status, _) = take(INTEGER, status)?;
    if rest.is_empty() {
        return Some((status, None));
    }
    let (content, _) = take(SEQUENCE, rest)?;
    Some((status, Some(wrapped(content, SIGNED_DATA, SEQUENCE)?)))
}

fn info(signed_data: &[u8]) -> Option<TimestampResponse> {
    let (_version, rest) = take(INTEGER, signed_data)?;
    let (_algorithms, rest) = take(SET, rest)?;
    let (content, _) = take(SEQUENCE, rest)?;
    let (info, []) = take(SEQUENCE, wrapped(content, TST_INFO, OCTET_STRING)?)? else { return None };
    let (_version, rest) = take(INTEGER, info)?;
    let (_policy, rest) = take(OBJECT_IDENTIFIER, rest)?;
    let (imprint, rest) = take(SEQUENCE, rest)?;
    let (_serial, rest) = take(INTEGER, rest)?;
    let (time, _) = take(GENERALIZED_TIME, rest)?;
    let (algorithm, imprint) = take(SEQUENCE, imprint)?;
    let (algorithm, _) = take(OBJECT_IDENTIFIER, algorithm)?;
    let (imprint, []) = take(OCTET_STRING, imprint)? else { return None };
    let imprint = Sha256Digest(imprint.try_into().ok().filter(|_| algorithm == SHA256)?);
    Some(TimestampResponse { imprint, time: rfc3339(time)? })
}

/// The contents of what `SEQUENCE { type, [0] EXPLICIT value }` wraps.
fn wrapped<'a>(contents: &'a [u8], type_of: &[u8], tag: u8) -> Option<&'a [u8]> {
    let (found, rest) = take(OBJECT_IDENTIFIER, contents)?;
    let (value, _) = take(EXPLICIT_0, rest).filter(|_| found == type_of)?;
    take(tag, value).map(|(contents, _)| contents)
}

/// `YYYYMMDDhhmmss[.f]Z`, the only form that RFC 3161 allows.
fn rfc3339(time: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(time).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || !fraction.is_none_or(digits) {
        return None;
    }
    let part = |from: usize, to: usize| &whole[from..to];
    let fraction = fraction.map(|fraction| format!(".{fraction}")).unwrap_or_default();
    Some(format!("{}-{}-{}T{}:{}:{}{fraction}Z", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12), part(12, 14)))
}

/// A DER element; the contents here are shorter than 128 bytes, which one byte of length says.
fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    [&[tag, contents.len() as u8], contents].concat()
}

/// The contents of the first element, which must have this tag, and what follows it.
fn take(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (first as usize, rest),
        // Up to four bytes of length: more than any answer has.
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(first as usize - 0x80)?;
            (length.iter().fold(0, |length, &byte| length << 8 | byte as usize), rest)
        }
        _ => return None,
    };
    (*found == tag).then(|| rest.split_at_checked(length))?
}
