use super::adjoints;
use super::tape::{Adjoint, Cotangents, Gradients, Tape};
use super::trained_weight::TrainedWeight;
use crate::parallel;
use engine::{
    Activation, Attention, Conv, Device, Error, Executor, GroupNorm, Linear, Modulation, Node, Norm, Result, Tensor, Unary, Weight,
    WeightKind,
};
use kernels::element::Precision;
use spec::RunPrecision;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An executor that computes on the CPU and records what it computed.
///
/// One recording is one step: load the model on [`Recorder::device`], run it, call [`Recorder::backward`] on the loss. The
/// recording is empty again afterwards. Values that do not depend on a parameter are not recorded.
pub struct Recorder {
    cpu: Device,
    products: Precision,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tape: Tape,
    scope: String,
}

impl Recorder {
    /// Products, forward and backward, round their operands to `precision`; everything else is f32. 8-bit integers have no gradients:
    /// bfloat16 takes their place.
    pub fn new(precision: RunPrecision) -> Arc<Self> {
        let (precision, products) = match precision {
            RunPrecision::F32 => (RunPrecision::F32, Precision::F32),
            RunPrecision::Bf16 | RunPrecision::Int8 => (RunPrecision::Bf16, Precision::Bf16),
        };
        Arc::new(Self { cpu: Device::cpu(precision), products, state: Mutex::default() })
    }

    /// The device to load models on.
    pub fn device(self: &Arc<Self>) -> Device {
        Device::from_shared(self.clone())
    }

    /// Parameters that are loaded from now on are named `scope` followed by their checkpoint name: two components of a
    /// pipeline may use the same names.
    pub fn set_scope(&self, scope: &str) {
        scope.clone_into(&mut self.state().scope);
    }

    /// Forgets everything that was recorded.
    pub fn clear(&self) {
        self.state().tape = Tape::default();
    }

    /// The gradients of `loss`, shaped `[1]`, with respect to every parameter it depends on. Ends the recording.
    pub fn backward(&self, loss: &Tensor) -> Result<Gradients> {
        let tape = std::mem::take(&mut self.state().tape);
        let node = loss
            .node()
            .filter(|_| loss.elements() == 1)
            .ok_or_else(|| Error::Shape { operation: "backward", detail: "the loss must be one recorded value".into() })?;
        tape.backward(node, Tensor::from_f32(vec![1.0], loss.shape(), &self.cpu)?)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The values on the CPU, outside the recording. Adjoints keep these, so that a tape never holds its own recorder.
    fn local(&self, x: &Tensor) -> Tensor {
        x.to_device(&self.cpu)
    }

    /// `output` as a node of the recording if any input is one.
    fn record(
        &self,
        device: &Device,
        output: &Tensor,
        inputs: &[Option<Node>],
        adjoint: impl FnOnce(&Tensor, &mut Cotangents) -> Result<()> + Send + 'static,
    ) -> Tensor {
        let output = output.to_device(device);
        if inputs.iter().all(Option::is_none) {
            return output;
        }
        let boxed: Adjoint = Box::new(adjoint);
        let node = self.state().tape.operation(boxed);
        output.with_node(Some(node))
    }

    fn trained(weight: &Weight) -> Result<Arc<TrainedWeight>> {
        weight
            .packed::<Arc<TrainedWeight>>()
            .cloned()
            .ok_or_else(|| Error::Shape { operation: "recording", detail: "a weight that another executor packed".into() })
    }

    /// `residual + gate * x`, with `gate` a row for each first-axis element.
    fn gated_residual(&self, x: &Tensor, gate: Option<&Tensor>, residual: Option<&Tensor>) -> Result<Tensor> {
        let Some(gate) = gate else {
            return residual.map_or_else(|| Ok(x.clone()), |residual| self.add(residual, x));
        };
        let (x_local, gate_local, residual_local) = (self.local(x), self.local(gate), residual.map(|residual| self.local(residual)));
        let output = adjoints::gate_forward(&x_local, &gate_local, residual_local.as_ref())?;
        let nodes = [x.node(), gate.node(), residual.and_then(Tensor::node)];
        Ok(self.record(x.device(), &output, &nodes, move |gradient, cotangents| {
            cotangents.add(nodes[2], gradient.clone())?;
            let (to_x, to_gate) = adjoints::gate_backward(gradient, &x_local, &gate_local)?;
            cotangents.add(nodes[0], to_x)?;
            cotangents.add(nodes[1], to_gate)
        }))
    }
}

impl Executor for Recorder {
    fn name(&self) -> &'static str {
        "recording"
    }

