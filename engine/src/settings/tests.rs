//! What a `vmcp.toml` may say, and how it complains.

use secrecy::ExposeSecret;

use super::*;

fn read(text: &str) -> Result<Settings, SettingsError> {
    Settings::from_toml(text, Path::new("/etc/vmcp"))
}

/// The complaint about `text` as `line:column: message`.
fn complaint(text: &str) -> String {
    let message = read(text).unwrap_err().to_string();
    message.strip_prefix("vmcp.toml:").unwrap().to_owned()
}

#[test]
fn a_full_file_is_understood() {
    let settings = read(
        r#"
        [clients.my-app]
        secret = "s3cr3t"

        [connections.git]
        upstream = { command = "sh", args = ["--repository", "."] }

        [connections.notes]
        upstream = { command = "sh", env = { FILE = "{account_dir}/m.json", KEY = "{api_key}", RAW = "{\"a\":1}" } }
        auth = "api_key"
        provider = "MEMORY"
        tools = ["remember", "recall"]

        [connections.crm]
        upstream = { url = "http://127.0.0.1:8931/mcp", headers = { Authorization = "Bearer {api_key}", X-User = "{identifier}" } }
        auth = "api_key"

        [upstreams]
        idle_seconds = 60
        children = 8
        "#,
    )
    .unwrap();
    assert_eq!(settings.limits.idle.as_secs(), 60);
    assert_eq!((settings.limits.children, settings.limits.starting), (8, 4));
    assert_eq!(settings.clients[0].id, "my-app");
    assert_eq!(settings.clients[0].secret.expose_secret(), "s3cr3t");
    let [crm, git, notes] = &settings.connections[..] else {
        panic!("three connections")
    };
    assert_eq!((git.name.as_str(), git.provider.as_str()), ("git", "GIT"));
    assert!(matches!(
        (&git.auth, &notes.auth, &crm.auth),
        (Auth::None, Auth::ApiKey, Auth::ApiKey)
    ));
    assert_eq!(notes.provider, "MEMORY");
    assert_eq!(notes.tools.as_deref().unwrap(), ["remember", "recall"]);
    assert_eq!(git.tools, None);
    let Source::Command(command) = &git.source else {
        panic!("a command")
    };
    assert_eq!(command.args, ["--repository", "."]);
    assert_eq!(command.directory, Path::new("/etc/vmcp"));
    let Source::Http(http) = &crm.source else {
        panic!("a URL")
    };
    assert_eq!(http.headers["X-User"], "{identifier}");
}

#[test]
fn complaints_name_line_and_column() {
    let cases = [
        ("[clients.a]\nsecret = x", "2:10: "),
        (
            "[connections.git]\nupstrem = 1",
            "2:1: unknown field `upstrem`",
        ),
        ("[servers]\n", "1:2: unknown field `servers`"),
        (
            "[upstreams]\nchildren = 0",
            "2:12: this should be a nonzero u32",
        ),
        (
            "[connections.git]\nauth = \"none\"",
            "1:1: connection `git` needs exactly one of",
        ),
        (
            "[connections.\"a/b\"]\nsandbox = \"x\"",
            "1:14: `a/b` cannot be a connection's name",
        ),
        (
            "[connections.git]\nupstream = { command = \"sh\" }\n[connections.Git]\nupstream = { command = \"sh\" }",
            "1:14: connection `git` differs from connection `Git` only in case",
        ),
        (
            "[connections.git]\nupstream = { command = \"sh\" }\nauth = \"basic\"",
            "3:8: `auth` should be",
        ),
        (
            "[connections.git]\nupstream = { command = \"no-such-command\" }",
            "2:24: the command `no-such-command` was not found, or is not executable; install it, or write its path",
        ),
        (
            "[connections.git]\nupstream = { command = \"sh\", url = \"http://x\" }",
            "2:12: `upstream` needs exactly one of",
        ),
        (
            "[connections.git]\nupstream = { url = \"ftp://x\" }",
            "2:20: `url` should start with",
        ),
        (
            "[connections.git]\nupstream = { url = \"http://u:p@x\" }",
            "2:20: `url` holds a user name or a password",
        ),
        (
            "[connections.git]\nupstream = { url = \"http://x\", env = { A = \"1\" } }",
            "2:38: `args` and `env` only go with `command`",
        ),
        (
            "[connections.git]\nupstream = { command = \"sh\" }\ntools = []",
            "3:9: `tools` is empty",
        ),
        ("[clients.a]\n", "1:1: client `a` needs exactly one of"),
        (
            "[clients.a]\nsecret = \"\"",
            "2:10: the secret of client `a` is empty",
        ),
        (
            "[clients.a]\nsecret_env = \"VMCP_SURELY_NOT_SET\"",
            "2:14: the environment variable `VMCP_SURELY_NOT_SET` of client `a` is not set",
        ),
    ];
    for (text, expected) in cases {
        let complaint = complaint(text);
        assert!(complaint.starts_with(expected), "{text:?}: {complaint}");
    }
}

