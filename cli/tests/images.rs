//! Pictures are screened before they are labelled; what is withheld is recorded and told, and nothing else of it is left.
mod support;

use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use support::{Desk, text};

/// A service whose answer to the n-th picture is the n-th score, and the last one for all that follow.
fn service(scores: &'static [f32]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for (number, mut stream) in listener.incoming().flatten().enumerate() {
            let (mut bytes, mut part) = (Vec::new(), [0; 8192]);
            while !bytes.ends_with(b"IEND\xaeB`\x82") {
                let count = stream.read(&mut part).expect("a request");
                bytes.extend_from_slice(&part[..count]);
            }
            let score = scores[number.min(scores.len() - 1)];
            let content = format!("{{\"version\": \"t1\", \"scores\": {{\"gore\": {score}}}}}");
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{content}", content.len()).expect("an answer");
        }
    });
    format!("http://{address}/")
}

fn configure(desk: &Desk, content: &str) {
    std::fs::write(desk.path().join("danqing.toml"), content).expect("a writable folder");
}

fn with_service(url: &str) -> String {
    format!(
        "[[image_classifier]]\nname = \"own\"\nkind = \"http\"\nurl = \"{url}\"\n\
         labels = {{ gore = {{ class = \"A1.f\", block = 0.9, review = 0.5 }} }}\n"
    )
}

