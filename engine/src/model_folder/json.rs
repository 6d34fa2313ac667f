use super::ModelFolder;
use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// What some editors write before UTF-8 text. JSON has no place for it (RFC 8259, 8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A JSON object of a model (`config.json`, `scheduler_config.json`) whose errors name the file and the field.
#[derive(Debug, Clone)]
pub struct JsonFile {
    path: PathBuf,
    /// Field names above this object, each with a dot behind; empty at the top.
    prefix: String,
    fields: Map<String, Value>,
}

impl JsonFile {
    /// Reads a file of a model.
    pub fn read(folder: &ModelFolder, relative: &str) -> Result<Self> {
        Self::parse(&folder.place(relative), &folder.read(relative)?)
    }

    /// Reads a component's `config.json`.
    pub fn component(folder: &ModelFolder, component: &str) -> Result<Self> {
        Self::read(folder, &format!("{component}/config.json"))
    }

    /// Reads bytes; `path` is for messages.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        if bytes.starts_with(BYTE_ORDER_MARK) {
            let detail = "begins with a byte order mark: save it as UTF-8 without BOM / 文件以 BOM 开头，请另存为无 BOM 的 UTF-8";
            return Err(Error::InvalidFile { path: path.to_owned(), detail: detail.to_owned() });
        }
        let fields = serde_json::from_slice(bytes)
            .map_err(|error| Error::InvalidFile { path: path.to_owned(), detail: format!("not a JSON object: {error}") })?;
        Ok(Self { path: path.to_owned(), prefix: String::new(), fields })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All fields.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// Whether a field is there and not null.
    pub fn has(&self, field: &str) -> bool {
        self.fields.get(field).is_some_and(|value| !value.is_null())
    }

    /// A field that must be there.
    pub fn required<T: DeserializeOwned>(&self, field: &str) -> Result<T> {
        self.optional(field)?.ok_or_else(|| self.invalid(field, "is missing"))
    }

    /// A field that may be absent or null.
    pub fn optional<T: DeserializeOwned>(&self, field: &str) -> Result<Option<T>> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::deserialize(value).map(Some).map_err(|error| self.invalid(field, error)),
        }
    }

    /// A field, or what its absence means.
    pub fn or<T: DeserializeOwned>(&self, field: &str, default: T) -> Result<T> {
        Ok(self.optional(field)?.unwrap_or(default))
    }

    /// An object inside, for example `text_config`.
    pub fn section(&self, field: &str) -> Result<Self> {
        let fields = self.required(field)?;
        Ok(Self { path: self.path.clone(), prefix: format!("{}{field}.", self.prefix), fields })
    }

    /// The whole object as a `T`.
    pub fn parse_as<T: DeserializeOwned>(&self) -> Result<T> {
        let value = Value::Object(self.fields.clone());
        T::deserialize(value).map_err(|error| {
            let place = if self.prefix.is_empty() { String::new() } else { format!("{}: ", self.prefix.trim_end_matches('.')) };
            Error::InvalidFile { path: self.path.clone(), detail: format!("{place}{error}") }
        })
    }

    /// Fails with [`Error::Unsupported`] unless `field` is absent, null or `expected`.
    pub fn expect<T: DeserializeOwned + PartialEq + std::fmt::Debug>(&self, field: &str, expected: &T) -> Result<()> {
        match self.optional::<T>(field)? {
            Some(found) if found != *expected => {
                Err(Error::Unsupported(format!("{}: {}{field} = {found:?} (supported: {expected:?})", self.path.display(), self.prefix)))
            }
            _ => Ok(()),
        }
    }

    /// An error about a field of this file.
    pub fn invalid(&self, field: &str, problem: impl std::fmt::Display) -> Error {
        Error::InvalidFile { path: self.path.clone(), detail: format!("{}{field}: {problem}", self.prefix) }
    }
}
