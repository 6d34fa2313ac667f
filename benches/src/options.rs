//! Fields of an order.
use anyhow::{Context, Result};
use serde_json::Value;

pub fn text<'a>(order: &'a Value, field: &str) -> Result<&'a str> {
    order[field].as_str().with_context(|| format!("{field} is missing"))
}

pub fn number(order: &Value, field: &str) -> Result<usize> {
    order[field].as_u64().map(|number| number as usize).with_context(|| format!("{field} is missing"))
}

/// Values without structure and without denormals, -1 to 1.
pub fn values(count: usize) -> Vec<f32> {
    (0..count).map(|index| ((index * 7919 % 1009) as f32 - 504.0) / 504.0).collect()
}
