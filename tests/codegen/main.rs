//! Writes the types of the language packages from core's schema; with `--check` it only says
//! whether they are up to date.

mod python;
mod schema;
mod typescript;

use std::{fs, path::Path, process::ExitCode};

use schema::Schema;

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    let schema = Schema::of_core();
    let files = [
        (
            "bindings-python/python/scalekit_vmcp/_generated.py",
            python::write(&schema),
        ),
        ("bindings-node/ts/generated.ts", typescript::write(&schema)),
    ];
    let mut stale = false;
    for (path, text) in files {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
        if fs::read_to_string(&file).is_ok_and(|now| now == text) {
            println!("{path} is up to date");
        } else if check {
            eprintln!("{path} is not what the generator writes; run `make generate`");
            stale = true;
        } else if let Err(error) = fs::write(&file, text) {
            eprintln!("cannot write {path}: {error}");
            stale = true;
        } else {
            println!("{path} is written anew");
        }
    }
    ExitCode::from(u8::from(stale))
}
