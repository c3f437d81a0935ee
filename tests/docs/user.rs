//! The user of a page, for code that readers do not see.

use serde_json::{Value, json};

async fn control(path: &str, body: Option<Value>) -> Value {
    let variable = |name| std::env::var(name).unwrap();
    let url = format!("{}/_local/{path}", variable("SCALEKIT_ENVIRONMENT_URL"));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = match body {
        Some(body) => http
            .post(url)
            .header("content-type", "application/json")
            .body(body.to_string()),
        None => http.get(url),
    };
    let answer = request
        .bearer_auth(variable("VMCP_ADMIN_TOKEN"))
        .send()
        .await
        .unwrap();
    let text = answer.text().await.unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Opens every link that is there, and does what it asks for. Answers where the last one leads to verify the user.
pub(crate) async fn authorize(_link: &str) -> Option<String> {
    let answer = control("auth_links", None).await;
    let mut done = None;
    for link in answer["auth_links"].as_array().unwrap() {
        if link["state"] == "open" {
            let body = json!({ "link_id": link["id"], "credential": "a-key" });
            done = Some(control("auth_links/complete", Some(body)).await);
        }
    }
    let done = done.expect("no link is open");
    done["verify_url"].as_str().map(str::to_owned)
}

/// Prints, for a user who opens the links that are printed.
pub(crate) fn print(what: String) {
    std::println!("{what}");
    if what.contains("/connect/") {
        tokio::spawn(async { authorize("").await });
    }
}

macro_rules! println {
    ($($what:tt)*) => { $crate::user::print(format!($($what)*)) };
}
pub(crate) use println;
