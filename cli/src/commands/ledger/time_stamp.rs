//! What `danqing ledger verify` says of an RFC 3161 time stamp.

use credentials::TimeStampSignature;

/// For JSON; `None` where no certificate was named to check it with.
pub fn name(signature: Option<&TimeStampSignature>) -> &'static str {
    match signature {
        None => "not_checked",
        Some(TimeStampSignature::Pinned { .. }) => "valid",
        Some(TimeStampSignature::UnknownSigner { .. }) => "unknown_signer",
        Some(TimeStampSignature::Unsupported) => "unsupported",
        Some(_) => "invalid",
    }
}

/// Whether it may be relied on.
pub fn holds(signature: &TimeStampSignature) -> bool {
    matches!(signature, TimeStampSignature::Pinned { .. })
}

pub fn print(time: &str, signature: Option<&TimeStampSignature>) {
    const BY_HAND: &str = "openssl ts -verify -data CHECKPOINT -in RESPONSE -CAfile AUTHORITY.pem";
    match signature {
        Some(TimeStampSignature::Pinned { signer }) => println!(
            "time stamp: {signer} says that this checkpoint was there at {time}; its signature holds under the pinned certificate (revocation is not asked for) / 时间戳：{signer} 证明该检查点于 {time} 已存在，签名有效（未查询吊销状态）"
        ),
        Some(TimeStampSignature::UnknownSigner { signer }) => println!(
            "UNTRUSTED time stamp of {time}: its signature holds, but {signer} is not the pinned authority, nor under it / 时间戳（{time}）不受信任：签名者 {signer} 不是所指定的机构，也不由其签发"
        ),
        Some(TimeStampSignature::Unsupported) => println!(
            "UNVERIFIED time stamp of {time}: signed by an algorithm that is not checked here (RSA PKCS #1 v1.5 and ECDSA P-256 are); try / 时间戳（{time}）未能核验：不支持其签名算法，请用: {BY_HAND}"
        ),
        Some(_) => println!("INVALID time stamp: its signature does not hold / 时间戳无效：签名不成立"),
        None => println!(
            "UNVERIFIED time stamp: it names this checkpoint and {time}, but its signature is NOT CHECKED, and anybody can write such a file; --timestamp-ca names the authority's certificate / 时间戳未经核验：所指为该检查点，时间为 {time}，但签名未核验，任何人都能伪造；请用 --timestamp-ca 指定机构证书"
        ),
    }
}
