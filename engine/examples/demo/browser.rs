//! What a user's browser does with an authentication link: opens the page, fills the form, sends
//! it.

use reqwest::{Client, StatusCode};

/// A page as the browser shows it.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) html: String,
}

/// Opens `link` and submits its form with `key`.
pub(crate) async fn authorize(
    http: &Client,
    link: &str,
    key: &str,
) -> Result<Page, reqwest::Error> {
    let form = open(http, link).await?;
    if !form.html.contains("<form") {
        return Ok(form);
    }
    let body = format!("api_key={key}");
    let response = http
        .post(link)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await?;
    page(response).await
}

/// Opens `link` and looks at it.
pub(crate) async fn open(http: &Client, link: &str) -> Result<Page, reqwest::Error> {
    page(http.get(link).send().await?).await
}

async fn page(response: reqwest::Response) -> Result<Page, reqwest::Error> {
    Ok(Page {
        status: response.status(),
        html: response.text().await?,
    })
}
