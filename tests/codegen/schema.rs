//! The schema, read into what the writers need.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub(crate) struct Schema {
    /// In the order of their names.
    pub(crate) types: Vec<Type>,
    /// In the order of their names.
    pub(crate) operations: Vec<Operation>,
}

pub(crate) struct Type {
    pub(crate) name: String,
    pub(crate) python: Option<String>,
    pub(crate) description: String,
    pub(crate) fields: Vec<Field>,
    /// Whether the API answers with it.
    pub(crate) answered: bool,
}

pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
    /// The type of the result, or of what its list holds.
    pub(crate) result: Option<String>,
    /// The type of what a stream holds.
    pub(crate) item: Option<String>,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a mark of the schema"
)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) python: Option<String>,
    pub(crate) description: String,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    pub(crate) required: bool,
    pub(crate) secret: bool,
    pub(crate) all_tools: bool,
    /// The texts that it may be, if they are known.
    pub(crate) values: Vec<String>,
    /// Whether it may be another text than those too.
    pub(crate) open: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Time,
    Whole,
    Number,
    Flag,
    /// Free-form: its keys are the user's own and never re-cased.
    Object,
    ListOf(Box<Kind>),
    Named(String),
}

impl Schema {
    pub(crate) fn of_core() -> Self {
        Self::read(&scalekit_vmcp::schema())
    }

    fn read(schema: &Value) -> Self {
        let mut operations: Vec<Operation> = Vec::new();
        for row in list(&schema["operations"]) {
            let (name, result, item) = (
                text(row, "name"),
                named(&row["result"]),
                named(&row["item"]),
            );
            // One that is both a call and a stream has two rows.
            if let Some(known) = operations.iter_mut().find(|known| known.name == name) {
                known.result = known.result.take().or(result);
                known.item = known.item.take().or(item);
                continue;
            }
            operations.push(Operation {
                name,
                fields: fields(&row["parameters"]),
                result,
                item,
            });
        }
        operations.sort_by(|left, right| left.name.cmp(&right.name));
        let types = schema["types"].as_object().expect("a map of types");
        let answers = list(&schema["answers"]).iter().filter_map(named);
        let answered = answered(&operations, answers, types);
        let types = types
            .iter()
            .map(|(name, schema)| Type {
                name: name.clone(),
                python: schema["x-python"].as_str().map(str::to_owned),
                description: text(schema, "description"),
                fields: fields(schema),
                answered: answered.contains(name),
            })
            .collect();
        let mut schema = Self { types, operations };
        schema
            .types
            .sort_by(|left, right| left.name.cmp(&right.name));
        schema
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// The types of results, and those that they hold.
fn answered(
    operations: &[Operation],
    answers: impl Iterator<Item = String>,
    types: &Map<String, Value>,
) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<String> = operations
        .iter()
        .flat_map(|operation| [&operation.result, &operation.item])
        .flatten()
        .cloned()
        .chain(answers)
        .collect();
    while let Some(name) = open.pop() {
        if found.insert(name.clone()) {
            for field in fields(&types[&name]) {
                let kind = match field.kind {
                    Kind::ListOf(item) => *item,
                    other => other,
                };
                if let Kind::Named(name) = kind {
                    open.push(name);
                }
            }
        }
    }
    found
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().replace('\n', " ")
}

fn texts(value: &Value) -> impl Iterator<Item = String> {
    let values = value.as_array().into_iter().flatten();
    values.filter_map(|value| value.as_str().map(str::to_owned))
}

/// The type that a schema names, or that its list holds.
fn named(schema: &Value) -> Option<String> {
    let one = if schema["type"] == "array" {
        &schema["items"]
    } else {
        schema
    };
    reference(one)
}

fn reference(schema: &Value) -> Option<String> {
    Some(schema["$ref"].as_str()?.rsplit('/').next()?.to_owned())
}

fn fields(schema: &Value) -> Vec<Field> {
    let required = |name: &str| {
        schema["required"]
            .as_array()
            .is_some_and(|names| names.iter().any(|other| other == name))
    };
    let Some(properties) = schema["properties"].as_object() else {
        return Vec::new();
    };
    properties
        .iter()
        .map(|(name, schema)| {
            let (kind, nullable) =
                kind(schema).unwrap_or_else(|| panic!("cannot read `{name}`: {schema}"));
            Field {
                name: name.clone(),
                python: schema["x-python"].as_str().map(str::to_owned),
                description: text(schema, "description"),
                kind,
                nullable,
                required: required(name),
                secret: schema["x-secret"] == true,
                all_tools: schema["x-all-tools"] == true,
                values: texts(&schema["enum"])
                    .chain(texts(&schema["x-values"]))
                    .collect(),
                open: schema["x-values"].is_array(),
            }
        })
        .collect()
}

/// The kind of a value, and whether it may be missing.
fn kind(schema: &Value) -> Option<(Kind, bool)> {
    if let Some(name) = reference(schema) {
        return Some((Kind::Named(name), false));
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let named = choices.iter().find_map(reference)?;
        return Some((Kind::Named(named), true));
    }
    let names: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let nullable = names.contains(&"null");
    let name = names.into_iter().find(|name| *name != "null")?;
    let kind = match name {
        "string" if schema["format"] == "date-time" => Kind::Time,
        "string" => Kind::Text,
        "integer" => Kind::Whole,
        "number" => Kind::Number,
        "boolean" => Kind::Flag,
        "object" => Kind::Object,
        "array" => Kind::ListOf(Box::new(kind(&schema["items"])?.0)),
        _ => return None,
    };
    Some((kind, nullable))
}