    fn weight(&self, device: &Device, name: &str, kind: WeightKind, tensor: &Tensor) -> Result<Weight> {
        let trained = TrainedWeight::new(&self.cpu, name, kind, tensor)?;
        let mut state = self.state();
        let full_name = format!("{}{name}", state.scope);
        let node = state.tape.leaf(full_name);
        Ok(Weight::new(kind, device.clone(), Arc::new(Arc::new(trained))).with_node(node))
    }

    fn parameter(&self, name: &str, tensor: Tensor) -> Result<Tensor> {
        let mut state = self.state();
        let full_name = format!("{}{name}", state.scope);
        let node = state.tape.leaf(full_name);
        Ok(tensor.with_node(Some(node)))
    }

    fn linear(&self, x: &Tensor, linear: &Linear<'_>) -> Result<Tensor> {
        let weight = Self::trained(linear.weight)?;
        let bias = linear.bias.map(|bias| self.local(bias));
        let fused = linear.activation == Activation::Identity && linear.gate.is_none();
        let residual = linear.residual.filter(|_| fused);
        let residual_local = residual.map(|residual| self.local(residual));
        let x_local = self.local(x);
        let product = self
            .cpu
            .linear(&x_local, &Linear { bias: bias.as_ref(), residual: residual_local.as_ref(), ..Linear::new(&weight.forward) })?;
        let nodes = [x.node(), linear.weight.node(), linear.bias.and_then(Tensor::node), residual.and_then(Tensor::node)];
        let precision = self.products;
        let output = self.record(x.device(), &product, &nodes, move |gradient, cotangents| {
            cotangents.add(nodes[3], gradient.clone())?;
            if nodes[2].is_some() {
                cotangents.add(nodes[2], adjoints::column_sums(gradient)?)?;
            }
            if nodes[1].is_some() {
                cotangents.add(nodes[1], adjoints::linear_weight(gradient, &x_local, precision)?)?;
            }
            if nodes[0].is_some() {
                cotangents.add(nodes[0], adjoints::linear_input(gradient, &weight.values, x_local.shape(), precision)?)?;
            }
            Ok(())
        });
        if fused {
            return Ok(output);
        }
        // The adjoints of the activation and of the gate need their inputs, so they run on their own.
        let activated =
            if linear.activation == Activation::Identity { output } else { self.unary(&output, Unary::Activation(linear.activation))? };
        self.gated_residual(&activated, linear.gate, linear.residual)
    }

    fn conv2d(&self, x: &Tensor, conv: &Conv<'_>) -> Result<Tensor> {
        let weight = Self::trained(conv.weight)?;
        let bias = conv.bias.map(|bias| self.local(bias));
        let residual = conv.residual.map(|residual| self.local(residual));
        let x_local = self.local(x);
        let output =
            self.cpu.conv2d(&x_local, &Conv { weight: &weight.forward, bias: bias.as_ref(), residual: residual.as_ref(), ..*conv })?;
        let nodes = [x.node(), conv.weight.node(), conv.bias.and_then(Tensor::node), conv.residual.and_then(Tensor::node)];
        let geometry = adjoints::ConvGeometry { stride: conv.stride, padding: conv.padding, precision: self.products };
        Ok(self.record(x.device(), &output, &nodes, move |gradient, cotangents| {
            cotangents.add(nodes[3], gradient.clone())?;
            if nodes[2].is_some() {
                cotangents.add(nodes[2], adjoints::column_sums(gradient)?)?;
            }
            if nodes[1].is_some() {
                cotangents.add(nodes[1], adjoints::conv_weight(gradient, &x_local, weight.values.shape(), geometry)?)?;
            }
            if nodes[0].is_some() {
                cotangents.add(nodes[0], adjoints::conv_input(gradient, &weight.values, x_local.shape(), geometry)?)?;
            }
            Ok(())
        }))
    }

    fn norm(&self, x: &Tensor, norm: &Norm<'_>) -> Result<Tensor> {
        let x_local = self.local(x);
        let weight = norm.weight.map(|weight| self.local(weight));
        let bias = norm.bias.map(|bias| self.local(bias));
        let scale = norm.modulation.map(|modulation| self.local(modulation.scale));
        let shift = norm.modulation.and_then(|modulation| modulation.shift).map(|shift| self.local(shift));
        let modulation = scale.as_ref().map(|scale| Modulation { scale, shift: shift.as_ref() });
        let local = Norm { weight: weight.as_ref(), bias: bias.as_ref(), modulation, ..*norm };
        let output = self.cpu.norm(&x_local, &local)?;
        let nodes = [
            x.node(),
            norm.weight.and_then(Tensor::node),
            norm.bias.and_then(Tensor::node),
            norm.modulation.and_then(|modulation| modulation.scale.node()),
            norm.modulation.and_then(|modulation| modulation.shift).and_then(Tensor::node),
        ];
        let saved = adjoints::SavedNorm { kind: norm.kind, epsilon: norm.epsilon, x: x_local, weight, bias, scale, shift };
        Ok(self.record(x.device(), &output, &nodes, move |gradient, cotangents| {
            for (node, part) in nodes.into_iter().zip(adjoints::norm(gradient, &saved)?) {
                if let Some(part) = part {
                    cotangents.add(node, part)?;
                }
            }
            Ok(())
        }))
    }