fn lines(output: &std::process::Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

#[test]
fn one_withheld_picture_does_not_stop_the_others() {
    let desk = Desk::new();
    configure(&desk, &format!("appeal_contact = \"safety@example.com\"\n{}", with_service(&service(&[0.1, 0.95, 0.6]))));
    let output = desk.run(["generate", "--steps", "2", "--json", "一只小猫", "--count", "3", "--seed", "7"]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(errors.contains("1 of 3 pictures withheld") && errors.contains("拦截") && errors.contains("safety@example.com"), "{errors}");
    assert!(errors.contains("own.gore = 0.95") && errors.contains("A1.f") && errors.contains("a person should look"), "{errors}");
    let told = lines(&output);
    assert_eq!(told.len(), 3);
    let withheld = &told[1]["withheld"];
    assert_eq!((&withheld["seed"], &withheld["screening"]["decision"]), (&8.into(), &"block".into()));
    assert_eq!((&told[0]["screening"]["decision"], &told[2]["screening"]["decision"]), (&"pass".into(), &"review".into()));
    assert_eq!(desk.files().iter().filter(|file| file.extension().is_some_and(|ending| ending == "png")).count(), 2);

    // The record of a released picture holds its scores, those of the built-in classifier too.
    let verified = desk.run(["verify", "--json", told[0]["path"].as_str().expect("a path")]);
    let report: Value = serde_json::from_slice(&verified.stdout).expect("JSON");
    let results = &report["entry"]["record"]["screening"]["results"];
    assert_eq!((&results[0]["classifier"], &results[1]["classifier"]), (&"open-nsfw".into(), &"own".into()));
    assert!(results[0]["version"].as_str().is_some_and(|version| version.starts_with("sha256:")));
    assert_eq!(results[1]["scores"][0]["rule"], "own.gore");

    // The entry of the one that was withheld is between the two.
    let exported = desk.run(["ledger", "export", "export", "--ledger", "danqing-out/danqing-ledger.sqlite"]);
    assert!(exported.status.success(), "{}", text(&exported.stderr));
    let entries = std::fs::read_to_string(desk.path().join("export/entries.jsonl")).expect("entries");
    let records: Vec<Value> = entries.lines().map(|line| serde_json::from_str::<Value>(line).expect("a leaf")["record"].clone()).collect();
    let kinds: Vec<_> = records.iter().filter_map(|record| record["kind"].as_str()).collect();
    assert_eq!(kinds, ["produced", "withheld", "produced"]);
    assert_eq!(records[1]["screening"]["results"][1]["version"], "t1");
    assert!(desk.run(["ledger", "verify"]).status.success());
}

#[test]
fn a_service_that_is_down_withholds_unless_told_otherwise() {
    let desk = Desk::new();
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let down = with_service(&format!("http://{nobody}/"));
    configure(&desk, &down);
    let output = desk.run(["generate", "--steps", "1", "猫"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("own gave no usable answer"), "{}", text(&output.stderr));
    configure(&desk, &format!("[image_safety]\nfail_closed = false\n{down}"));
    let output = desk.run(["generate", "--steps", "1", "猫"]);
    assert!(output.status.success() && text(&output.stderr).contains("建议人工复核"), "{}", text(&output.stderr));
    configure(&desk, &format!("[image_safety]\nenabled = false\n{down}"));
    let pictures = desk.generate(&["猫"]);
    assert_eq!(pictures[0]["screening"]["results"], Value::Array(Vec::new()), "off, and the record says so");
}

#[test]
fn the_builtin_threshold_is_the_configurations() {
    let desk = Desk::new();
    configure(&desk, "[image_safety]\nblock = 0.0\nreview = 0.0\n");
    let output = desk.run(["generate", "--steps", "1", "猫"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("open-nsfw.nsfw"), "{}", text(&output.stderr));
    for wrong in ["[image_safety]\nblock = 2.0\n", "[image_safety]\nblok = 0.5\n", "[[image_classifier]]\nname = \"x\"\nkind = \"onnx\"\n"]
    {
        configure(&desk, wrong);
        let output = desk.run(["generate", "--steps", "1", "猫"]);
        assert_eq!(output.status.code(), Some(10), "{wrong}: {}", text(&output.stderr));
    }
}

#[test]
fn withheld_pictures_suspend_an_account_as_refusals_do() {
    let desk = Desk::new();
    let withheld = "[image_safety]\nblock = 0.0\nreview = 0.0\n";
    let ask = |account: &str, count: &str| {
        let output = desk.run(["generate", "--steps", "1", "--json", "猫", "--account", account, "--count", count]);
        (output.status.code(), lines(&output), text(&output.stderr))
    };
    // Switched off, nothing is counted; nor where it is the classifier that failed.
    configure(&desk, &format!("{withheld}strikes = false\n"));
    for _ in 0..4 {
        assert_eq!(ask("甲", "1").0, Some(3));
    }
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    configure(&desk, &with_service(&format!("http://{nobody}/")));
    for _ in 0..4 {
        assert_eq!(ask("甲", "1").0, Some(3));
    }
    // A request counts once, however many pictures of it are withheld.
    configure(&desk, withheld);
    let (_, told, _) = ask("甲", "4");
    let strikes: Vec<bool> = told.iter().filter_map(|one| one["withheld"]["strike"].as_bool()).collect();
    assert_eq!(strikes, [true, false, false, false]);
    assert_eq!(desk.run(["generate", "去除水印", "--account", "甲"]).status.code(), Some(3));
    let (code, told, said) = ask("甲", "2");
    assert!(code == Some(3) && said.contains("该账户自此暂停使用"), "{said}");
    assert_eq!((&told[0]["withheld"]["suspended"], told.len()), (&"in_a_row".into(), 2));
    let (code, _, said) = ask("甲", "1");
    assert!(code == Some(21) && said.contains("连续三次"), "{said}");
    assert_eq!(ask("乙", "1").0, Some(3), "another account is not touched");
    assert!(desk.run(["ledger", "verify"]).status.success());

    // The filing documents count all of it.
    std::fs::write(desk.path().join("filing.toml"), "").expect("a file");
    let built = desk.run(["filing", "build", "filing"]);
    assert!(built.status.success(), "{}", text(&built.stderr));
    let read = |name: &str| std::fs::read_to_string(desk.path().join("filing").join(name)).expect("a document");
    let detailed = read("1-算法备案/3-算法详细属性信息.md");
    for words in [
        "拦截 15 件（图片 15）：A1.f（宣扬暴力、淫秽色情） 11 件，因分类器无有效结果 4 件",
        "账户暂停 1 条（连续三次 1，一日五次 0）",
        "现有 1 个账户处于暂停",
        "open-nsfw",
    ] {
        assert!(detailed.contains(words), "{words}: {detailed}");
    }
    let assessment = read("2-生成式人工智能服务备案/2-安全评估报告.md");
    let line = assessment.lines().find(|line| line.contains("连续三次或一日累计五次")).expect("the item");
    assert!(line.contains("账户暂停 1 条") && line.contains("账本"), "{line}");
}

#[test]
fn pictures_that_users_bring_are_screened() {
    let desk = Desk::new();
    let goldens = support::golden("../classifiers/open-nsfw");
    for name in ["low", "high-321x200"] {
        std::fs::copy(goldens.join(format!("{name}.png")), desk.path().join(format!("{name}.png"))).expect("a golden");
    }
    let passed = desk.run(["policy", "screen", "low.png"]);
    assert!(passed.status.success() && text(&passed.stdout).contains("low.png: pass"), "{}", text(&passed.stderr));
    let both = desk.run(["policy", "screen", "high-321x200.png", "low.png", "--json"]);
    assert_eq!(both.status.code(), Some(3));
    let told = lines(&both);
    assert_eq!((&told[0]["screening"]["decision"], &told[1]["screening"]["decision"]), (&"block".into(), &"pass".into()));
    let score = told[0]["screening"]["results"][0]["scores"][0]["score"].as_f64().expect("a score");
    assert!((score - 0.8853).abs() < 1e-4, "{score}");
    assert!(told[0]["chinese"].as_str().is_some_and(|chinese| chinese.contains("申诉")));
    // A file that nobody can look at is not one that passed, and the others still get an answer.
    std::fs::write(desk.path().join("notes.txt"), "no picture").expect("a file");
    let mixed = desk.run(["policy", "screen", "notes.txt", "low.png", "missing.png"]);
    assert!(!mixed.status.success() && text(&mixed.stdout).contains("low.png: pass"), "{}", text(&mixed.stderr));
    assert!(text(&mixed.stderr).contains("notes.txt") && text(&mixed.stderr).contains("missing.png"));
    configure(&desk, "[image_safety]\nenabled = false\n");
    assert_eq!(desk.run(["policy", "screen", "low.png"]).status.code(), Some(10), "nobody looked");
}
