use crate::merkle::Frontier;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use spec::Sha256Digest;
use std::fmt;
use std::str::FromStr;

/// First line of every checkpoint.
pub const ORIGIN: &str = "danqing.ledger.v1";

/// Begins an extension line of the saved head.
const FRONTIER: &str = "frontier ";

/// Size and root of the ledger at one moment. Its text is the body of a C2SP tlog-checkpoint: origin, size and base64 root,
/// a line each; [`crate::SignedCheckpoint`] is one with a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Sha256Digest,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{ORIGIN}\n{}\n{}\n", self.size, STANDARD.encode(self.root.0))
    }
}

/// The text is not a checkpoint of a Danqing ledger.
#[derive(Debug, thiserror::Error)]
#[error("not a Danqing ledger checkpoint / 不是丹青账本的检查点")]
pub struct ParseCheckpointError;

impl FromStr for Checkpoint {
    type Err = ParseCheckpointError;

    /// Accepts exactly what `Display` writes.
    fn from_str(text: &str) -> Result<Self, ParseCheckpointError> {
        let mut lines = text.lines();
        let (Some(ORIGIN), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(ParseCheckpointError);
        };
        let checkpoint = Self { size: size.parse().map_err(|_| ParseCheckpointError)?, root: digest(root).ok_or(ParseCheckpointError)? };
        if checkpoint.to_string() == text { Ok(checkpoint) } else { Err(ParseCheckpointError) }
    }
}

fn digest(text: &str) -> Option<Sha256Digest> {
    STANDARD.decode(text).ok()?.try_into().ok().map(Sha256Digest)
}

/// The saved head of a tree: its checkpoint and its frontier.
pub fn head_text(frontier: &Frontier) -> String {
    let checkpoint = Checkpoint { size: frontier.size(), root: frontier.root() };
    let peaks = frontier.peaks().iter().map(|peak| format!("{FRONTIER}{}\n", STANDARD.encode(peak.0)));
    std::iter::once(checkpoint.to_string()).chain(peaks).collect()
}

/// Reads a saved head back; `None` unless it is exactly what [`head_text`] writes, root and frontier in agreement.
pub fn parse_head(text: &str) -> Option<Frontier> {
    let size = text.lines().nth(1)?.parse().ok()?;
    let peaks = text.lines().skip(3).map(|line| digest(line.strip_prefix(FRONTIER)?)).collect::<Option<Vec<_>>>()?;
    let frontier = Frontier::new(size, peaks)?;
    (head_text(&frontier) == text).then_some(frontier)
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, head_text, parse_head};
    use crate::merkle::{Frontier, leaf_hash};

    #[test]
    fn heads_round_trip_and_no_other_text_is_one() {
        let mut frontier = Frontier::default();
        for leaf in 0..7_u8 {
            let text = head_text(&frontier);
            assert_eq!(parse_head(&text).as_ref(), Some(&frontier));
            for position in 0..text.len() {
                let mut changed = text.clone().into_bytes();
                changed[position] ^= 1;
                let changed = String::from_utf8_lossy(&changed).into_owned();
                assert_eq!(parse_head(&changed), None, "byte {position} of {text}");
            }
            frontier.push(leaf_hash(&[leaf]));
        }
    }

    #[test]
    fn checkpoint_text_is_three_lines() {
        let mut frontier = Frontier::default();
        frontier.push(leaf_hash(b""));
        let checkpoint = Checkpoint { size: 1, root: frontier.root() };
        let text = checkpoint.to_string();
        assert_eq!(text, "danqing.ledger.v1\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n");
        assert_eq!(text.parse::<Checkpoint>().ok(), Some(checkpoint));
        for other in ["", "danqing.ledger.v1\n1\n", &text[..text.len() - 1], &text.replace("\n1\n", "\n01\n")] {
            assert!(other.parse::<Checkpoint>().is_err(), "{other:?}");
        }
    }
}
