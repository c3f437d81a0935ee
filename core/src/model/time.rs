//! Times of the wire: RFC 3339 in UTC. Missing, `null`, `""` and the zero time of the server's
//! language all mean *never*.

use std::time::SystemTime;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serializer, de::Error as _, ser::Error as _};

/// What an unset time looks like where a server prints it.
const NEVER: &str = "0001-01-01T00:00:00Z";

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SystemTime>, D::Error> {
    match Option::<String>::deserialize(deserializer)?.as_deref() {
        None | Some("" | NEVER) => Ok(None),
        Some(text) => {
            let time: Timestamp = text
                .parse()
                .map_err(|_| D::Error::custom("not an RFC 3339 time"))?;
            Ok(Some(time.into()))
        }
    }
}

#[expect(clippy::ref_option, reason = "the shape that serde calls")]
pub(super) fn serialize<S: Serializer>(
    time: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        None => serializer.serialize_none(),
        Some(time) => {
            let time = Timestamp::try_from(*time).map_err(S::Error::custom)?;
            serializer.collect_str(&time)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        #[serde(default, with = "super")]
        at: Option<SystemTime>,
    }

    #[test]
    fn a_time_survives_and_never_has_many_spellings() {
        let text = "2026-06-03T20:00:00.5Z";
        let holder: Holder = serde_json::from_value(json!({ "at": text })).unwrap();
        assert!(holder.at.is_some());
        assert_eq!(
            serde_json::to_value(&holder).unwrap(),
            json!({ "at": text })
        );
        for never in [
            json!({}),
            json!({ "at": null }),
            json!({ "at": "" }),
            json!({ "at": NEVER }),
        ] {
            let holder: Holder = serde_json::from_value(never).unwrap();
            assert_eq!(holder, Holder { at: None });
        }
        assert!(serde_json::from_value::<Holder>(json!({ "at": "soon" })).is_err());
    }
}
