//! Cases of bad input in the short form of a table: one row for each value that is refused.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Case;

/// Calls of one operation, each with one wrong value, that fail before any request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    operation: String,
    /// Parameters that are right.
    valid: Value,
    rows: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// `<argument>-<what is wrong>`, unique in the operation.
    id: String,
    /// Where the value goes, such as `connection_tool_mappings[0].tools`.
    argument: String,
    #[serde(default)]
    value: Value,
    /// The value this many times: a text repeated, or a list of it.
    times: Option<usize>,
    code: String,
    /// The argument that the error names, if it is another one.
    named: Option<String>,
    message: Option<String>,
    suggestion: Option<String>,
}

impl Table {
    /// The ordinary cases that the rows stand for.
    pub(super) fn cases(self, stem: &str) -> Result<Vec<Case>, String> {
        let (operation, valid) = (&self.operation, &self.valid);
        self.rows
            .into_iter()
            .map(|row| row.case(stem, operation, valid))
            .collect()
    }
}

impl Row {
    fn case(self, stem: &str, operation: &str, valid: &Value) -> Result<Case, String> {
        let id = format!("{stem}/{operation}/{}", self.id);
        let value = match (self.times, self.value) {
            (None, value) => value,
            (Some(times), Value::String(text)) => text.repeat(times).into(),
            (Some(times), value) => vec![value; times].into(),
        };
        let mut parameters = valid.clone();
        put(&mut parameters, &self.argument, value)
            .ok_or_else(|| format!("case `{id}`: `valid` has no place `{}`", self.argument))?;
        // What a client is not told it looks for in the environment.
        let asks = |name| operation == "client" && parameters.get(name).is_none_or(Value::is_null);
        let alone = ["env_url", "client_id", "client_secret"]
            .into_iter()
            .any(asks);
        let case = json!({
            "id": id,
            "environment": alone.then(|| json!({})),
            "call": { "operation": operation, "parameters": parameters },
            "error": {
                "kind": "invalid_argument",
                "code": self.code,
                "argument": self.named.unwrap_or(self.argument),
                "attempts": 0,
                "retryable": false,
                "message": self.message,
                "suggestion": self.suggestion,
            },
            "requests": 0,
            "token_requests": 0,
        });
        Case::deserialize(case).map_err(|cause| format!("case `{id}`: {cause}"))
    }
}

/// Sets the value at a place such as `a[0].b`; all but the last part must be there.
fn put(parameters: &mut Value, place: &str, value: Value) -> Option<()> {
    let pointer = format!("/{}", place.replace(['[', '.'], "/").replace(']', ""));
    let (parent, name) = pointer.rsplit_once('/')?;
    match parameters.pointer_mut(parent)? {
        Value::Object(fields) => {
            fields.insert(name.to_owned(), value);
        }
        Value::Array(items) => *items.get_mut(name.parse::<usize>().ok()?)? = value,
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(rows: &Value) -> Result<Vec<Case>, String> {
        let table = json!({
            "operation": "create_config",
            "valid": { "name": "a", "list": [{ "tools": ["x"] }] },
            "rows": rows,
        });
        Table::deserialize(table).unwrap().cases("sample")
    }

    #[test]
    fn a_row_becomes_a_case_that_sends_nothing() {
        let made = cases(&json!([
            { "id": "name-long", "argument": "name", "value": "b", "times": 3, "code": "x" },
            { "id": "list-long", "argument": "list", "value": {}, "times": 2, "code": "x", "named": "l" },
            { "id": "deep", "argument": "list[0].tools[0]", "value": 5, "code": "x", "message": "m" },
            { "id": "new", "argument": "list[0].other", "code": "x" },
        ]))
        .unwrap();
        let parameters: Vec<_> = made.iter().map(|case| &case.call.parameters).collect();
        assert_eq!(parameters[0]["name"], "bbb");
        assert_eq!(parameters[1]["list"], json!([{}, {}]));
        assert_eq!(parameters[2]["list"], json!([{ "tools": [5] }]));
        assert_eq!(
            parameters[3]["list"],
            json!([{ "tools": ["x"], "other": null }])
        );
        assert_eq!(made[0].id, "sample/create_config/name-long");
        let errors: Vec<_> = made
            .iter()
            .map(|case| case.error.clone().unwrap())
            .collect();
        assert_eq!(errors[1].argument.as_deref(), Some("l"));
        assert_eq!(errors[2].argument.as_deref(), Some("list[0].tools[0]"));
        assert_eq!(errors[2].message.as_deref(), Some("m"));
        assert!(
            made.iter()
                .all(|case| case.requests == 0 && case.exchanges.is_empty())
        );
    }

    #[test]
    fn a_place_that_is_not_there_is_a_mistake_of_the_row() {
        let row = json!([{ "id": "a", "argument": "list[1].tools", "code": "x" }]);
        assert!(
            cases(&row)
                .unwrap_err()
                .contains("no place `list[1].tools`")
        );
    }
}
