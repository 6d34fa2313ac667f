//! What a run tells: a progress line for people, a JSONL log for programs, a loss plot for both.

use crate::error::{Error, Result};
use serde::Serialize;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// One step, as the log keeps it: one JSON object a line.
#[derive(Debug, Clone, Serialize)]
pub struct Entry<'a> {
    /// `autoencoder` or `denoiser`.
    pub stage: &'a str,
    /// Steps done.
    pub step: u64,
    /// Total loss.
    pub loss: f32,
    /// Parts of the loss and other figures by name.
    pub parts: &'a [(&'a str, f32)],
    /// Before clipping.
    pub gradient_norm: f32,
    /// Of this step.
    pub learning_rate: f32,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    entry: &'a Entry<'a>,
    images_per_second: f32,
    seconds: f32,
}

/// Writes the log, the progress line and the plot of one stage.
pub struct Journal {
    log: File,
    log_path: PathBuf,
    plot_path: PathBuf,
    losses: Vec<(u64, f32)>,
    recent: VecDeque<Instant>,
    started: Instant,
    printed: Option<Instant>,
}

/// Steps over which speed is averaged.
const SPEED_WINDOW: usize = 50;
/// A terminal line is rewritten this often; without a terminal, a line this rarely.
const TERMINAL_INTERVAL: Duration = Duration::from_millis(500);
const QUIET_INTERVAL: Duration = Duration::from_secs(30);

impl Journal {
    /// Appends to `stage.jsonl` in `folder`.
    pub fn open(folder: &Path, stage: &str) -> Result<Self> {
        let log_path = folder.join(format!("{stage}.jsonl"));
        let losses = fs::read_to_string(&log_path).map(|text| text.lines().filter_map(logged_loss).collect()).unwrap_or_default();
        let log = OpenOptions::new().create(true).append(true).open(&log_path).map_err(|source| Error::io(&log_path, source))?;
        let plot_path = folder.join(format!("{stage}.svg"));
        Ok(Self { log, log_path, plot_path, losses, recent: VecDeque::new(), started: Instant::now(), printed: None })
    }

    /// Records a step of `batch_size` pictures.
    pub fn record(&mut self, entry: &Entry<'_>, batch_size: usize, steps_left: u64) -> Result<()> {
        let now = Instant::now();
        self.recent.push_back(now);
        if self.recent.len() > SPEED_WINDOW {
            self.recent.pop_front();
        }
        let span = self.recent.front().map_or(Duration::ZERO, |first| now - *first).as_secs_f32();
        let steps_per_second = if span > 0.0 { (self.recent.len() - 1) as f32 / span } else { 0.0 };
        let line = Line { entry, images_per_second: steps_per_second * batch_size as f32, seconds: self.started.elapsed().as_secs_f32() };
        let json = serde_json::to_string(&line).map_err(|error| Error::io(&self.log_path, error.into()))?;
        writeln!(self.log, "{json}").map_err(|source| Error::io(&self.log_path, source))?;
        self.losses.push((entry.step, entry.loss));
        self.show(entry, line.images_per_second, steps_left as f32 / steps_per_second.max(1e-6));
        Ok(())
    }

    fn show(&mut self, entry: &Entry<'_>, images_per_second: f32, seconds_left: f32) {
        let terminal = std::io::stderr().is_terminal();
        let interval = if terminal { TERMINAL_INTERVAL } else { QUIET_INTERVAL };
        if self.printed.is_some_and(|printed| printed.elapsed() < interval) {
            return;
        }
        self.printed = Some(Instant::now());
        let window = &self.losses[self.losses.len().saturating_sub(SPEED_WINDOW)..];
        let mean = window.iter().map(|(_, loss)| loss).sum::<f32>() / window.len().max(1) as f32;
        let mut text = format!(
            "{} {}  loss {mean:.4}  gradient {:.2}  rate {:.1e}  {images_per_second:.1} images/s  {} left",
            entry.stage,
            entry.step,
            entry.gradient_norm,
            entry.learning_rate,
            clock(seconds_left),
        );
        for (name, value) in entry.parts {
            // Writing to a String does not fail.
            let _ = write!(text, "  {name} {value:.4}");
        }
        if terminal { eprint!("\r\x1b[K{text}") } else { eprintln!("{text}") }
    }

