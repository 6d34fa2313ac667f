mod account;
mod options;
mod screen;
mod stop;

pub use options::PolicyCommand;

use super::today;
use crate::failure::Failure;
use installation::{Configuration, trust};
use options::{CheckOptions, DraftBankOptions, EvaluateOptions, ImportArguments, InspectOptions, KeyOptions, LexiconOptions, SignOptions};
use policy::standard::{Check, Confidence};
use policy::{Bank, Field, Gate, ImportFormat, ImportOptions, Lexicon, Origin, Package, Report, RiskClass, SecretKey, Tally};
use serde_json::json;
use spec::Code;
use std::io::{Read as _, Write as _};
use std::path::Path;

pub fn run(command: &PolicyCommand, configuration: &Configuration) -> Result<u8, Failure> {
    match command {
        PolicyCommand::Check(options) => check(options, configuration),
        PolicyCommand::Screen(options) => screen::run(options, configuration),
        PolicyCommand::Import(options) => import(options),
        PolicyCommand::Key(options) => key(options),
        PolicyCommand::Sign(options) => sign(options),
        PolicyCommand::Inspect(options) => inspect(options, configuration),
        PolicyCommand::Evaluate(options) => evaluate(options, configuration),
        PolicyCommand::DraftBank(options) => draft_bank(options, configuration),
        PolicyCommand::Stop(options) => stop::stop(options, configuration),
        PolicyCommand::Resume(options) => stop::resume(options, configuration),
        PolicyCommand::Report(options) => stop::report(options),
        PolicyCommand::Account { command } => account::run(command, configuration),
    }
}

impl LexiconOptions {
    fn read(&self, configuration: &Configuration) -> Result<Vec<Lexicon>, Failure> {
        let trust = trust(configuration.trusted_keys.iter().chain(&self.trusted_keys))?;
        let mut lexicons = vec![Lexicon::builtin()?];
        for path in configuration.lexicons.iter().chain(&self.lexicons) {
            lexicons.push(Lexicon::read_trusting(path, &trust)?);
        }
        Ok(lexicons)
    }
}

fn check(options: &CheckOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let text = if options.text == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| unreadable(Path::new("-"), &error))?;
        text
    } else {
        options.text.clone()
    };
    let contact = options.appeal_contact.clone().or_else(|| configuration.appeal_contact.clone());
    let gate = Gate::new(&options.lexicons.read(configuration)?)?.appeal_to(contact.unwrap_or_default());
    let field = if options.negative { Field::NegativePrompt } else { Field::Prompt };
    let findings = gate.examine(&text, field);
    let refused = gate.refuses(&findings);
    let (english, chinese) = gate.wording(&findings);
    if options.json {
        let decision = if refused { "refuse" } else { "pass" };
        let mut answer = json!({"decision": decision, "lexicons": gate.lexicons(), "findings": findings});
        if let (true, Some(answer)) = (refused, answer.as_object_mut()) {
            answer.insert("english".to_owned(), english.into());
            answer.insert("chinese".to_owned(), chinese.into());
        }
        println!("{answer}");
    } else if refused {
        println!("{chinese}\n\n{english}");
    } else {
        println!("pass / 通过：{}", gate.lexicons().join(", "));
    }
    Ok(if refused { Code::Refused.exit_code() } else { 0 })
}

