use super::*;

fn tool(name: &str) -> ToolReport {
    ToolReport {
        name: name.to_owned(),
        description: None,
        read_only: false,
        schema_bytes: 0,
        estimated_tokens: 0,
    }
}

#[test]
fn a_name_of_64_characters_is_fine_and_one_more_is_not() {
    assert!(names(&[tool(&"é".repeat(64))]).is_empty());
    let warnings = names(&[tool(&"é".repeat(65))]);
    assert_eq!(warnings[0].code, "name_too_long");
    assert!(warnings[0].message.contains("65"), "{warnings:?}");
}

#[test]
fn a_distance_of_clocks_is_told_so_that_a_person_can_read_it() {
    for (seconds, ahead, words) in [
        (61, true, "1 min ahead of"),
        (600, false, "10 min behind"),
        (7_200, true, "2 h ahead of"),
        (86_400, false, "24 h behind"),
    ] {
        let by = Duration::from_secs(seconds);
        assert_eq!(Skew { by, ahead }.to_string(), words);
    }
    assert!(
        !Skew {
            by: SKEW,
            ahead: true
        }
        .matters()
    );
}

#[test]
fn an_estimate_is_a_quarter_of_the_bytes_rounded_up() {
    assert_eq!((tokens(0), tokens(1), tokens(4), tokens(5)), (0, 1, 1, 2));
}
