//! What a package ships beside the binary.
mod support;

use support::{Desk, text};

#[test]
fn every_shell_gets_completions_that_name_the_commands() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = desk.run(["completions", shell]);
        assert!(output.status.success(), "{shell}: {}", text(&output.stderr));
        let script = text(&output.stdout);
        assert!(script.contains("generate") && script.contains("filing"), "{shell}");
    }
}

#[test]
fn every_command_gets_a_man_page() {
    let desk = Desk::new();
    let output = desk.run(["man", "pages/man1"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = |name: &str| std::fs::read_to_string(desk.path().join("pages/man1").join(name)).expect(name);
    assert!(page("danqing.1").contains(".TH"));
    assert!(page("danqing-generate.1").contains("guidance"));
    assert!(page("danqing-filing-build.1").contains("subject"));
}
