//! `vmcp explain` as a process.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::process::Command;

/// Exit code, standard output, standard error.
fn explain(code: &str) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_vmcp"))
        .args(["explain", code])
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    (output.status.code().unwrap(), out, err)
}

#[test]
fn a_code_is_explained_in_the_words_of_the_documentation() {
    let (code, out, err) = explain("tools_empty");
    let text = scalekit_vmcp::explain("tools_empty").unwrap();
    assert_eq!((code, out, err), (0, format!("{text}\n"), String::new()));
}

#[test]
fn an_unknown_code_is_answered_with_the_nearest() {
    for (asked, hint) in [
        ("tools_emtpy", "did you mean `tools_empty`?"),
        ("Not_Found", "did you mean `not_found`?"),
        (
            "zzz",
            "the code of an error is its `code`, such as `tools_empty`",
        ),
    ] {
        let wanted = format!("vmcp: there is no error code `{asked}`; {hint}\n");
        assert_eq!(explain(asked), (1, String::new(), wanted));
    }
}
