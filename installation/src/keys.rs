//! Keys in files: made whole or not at all, and never over another's.

pub mod file;
pub mod label;
pub mod watermark;
