//! Operations on maps in strips.

use super::normalisation::group_norm_settings;
use super::products::convolve;
use super::{CpuExecutor, misfit, require_shape};
use crate::error::Result;
use crate::waist::{GroupNorm, Prologue, StripConv, StripExecutor, Tensor, WeightKind};
use kernels::norm as kernel;
use kernels::pool::parallel_chunks_mut;
use kernels::resample::double_row;

impl StripExecutor for CpuExecutor {
    fn group_norm_columns(&self, strips: &[&Tensor], norm: &GroupNorm<'_>) -> Result<(Tensor, Tensor)> {
        const OPERATION: &str = "group_norm_columns";
        let Some(first) = strips.first() else { return Err(misfit(OPERATION, "no strips".into())) };
        for strip in strips {
            require_strip(OPERATION, strip, (first.size(2), first.last()))?;
        }
        let settings = group_norm_settings(first, norm)?;
        let pieces = strips.iter().map(|strip| strip.f32()).collect::<Result<Vec<_>>>()?;
        if pieces.iter().all(|piece| piece.is_empty()) {
            return Err(misfit(OPERATION, "strips without pixels".into()));
        }
        let (scale, shift) = kernel::group_norm_columns(&pieces, &settings);
        let column = |values| Tensor::from_f32(values, &[first.last()], first.device());
        Ok((column(scale)?, column(shift)?))
    }

    fn conv2d_strip(&self, strip: &Tensor, conv: &StripConv<'_>) -> Result<Tensor> {
        const OPERATION: &str = "conv2d_strip";
        let (width, channels) = (strip.size(2), strip.last());
        require_strip(OPERATION, strip, (width, channels))?;
        let WeightKind::Conv { kernel, .. } = conv.conv.weight.kind() else {
            return Err(misfit(OPERATION, format!("the weight is {:?}", conv.conv.weight.kind())));
        };
        let reach = kernel / 2;
        let padding = conv.conv.padding;
        let keeps_size = kernel % 2 == 1 && conv.conv.stride == 1 && padding == crate::Padding::same(reach);
        if !keeps_size {
            return Err(misfit(OPERATION, format!("kernel {kernel}, stride {}, {padding:?} does not keep the size", conv.conv.stride)));
        }
        let factor = match conv.prologue {
            Prologue::Normalise { .. } => 1,
            Prologue::UpsampleNearest2x => 2,
        };
        let row_values = width * channels;
        let taken_above = rows_taken(conv.above, (width, channels), reach, factor)?;
        let taken_below = rows_taken(conv.below, (width, channels), reach, factor)?;
        // What each row of the map behind the prologue is made of.
        let above = conv.above.map(|above| (above, factor * above.size(1) - taken_above, taken_above));
        let below = conv.below.map(|below| (below, 0, taken_below));
        let mut rows = Vec::with_capacity(taken_above + factor * strip.size(1) + taken_below);
        for (part, first, count) in above.into_iter().chain([(strip, 0, factor * strip.size(1))]).chain(below) {
            let values = part.f32()?;
            rows.extend((first..first + count).map(|row| &values[row / factor * row_values..][..row_values]));
        }
        let mut input = vec![0.0; rows.len() * row_values * factor];
        let length = (row_values * factor).max(1);
        match conv.prologue {
            Prologue::Normalise { scale, shift, activation } => {
                require_shape(OPERATION, "scale", scale, &[channels])?;
                require_shape(OPERATION, "shift", shift, &[channels])?;
                let columns = (scale.f32()?, shift.f32()?);
                parallel_chunks_mut(&mut input, length, &|row, out| kernel::scale_channels(rows[row], columns, activation, out));
            }
            Prologue::UpsampleNearest2x => parallel_chunks_mut(&mut input, length, &|row, out| double_row(rows[row], channels, out)),
        }
        let shape = [1, rows.len(), width * factor, channels];
        let padding = crate::Padding { top: reach - taken_above, bottom: reach - taken_below, ..padding };
        convolve((&input, &shape), &crate::Conv { padding, ..conv.conv }, strip.device())
    }
}

fn require_strip(operation: &'static str, strip: &Tensor, (width, channels): (usize, usize)) -> Result<()> {
    match *strip.shape() {
        [1, _, own_width, own_channels] if own_width == width && own_channels == channels => Ok(()),
        _ => Err(misfit(operation, format!("a strip has shape {:?}, expected [1, rows, {width}, {channels}]", strip.shape()))),
    }
}

/// How many rows of a neighbour are read, counted behind the prologue.
fn rows_taken(neighbour: Option<&Tensor>, size: (usize, usize), reach: usize, factor: usize) -> Result<usize> {
    const OPERATION: &str = "conv2d_strip";
    let Some(neighbour) = neighbour else { return Ok(0) };
    require_strip(OPERATION, neighbour, size)?;
    if neighbour.size(1) * factor < reach {
        return Err(misfit(OPERATION, format!("a neighbour of {} rows for a kernel that reaches {reach}", neighbour.size(1))));
    }
    Ok(reach)
}
