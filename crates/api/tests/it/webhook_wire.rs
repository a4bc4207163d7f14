//! Webhooks as octets on a connection: whatever the framing, only a body that was signed as it arrived leaves a row.

use std::{io::Write as _, net::SocketAddr, time::Duration};

use segue_channels::whatsapp::signature::sign;
use segue_model::ChannelId;
use segue_store::{Sql, StoreError};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::support::{Server, server};

static COUNT: Sql = Sql::portable("COUNT", "SELECT COUNT(*) FROM inbox WHERE workspace_id = $1");

const SECRET: &[u8] = b"app-secret";
/// An answer that takes longer than this is none: the server waits for the rest of the body.
const PATIENCE: Duration = Duration::from_secs(3);

async fn listen(server: &Server) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = server.router.clone().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

async fn rows(server: &Server) -> i64 {
    let workspace_id = server.workspace_id();
    let counted =
        server.test.store.read::<_, StoreError, _>(move |tx| tx.query_one(&COUNT, &[&workspace_id], |row| row.next()));
    counted.await.unwrap()
}

/// Writes octets and gives the status of the first answer; 0 when there is none. What the server waits for in vain ends
/// with the writing side.
async fn exchange(address: SocketAddr, octets: &[u8]) -> u16 {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    // The server may answer and close before it has read everything.
    let _ = writing.write_all(octets).await;
    let mut answer = Vec::new();
    if tokio::time::timeout(PATIENCE, reading.read_to_end(&mut answer)).await.is_err() {
        let _ = writing.shutdown().await;
        let _ = tokio::time::timeout(PATIENCE, reading.read_to_end(&mut answer)).await;
    }
    let line = String::from_utf8_lossy(&answer);
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

fn body(wamid: &str) -> Vec<u8> {
    let message = json!({"id": wamid, "from": "15550109999", "type": "text", "text": {"body": "h\u{e9}llo"}});
    let value = json!({"metadata": {"phone_number_id": "106540352242922"}, "messages": [message]});
    let entry = json!({"id": "1", "changes": [{"field": "messages", "value": value}]});
    serde_json::to_vec(&json!({"object": "whatsapp_business_account", "entry": [entry]})).unwrap()
}

/// A request with these lines after the usual ones, and these octets after the head.
fn request(method: &str, channel: ChannelId, lines: &[String], rest: &[u8]) -> Vec<u8> {
    let mut octets =
        format!("{method} /webhooks/whatsapp/{channel} HTTP/1.1\r\nhost: segue.test\r\nconnection: close\r\n")
            .into_bytes();
    for line in lines {
        octets.extend_from_slice(line.as_bytes());
        octets.extend_from_slice(b"\r\n");
    }
    octets.extend_from_slice(b"\r\n");
    octets.extend_from_slice(rest);
    octets
}

fn signed(body: &[u8]) -> String {
    format!("X-Hub-Signature-256: {}", sign(SECRET, body))
}

fn length(of: usize) -> String {
    format!("content-length: {of}")
}

/// Cuts into chunks of `size` octets.
fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    for chunk in body.chunks(size) {
        write!(octets, "{:x}\r\n", chunk.len()).unwrap();
        octets.extend_from_slice(chunk);
        octets.extend_from_slice(b"\r\n");
    }
    octets.extend_from_slice(b"0\r\n\r\n");
    octets
}

/// The body in gzip's form, stored and not compressed.
fn gzip(body: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for octet in body {
        crc ^= u32::from(*octet);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let length = u16::try_from(body.len()).unwrap();
    let mut octets = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1];
    octets.extend_from_slice(&length.to_le_bytes());
    octets.extend_from_slice(&(!length).to_le_bytes());
    octets.extend_from_slice(body);
    octets.extend_from_slice(&(!crc).to_le_bytes());
    octets.extend_from_slice(&u32::from(length).to_le_bytes());
    octets
}

