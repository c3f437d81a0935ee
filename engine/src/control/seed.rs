//! The rules of the API for what a test seeds past it.

use super::{
    accounts::LONGEST_OF_AN_ACCOUNT,
    configs::check_name,
    error::Violation,
    mappings::{self, MappingInput},
};
use crate::{
    engine::Engine,
    store::{NewConfig, StoreError},
};

pub(crate) use super::mappings::did_you_mean;

/// One connection of a config.
pub(crate) struct SeededMapping {
    pub(crate) connection_name: String,
    pub(crate) tools: Option<Vec<String>>,
}

/// A config as it may be stored; else each field that is wrong, and what it is.
pub(crate) async fn checked_config(
    engine: &Engine,
    name: String,
    description: String,
    mappings: Vec<SeededMapping>,
) -> Result<Result<NewConfig, Vec<(String, String)>>, StoreError> {
    let mut violations = Vec::new();
    check_name(&name, &mut violations);
    let mappings = mappings
        .into_iter()
        .map(|mapping| MappingInput::new(mapping.connection_name, mapping.tools))
        .collect();
    let mappings = mappings::check(engine, mappings, &mut violations).await?;
    if !violations.is_empty() {
        let problems = violations.into_iter().map(Violation::parts);
        return Ok(Err(problems.collect()));
    }
    Ok(Ok(NewConfig {
        name,
        description,
        mappings,
    }))
}

/// Complains about what can be no identifier.
pub(crate) fn longest_identifier(identifier: &str) -> Result<(), String> {
    let length = identifier.chars().count();
    match length {
        0 => Err("is empty".to_owned()),
        1..=LONGEST_OF_AN_ACCOUNT => Ok(()),
        _ => Err(format!(
            "has {length} characters; at most {LONGEST_OF_AN_ACCOUNT} are allowed"
        )),
    }
}