fn import(options: &ImportArguments) -> Result<u8, Failure> {
    let class = options.class.as_deref().map(|class| {
        class
            .parse::<RiskClass>()
            .map_err(|()| Failure::new(Code::InvalidRequest, format!("--class {class}: a risk is A1.a to A5.b / 类别应为 A1.a 至 A5.b")))
    });
    let import_options = ImportOptions {
        format: ImportFormat::of_file_name(&options.list.to_string_lossy()),
        class: class.transpose()?,
        severity: options.severity.into(),
        match_type: options.match_type.into(),
        views: options.views.as_ref().map(|views| views.iter().map(|&view| view.into()).collect()),
        fields: if options.prompt_only { vec![Field::Prompt] } else { Field::ALL.to_vec() },
    };
    let bytes = std::fs::read(&options.list).map_err(|error| unreadable(&options.list, &error))?;
    let imported = policy::import(&bytes, &options.list.display().to_string(), &import_options)?;
    let before = if options.out.join("package.toml").exists() { Some(Lexicon::read(&options.out)?) } else { None };
    let mut rules = before.as_ref().map(|lexicon| lexicon.rules().to_vec()).unwrap_or_default();
    let known: std::collections::HashSet<String> = rules.iter().map(|rule| rule.id.clone()).collect();
    let fresh: Vec<_> = imported.rules.into_iter().filter(|rule| !known.contains(&rule.id)).collect();
    let added = fresh.len();
    rules.extend(fresh);
    if rules.is_empty() {
        return Err(Failure::new(Code::InvalidRequest, "the list holds no terms / 词表中没有可用的词条"));
    }
    let today = today();
    let folder_name = || options.out.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = options.name.clone().or_else(|| Some(before.as_ref()?.name().to_owned())).or_else(folder_name).unwrap_or_default();
    let version = options.package_version.clone().unwrap_or_else(|| today.to_string());
    let total = rules.len();
    let package = Package { name, version, created: today, rules };
    package.write(&options.out)?;
    // A rule that can never match is found here rather than when the package is first used.
    Gate::new(&[Lexicon::read(&options.out)?])?;
    println!(
        "{}@{}: {added} terms added, {} repeated, {} without a letter or ideograph, {total} rules in all; sign it with: danqing policy sign",
        package.name, package.version, imported.repeated, imported.unsearchable
    );
    println!("新增 {added} 条；请用 danqing policy sign 签名");
    Ok(0)
}

fn key(options: &KeyOptions) -> Result<u8, Failure> {
    let key = SecretKey::generate()?;
    let mut open = std::fs::OpenOptions::new();
    open.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let write = || writeln!(open.open(&options.file)?, "{}", key.to_hexadecimal());
    write().map_err(|error| Failure::writing(&options.file, &error))?;
    println!("{}", key.public());
    Ok(0)
}

fn sign(options: &SignOptions) -> Result<u8, Failure> {
    let key: SecretKey = std::fs::read_to_string(&options.key).map_err(|error| unreadable(&options.key, &error))?.parse()?;
    policy::sign_package(&options.package, &key)?;
    println!("signed by / 签名公钥 {}", key.public());
    Ok(0)
}

fn inspect(options: &InspectOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let lexicons = options.lexicons.read(configuration)?;
    let checks = policy::lexicon_checks(&lexicons, today());
    let passed = checks.iter().all(|check| check.passed);
    if options.json {
        let describe = |lexicon: &Lexicon| {
            let (terms, combinations) = size(lexicon);
            json!({"lexicon": lexicon.to_string(), "created": lexicon.created(), "origin": origin(lexicon), "rules": lexicon.rules().len(), "terms": terms, "combinations": combinations})
        };
        let lexicons: Vec<_> = lexicons.iter().map(describe).collect();
        println!("{}", json!({"lexicons": lexicons, "checks": checks, "passed": passed}));
    } else {
        let describe = |lexicon: &Lexicon| {
            let (terms, combinations) = size(lexicon);
            let created = lexicon.created().map_or_else(|| "no date / 无日期".to_owned(), |created| created.to_string());
            format!("{lexicon}: {terms} terms, {combinations} rules of several words, {created}, {}", origin(lexicon))
        };
        let lines: Vec<_> = lexicons.iter().map(describe).chain(check_lines(&checks)).collect();
        print(&lines)?;
    }
    Ok(if passed { 0 } else { Code::CheckFailed.exit_code() })
}

fn evaluate(options: &EvaluateOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let text = std::fs::read_to_string(&options.bank).map_err(|error| unreadable(&options.bank, &error))?;
    let bank = Bank::parse(&text, &options.bank.display().to_string())?;
    let gate = Gate::new(&options.lexicons.read(configuration)?)?;
    let mut report = bank.evaluate(&gate, today());
    report.model = options.model.as_deref().map(|name| Ok::<_, Failure>(installation::find_model(name)?.identity(name)?)).transpose()?;
    if options.json {
        println!("{}", json!(report));
    } else {
        print(&report_lines(&report))?;
    }
    Ok(if report.passed { 0 } else { Code::CheckFailed.exit_code() })
}