#[tokio::test(flavor = "multi_thread")]
async fn no_framing_gets_an_unsigned_body_in() {
    let server = server().await;
    let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await.id;
    let address = listen(&server).await;
    let (good, other) = (body("wamid.1"), body("wamid.2"));
    let te = || "transfer-encoding: chunked".to_owned();
    let zipped = gzip(&good);
    let cut = good.len() - 5;
    let signature = sign(SECRET, &good);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("chunks of another body", request("POST", channel, &[signed(&good), te()], &chunked(&other, 64))),
        ("chunks without a signature", request("POST", channel, &[te()], &chunked(&good, 64))),
        (
            "a chunk more",
            request("POST", channel, &[signed(&good), te()], &chunked(&[&good[..], b" "].concat(), good.len())),
        ),
        ("chunks that end too early", request("POST", channel, &[signed(&good), te()], &chunked(&good, 64)[..100])),
        (
            "a chunk of a wrong length",
            request("POST", channel, &[signed(&good), te()], &[b"zz\r\n", &good[..], b"\r\n0\r\n\r\n"].concat()),
        ),
        (
            "a signature after the chunks",
            request(
                "POST",
                channel,
                &[te(), "trailer: x-hub-signature-256".to_owned()],
                &[&chunked(&good, 64)[..chunked(&good, 64).len() - 2], signed(&good).as_bytes(), b"\r\n\r\n"].concat(),
            ),
        ),
        (
            "a body shorter than its length",
            request("POST", channel, &[signed(&good[..cut]), length(good.len())], &good[..cut]),
        ),
        ("a length that cuts the body", request("POST", channel, &[signed(&good), length(cut)], &good)),
        ("two lengths", request("POST", channel, &[signed(&good), length(good.len()), length(cut)], &good)),
        ("a negative length", request("POST", channel, &[signed(&good), "content-length: -1".to_owned()], &good)),
        (
            "length and chunks of another body",
            request("POST", channel, &[signed(&good), length(good.len()), te()], &chunked(&other, 64)),
        ),
        (
            "compressed, signed before",
            request(
                "POST",
                channel,
                &[signed(&good), "content-encoding: gzip".to_owned(), length(zipped.len())],
                &zipped,
            ),
        ),
        (
            "not compressed, but said to be and signed as if",
            request(
                "POST",
                channel,
                &[signed(&zipped), "content-encoding: gzip".to_owned(), length(good.len())],
                &good,
            ),
        ),
        (
            "a folded header",
            request("POST", channel, &[format!("x-hub-signature-256:\r\n {signature}"), length(good.len() + 1)], &good),
        ),
        (
            "a blank before the colon",
            request("POST", channel, &[format!("x-hub-signature-256 : {signature}"), length(good.len())], &good),
        ),
        (
            "an underscore in the header",
            request("POST", channel, &[format!("x_hub_signature_256: {signature}"), length(good.len())], &good),
        ),
        (
            "the old header alone",
            request("POST", channel, &[format!("x-hub-signature: {signature}"), length(good.len())], &good),
        ),
        (
            "two headers in two cases",
            request(
                "POST",
                channel,
                &[signed(&good), format!("x-hub-signature-256: {signature}"), length(good.len())],
                &good,
            ),
        ),
        (
            "a NUL in the header",
            request("POST", channel, &[format!("x-hub-signature-256: {signature}\0"), length(good.len())], &good),
        ),
        ("another method", request("PUT", channel, &[signed(&good), length(good.len())], &good)),
        ("asked instead of sent", request("GET", channel, &[signed(&good), length(good.len())], &good)),
        ("the signature in the address", {
            let head = format!(
                "POST /webhooks/whatsapp/{channel}?x-hub-signature-256={signature} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n{}\r\n\r\n",
                length(good.len())
            );
            [head.as_bytes(), &good].concat()
        }),
        ("too long in chunks", {
            let long = vec![b' '; (3 << 20) + 1];
            request("POST", channel, &[signed(&long), te()], &chunked(&long, 1 << 16))
        }),
    ];
    for (name, octets) in cases {
        let status = exchange(address, &octets).await;
        // Nobody answers a body that never ends, and an answer to one that is too long can be lost with the connection.
        let is_cut = name.contains("too early") || name.contains("shorter than") || name.contains("too long");
        assert!(status / 100 == 4 || (is_cut && status == 0), "{name}: {status}");
        assert_eq!(rows(&server).await, 0, "{name}");
    }
    // What is signed as it arrives gets in, whatever its framing.
    let taken = [
        ("in one piece", request("POST", channel, &[signed(&good), length(good.len())], &good)),
        ("in chunks", request("POST", channel, &[signed(&other), te()], &chunked(&other, 7))),
        (
            "compressed and signed so, for a person to look at",
            request(
                "POST",
                channel,
                &[signed(&zipped), "content-encoding: gzip".to_owned(), length(zipped.len())],
                &zipped,
            ),
        ),
    ];
    for (number, (name, octets)) in (1..).zip(taken) {
        assert_eq!(exchange(address, &octets).await, 200, "{name}");
        assert_eq!(rows(&server).await, number, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_deliveries_of_the_same_webhook_at_once_leave_one_row() {
    let server = server().await;
    let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await.id;
    let address = listen(&server).await;
    let good = body("wamid.1");
    let octets = request("POST", channel, &[signed(&good), length(good.len())], &good);
    let all = (0..20).map(|_| exchange(address, &octets));
    assert!(futures::future::join_all(all).await.into_iter().all(|status| status == 200));
    assert_eq!(rows(&server).await, 1);
}