#[test]
fn placeholders_are_checked() {
    let env = |value: &str, auth: &str| {
        format!(
            "[connections.a]\nupstream = {{ command = \"sh\", env = {{ V = '{value}' }} }}\nauth = \"{auth}\""
        )
    };
    let header = |value: &str| {
        format!(
            "[connections.a]\nupstream = {{ url = \"http://x\", headers = {{ V = '{value}' }} }}\nauth = \"api_key\""
        )
    };
    assert!(read(&env("{account_dir}/x", "none")).is_ok());
    assert!(read(&env("{identifier}", "none")).is_ok());
    assert!(read(&env("{api_key}", "api_key")).is_ok());
    assert!(read(&header("app/1.0 {identifier}")).is_ok());
    for (text, expected) in [
        (
            env("data/{identifier}", "none"),
            "`{identifier}` inside a path",
        ),
        (
            env("data\\{identifier}", "none"),
            "`{identifier}` inside a path",
        ),
        (env("{user}", "none"), "unknown placeholder `{user}`"),
        (header("{token}"), "unknown placeholder `{token}`"),
        (env("{api_key}", "none"), "`{api_key}` needs a connection"),
        (header("{account_dir}"), "`{account_dir}` is a folder"),
    ] {
        let complaint = complaint(&text);
        assert!(complaint.contains(expected), "{text}: {complaint}");
        assert!(complaint.starts_with("2:"), "{complaint}");
    }
    let args = "[connections.a]\nupstream = { command = \"sh\", args = [\"{api_key}\"] }\nauth = \"api_key\"";
    assert!(complaint(args).starts_with("2:38: `{api_key}` is not filled in `args`"));
}

#[test]
fn secrets_show_neither_in_complaints_nor_in_debug() {
    for text in [
        "[connections.a]\nupstream = { url = \"http://x\", headers = \"hunter2\" }",
        "[connections.a]\nupstream = \"hunter2\"",
        "[clients.a]\nsecret = { hunter = \"hunter2\" }",
        "[clients]\na = \"hunter2\"",
    ] {
        let complaint = complaint(text);
        assert!(!complaint.contains("hunter2"), "{complaint}");
        assert!(complaint.starts_with("2:"), "{complaint}");
        assert!(!complaint.contains("Entry"), "{complaint}");
    }
    let settings = read(
        "[clients.a]\nsecret = \"hunter2\"\n[connections.a]\nupstream = { url = \"http://x\", headers = { K = \"hunter2\" } }\n\
         [connections.b]\nupstream = { command = \"sh\", env = { K = \"hunter2\" } }",
    )
    .unwrap();
    let debug = format!("{settings:?}");
    assert!(!debug.contains("hunter2"), "{debug}");
    assert!(debug.contains("\"K\""), "{debug}");
}

