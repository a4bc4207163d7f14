//! The console: embedded, or from a directory.

use http::{Method, StatusCode};
use segue_api::{ApiConfig, console_is_embedded};

use crate::support::{Server, get, request, server, with};

#[tokio::test]
async fn pages_are_the_console_and_nothing_else_is() {
    let server = server().await;
    let page = server.send(get("/inbox/ses_1")).await;
    assert_eq!((page.status, page.header("cache-control")), (StatusCode::OK, "no-cache"));
    assert!(page.header("content-type").starts_with("text/html"));
    for path in ["/api/v2/things", "/api", "/webhooks/other", "/assets/missing-abc.js", "/favicon.missing"] {
        let answer = server.send(get(path)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.header("content-type").starts_with("text/html"), "{path}");
    }
    let posted = server.send(request(Method::POST, "/inbox")).await;
    assert_eq!((posted.status, posted.code().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"));
}

#[tokio::test]
async fn an_embedded_page_is_sent_once_and_a_missing_build_says_how_to_make_it() {
    let server = server().await;
    let page = server.send(get("/")).await;
    if console_is_embedded() {
        let again = server.send(with(get("/"), "if-none-match", page.header("etag"))).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
        let packed = server.send(with(get("/"), "accept-encoding", "gzip, br")).await;
        assert_eq!(packed.header("content-encoding"), "br");
    } else {
        assert!(page.text().contains("npm run build"), "{}", page.text());
    }
}

#[tokio::test]
async fn a_directory_serves_what_is_in_it_and_nothing_above_it() {
    let directory = tempfile::tempdir().unwrap();
    let dist = directory.path().join("dist");
    std::fs::create_dir_all(dist.join("assets")).unwrap();
    std::fs::write(dist.join("index.html"), "<p>console</p>").unwrap();
    std::fs::write(dist.join("assets/a.js"), "1").unwrap();
    std::fs::write(directory.path().join("secret.txt"), "secret").unwrap();
    let config = ApiConfig { console_directory: Some(dist), ..ApiConfig::default() };
    let server = Server::configured(segue_testkit::sqlite_store().await, config).await;
    assert_eq!(server.send(get("/setup")).await.text(), "<p>console</p>");
    let asset = server.send(get("/assets/a.js")).await;
    assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
    for path in
        ["/../secret.txt", "/assets/../../secret.txt", "/assets/..%2f..%2fsecret.txt", "//secret.txt", "/./secret.txt"]
    {
        let answer = server.send(get(path)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.text().contains("secret\n") && answer.text() != "secret", "{path}");
    }
}
