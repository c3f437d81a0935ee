//! Rust source as far as the doors need it: code without comments and texts, words, and imports.

/// The code alone: comments are dropped, texts are emptied.
pub(crate) fn code_of(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = raw_text(rest).filter(|_| !ends_in_word(&code)) {
            code.push_str("\"\"");
            length
        } else if next == '"' {
            code.push_str("\"\"");
            quoted(rest, '"')
        } else if next == '\'' && is_char(rest) {
            code.push_str("' '");
            quoted(rest, '\'')
        } else {
            code.push(next);
            next.len_utf8()
        };
        rest = &rest[skipped..];
    }
    code
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of `r"…"`, `r#"…"#` and so on, if the text starts with one.
fn raw_text(text: &str) -> Option<usize> {
    let after = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let inner = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - inner.len();
    Some(
        inner
            .find(&end)
            .map_or(text.len(), |found| start + found + end.len()),
    )
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A character, not a lifetime.
fn is_char(text: &str) -> bool {
    let mut inner = text.chars().skip(1);
    match inner.next() {
        Some('\\') => true,
        Some(_) => inner.next() == Some('\''),
        None => false,
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn ends_in_word(text: &str) -> bool {
    text.chars().next_back().is_some_and(is_word)
}

/// Whether the code holds this whole word.
pub(crate) fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word)
        .any(|(at, _)| !ends_in_word(&code[..at]) && !code[at + word.len()..].starts_with(is_word))
}

/// The names that directly follow a path prefix such as `crate::`, those in braces included:
/// `crate::{a, b::{c, d}}` gives `a` and `b`.
pub(crate) fn names_after(code: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        if ends_in_word(&code[..at]) {
            continue;
        }
        let rest = code[at + prefix.len()..].trim_start();
        if let Some(group) = rest.strip_prefix('{') {
            names.extend(first_names(group));
        } else {
            names.extend(first_name(rest));
        }
    }
    names
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text
        .trim_start()
        .chars()
        .take_while(|&c| is_word(c))
        .collect();
    (!name.is_empty()).then_some(name)
}

/// Of a group, after its opening brace.
fn first_names(group: &str) -> Vec<String> {
    let (mut names, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.extend(first_name(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names
}

#[test]
fn comments_and_texts_are_no_code() {
    let source = "a /* b /* c */ d */ e // f\ng \"h // \\\" i\" j r#\"k \" l\"# m 'n' '\"' o<'p> '\\'' q //! r\nbar\"s\"";
    assert_eq!(
        code_of(source),
        "a  e \ng \"\" j \"\" m ' ' ' ' o<'p> ' ' q \nbar\"\""
    );
}

#[test]
fn words_are_whole() {
    assert!(has_word("use axum::x;", "axum"));
    assert!(!has_word("use axum_core::x; let my_axum = 1;", "axum"));
    assert!(has_word("axum_core, axum", "axum"));
}

#[test]
fn names_are_those_of_the_first_level() {
    assert_eq!(
        names_after(
            "use crate::{a, b::{c, d}, e as f}; crate::g::h; mycrate::i",
            "crate::"
        ),
        ["a", "b", "e", "g"]
    );
}
