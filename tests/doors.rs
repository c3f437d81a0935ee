//! Who may use whom: the arrows of the house. A new arrow is a decision, made in this file.

use std::{
    fs,
    path::{Path, PathBuf},
};

mod doors {
    pub(crate) mod code;
}

use doors::code::{code_of, has_word, names_after};

/// A source file: its path below the root with `/`, and its code without comments and texts.
struct Source {
    path: String,
    code: String,
}

impl Source {
    /// Whether it belongs to a room: the file `room.rs`, or anything below `room/`.
    fn is_in(&self, room: &str) -> bool {
        self.path == format!("{room}.rs")
            || self.path == room
            || self.path.starts_with(&format!("{room}/"))
    }
}

/// One rule: files in `of`, except those in `but`, must not do what `breaks` finds.
struct Door {
    what: &'static str,
    of: &'static str,
    but: &'static [&'static str],
    breaks: fn(&str) -> bool,
}

const DOORS: &[Door] = &[
    Door {
        what: "core imports neither a web framework, nor rmcp, nor the engine",
        of: "core/src",
        but: &[],
        breaks: |code| {
            ["axum", "rmcp", "hyper", "tower", "scalekit_vmcp_engine"]
                .iter()
                .any(|name| has_word(code, name))
        },
    },
    Door {
        what: "`transport.rs` is core's only door to the network library",
        of: "core/src",
        but: &["core/src/transport.rs"],
        breaks: |code| has_word(code, "reqwest"),
    },
    Door {
        what: "`model` imports nothing of ours",
        of: "core/src/model",
        but: &[],
        breaks: |code| {
            names_after(code, "crate::")
                .iter()
                .any(|name| name != "model")
                || code.contains("super::super::")
        },
    },
    Door {
        what: "SQL lives in `store` only",
        of: "engine/src",
        // A test of `control` breaks the database from outside, to see what a caller is told.
        but: &["engine/src/store", "engine/src/control/tests"],
        breaks: |code| has_word(code, "rusqlite"),
    },
    Door {
        what: "processes are started in `upstream` only",
        of: "engine/src",
        but: &["engine/src/upstream"],
        breaks: |code| {
            names_after(code, "process::")
                .iter()
                .any(|name| name == "Command")
                || has_word(code, "TokioChildProcess")
        },
    },
    Door {
        what: "`control` never calls `data`: both ask `accounts` and `store`",
        of: "engine/src/control",
        but: &[],
        breaks: |code| names(code, "data"),
    },
    Door {
        what: "`data` never calls `control`: both ask `accounts` and `store`",
        of: "engine/src/data",
        but: &[],
        breaks: |code| names(code, "control"),
    },
    Door {
        what: "only the engine's `cli` uses core",
        of: "engine/src",
        but: &["engine/src/cli"],
        breaks: |code| has_word(code, "scalekit_vmcp"),
    },
];

/// Whether the code names this room of its own crate.
fn names(code: &str, room: &str) -> bool {
    let roots = ["crate::", "super::", "self::", "scalekit_vmcp_engine::"];
    roots
        .iter()
        .any(|root| names_after(code, root).iter().any(|name| name == room))
}

fn check(sources: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    for door in DOORS {
        let inside = sources.iter().filter(|source| source.is_in(door.of));
        let bound = inside.filter(|source| !door.but.iter().any(|room| source.is_in(room)));
        broken.extend(
            bound
                .filter(|source| (door.breaks)(&source.code))
                .map(|source| format!("`{}` breaks: {}", source.path, door.what)),
        );
    }
    broken
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file that could be tracked: what builds and installs leave behind is passed over.
fn files(directory: &Path, prefix: &str, into: &mut Vec<(String, PathBuf)>) {
    const LEFT_BEHIND: [&str; 7] = [
        ".git",
        ".pytest_cache",
        ".venv",
        "__pycache__",
        "dist",
        "node_modules",
        "target",
    ];
    let mut entries: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && !LEFT_BEHIND.contains(&name.as_str()) {
            files(&entry.path(), &format!("{path}/"), into);
        } else if kind.is_file() {
            into.push((path, entry.path()));
        }
    }
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    files(&root(), "", &mut found);
    found
        .into_iter()
        .filter(|(path, _)| path.contains("/src/") && has_extension(path, "rs"))
        .map(|(path, file)| Source {
            path,
            code: code_of(&fs::read_to_string(file).unwrap()),
        })
        .collect()
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|found| found == extension)
}

