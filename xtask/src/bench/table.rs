//! Takes turns, and writes what came of it as Markdown.
use super::Options;
use super::environment::Environment;
use super::matches::{self, Match, Role};
use super::worker::Workers;
use anyhow::Result;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::thread::sleep;
use std::time::Duration;

/// Between two turns, so that the threads of the one before are asleep.
const PAUSE: Duration = Duration::from_millis(20);
/// Most repetitions in a turn.
const REPETITIONS: f64 = 64.0;

/// What one contestant did.
struct Outcome {
    name: String,
    role: Role,
    work: f64,
    load_seconds: f64,
    /// Sorted; or why there are none.
    samples: Result<Vec<f64>, String>,
}

impl Outcome {
    fn median(&self) -> Option<f64> {
        self.samples.as_ref().ok().and_then(|samples| samples.get(samples.len() / 2).copied())
    }

    fn speed(&self, seconds: f64) -> f64 {
        self.work / seconds / 1e9
    }
}

/// The section of `group`.
pub fn section(group: &str, workers: &mut Workers, environment: &Environment, options: &Options) -> Result<String> {
    let matches = matches::of_group(group, workers, environment)?;
    let mut rounds = Vec::new();
    let mut results = Vec::new();
    for each in &matches {
        eprintln!("{group}: {}", each.title);
        let count = options.rounds.unwrap_or(if options.tiny { 1 } else { each.rounds });
        rounds.push(count);
        results.push(take_turns(each, count, workers));
        workers.clear();
    }
    let pairs: Vec<(&Match, Vec<Outcome>)> = matches.iter().zip(results).collect();
    let mut text = match group {
        "kernels" => kernels(&pairs),
        "scaling" => scaling(&pairs),
        _ => pictures(&pairs),
    };
    for (each, outcomes) in &pairs {
        for outcome in outcomes {
            if let Err(reason) = &outcome.samples {
                let _ = writeln!(text, "\n{}, {}: left out ({reason})", each.title, outcome.name);
            }
        }
    }
    let (least, most) = (rounds.iter().min().unwrap_or(&0), rounds.iter().max().unwrap_or(&0));
    let turns = if least == most { format!("{least}") } else { format!("{least} to {most}") };
    let _ = writeln!(
        text,
        "\n{}; {turns} {} each; {}; commit {}.",
        machine(workers),
        if turns == "1" { "turn" } else { "turns" },
        workers.peers(),
        environment.commit()
    );
    Ok(text)
}

fn machine(workers: &Workers) -> String {
    let name = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_owned()))
    });
    let name = name.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    format!("{name}, {} threads, {}", workers.threads(), workers.about()["simd"].as_str().unwrap_or_default())
}

/// Loads every contestant, then lets them run in turns.
fn take_turns(each: &Match, rounds: usize, workers: &mut Workers) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = each
        .contestants
        .iter()
        .map(|contestant| Outcome {
            name: contestant.name.clone(),
            role: contestant.role,
            work: contestant.work,
            load_seconds: 0.0,
            samples: Ok(Vec::new()),
        })
        .collect();
    let mut repeats = vec![1; outcomes.len()];
    for (index, contestant) in each.contestants.iter().enumerate() {
        for (part, load) in contestant.loads.iter().enumerate() {
            let mut load = load.clone();
            load["do"] = "load".into();
            load["name"] = format!("{index}/{part}").into();
            match workers.order(contestant.side, &load) {
                Ok(seconds) => outcomes[index].load_seconds += seconds,
                Err(error) => outcomes[index].samples = Err(format!("{error:#}")),
            }
        }
        if outcomes[index].samples.is_ok() && each.seconds_a_turn > 0.0 {
            let seconds = turn(each, index, (1, 0), workers).map(|parts| parts.iter().sum::<f64>());
            match seconds {
                Ok(seconds) => repeats[index] = (each.seconds_a_turn / seconds.max(1e-9)).ceil().clamp(1.0, REPETITIONS) as usize,
                Err(error) => outcomes[index].samples = Err(format!("{error:#}")),
            }
        }
    }
    for round in 0..rounds {
        for (index, outcome) in outcomes.iter_mut().enumerate() {
            let Ok(samples) = &mut outcome.samples else { continue };
            match turn(each, index, (repeats[index], round), workers) {
                Ok(parts) => samples.push(matches::sample(&parts)),
                Err(error) => outcome.samples = Err(format!("{error:#}")),
            }
        }
    }
    for outcome in &mut outcomes {
        if let Ok(samples) = &mut outcome.samples {
            samples.sort_by(f64::total_cmp);
        }
    }
    outcomes
}

/// The times of a contestant's loads.
fn turn(each: &Match, index: usize, (repeat, round): (usize, usize), workers: &mut Workers) -> Result<Vec<f64>> {
    let contestant = &each.contestants[index];
    let run = |part: usize| -> Value {
        json!({"do": "run", "name": format!("{index}/{part}"), "threads": contestant.threads, "repeat": repeat, "index": round})
    };
    (0..contestant.loads.len())
        .map(|part| {
            sleep(PAUSE);
            workers.order(contestant.side, &run(part))
        })
        .collect()
}

