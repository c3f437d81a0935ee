//! `vmcp explain`: what a code of an error means.

use std::io::Write;

use clap::Args;

#[derive(Args)]
pub(super) struct Explain {
    /// The code of an error, such as `tools_empty`.
    code: String,
}

impl Explain {
    pub(super) fn run(self) -> Result<(), String> {
        let Some(text) = scalekit_vmcp::explain(&self.code) else {
            return Err(unknown(&self.code));
        };
        writeln!(std::io::stdout(), "{text}").map_err(|error| format!("cannot write: {error}"))
    }
}

fn unknown(code: &str) -> String {
    let wanted = code.to_lowercase();
    let nearest = scalekit_vmcp::codes()
        .map(|known| (strsim::jaro_winkler(&wanted, known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0));
    let hint = match nearest {
        Some((_, known)) => format!("did you mean `{known}`?"),
        None => "the code of an error is its `code`, such as `tools_empty`".to_owned(),
    };
    format!("there is no error code `{}`; {hint}", code.escape_debug())
}
