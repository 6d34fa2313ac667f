use crate::{Error, Result};
use std::fmt;

/// For whom something is recorded. Where the ledger has a vault, the name is sealed in the leaf and its pseudonym stands in clear text;
/// without one the leaf does not say whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account(String);

impl Account {
    /// The account of that name: not blank, and without control characters.
    pub fn new(name: &str) -> Result<Self> {
        if name.trim().is_empty() || name.contains(char::is_control) {
            return Err(Error::AccountInvalid);
        }
        Ok(Self(name.to_owned()))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
