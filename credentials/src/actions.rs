//! The assertion `c2pa.actions.v2`: what was done, in order.
use crate::cbor::{Value, map, text};
use crate::{Deed, Error, Relationship, Statement, names};

/// One way in which a file that was there already was changed, in C2PA's words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Its metadata, and nothing that is seen or heard.
    MetadataEdited,
    /// The picture was turned or mirrored.
    Turned,
    /// The picture has other dimensions.
    Resized,
    /// Something else that can be seen: a description for people.
    Edited(String),
    /// It was encoded anew, in the same format or another.
    Transcoded,
}

impl Change {
    fn name(&self) -> &'static str {
        match self {
            Self::MetadataEdited => names::METADATA_EDITED,
            Self::Turned => names::ORIENTATION,
            Self::Resized => names::RESIZED,
            Self::Edited(_) => names::EDITED,
            Self::Transcoded => names::TRANSCODED,
        }
    }
}

/// The assertion's content, with the ingredients' `references`.
pub(crate) fn of(statement: &Statement<'_>, references: &[(Relationship, Value)], generator: impl Fn() -> Value) -> Result<Value, Error> {
    let when = || Value::Tag(0, Box::new(text(statement.produce_id.made_at().to_rfc3339())));
    let action = |name: &str, more: Vec<(&str, Value)>| {
        let mut entries = vec![(text("action"), text(name)), (text("when"), when()), (text("softwareAgent"), generator())];
        entries.extend(more.into_iter().map(|(key, value)| (text(key), value)));
        Value::Map(entries)
    };
    let of = |relationship| -> Vec<Value> {
        references.iter().filter(|(found, _)| *found == relationship).map(|(_, reference)| reference.clone()).collect()
    };
    let using = |ingredients: Vec<Value>| match ingredients.is_empty() {
        true => None,
        false => Some(("parameters", map([("ingredients", Value::Array(ingredients))]))),
    };
    let (parents, inputs) = (using(of(Relationship::Parent)), using(of(Relationship::Input)));
    let (actions, are_all) = match statement.deed {
        Deed::Generated { watermarked, .. } => {
            let source = if references.is_empty() { names::GENERATED } else { names::COMPOSITE };
            let made = [("digitalSourceType", text(source))].into_iter().chain(inputs).collect();
            let mut actions = match parents {
                None => vec![action(names::CREATED, made)],
                parents => vec![action(names::OPENED, parents.into_iter().collect()), action(names::EDITED, made)],
            };
            if watermarked {
                actions.push(action(names::WATERMARKED, Vec::new()));
            }
            (actions, true)
        }
        Deed::Changed(changes) => {
            let parent = parents.filter(|_| references.len() == 1).ok_or(Error::ParentMissing)?;
            let opened = action(names::OPENED, vec![parent]);
            let described = |change: &Change| match change {
                Change::Edited(description) => vec![("description", text(description.clone()))],
                _ => Vec::new(),
            };
            let changed = changes.iter().map(|change| action(change.name(), described(change)));
            // Encoding anew loses more than has a name: metadata, frames, transparency.
            let are_all = !changes.contains(&Change::Transcoded);
            (std::iter::once(opened).chain(changed).collect(), are_all)
        }
    };
    let all = are_all.then_some((text("allActionsIncluded"), Value::Bool(true)));
    Ok(Value::Map(std::iter::once((text("actions"), Value::Array(actions))).chain(all).collect()))
}