#[test]
fn a_file_is_named_in_its_complaints_and_its_folder_is_the_base() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.toml");
    let missing = Settings::from_file(&path).unwrap_err().to_string();
    assert!(missing.contains("my.toml"), "{missing}");

    std::fs::write(&path, "[connections.a]\nsandbox = \"none-such.json\"").unwrap();
    let error = Settings::from_file(&path).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("{}:2:11: ", path.display())),
        "{error}"
    );

    std::fs::write(&path, "[connections.a]\nsandbox = \"a.json\"").unwrap();
    std::fs::write(
        folder.path().join("a.json"),
        r#"{"tools":[{"name":"a_read","description":"Read.","inputSchema":{"type":"object"}}],"results":{"a_read":{"content":[{"type":"text","text":"ok"}]}}}"#,
    )
    .unwrap();
    let settings = Settings::from_file(&path).unwrap();
    assert_eq!(
        settings.connections[0].tools.as_deref().unwrap(),
        ["a_read"]
    );
}

#[test]
fn an_oauth_connection_is_understood() {
    let settings = read(
        r#"
        app_name = "Acme Assistant"

        [connections.crm]
        upstream = { url = "http://127.0.0.1:8931/mcp", headers = { Authorization = "Bearer {access_token}" } }

        [connections.crm.auth.oauth2]
        issuer = "http://127.0.0.1:9000"
        client_id = "vmcp"
        client_secret = "hunter2"
        scopes = ["crm.read", "offline_access"]
        resource = "https://crm.example/mcp"
        authorization_parameters = { access_type = "offline" }

        [connections.hub]
        upstream = { url = "http://127.0.0.1:8932/mcp" }
        auth = { oauth2 = { authorization_endpoint = "https://hub.example/a", token_endpoint = "https://hub.example/t", client_id = "x" } }
        "#,
    )
    .unwrap();
    assert_eq!(settings.app_name.as_deref(), Some("Acme Assistant"));
    assert!(!format!("{settings:?}").contains("hunter2"));
    let [crm, hub] = &settings.connections[..] else {
        panic!("two connections")
    };
    let (Auth::Provider(crm), Auth::Provider(hub)) = (&crm.auth, &hub.auth) else {
        panic!("OAuth")
    };
    assert_eq!(
        crm.discovery,
        Discovery::Issuer("http://127.0.0.1:9000".into())
    );
    assert_eq!(
        crm.client_secret.as_ref().unwrap().expose_secret(),
        "hunter2"
    );
    assert_eq!(crm.scopes, ["crm.read", "offline_access"]);
    assert_eq!(
        crm.resource.as_ref().unwrap().as_str(),
        "https://crm.example/mcp"
    );
    assert_eq!(crm.authorization_parameters["access_type"], "offline");
    assert!(hub.client_secret.is_none() && hub.scopes.is_empty());
    assert!(matches!(hub.discovery, Discovery::Endpoints { .. }));
}

#[test]
fn complaints_about_oauth_name_line_and_column() {
    for (entry, expected) in [
        ("5", "3:8: this should be `\"none\"`, `\"api_key\"` or"),
        (
            "{ oauth = {} }",
            "3:8: unknown field `oauth`, expected `oauth2`",
        ),
        ("{}", "3:8: missing field `oauth2`"),
        (
            "{ oauth2 = { issuer = \"https://x\" } }",
            "3:19: `oauth2` needs the `client_id`",
        ),
        (
            "{ oauth2 = { client_id = \"x\" } }",
            "3:19: `oauth2` needs `issuer`, or",
        ),
        (
            "{ oauth2 = { client_id = \"x\", issuer = \"https://x\", token_endpoint = \"https://x\" } }",
            "3:19: `oauth2` needs `issuer`, or",
        ),
        (
            "{ oauth2 = { client_id = \"x\", issuer = \"http://x\" } }",
            "3:47: `issuer` should start with `https://`",
        ),
        (
            "{ oauth2 = { client_id = \"x\", issuer = \"https://x?a\" } }",
            "3:47: `issuer` has a query",
        ),
        (
            "{ oauth2 = { client_id = \"x\", issuer = \"https://x\", scopes = [\"a b\"] } }",
            "3:70: scope `a b` is empty, named twice, or",
        ),
        (
            "{ oauth2 = { client_id = \"x\", issuer = \"https://x\", authorization_parameters = { state = \"1\" } } }",
            "3:89: `state` is not yours to set here",
        ),
        (
            "{ oauth2 = { client_id = \"x\", issuer = \"https://x\", client_secret_env = \"VMCP_SURELY_NOT_SET\" } }",
            "3:80: the environment variable `VMCP_SURELY_NOT_SET` of connection `git` is not set",
        ),
        (
            "{ oauth2 = { client_id = \"x\", issuer = \"https://x\", client_secret = \"a\", client_secret_env = \"B\" } }",
            "3:101: set `client_secret_env` or `client_secret`, not both",
        ),
        (
            "{ oauth2 = { client_id = \"x\", issuer = \"https://x\", client_secret = 5 } }",
            "3:76: this should be a string",
        ),
    ] {
        let text = format!("[connections.git]\nupstream = {{ command = \"sh\" }}\nauth = {entry}");
        let complaint = complaint(&text);
        assert!(complaint.starts_with(expected), "{entry}: {complaint}");
    }
    let key = "[connections.a]\nupstream = { url = \"http://x\", headers = { A = \"{api_key}\" } }\nauth = { oauth2 = { client_id = \"x\", issuer = \"https://x\" } }";
    assert!(
        complaint(key).contains("use `{access_token}`"),
        "{}",
        complaint(key)
    );
    for name in ["\"\"", "\"a\\nb\""] {
        assert!(complaint(&format!("app_name = {name}")).starts_with("1:12: `app_name`"));
    }
}