fn draft_bank(options: &DraftBankOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let bank = policy::draft_bank(&options.lexicons.read(configuration)?, today());
    let write = || std::fs::OpenOptions::new().write(true).create_new(true).open(&options.out)?.write_all(bank.as_bytes());
    write().map_err(|error| Failure::writing(&options.out, &error))?;
    println!("{} questions / 题 → {}", bank.lines().count() - 1, options.out.display());
    println!("a draft to start from, not the bank that the standard asks for / 仅供起步，并非标准所要求的题库");
    Ok(0)
}

/// Misses that are listed; `--json` has them all.
const MISSES_SHOWN: usize = 20;

fn report_lines(report: &Report) -> Vec<String> {
    let mut lines = vec![format!("lexicons / 词库: {}", report.lexicons.join(", "))];
    if report.is_draft() {
        lines.push("a draft bank: its should-refuse questions are the lexicons' own words, which says nothing of other wordings / 草稿题库：应拒答题取自词库原词，不能说明对其他说法的效果".to_owned());
    }
    let tally = |name: &str, tally: Tally| {
        let ((low, high), rate) = tally.interval().zip(tally.rate())?;
        let (rate, low, high) = (rate * 100.0, low * 100.0, high * 100.0);
        Some(format!("  {name}: {}/{} = {rate:.2} %, 95 % from {low:.2} to {high:.2}", tally.passed, tally.questions))
    };
    lines.extend(tally("should be refused, was refused / 应拒答且已拒答", report.refuse));
    lines.extend(tally("should be allowed, was allowed / 非拒答且未拒答", report.allow));
    for (method, judged) in &report.judged {
        lines.extend(tally(&format!("outputs that pass by {method} / 生成内容合格"), *judged));
    }
    lines.push("by class / 按类别:".to_owned());
    for outcome in &report.outcomes {
        lines.extend(tally(&format!("{} {}", outcome.kind.name(), outcome.subject), outcome.tally));
    }
    lines.extend(check_lines(&report.checks));
    for miss in report.misses.iter().take(MISSES_SHOWN) {
        let rules: Vec<_> = miss.findings.iter().map(|finding| format!("{} “{}”", finding.rule, finding.quote)).collect();
        lines.push(format!("  miss / 未通过: {} ({} {}) {}", miss.id, miss.kind.name(), miss.subject, rules.join(", ")));
    }
    if let Some(more @ 1..) = report.misses.len().checked_sub(MISSES_SHOWN) {
        lines.push(format!("  and {more} more misses: see --json / 另有 {more} 题未通过"));
    }
    lines
}

fn check_lines(checks: &[Check]) -> Vec<String> {
    let mut lines = vec!["against GB/T 45654-2025, as far as its numbers could be checked / 与标准对照（数值尚待核对原文）:".to_owned()];
    lines.extend(checks.iter().map(|check| {
        let mark = if check.passed { "ok    " } else { "MISSED" };
        let found = check.found.map_or_else(|| "not measured / 未测".to_owned(), number);
        let sign = if check.at_most { "≤" } else { "≥" };
        let source = if check.confidence == Confidence::Recalled { ", from TC260-003, to be confirmed" } else { "" };
        format!("  {mark} {} / {}: {found} ({sign} {}{source})", check.english, check.chinese, number(check.bound))
    }));
    let missed = checks.iter().filter(|check| !check.passed).count();
    lines.push(format!("{missed} of {} missed / 未达到 {missed} 项", checks.len()));
    lines
}

/// Writes to standard output; a reader that closes it early (`head`) has seen what it wanted.
fn print(lines: &[String]) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{}", lines.join("\n")) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Code::StorageFailed, format!("cannot write the report: {error} / 无法输出报告")))
        }
        _ => Ok(()),
    }
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.4}") }
}

/// Terms, and rules that need several words.
fn size(lexicon: &Lexicon) -> (usize, usize) {
    let coverage = policy::coverage(std::slice::from_ref(lexicon));
    (coverage.iter().map(|risk| risk.terms).sum(), coverage.iter().map(|risk| risk.combinations).sum())
}

fn origin(lexicon: &Lexicon) -> String {
    match lexicon.origin() {
        Origin::Builtin => "built in / 内置".to_owned(),
        Origin::Signed(key) => format!("signed by {key} / 已签名"),
        _ => "unsigned / 未签名".to_owned(),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::reading(path, error)
}
