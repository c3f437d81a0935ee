//! Interfaces, and the tables that convert names, for the Node package.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::schema::{Field, Kind, Schema};

const HEAD: &str = "// Generated from the schema of the Rust core by tests/codegen; `make generate` writes it anew.\n";

const FIELD: &str = "
/** A property on the wire. */
export interface Field {
  /** Its name. */
  wire: string;
  /** The type whose table converts it, or `Date`; without one the value is left as it is. */
  type?: string;
  /** Whether leaving it out must be meant: `undefined` is refused. */
  explicit?: boolean;
  /** Whether it is kept out of JSON and of what `console.log` shows. */
  secret?: boolean;
}
";

const ACCOUNT: &[&[&str]] = &[
    &["connected_account_id"],
    &["connection_name", "identifier"],
];

/// The ways to say what an operation is about: the parameters of one of them must be there, and
/// none of the others.
const WAYS: &[(&str, &[&[&str]])] = &[
    (
        "create_session_token",
        &[&["config_id"], &["connection_name"]],
    ),
    ("delete_connected_account", ACCOUNT),
    ("get_authorization_link", ACCOUNT),
    ("get_config", &[&["config_id"], &["name"]]),
    ("get_connected_account", ACCOUNT),
    ("get_connected_account_details", ACCOUNT),
    (
        "open_session",
        &[&["config_id", "mcp_server_url"], &["connection_name"]],
    ),
    ("update_connected_account", ACCOUNT),
];

pub(crate) fn write(schema: &Schema) -> String {
    let mut out = HEAD.to_owned();
    let names = Names::of(schema);
    for ty in &schema.types {
        interface(
            &mut out,
            &names.camel_in_ticks(&ty.description, &[]),
            &ty.name,
            &ty.fields,
            !ty.answered,
            &names,
        );
    }
    for operation in &schema.operations {
        let about = format!("The parameters of `{}`.", camel(&operation.name));
        let name = parameters(&operation.name);
        match WAYS.iter().find(|(of, _)| *of == operation.name) {
            Some((_, ways)) => union(&mut out, &about, &name, &operation.fields, ways, &names),
            None => interface(&mut out, &about, &name, &operation.fields, true, &names),
        }
    }
    out += FIELD;
    out += "\n/** The properties of each type. */\nexport const TYPES: Record<string, Record<string, Field>> = {\n";
    for ty in &schema.types {
        table(&mut out, &ty.name, &ty.fields, !ty.answered);
    }
    for operation in &schema.operations {
        table(
            &mut out,
            &parameters(&operation.name),
            &operation.fields,
            true,
        );
    }
    out += "};\n\n/** What each operation takes and answers, by its name on the wire. */\n";
    out += "export const OPERATIONS: Record<string, { parameters: string; result?: string; item?: string }> = {\n";
    for operation in &schema.operations {
        let typed = |what: &str, name: &Option<String>| {
            name.as_ref()
                .map(|name| format!(", {what}: \"{name}\""))
                .unwrap_or_default()
        };
        let result = typed("result", &operation.result) + &typed("item", &operation.item);
        line(
            &mut out,
            &format!(
                "  {}: {{ parameters: \"{}\"{result} }},",
                operation.name,
                parameters(&operation.name)
            ),
        );
    }
    out + "};\n"
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// What is sent may say `undefined` for what it leaves out; what is answered leaves it out.
fn interface(
    out: &mut String,
    about: &str,
    name: &str,
    fields: &[Field],
    sent: bool,
    names: &Names<'_>,
) {
    write!(out, "\n/** {about} */\nexport interface {name} {{\n").expect("a string takes text");
    for field in fields {
        property(out, field, sent, names);
    }
    line(out, "}");
}

/// What all ways share, and each of them.
fn union(
    out: &mut String,
    about: &str,
    name: &str,
    fields: &[Field],
    ways: &[&[&str]],
    names: &Names<'_>,
) {
    write!(out, "\n/** {about} */\nexport type {name} = {{\n").expect("a string takes text");
    let is_of = |way: &[&str], field: &Field| way.contains(&field.name.as_str());
    let shared: Vec<&Field> = fields
        .iter()
        .filter(|field| !ways.iter().any(|way| is_of(way, field)))
        .collect();
    for field in &shared {
        property(out, field, true, names);
    }
    if !shared.is_empty() {
        line(out, "} & ({");
    }
    for (index, way) in ways.iter().enumerate() {
        if index > 0 {
            line(out, "} | {");
        }
        for field in fields.iter().filter(|field| is_of(way, field)) {
            // The one is optional beside the other; the id of an account may be missing in answers.
            match field.name.as_str() {
                "mcp_server_url" => property(out, field, true, names),
                "connected_account_id" => said(out, field, " | undefined", names),
                _ => said(out, field, "", names),
            }
        }
        let others = ways.iter().filter(|other| *other != way);
        for other in others.flat_map(|other| other.iter()) {
            line(out, &format!("  {}?: undefined;", camel(other)));
        }
    }
    line(out, if shared.is_empty() { "};" } else { "});" });
}

fn about(out: &mut String, field: &Field, names: &Names<'_>) {
    let text = names.camel_in_ticks(&field.description, &field.values);
    line(out, &format!("  /** {text} */"));
}

/// A parameter that must be there.
fn said(out: &mut String, field: &Field, or: &str, names: &Names<'_>) {
    about(out, field, names);
    let (name, kind) = (camel(&field.name), type_of(field));
    line(out, &format!("  {name}: {kind}{or};"));
}

fn property(out: &mut String, field: &Field, sent: bool, names: &Names<'_>) {
    about(out, field, names);
    let kind = match field.kind {
        // What a user has typed by an interface has no index signature.
        Kind::Object if sent => "object".to_owned(),
        _ => type_of(field),
    };
    let name = camel(&field.name);
    line(
        out,
        &match (sent, field.required, field.nullable) {
            (true, false, _) if field.all_tools => format!("  {name}?: {kind};"),
            (true, false, _) => format!("  {name}?: {kind} | undefined;"),
            (false, _, true) => format!("  {name}?: {kind};"),
            _ => format!("  {name}: {kind};"),
        },
    );
}

fn table(out: &mut String, name: &str, fields: &[Field], sent: bool) {
    line(out, &format!("  {name}: {{"));
    for field in fields {
        let item = match &field.kind {
            Kind::ListOf(item) => item,
            other => other,
        };
        let converted = match item {
            Kind::Named(name) => format!(", type: \"{name}\""),
            Kind::Time => ", type: \"Date\"".to_owned(),
            _ => String::new(),
        };
        let explicit = if sent && field.all_tools {
            ", explicit: true"
        } else {
            ""
        };
        let secret = if field.secret { ", secret: true" } else { "" };
        line(
            out,
            &format!(
                "    {}: {{ wire: \"{}\"{converted}{explicit}{secret} }},",
                camel(&field.name),
                field.name
            ),
        );
    }
    line(out, "  },");
}

fn parameters(operation: &str) -> String {
    let name = camel(operation);
    let mut letters = name.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_ascii_uppercase())
        .unwrap_or_default();
    format!("{first}{}Parameters", letters.as_str())
}