#[test]
fn tools_have_other_names_by_prefix_and_rename() {
    let settings = read(
        r#"
        [audit]
        keep = 7

        [connections.crm]
        upstream = { url = "http://127.0.0.1:8931/mcp" }
        tools = ["find", "get", "old"]
        prefix = "crm_"
        rename = { old = "new", find = "crm_search" }
        "#,
    )
    .unwrap();
    assert_eq!(settings.audit_keep, Some(7));
    let crm = &settings.connections[0];
    // What the file promises is known by the names that everybody else says.
    assert_eq!(
        crm.tools.as_deref().unwrap(),
        ["crm_search", "crm_get", "new"]
    );
    assert_eq!(crm.names.upstream("new"), Some("old"));
    assert_eq!(read("").unwrap().audit_keep, None);
}

#[test]
fn complaints_about_names_name_line_and_column() {
    let long = "x".repeat(65);
    for (lines, expected) in [
        ("prefix = \"\"", "3:10: `prefix` should be 1 to 63 letters"),
        (
            "prefix = \"a b\"",
            "3:10: `prefix` should be 1 to 63 letters",
        ),
        (
            &format!("prefix = \"{}\"", &long[1..]),
            "3:10: `prefix` should be",
        ),
        ("prefix = 5", "3:10: this should be a string"),
        (
            "rename = { a = \"\" }",
            "3:16: no tool can be called so: `` is empty",
        ),
        (
            "rename = { a = \"b c\" }",
            "3:16: no tool can be called so: `b c` is empty, or holds",
        ),
        (
            &format!("rename = {{ a = \"{long}\" }}"),
            "3:16: no tool can be called so: `xxx",
        ),
        (
            "rename = { a = \"c\", b = \"c\" }",
            "3:25: `c` is already the new name of `a`; choose another one",
        ),
        (
            "tools = [\"a\", \"b\"]\nrename = { c = \"d\" }",
            "3:9: `rename` names the tool `c`, which is not among these",
        ),
        (
            "tools = [\"a\", \"b\"]\nrename = { a = \"b\" }",
            "3:9: the tool `b` cannot be shown: `b` is what `rename` calls the tool `a`; give it another name",
        ),
        (&format!("tools = [\"{long}\"]"), "3:9: the tool `xxx"),
    ] {
        let text = format!("[connections.git]\nupstream = {{ command = \"sh\" }}\n{lines}");
        let complaint = complaint(&text);
        assert!(complaint.starts_with(expected), "{lines}: {complaint}");
    }
    for keep in ["0", "-1", "10000001"] {
        let complaint = complaint(&format!("[audit]\nkeep = {keep}"));
        assert!(
            complaint.starts_with("2:8: `keep` should be 1 to 10000000"),
            "{complaint}"
        );
    }
}
