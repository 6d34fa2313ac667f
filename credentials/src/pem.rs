//! PEM (RFC 7468) blocks of a file, by their labels.

/// The blocks with that label, each whole.
pub(crate) fn blocks<'a>(text: &'a str, label: &str) -> Vec<&'a str> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(&begin) {
        let Some(from) = rest.get(start..) else { break };
        let Some(length) = from.find(&end).map(|at| at + end.len()) else { break };
        found.extend(from.get(..length));
        rest = from.get(length..).unwrap_or_default();
    }
    found
}

/// The DER certificates of a file; nothing if a block is damaged.
pub(crate) fn certificates(text: &str) -> Option<Vec<Vec<u8>>> {
    let decoded = blocks(text, "CERTIFICATE").into_iter().map(|block| x509_cert::der::pem::decode_vec(block.as_bytes()).ok());
    decoded.map(|block| block.map(|(_, der)| der)).collect()
}
