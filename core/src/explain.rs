//! One paragraph for each code, from the file that people read too.

const TEXT: &str = include_str!("../errors.md");

/// What a code of [`Error`](crate::Error) means and what to do: one paragraph of Markdown.
///
/// ```
/// assert!(scalekit_vmcp::explain("tools_empty").is_some());
/// assert!(scalekit_vmcp::explain("tools_emtpy").is_none());
/// ```
pub fn explain(code: &str) -> Option<&'static str> {
    sections().find_map(|(name, text)| (name == code).then_some(text))
}

/// Every code that [`explain`] knows, in the order of the alphabet.
pub fn codes() -> impl Iterator<Item = &'static str> {
    sections().map(|(name, _)| name)
}

fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    let titled = TEXT.split("\n## ").skip(1);
    titled.filter_map(|section| {
        let (name, text) = section.split_once('\n')?;
        Some((name, text.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_short_paragraph_and_stands_where_one_looks_for_it() {
        let names: Vec<&str> = codes().collect();
        assert!(names.len() > 50, "{names:?}");
        assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]));
        for (name, text) in sections() {
            assert_eq!(text.lines().count(), 1, "{name}");
            let sentences = text.split_inclusive(". ").count();
            assert!(text.ends_with('.') && sentences <= 4, "{name}: {sentences}");
        }
    }

    #[test]
    fn an_error_knows_its_paragraph() {
        let error = crate::Error::argument("tools_empty", "tools", "no");
        assert_eq!(error.explanation(), explain("tools_empty"));
        assert!(error.explanation().unwrap().contains("every tool"));
    }
}
