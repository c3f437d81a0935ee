//! The data folder from outside: what it shows to who can read it, and what happens when it is full.

use std::path::Path;

use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine as _};

use super::{
    log::{settings, use_secrets},
    process::{serve, serve_with},
};

/// Each file below a folder, and its bytes as so many characters: texts are searched faster.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            let text = bytes.into_iter().map(char::from).collect();
            found.push((path.display().to_string(), text));
        }
    }
    found
}

/// The text as it is, and as it may be written otherwise.
fn forms(secret: &str) -> Vec<String> {
    let hex = |digits: fn(u8) -> String| secret.bytes().map(digits).collect::<String>();
    let mut forms = vec![
        secret.to_owned(),
        hex(|byte| format!("{byte:02x}")),
        hex(|byte| format!("{byte:02X}")),
    ];
    // Wherever in a longer text it stood; the first and last characters depend on the neighbours.
    for before in ["", "x", "xx"] {
        let text = format!("{before}{secret}");
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&text);
            forms.push(encoded[4..encoded.len() - 2].to_owned());
        }
    }
    forms
}

#[test]
fn no_file_shows_a_secret_and_the_key_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    settings(folder.path());
    let serving = serve_with(folder.path(), |command| {
        command.arg("--test-controls");
    });
    let data = folder.path().join(".vmcp");
    let mut secrets = use_secrets(&serving);
    // The application's own, to be sent to whoever opens the link.
    secrets.remove("state");
    let look = || {
        let files = files(&data);
        // The search finds what is there.
        assert!(files.iter().any(|(_, text)| text.contains("alice")));
        for (kind, secret) in &secrets {
            for form in forms(secret) {
                for (name, text) in &files {
                    assert!(!text.contains(&form), "`{name}` shows the {kind}");
                }
            }
        }
        let names: Vec<&String> = files.iter().map(|(name, _)| name).collect();
        for end in ["vmcp.db", "vmcp.key", "vmcp.lock"] {
            assert!(names.iter().any(|name| name.ends_with(end)), "{names:?}");
        }
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data), mode(&data.join("vmcp.key"))), (0o700, 0o600));
    };
    assert!(data.join("vmcp.db-wal").exists());
    look();
    assert_eq!(serving.interrupt().0, 0);
    look();
}

#[test]
fn git_ignores_the_folder_that_the_engine_makes_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("vmcp.toml"), "").unwrap();
    drop(serve(folder.path()));
    let ignored = std::fs::read_to_string(folder.path().join(".vmcp/.gitignore")).unwrap();
    assert_eq!(ignored, "*\n");
    let there = folder.path().join("there");
    std::fs::create_dir(&there).unwrap();
    drop(serve_with(folder.path(), |command| {
        command.args(["--data", "there"]);
    }));
    assert!(there.join("vmcp.db").exists() && !there.join(".gitignore").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_without_room_is_a_507_and_passes() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("vmcp.toml"), "").unwrap();
    let serving = serve(folder.path());
    let token = serving.token();
    let create = |number: u32| {
        let body = format!(
            r#"{{"name":"config-{number}","description":"{}"}}"#,
            "x".repeat(500)
        );
        serving.call(&token, "POST", "/api/v1/mcp/configs", &body)
    };
    let total = || {
        let page = serving.call(&token, "GET", "/api/v1/mcp/configs?page_size=1", "");
        let text = page.split_once(r#""total_size":"#).unwrap().1;
        text.trim_end_matches('}').parse::<u32>().unwrap()
    };
    assert!(create(0).starts_with("HTTP/1.1 201"));
    let limit = |bytes| {
        let new = Rlimit {
            current: bytes,
            maximum: None,
        };
        prlimit(
            Some(Pid::from_child(&serving.process)),
            Resource::Fsize,
            new,
        )
        .unwrap();
    };
    let log = folder
        .path()
        .join(".vmcp/vmcp.db-wal")
        .metadata()
        .unwrap()
        .len();
    limit(Some(log + 20_000));
    let mut stored = 1;
    let refused = loop {
        let answer = create(stored);
        if !answer.starts_with("HTTP/1.1 201") {
            break answer;
        }
        stored += 1;
    };
    assert!(
        refused.starts_with("HTTP/1.1 507")
            && refused.contains(r#""code":8"#)
            && refused.contains(r#""error_code":"DISK_FULL""#)
            && refused.contains("free some space"),
        "{refused}"
    );
    assert_eq!(total(), stored);
    limit(None);
    let again = create(stored);
    assert!(again.starts_with("HTTP/1.1 201"), "{again}");
    assert_eq!(total(), stored + 1);
    assert_eq!(serving.interrupt().0, 0);
}
