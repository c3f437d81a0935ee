//! Tests of the sandbox: what a file may say, what calls answer, whose log is whose.

use serde_json::json;
use tempfile::TempDir;

use super::*;

fn tool(name: &str, required: &[&str]) -> Value {
    json!({ "name": name, "inputSchema": { "type": "object", "required": required } })
}

fn write(file: &Value) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("box.json");
    std::fs::write(&path, file.to_string()).unwrap();
    (dir, path)
}

fn one(result: &Value) -> (TempDir, Sandbox) {
    let (dir, path) = write(&json!({ "tools": [tool("t", &[])], "results": { "t": result } }));
    let sandbox = Sandbox::load(&path).unwrap();
    (dir, sandbox)
}

fn owner(dir: &TempDir, id: &str) -> Owner {
    Owner {
        account_id: id.into(),
        identifier: format!("user of {id}"),
        directory: dir.path().join("accounts").join(id),
        credential: None,
    }
}

async fn call(sandbox: &Sandbox, owner: &Owner, tool: &str, arguments: Value) -> Value {
    let mut request = CallToolRequestParams::new(tool.to_owned());
    request.arguments = arguments.as_object().cloned();
    let result = sandbox.call(owner, request).await.unwrap().unwrap();
    serde_json::to_value(result).unwrap()
}

#[tokio::test]
async fn a_result_is_filled_from_the_arguments() {
    let (dir, sandbox) = one(&json!({
        "content": [{ "type": "text", "text": "{arguments.to}: {arguments.deep.list}{arguments.none} {identifier}" },
                    { "type": "text", "text": "{arguments.count}" }],
        "structuredContent": { "count": "{arguments.count}", "deep": "{arguments.deep}", "second": "{arguments.deep.list.1}",
                               "none": "{arguments.none}", "who": "{identifier}", "n": "n={arguments.count}" },
        "isError": true
    }));
    let arguments = json!({ "to": "a{identifier}b", "count": 3, "deep": { "list": [1, "x"] } });
    let result = call(&sandbox, &owner(&dir, "one"), "t", arguments).await;
    assert_eq!(
        result["content"],
        json!([{ "type": "text", "text": r#"a{identifier}b: [1,"x"] user of one"# },
               { "type": "text", "text": "3" }])
    );
    assert_eq!(
        result["structuredContent"],
        json!({ "count": 3, "deep": { "list": [1, "x"] }, "second": "x", "none": "",
                "who": "user of one", "n": "n=3" })
    );
    assert_eq!(result["isError"], true);
}

#[tokio::test]
async fn each_user_has_a_log_that_tools_read_back() {
    let (dir, path) = write(&json!({
        "tools": [tool("send", &["text"]), tool("read", &[])],
        "results": {
            "send": { "append": "{identifier}> {arguments.text}", "content": [{ "type": "text", "text": "{log}" }] },
            "read": { "structuredContent": { "log": "{log}" } }
        }
    }));
    let sandbox = Sandbox::load(&path).unwrap();
    let (one, two) = (owner(&dir, "one"), owner(&dir, "two"));
    call(&sandbox, &one, "send", json!({ "text": "hi" })).await;
    let result = call(&sandbox, &one, "send", json!({ "text": "two\r\nlines" })).await;
    // The line is there before the content is rendered, and is one line.
    assert_eq!(
        result["content"][0]["text"],
        "user of one> hi\nuser of one> two\\r\\nlines"
    );
    let read = call(&sandbox, &two, "read", json!({})).await;
    assert_eq!(read["structuredContent"]["log"], "");
    call(&sandbox, &two, "send", json!({ "text": "other" })).await;
    let read = call(&sandbox, &two, "read", json!({})).await;
    assert_eq!(read["structuredContent"]["log"], "user of two> other");
}

#[tokio::test]
async fn a_missing_argument_is_named_and_nothing_is_logged() {
    let (dir, path) = write(&json!({
        "tools": [tool("send", &["to", "text"])],
        "results": { "send": { "append": "{arguments.text}", "content": [] } }
    }));
    let sandbox = Sandbox::load(&path).unwrap();
    let owner = owner(&dir, "one");
    let result = call(&sandbox, &owner, "send", json!({ "to": "x" })).await;
    assert_eq!(result["isError"], true);
    assert_eq!(
        result["content"][0]["text"],
        "missing required argument `text`"
    );
    assert!(!owner.directory.join(LOG).exists());
}

#[tokio::test]
async fn a_tool_that_is_not_in_the_file_is_not_answered() {
    let (dir, sandbox) = one(&json!({ "content": [] }));
    let request = CallToolRequestParams::new("other");
    let result = sandbox.call(&owner(&dir, "one"), request).await.unwrap();
    assert!(result.is_none());
}

#[test]
fn check_answers_the_names_of_the_tools() {
    let (_dir, path) = write(&json!({
        "tools": [tool("b", &[]), tool("a", &[])],
        "results": { "a": { "content": [] }, "b": {} }
    }));
    assert_eq!(check(&path).unwrap(), ["b", "a"]);
}

#[test]
fn a_wrong_file_says_what_is_wrong() {
    for (file, expected) in [
        (json!({ "tools": [] }), "missing field `results`"),
        (
            json!({ "tools": [], "results": {}, "tool": 1 }),
            "unknown field `tool`",
        ),
        (
            json!({ "tools": [tool("a", &[])], "results": {} }),
            "no result for the tool `a`",
        ),
        (
            json!({ "tools": [], "results": { "a": {} } }),
            "`a`, which is not in `tools`",
        ),
        (
            json!({ "tools": [tool("a", &[]), tool("a", &[])], "results": { "a": {} } }),
            "`a` twice",
        ),
        (
            json!({ "tools": [tool("a", &[])], "results": { "a": { "contents": [] } } }),
            "unknown field `contents`",
        ),
        (
            json!({ "tools": [tool("a", &[])], "results": { "a": { "content": ["x"] } } }),
            "not an MCP tool result",
        ),
        (
            json!({ "tools": [tool("a", &[])], "results": { "a": { "append": "{argument.x}" } } }),
            "`{argument.x}`",
        ),
        (
            json!({ "tools": [tool("a", &[])], "results": { "a": { "content": [{ "type": "text", "text": "{user}" }] } } }),
            "`{user}`",
        ),
        (
            json!({ "tools": [tool("a", &[])], "results": { "a": { "structuredContent": ["{user}"] } } }),
            "`{user}`",
        ),
    ] {
        let (_dir, path) = write(&file);
        let error = check(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("box.json"), "{error}");
    }
    let error = check(Path::new("none.json")).unwrap_err().to_string();
    assert!(
        error.contains("could not read the sandbox file `none.json`"),
        "{error}"
    );
}
