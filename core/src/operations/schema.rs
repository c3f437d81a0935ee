//! JSON Schema of every operation: what the generators of the language packages read.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

use super::{Listing, Operation, describe_all};
use crate::{check::SessionReport, session};

/// Operations with the schema of their parameters and results, and the types that these name.
///
/// `kind` is `call` (the result is in `result`), `stream` (that of one item is in `item`) or
/// `session` (the result is a handle); `answers` names the results of the handles' methods.
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut operations = describe_all(&mut generator);
    operations.push(json!({
        "name": "open_session",
        "kind": "session",
        "parameters": own_with::<session::Parameters>(&mut generator),
    }));
    let answers = [generator.subschema_for::<SessionReport>()];
    json!({
        "operations": operations,
        "answers": answers,
        "types": generator.take_definitions(true),
    })
}

pub(super) fn describe<O: Operation>(generator: &mut SchemaGenerator) -> Value {
    json!({
        "name": O::NAME,
        "kind": "call",
        "parameters": own_with::<O>(generator),
        "result": generator.subschema_for::<O::Response>(),
    })
}

pub(super) fn describe_listing<L: Listing>(generator: &mut SchemaGenerator) -> Value {
    json!({
        "name": L::NAME,
        "kind": "stream",
        "parameters": own_with::<L>(generator),
        "item": generator.subschema_for::<L::Item>(),
    })
}

/// The schema of a type itself, not a reference to it.
fn own_with<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    T::json_schema(generator).to_value()
}

#[cfg(test)]
mod tests {
    use super::schema;

    #[test]
    fn parameters_know_what_is_required_and_every_reference_resolves() {
        let schema = schema();
        let operations = schema["operations"].as_array().unwrap();
        let create = operations
            .iter()
            .find(|operation| operation["name"] == "create_config")
            .unwrap();
        assert_eq!(
            create["parameters"]["required"],
            serde_json::json!(["name"])
        );
        let text = schema.to_string();
        for reference in text.split("#/$defs/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schema["types"].get(name).is_some(), "{name}");
        }
    }
}
