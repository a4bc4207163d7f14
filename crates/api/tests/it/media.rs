//! Files in and out.

use http::StatusCode;
use segue_model::role::Role;

use crate::support::{form, server, servers, with, with_key};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0123456789";
const PDF: &[u8] = b"%PDF-1.7 0123456789";

#[tokio::test]
async fn a_file_comes_back_as_what_it_is_and_in_a_sandbox() {
    for server in servers().await {
        let key = server.key(Role::Agent).await;
        for (data, name, mime, disposition) in [
            (PNG, "a.html", "image/png", "inline; filename*=UTF-8''a.html"),
            (PDF, "ü \".pdf", "application/pdf", "attachment; filename*=UTF-8''%C3%BC%20%22.pdf"),
        ] {
            let name = name.replace('"', "%22");
            let uploaded = server.send(with_key(form("/api/v1/media", &name, data, "xyz"), &key)).await;
            assert_eq!(uploaded.status, StatusCode::CREATED, "{}", uploaded.text());
            let media = uploaded.json();
            assert_eq!((&media["mime"], &media["size"]), (&mime.into(), &data.len().into()));
            let got = server.get(&key, &format!("/api/v1/media/{}", media["id"].as_str().unwrap())).await;
            assert_eq!((got.body.as_slice(), got.header("content-type")), (data, mime));
            assert!(got.header("content-security-policy").starts_with("sandbox; default-src 'none'"));
            assert_eq!(got.header("x-content-type-options"), "nosniff");
            let expected = disposition.replace("%22.pdf", if name.contains("%22") { "%2522.pdf" } else { "%22.pdf" });
            assert!(
                [disposition, expected.as_str()].contains(&got.header("content-disposition")),
                "{}",
                got.header("content-disposition")
            );
        }
    }
}

#[tokio::test]
async fn what_a_browser_could_run_and_what_is_too_large_is_refused() {
    let server = server().await;
    let key = server.key(Role::Agent).await;
    let large = vec![b'a'; (16 << 20) + (17 << 10)];
    let cases: [(&str, &[u8], u16, &str); 6] = [
        ("picture.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", 415, "unsupported_file"),
        ("photo.jpg", b"<!doctype html><script>alert(1)</script>", 415, "unsupported_file"),
        ("photo.jpg", b"\x7fELF\x02\x01", 415, "unsupported_file"),
        ("photo.jpg", b"PK\x03\x04", 415, "unsupported_file"),
        ("empty.png", b"", 422, "invalid"),
        ("large.txt", &large, 413, "too_large"),
    ];
    for (name, data, status, code) in cases {
        let answer = server.send(with_key(form("/api/v1/media", name, data, "xyz"), &key)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{name}: {}", answer.text());
    }
}

#[tokio::test]
async fn the_same_upload_sent_twice_is_one_file() {
    let server = server().await;
    let key = server.key(Role::Agent).await;
    let upload =
        |boundary| with(with_key(form("/api/v1/media", "a.png", PNG, boundary), &key), "idempotency-key", "k1");
    let (first, second) = (server.send(upload("one")).await, server.send(upload("two")).await);
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(first.json()["id"], second.json()["id"]);
    assert_eq!(second.header("idempotency-replayed"), "true");
}