#[test]
fn nobody_goes_through_a_wall() {
    let sources = sources();
    for door in DOORS {
        for room in door.but.iter().chain([&door.of]) {
            assert!(
                sources.iter().any(|source| source.is_in(room)),
                "there is no `{room}`: mend its door"
            );
        }
    }
    let broken = check(&sources);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_door_catches_a_planted_line_and_lets_the_allowed_room_pass() {
    let planted = [
        ("core/src/tokens.rs", "use axum::Router;", 1),
        (
            "core/src/tokens.rs",
            "use {serde::Serialize, rmcp::model};",
            1,
        ),
        ("core/src/tokens.rs", "use scalekit_vmcp_engine::Engine;", 1),
        (
            "core/src/transport/answer.rs",
            "fn f(e: reqwest::Error) {}",
            1,
        ),
        ("core/src/transport.rs", "fn f(e: reqwest::Error) {}", 0),
        (
            "core/src/model/token.rs",
            "use crate::{Error, model::Tools};",
            1,
        ),
        ("core/src/model/token.rs", "use crate::model::Tools;", 0),
        (
            "engine/src/accounts/mod.rs",
            "use rusqlite::{Connection, params};",
            1,
        ),
        ("engine/src/store/mod.rs", "use rusqlite::Connection;", 0),
        ("engine/src/data/mod.rs", "std::process::Command::new(x)", 1),
        (
            "engine/src/cli/mod.rs",
            "use tokio::{fs, process::{self, Command}};",
            1,
        ),
        (
            "engine/src/cli/mod.rs",
            "use std::process::ExitCode; use clap::Command;",
            0,
        ),
        (
            "engine/src/upstream/child.rs",
            "use tokio::process::Command;",
            0,
        ),
        ("engine/src/control/mod.rs", "use crate::data::Edge;", 1),
        (
            "engine/src/control/configs.rs",
            "use crate::{accounts, data::{admit, Edge}, store};",
            1,
        ),
        (
            "engine/src/control/configs.rs",
            "use crate::{accounts::data, store::{data}};",
            0,
        ),
        ("engine/src/data.rs", "super::control::token()", 1),
        ("engine/src/engine.rs", "use crate::{control, data};", 0),
        ("engine/src/data/mod.rs", "use scalekit_vmcp::Client;", 1),
        (
            "engine/src/data/mod.rs",
            "use scalekit_vmcp_engine::Client;",
            0,
        ),
        ("engine/src/cli/check.rs", "use scalekit_vmcp::Client;", 0),
        (
            "engine/src/data/mod.rs",
            "// scalekit_vmcp::Client, rusqlite",
            0,
        ),
        (
            "engine/src/data/mod.rs",
            "let x = \"use rusqlite::Connection;\";",
            0,
        ),
    ];
    for (path, line, broken) in planted {
        let source = Source {
            path: path.to_owned(),
            code: code_of(line),
        };
        assert_eq!(check(&[source]).len(), broken, "{path}: {line}");
    }
}

/// Places that exist on one machine only. Written apart, so that this file does not hold them.
const PLACES: [&str; 4] = [
    concat!("..", "/shared"),
    concat!("/work", "/main"),
    concat!("/work", "/shared"),
    concat!("/ro", "ot/"),
];

fn place_in(text: &str) -> Option<&'static str> {
    PLACES.into_iter().find(|place| text.contains(place))
}

#[test]
fn no_file_names_a_place_of_one_machine() {
    assert_eq!(
        place_in(&format!("see {}/design.md", PLACES[0])),
        Some(PLACES[0])
    );
    let mut found = Vec::new();
    files(&root(), "", &mut found);
    assert!(found.len() > 50, "only {} files", found.len());
    let bad: Vec<String> = found
        .into_iter()
        .filter_map(|(path, file)| {
            let text = fs::read(file).unwrap();
            let place = place_in(&String::from_utf8_lossy(&text))?;
            Some(format!("`{path}` names `{place}`"))
        })
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