fn of_role(outcomes: &[Outcome], role: Role) -> Option<&Outcome> {
    outcomes
        .iter()
        .filter(|outcome| outcome.role == role && outcome.median().is_some())
        .min_by(|a, b| a.median().unwrap_or(f64::INFINITY).total_cmp(&b.median().unwrap_or(f64::INFINITY)))
}

/// `3.21×`, or nothing where one of the two is missing.
fn ratio(numerator: Option<f64>, denominator: Option<f64>) -> String {
    match (numerator, denominator) {
        (Some(numerator), Some(denominator)) => format!("{:.2}×", numerator / denominator),
        _ => String::new(),
    }
}

fn kernels(pairs: &[(&Match, Vec<Outcome>)]) -> String {
    let mut text =
        "| kernel | threads | ceiling | Danqing median (best) | of the ceiling | PyTorch median (best) | faster than PyTorch |\n\
         |---|---|---|---|---|---|---|\n"
            .to_owned();
    for (each, outcomes) in pairs {
        let [ceiling, ours, peer] = [Role::Ceiling, Role::Danqing, Role::Eager].map(|role| of_role(outcomes, role));
        let unit = each.unit.unwrap_or_default();
        let speeds = |outcome: Option<&Outcome>| match outcome.and_then(|outcome| Some((outcome, outcome.samples.as_ref().ok()?))) {
            Some((outcome, samples)) => {
                let (median, best) = (outcome.speed(samples[samples.len() / 2]), outcome.speed(samples[0]));
                format!("{median:.0} ({best:.0}) {unit}")
            }
            None => String::new(),
        };
        let median = |outcome: Option<&Outcome>| outcome.and_then(|outcome| Some(outcome.speed(outcome.median()?)));
        let share = match (median(ours), median(ceiling)) {
            (Some(ours), Some(ceiling)) => format!("{:.0} %", 100.0 * ours / ceiling),
            _ => String::new(),
        };
        let ceiling_speed = median(ceiling).map_or_else(String::new, |speed| format!("{speed:.0} {unit}"));
        let threads = each.contestants.first().map_or(0, |contestant| contestant.threads);
        let faster = ratio(median(ours), median(peer));
        let _ =
            writeln!(text, "| {} | {threads} | {ceiling_speed} | {} | {share} | {} | {faster} |", each.title, speeds(ours), speeds(peer));
    }
    text
}

fn pictures(pairs: &[(&Match, Vec<Outcome>)]) -> String {
    let has = |role: Role| pairs.iter().any(|(_, outcomes)| outcomes.iter().any(|outcome| outcome.role == role));
    let named =
        [(Role::Eager, "than diffusers, eager"), (Role::Compiled, "than torch.compile"), (Role::Other, "than stable-diffusion.cpp")];
    let peers: Vec<(Role, &str)> = named.into_iter().filter(|(role, _)| has(*role)).collect();
    let row = |first: &str, cells: &[String]| format!("| {first} | {} |\n", cells.join(" | "));
    let mut head = vec!["median s".to_owned(), "best to worst s".to_owned()];
    head.extend(peers.iter().map(|(_, name)| format!("faster {name}")));
    head.push("loading s".to_owned());
    let mut text = row("", &head) + &"|---".repeat(head.len() + 1) + "|\n";
    for (each, outcomes) in pairs {
        if pairs.len() > 1 {
            text += &row(&format!("**{}**", each.title), &vec![String::new(); head.len()]);
        }
        // Where a peer runs in several precisions, its fastest counts.
        let references: Vec<Option<f64>> = peers.iter().map(|(role, _)| of_role(outcomes, *role).and_then(Outcome::median)).collect();
        for outcome in outcomes {
            let (Ok(samples), Some(median)) = (&outcome.samples, outcome.median()) else { continue };
            let mut cells = vec![format!("{median:.3}"), format!("{:.3} to {:.3}", samples[0], samples[samples.len() - 1])];
            cells.extend(references.iter().map(|reference| ratio(*reference, Some(median))));
            cells.push(format!("{:.1}", outcome.load_seconds));
            text += &row(&outcome.name, &cells);
        }
    }
    text
}

fn scaling(pairs: &[(&Match, Vec<Outcome>)]) -> String {
    let threads = pairs.first().and_then(|(each, _)| each.contestants.last()).map_or(1, |contestant| contestant.threads);
    let mut text = format!("| | 1 thread, s | {threads} threads, s | faster |\n|---|---|---|---|\n");
    for (each, outcomes) in pairs {
        let [one, all] = [outcomes.first(), outcomes.last()].map(|outcome| outcome.and_then(Outcome::median));
        let seconds = |median: Option<f64>| median.map_or_else(String::new, |median| format!("{median:.4}"));
        let _ = writeln!(text, "| {} | {} | {} | {} |", each.title, seconds(one), seconds(all), ratio(one, all));
    }
    text
}
