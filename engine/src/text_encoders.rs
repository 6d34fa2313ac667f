//! Text encoders: token ids → hidden states.

mod ministral3;

pub use ministral3::{Ministral3, Ministral3Config};