    fn group_norm(&self, x: &Tensor, norm: &GroupNorm<'_>) -> Result<Tensor> {
        let (x_local, weight, bias) = (self.local(x), self.local(norm.weight), self.local(norm.bias));
        let output = self.cpu.group_norm(&x_local, &GroupNorm { weight: &weight, bias: &bias, ..*norm })?;
        let nodes = [x.node(), norm.weight.node(), norm.bias.node()];
        let (groups, epsilon, activation) = (norm.groups, norm.epsilon, norm.activation);
        Ok(self.record(x.device(), &output, &nodes, move |gradient, cotangents| {
            let norm = GroupNorm { groups, weight: &weight, bias: &bias, epsilon, activation };
            for (node, part) in nodes.into_iter().zip(adjoints::group_norm(gradient, &x_local, &norm)?) {
                cotangents.add(node, part)?;
            }
            Ok(())
        }))
    }

    fn attention(&self, query: &Tensor, key: &Tensor, value: &Tensor, attention: &Attention<'_>) -> Result<Tensor> {
        let (query_local, key_local, value_local) = (self.local(query), self.local(key), self.local(value));
        let output = self.cpu.attention(&query_local, &key_local, &value_local, attention)?;
        let nodes = [query.node(), key.node(), value.node()];
        let saved = adjoints::SavedAttention::new([query_local, key_local, value_local], attention, self.products);
        Ok(self.record(query.device(), &output, &nodes, move |gradient, cotangents| {
            for (node, part) in nodes.into_iter().zip(adjoints::attention(gradient, &saved)?) {
                cotangents.add(node, part)?;
            }
            Ok(())
        }))
    }

    fn rotate_half(&self, x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
        let (cos, sin) = (self.local(cos), self.local(sin));
        let output = self.cpu.rotate_half(&self.local(x), &cos, &sin)?;
        let node = x.node();
        Ok(self.record(x.device(), &output, &[node], move |gradient, cotangents| {
            cotangents.add(node, adjoints::rotate_half(gradient, &cos, &sin)?)
        }))
    }

    fn gated_unit(&self, gate: &Tensor, up: &Tensor, activation: Activation) -> Result<Tensor> {
        let (gate_local, up_local) = (self.local(gate), self.local(up));
        let output = self.cpu.gated_unit(&gate_local, &up_local, activation)?;
        let nodes = [gate.node(), up.node()];
        Ok(self.record(gate.device(), &output, &nodes, move |gradient, cotangents| {
            let (to_gate, to_up) = adjoints::gated_unit(gradient, &gate_local, &up_local, activation)?;
            cotangents.add(nodes[0], to_gate)?;
            cotangents.add(nodes[1], to_up)
        }))
    }

    fn unary(&self, x: &Tensor, function: Unary) -> Result<Tensor> {
        let x_local = self.local(x);
        let output = self.cpu.unary(&x_local, function)?;
        let node = x.node();
        Ok(self.record(x.device(), &output, &[node], move |gradient, cotangents| {
            cotangents.add(node, adjoints::unary(gradient, &x_local, function)?)
        }))
    }

    fn add(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let output = self.cpu.add(&self.local(a), &self.local(b))?;
        let nodes = [a.node(), b.node()];
        Ok(self.record(a.device(), &output, &nodes, move |gradient, cotangents| {
            cotangents.add(nodes[0], gradient.clone())?;
            cotangents.add(nodes[1], gradient.clone())
        }))
    }

    fn subtract(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let output = self.cpu.subtract(&self.local(a), &self.local(b))?;
        let nodes = [a.node(), b.node()];
        Ok(self.record(a.device(), &output, &nodes, move |gradient, cotangents| {
            cotangents.add(nodes[0], gradient.clone())?;
            if nodes[1].is_some() {
                cotangents.add(nodes[1], parallel::map(gradient, |value| -value)?)?;
            }
            Ok(())
        }))
    }