fn type_of(field: &Field) -> String {
    if field.values.is_empty() {
        return kind(&field.kind);
    }
    let mut choices: Vec<String> = field
        .values
        .iter()
        .map(|value| format!("\"{value}\""))
        .collect();
    if field.open {
        // Any text, and editors still know the others.
        choices.push("(string & {})".to_owned());
    }
    choices.join(" | ")
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Text => "string".to_owned(),
        Kind::Time => "Date".to_owned(),
        Kind::Whole | Kind::Number => "number".to_owned(),
        Kind::Flag => "boolean".to_owned(),
        Kind::Object => "Record<string, unknown>".to_owned(),
        Kind::ListOf(item) => format!("{}[]", self::kind(item)),
        Kind::Named(name) => name.clone(),
    }
}

fn camel(name: &str) -> String {
    let mut out = String::new();
    for (index, word) in name.split('_').enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if index > 0 => {
                out.push(first.to_ascii_uppercase());
                out += letters.as_str();
            }
            _ => out += word,
        }
    }
    out
}

/// The names that are cased as TypeScript cases them: of operations and fields. What else a text
/// mentions, such as the keys of a free-form map, is what it is.
struct Names<'a>(BTreeSet<&'a str>);

impl<'a> Names<'a> {
    fn of(schema: &'a Schema) -> Self {
        let fields = schema.types.iter().flat_map(|ty| &ty.fields);
        let parameters = schema.operations.iter().flat_map(|row| &row.fields);
        let operations = schema.operations.iter().map(|row| row.name.as_str());
        let fields = fields.chain(parameters).map(|field| field.name.as_str());
        Self(operations.chain(fields).collect())
    }

    /// `values` are no names.
    fn camel_in_ticks(&self, text: &str, values: &[String]) -> String {
        // A link of Rust's documentation.
        text.replace("[`", "`")
            .replace("`]", "`")
            .split('`')
            .enumerate()
            .map(|(index, part)| {
                let name = self.0.contains(part) && !values.iter().any(|value| value == part);
                if index % 2 == 1 && name {
                    camel(part)
                } else {
                    part.to_owned()
                }
            })
            .collect::<Vec<_>>()
            .join("`")
    }
}
