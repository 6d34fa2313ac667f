use crate::parallel;
use engine::{Error, Node, Result, Tensor};
use std::collections::BTreeMap;

/// Turns the gradient of an operation's result into gradients of its inputs.
pub(super) type Adjoint = Box<dyn FnOnce(&Tensor, &mut Cotangents) -> Result<()> + Send>;

enum Entry {
    Leaf(String),
    Operation(Adjoint),
}

/// The operations of one step, in the order they ran.
#[derive(Default)]
pub(super) struct Tape {
    entries: Vec<Entry>,
}

impl Tape {
    pub(super) fn leaf(&mut self, name: String) -> Node {
        self.push(Entry::Leaf(name))
    }

    pub(super) fn operation(&mut self, adjoint: Adjoint) -> Node {
        self.push(Entry::Operation(adjoint))
    }

    fn push(&mut self, entry: Entry) -> Node {
        self.entries.push(entry);
        Node(self.entries.len() - 1)
    }

    /// Walks back from `loss`. Each adjoint, with the activations it holds, is dropped as soon as it has run; the order of
    /// accumulation is the order of the tape, so the sums do not depend on anything else.
    pub(super) fn backward(mut self, loss: Node, seed: Tensor) -> Result<Gradients> {
        let mut cotangents = Cotangents { values: vec![None; self.entries.len()] };
        let mut by_name = BTreeMap::new();
        cotangents.add(Some(loss), seed)?;
        while let Some(entry) = self.entries.pop() {
            let Some(gradient) = cotangents.take(self.entries.len()) else { continue };
            match entry {
                Entry::Operation(adjoint) => adjoint(&gradient, &mut cotangents)?,
                Entry::Leaf(name) => {
                    by_name.insert(name, gradient);
                }
            }
        }
        Ok(Gradients { by_name })
    }
}

/// Gradients of the values that have not been walked yet.
pub(super) struct Cotangents {
    values: Vec<Option<Tensor>>,
}

impl Cotangents {
    /// Adds to the gradient of `node`; nothing happens for a constant.
    pub(super) fn add(&mut self, node: Option<Node>, gradient: Tensor) -> Result<()> {
        let Some(Node(index)) = node else { return Ok(()) };
        let slot = self
            .values
            .get_mut(index)
            .ok_or_else(|| Error::Shape { operation: "backward", detail: "a node of another recording".into() })?;
        *slot = Some(match slot.take() {
            None => gradient,
            Some(sum) => parallel::add(&sum, &gradient)?,
        });
        Ok(())
    }

    fn take(&mut self, index: usize) -> Option<Tensor> {
        self.values.get_mut(index).and_then(Option::take)
    }
}

/// The gradient of a loss by parameter name. Parameters that the loss does not depend on are absent.
#[derive(Debug, Default)]
pub struct Gradients {
    by_name: BTreeMap<String, Tensor>,
}

impl Gradients {
    /// The gradient of one parameter, in the layout of the checkpoint.
    pub fn get(&self, name: &str) -> Option<&[f32]> {
        self.by_name.get(name).and_then(|gradient| gradient.f32().ok())
    }

    /// Names of the parameters that have a gradient, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// All gradients, sorted by name.
    pub fn into_tensors(self) -> BTreeMap<String, Tensor> {
        self.by_name
    }
}
