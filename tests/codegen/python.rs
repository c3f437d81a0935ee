//! Plain slotted classes for the Python package.

use crate::schema::{Field, Kind, Schema, Type};

const HEAD: &str = r#"# Written by tests/codegen from core's schema. Do not edit.
"""The types of the API."""

from __future__ import annotations

from scalekit_vmcp._arguments import named
from scalekit_vmcp._model import ALL_TOOLS, AllTools, Model, naive_utc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any
"#;

/// The longest line that the formatter leaves alone.
const WIDTH: usize = 120;

pub(crate) fn write(schema: &Schema) -> String {
    let mut out = HEAD.to_owned();
    for ty in schema.types.iter().filter(|ty| ty.answered) {
        class(&mut out, ty, schema);
    }
    out
}

fn class(out: &mut String, ty: &Type, schema: &Schema) {
    let name = name(&ty.name, schema);
    let mut add = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    add(format!(
        "\n\nclass {name}(Model):\n    \"\"\"{}\n\n    Attributes:",
        ty.description
    ));
    for field in &ty.fields {
        add(format!(
            "        {}: {}",
            field_name(field),
            field.description
        ));
    }
    add("    \"\"\"\n".to_owned());
    if let [field] = &*ty.fields {
        // The formatter keeps a tuple of one on its line.
        let field = field_name(field);
        add(format!("    __slots__ = __match_args__ = (\"{field}\",)"));
    } else {
        add("    __slots__ = __match_args__ = (".to_owned());
        for field in &ty.fields {
            add(format!("        \"{}\",", field_name(field)));
        }
        add("    )".to_owned());
    }
    let hidden: Vec<String> = ty
        .fields
        .iter()
        .filter(|field| field.secret)
        .map(|field| format!("\"{}\"", field_name(field)))
        .collect();
    if !hidden.is_empty() {
        add(format!(
            "    _hidden = frozenset({{{}}})",
            hidden.join(", ")
        ));
    }
    add(String::new());
    for field in &ty.fields {
        add(format!(
            "    {}: {}",
            field_name(field),
            annotation(field, schema)
        ));
    }
    add("\n    @named\n    def __init__(\n        self,\n        *,".to_owned());
    for field in &ty.fields {
        add(format!(
            "        {}: {},",
            field_name(field),
            argument(field, schema)
        ));
    }
    add("    ) -> None:".to_owned());
    for field in &ty.fields {
        let field_name = field_name(field);
        add(match empty(field) {
            Some(empty) => format!(
                "        self.{field_name} = {empty} if {field_name} is None else {field_name}"
            ),
            None => format!("        self.{field_name} = {field_name}"),
        });
    }
    add(format!(
        "\n    @classmethod\n    def from_wire(cls, data: dict[str, Any]) -> {name}:\n        \"\"\"Reads the JSON form.\"\"\"\n        return cls("
    ));
    for field in &ty.fields {
        add(from_wire(field, schema));
    }
    out.push_str("        )\n");
}

fn name(rust: &str, schema: &Schema) -> String {
    let ty = schema.types.iter().find(|ty| ty.name == rust);
    ty.and_then(|ty| ty.python.clone())
        .unwrap_or_else(|| rust.to_owned())
}

fn field_name(field: &Field) -> &str {
    field.python.as_deref().unwrap_or(&field.name)
}

/// How a list or a map that is always there is written without content; the list of tools is
/// `ALL_TOOLS` where there is none.
fn empty(field: &Field) -> Option<&'static str> {
    match field.kind {
        _ if field.all_tools || field.nullable => None,
        Kind::ListOf(_) => Some("[]"),
        Kind::Object => Some("{}"),
        _ => None,
    }
}

fn kind(kind: &Kind, schema: &Schema) -> String {
    match kind {
        Kind::Text => "str".to_owned(),
        Kind::Time => "datetime".to_owned(),
        Kind::Whole => "int".to_owned(),
        Kind::Number => "float".to_owned(),
        Kind::Flag => "bool".to_owned(),
        Kind::Object => "dict[str, Any]".to_owned(),
        Kind::ListOf(item) => format!("list[{}]", self::kind(item, schema)),
        Kind::Named(rust) => name(rust, schema),
    }
}

fn annotation(field: &Field, schema: &Schema) -> String {
    let kind = kind(&field.kind, schema);
    match () {
        () if field.all_tools => format!("{kind} | AllTools"),
        () if field.nullable => format!("{kind} | None"),
        () => kind,
    }
}

/// The type and the default of the constructor's argument; what is an object must be given.
fn argument(field: &Field, schema: &Schema) -> String {
    let annotation = annotation(field, schema);
    let default = match field.kind {
        _ if field.all_tools => "ALL_TOOLS",
        _ if field.nullable => "None",
        _ if empty(field).is_some() => return format!("{annotation} | None = None"),
        Kind::Text => "\"\"",
        Kind::Whole => "0",
        Kind::Number => "0.0",
        Kind::Flag => "False",
        _ => return annotation,
    };
    format!("{annotation} = {default}")
}

fn from_wire(field: &Field, schema: &Schema) -> String {
    let (target, wire) = (field_name(field), &field.name);
    let value = match &field.kind {
        _ if field.all_tools => format!("data.get(\"{wire}\") or ALL_TOOLS"),
        Kind::Time => format!("naive_utc(data[\"{wire}\"]) if data.get(\"{wire}\") else None"),
        Kind::ListOf(item) => {
            let items = match &**item {
                Kind::Named(rust) => format!(
                    "{}.from_wire(item) for item in data.get(\"{wire}\") or ()",
                    name(rust, schema)
                ),
                _ => return format!("            {target}=list(data.get(\"{wire}\") or ()),"),
            };
            let one = format!("            {target}=[{items}],");
            if one.len() > WIDTH {
                return format!("            {target}=[\n                {items}\n            ],");
            }
            return one;
        }
        Kind::Named(rust) if field.nullable => format!(
            "{}.from_wire(data[\"{wire}\"]) if data.get(\"{wire}\") else None",
            name(rust, schema)
        ),
        Kind::Named(rust) => format!(
            "{}.from_wire(data.get(\"{wire}\") or {{}})",
            name(rust, schema)
        ),
        _ if field.nullable => format!("data.get(\"{wire}\")"),
        Kind::Text => format!("data.get(\"{wire}\") or \"\""),
        Kind::Whole => format!("data.get(\"{wire}\") or 0"),
        Kind::Number => format!("data.get(\"{wire}\") or 0.0"),
        Kind::Flag => format!("bool(data.get(\"{wire}\"))"),
        Kind::Object => format!("data.get(\"{wire}\") or {{}}"),
    };
    format!("            {target}={value},")
}