    /// Draws the loss so far as SVG, on a logarithmic axis.
    pub fn plot(&self) -> Result<()> {
        fs::write(&self.plot_path, plot(&self.losses)).map_err(|source| Error::io(&self.plot_path, source))
    }
}

fn logged_loss(line: &str) -> Option<(u64, f32)> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    Some((value.get("step")?.as_u64()?, value.get("loss")?.as_f64()? as f32))
}

fn clock(seconds: f32) -> String {
    if seconds.is_finite() && seconds < 360_000.0 {
        let seconds = seconds as u64;
        format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
    } else {
        "?".into()
    }
}

const PLOT_WIDTH: f32 = 800.0;
const PLOT_HEIGHT: f32 = 400.0;
const PLOT_MARGIN: f32 = 50.0;
/// Points of the curve: more than pixels would only make the file larger.
const PLOT_POINTS: usize = 400;

fn plot(losses: &[(u64, f32)]) -> String {
    let finite: Vec<(f32, f32)> =
        losses.iter().filter(|(_, loss)| loss.is_finite() && *loss > 0.0).map(|&(step, loss)| (step as f32, loss)).collect();
    let mean = |chunk: &[(f32, f32)]| {
        let count = chunk.len() as f32;
        (chunk.iter().map(|(step, _)| step).sum::<f32>() / count, chunk.iter().map(|(_, loss)| loss).sum::<f32>() / count)
    };
    let points: Vec<(f32, f32)> = finite.chunks(finite.len().div_ceil(PLOT_POINTS).max(1)).map(mean).collect();
    let low = points.iter().map(|(_, loss)| *loss).fold(f32::INFINITY, f32::min).max(1e-9);
    let high = points.iter().map(|(_, loss)| *loss).fold(0.0, f32::max).max(low * 1.001);
    let last = points.last().map_or(1.0, |(step, _)| step.max(1.0));
    let x = |step: f32| PLOT_MARGIN + step / last * (PLOT_WIDTH - 2.0 * PLOT_MARGIN);
    let y = |loss: f32| PLOT_MARGIN + (high / loss).ln() / (high / low).ln() * (PLOT_HEIGHT - 2.0 * PLOT_MARGIN);
    let curve: Vec<String> = points.iter().map(|&(step, loss)| format!("{:.1},{:.1}", x(step), y(loss))).collect();
    let bottom = PLOT_HEIGHT - PLOT_MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {PLOT_WIDTH} {PLOT_HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\
         <path d=\"M{PLOT_MARGIN},{PLOT_MARGIN} V{bottom} H{}\" fill=\"none\" stroke=\"#444\"/>",
        PLOT_WIDTH - PLOT_MARGIN,
    );
    let _ = writeln!(
        svg,
        "<text x=\"4\" y=\"{PLOT_MARGIN}\">{high:.4}</text><text x=\"4\" y=\"{bottom}\">{low:.4}</text>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\">step {last}</text>\
         <polyline fill=\"none\" stroke=\"#b5382a\" stroke-width=\"1.5\" points=\"{}\"/></svg>",
        PLOT_WIDTH - PLOT_MARGIN,
        bottom + 20.0,
        curve.join(" "),
    );
    svg
}

#[cfg(test)]
mod tests {
    use super::{Entry, Journal};

    #[test]
    fn a_reopened_journal_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        for step in 1..=2 {
            let mut journal = Journal::open(folder.path(), "denoiser").unwrap();
            let entry = Entry { stage: "denoiser", step, loss: 1.0 / step as f32, parts: &[], gradient_norm: 1.0, learning_rate: 1e-3 };
            journal.record(&entry, 4, 10).unwrap();
            journal.plot().unwrap();
            assert_eq!(journal.losses.len(), step as usize);
        }
        let svg = std::fs::read_to_string(folder.path().join("denoiser.svg")).unwrap();
        assert!(svg.contains("<polyline") && svg.ends_with("</svg>\n"));
    }
}