    fn multiply(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let (a_local, b_local) = (self.local(a), self.local(b));
        let output = self.cpu.multiply(&a_local, &b_local)?;
        let nodes = [a.node(), b.node()];
        Ok(self.record(a.device(), &output, &nodes, move |gradient, cotangents| {
            if nodes[0].is_some() {
                cotangents.add(nodes[0], parallel::zip(gradient, &b_local, |gradient, other| gradient * other)?)?;
            }
            if nodes[1].is_some() {
                cotangents.add(nodes[1], parallel::zip(gradient, &a_local, |gradient, other| gradient * other)?)?;
            }
            Ok(())
        }))
    }

    fn affine_channels(&self, x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
        let (x_local, scale, shift) = (self.local(x), self.local(scale), self.local(shift));
        let output = self.cpu.affine_channels(&x_local, &scale, &shift)?;
        let (node, cpu) = (x.node(), self.cpu.clone());
        Ok(self.record(x.device(), &output, &[node], move |gradient, cotangents| {
            let zeros = Tensor::zeros(shift.shape(), &cpu)?;
            cotangents.add(node, gradient.affine_channels(&scale, &zeros)?)
        }))
    }

    fn embedding(&self, table: &Tensor, ids: &[u32]) -> Result<Tensor> {
        let output = self.cpu.embedding(&self.local(table), ids)?;
        let (node, shape, ids) = (table.node(), table.shape().to_vec(), ids.to_vec());
        Ok(self.record(table.device(), &output, &[node], move |gradient, cotangents| {
            cotangents.add(node, adjoints::embedding(gradient, &shape, &ids)?)
        }))
    }

    fn concat(&self, parts: &[&Tensor], axis: usize) -> Result<Tensor> {
        let local: Vec<Tensor> = parts.iter().map(|part| self.local(part)).collect();
        let output = self.cpu.concat(&local.iter().collect::<Vec<_>>(), axis)?;
        let nodes: Vec<Option<Node>> = parts.iter().map(|part| part.node()).collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.size(axis)).collect();
        let Some(device) = parts.first().map(|part| part.device()) else { return Ok(output) };
        let recorded = nodes.clone();
        Ok(self.record(device, &output, &recorded, move |gradient, cotangents| {
            let mut start = 0;
            for (node, length) in nodes.into_iter().zip(lengths) {
                if node.is_some() {
                    cotangents.add(node, gradient.slice(axis, start, length)?)?;
                }
                start += length;
            }
            Ok(())
        }))
    }

    fn slice(&self, x: &Tensor, axis: usize, start: usize, length: usize) -> Result<Tensor> {
        let output = self.cpu.slice(&self.local(x), axis, start, length)?;
        let (node, shape) = (x.node(), x.shape().to_vec());
        Ok(self.record(x.device(), &output, &[node], move |gradient, cotangents| {
            cotangents.add(node, adjoints::slice(gradient, &shape, axis, start)?)
        }))
    }

    fn reshape(&self, x: &Tensor, shape: &[usize]) -> Result<Tensor> {
        let output = self.local(x).with_shape(shape)?;
        let (node, shape) = (x.node(), x.shape().to_vec());
        Ok(self.record(x.device(), &output, &[node], move |gradient, cotangents| cotangents.add(node, gradient.with_shape(&shape)?)))
    }

    fn permute(&self, x: &Tensor, order: &[usize]) -> Result<Tensor> {
        let output = self.cpu.permute(&self.local(x), order)?;
        let node = x.node();
        let mut inverse = vec![0; order.len()];
        for (to, &from) in order.iter().enumerate() {
            inverse[from] = to;
        }
        Ok(self.record(x.device(), &output, &[node], move |gradient, cotangents| cotangents.add(node, gradient.permute(&inverse)?)))
    }

    fn upsample_nearest_2x(&self, x: &Tensor) -> Result<Tensor> {
        let output = self.cpu.upsample_nearest_2x(&self.local(x))?;
        let (node, shape) = (x.node(), x.shape().to_vec());
        Ok(self.record(x.device(), &output, &[node], move |gradient, cotangents| {
            cotangents.add(node, adjoints::upsample_nearest_2x(gradient, &shape)?)
        }))
    }

    fn mean(&self, x: &Tensor) -> Result<Tensor> {
        let output = self.cpu.mean(&self.local(x))?;
        let (node, shape, cpu) = (x.node(), x.shape().to_vec(), self.cpu.clone());
        Ok(self.record(x.device(), &output, &[node], move |gradient, cotangents| {
            let count: usize = shape.iter().product();
            let share = gradient.f32()?.first().copied().unwrap_or_default() / count as f32;
            cotangents.add(node, Tensor::from_f32(vec![share; count], &shape, &cpu)?)
        }))
    }
}
