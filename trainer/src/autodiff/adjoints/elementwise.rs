use crate::parallel;
use engine::{Activation, Error, Result, Tensor, Unary};
use kernels::elementwise as kernel;
use kernels::rope::{RopeShape, rotate_half_backward};

/// `residual + gate * x`, `gate [batch, channels]` with one row for each first-axis element of `x`.
pub(crate) fn gate_forward(x: &Tensor, gate: &Tensor, residual: Option<&Tensor>) -> Result<Tensor> {
    let rows_per_gate = rows_per_gate(x, gate)?;
    let mut out = vec![0.0; x.elements()];
    kernel::multiply_by_group(x.f32()?, gate.f32()?, (x.last(), rows_per_gate), &mut out);
    if let Some(residual) = residual {
        let residual = residual.f32()?;
        if residual.len() != out.len() {
            return Err(Error::Shape { operation: "linear", detail: "the residual has another shape than the result".into() });
        }
        kernel::add_scaled(&mut out, 1.0, residual);
    }
    Tensor::from_f32(out, x.shape(), x.device())
}

/// Gradients of `gate * x` for `x` and for `gate`.
pub(crate) fn gate_backward(gradient: &Tensor, x: &Tensor, gate: &Tensor) -> Result<(Tensor, Tensor)> {
    let size = (x.last(), rows_per_gate(x, gate)?);
    let (mut to_x, mut to_gate) = (vec![0.0; x.elements()], vec![0.0; gate.elements()]);
    kernel::multiply_by_group(gradient.f32()?, gate.f32()?, size, &mut to_x);
    kernel::sum_row_products(gradient.f32()?, x.f32()?, size, &mut to_gate);
    Ok((Tensor::from_f32(to_x, x.shape(), x.device())?, Tensor::from_f32(to_gate, gate.shape(), gate.device())?))
}

fn rows_per_gate(x: &Tensor, gate: &Tensor) -> Result<usize> {
    let channels = x.last().max(1);
    let (rows, gates) = (x.elements() / channels, gate.elements() / channels);
    if gate.last() != x.last() || gates == 0 || !rows.is_multiple_of(gates) {
        return Err(Error::Shape { operation: "linear", detail: format!("gate {:?} for {:?}", gate.shape(), x.shape()) });
    }
    Ok(rows / gates)
}

/// Gradients of `activation(gate) * up`.
pub(crate) fn gated_unit(gradient: &Tensor, gate: &Tensor, up: &Tensor, activation: Activation) -> Result<(Tensor, Tensor)> {
    let (mut to_gate, mut to_up) = (vec![0.0; gate.elements()], vec![0.0; up.elements()]);
    kernel::gated_unit_backward(gate.f32()?, up.f32()?, gradient.f32()?, activation, (&mut to_gate, &mut to_up));
    Ok((Tensor::from_f32(to_gate, gate.shape(), gate.device())?, Tensor::from_f32(to_up, up.shape(), up.device())?))
}

/// Gradient of an elementwise function.
pub(crate) fn unary(gradient: &Tensor, x: &Tensor, function: Unary) -> Result<Tensor> {
    match function {
        Unary::Activation(activation) => {
            let mut out = vec![0.0; x.elements()];
            kernel::activation_backward(x.f32()?, gradient.f32()?, activation, &mut out);
            Tensor::from_f32(out, x.shape(), gradient.device())
        }
        Unary::Affine { factor, .. } => parallel::map(gradient, |gradient| gradient * factor),
        Unary::Exponential => parallel::zip(gradient, x, |gradient, x| gradient * kernels::element::exponential(x)),
        Unary::Absolute => parallel::zip(gradient, x, |gradient, x| if x == 0.0 { 0.0 } else { gradient * x.signum() }),
        Unary::Square => parallel::zip(gradient, x, |gradient, x| gradient * 2.0 * x),
        Unary::Clamp { low, high } => parallel::zip(gradient, x, |gradient, x| if x < low || x > high { 0.0 } else { gradient }),
    }
}

/// Gradient of the half-split rotary embedding.
pub(crate) fn rotate_half(gradient: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
    let [batch, tokens, heads, dimension] = *gradient.shape() else {
        return Err(Error::Shape { operation: "rotate_half", detail: format!("{:?}", gradient.shape()) });
    };
    let table_rows = if cos.shape().len() == 2 { tokens } else { batch * tokens };
    let shape = RopeShape { rows: batch * tokens, table_rows, heads, dimension, rotary: cos.last() };
    let mut out = vec![0.0; gradient.elements()];
    rotate_half_backward(gradient.f32()?, cos.f32()?, sin.f32()?, &shape, &mut out);
    Tensor::from_f32(out, gradient.shape(), gradient.device())
}
