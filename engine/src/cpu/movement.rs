//! Operations that only move values: joins, slices, permutations, lookups.

use super::misfit;
use crate::error::Result;
use crate::waist::Tensor;
use kernels::memory;

fn product(sizes: &[usize]) -> usize {
    sizes.iter().product()
}

pub(super) fn concat(parts: &[&Tensor], axis: usize) -> Result<Tensor> {
    let Some(first) = parts.first() else {
        return Err(misfit("concat", "no parts".into()));
    };
    let fits = |part: &Tensor| {
        part.shape().len() == first.shape().len()
            && part.shape().iter().zip(first.shape()).enumerate().all(|(index, (a, b))| index == axis || a == b)
    };
    if axis >= first.shape().len() || !parts.iter().all(|part| fits(part)) {
        let shapes: Vec<_> = parts.iter().map(|part| part.shape()).collect();
        return Err(misfit("concat", format!("cannot join {shapes:?} along axis {axis}")));
    }
    let mut shape = first.shape().to_vec();
    shape[axis] = parts.iter().map(|part| part.size(axis)).sum();
    let sources = parts.iter().map(|part| Ok((part.f32()?, product(&part.shape()[axis..])))).collect::<Result<Vec<_>>>()?;
    let mut values = Vec::with_capacity(product(&shape));
    for row in 0..product(&shape[..axis]) {
        for (source, run) in &sources {
            values.extend_from_slice(&source[row * run..(row + 1) * run]);
        }
    }
    Tensor::from_f32(values, &shape, first.device())
}

pub(super) fn slice(x: &Tensor, axis: usize, start: usize, length: usize) -> Result<Tensor> {
    let end = start.checked_add(length).filter(|&end| end <= x.size(axis) && axis < x.shape().len());
    let Some(end) = end else {
        return Err(misfit("slice", format!("{length} entries from {start} of axis {axis} of {:?}", x.shape())));
    };
    let source = x.f32()?;
    let inner = product(&x.shape()[axis + 1..]);
    let run = x.size(axis) * inner;
    let mut shape = x.shape().to_vec();
    shape[axis] = length;
    let mut values = Vec::with_capacity(product(&shape));
    for row in 0..product(&x.shape()[..axis]) {
        values.extend_from_slice(&source[row * run + start * inner..row * run + end * inner]);
    }
    Tensor::from_f32(values, &shape, x.device())
}

pub(super) fn permute(x: &Tensor, order: &[usize]) -> Result<Tensor> {
    let rank = x.shape().len();
    let mut seen = vec![false; rank];
    let is_permutation =
        order.len() == rank && order.iter().all(|&axis| seen.get_mut(axis).is_some_and(|seen| !std::mem::replace(seen, true)));
    if !is_permutation {
        return Err(misfit("permute", format!("{order:?} is no order of the axes of {:?}", x.shape())));
    }
    let mut values = memory::zeros(x.elements());
    kernels::resample::permute(x.f32()?, x.shape(), order, &mut values);
    let shape: Vec<usize> = order.iter().map(|&axis| x.shape()[axis]).collect();
    Tensor::from_f32(values, &shape, x.device())
}

pub(super) fn upsample_nearest_2x(x: &Tensor) -> Result<Tensor> {
    let [batch, height, width, channels] = *x.shape() else {
        return Err(misfit("upsample_nearest_2x", format!("x has shape {:?}, expected [batch, height, width, channels]", x.shape())));
    };
    let mut values = memory::zeros(4 * x.elements());
    if !values.is_empty() {
        kernels::resample::upsample_nearest_2x(x.f32()?, (batch, height, width, channels), &mut values);
    }
    Tensor::from_f32(values, &[batch, 2 * height, 2 * width, channels], x.device())
}

pub(super) fn embedding(table: &Tensor, ids: &[u32]) -> Result<Tensor> {
    let [entries, width] = *table.shape() else {
        return Err(misfit("embedding", format!("the table has shape {:?}, expected two axes", table.shape())));
    };
    if let Some(id) = ids.iter().find(|&&id| id as usize >= entries) {
        return Err(misfit("embedding", format!("id {id} in a table of {entries} entries")));
    }
    let mut values = Vec::with_capacity(ids.len() * width);
    for &id in ids {
        let row = id as usize * width..(id as usize + 1) * width;
        match table.as_elements() {
            kernels::element::Elements::F32(source) => values.extend_from_slice(&source[row]),
            kernels::element::Elements::Bf16(source) => values.extend(source[row].iter().map(|value| value.to_f32())),
        }
    }
    Tensor::from_f32(values, &[ids.len(), width], table.device())
}

pub(super) fn mean(x: &Tensor) -> Result<Tensor> {
    let values = x.f32()?;
    if values.is_empty() {
        return Err(misfit("mean", "no values".into()));
    }
    let sum = kernels::elementwise::total(values);
    Tensor::from_f32(vec![(sum / values.len() as f64) as f32], &[1], x.device())
}
