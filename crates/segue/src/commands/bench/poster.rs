//! Plays Meta: posts signed webhooks over connections that stay open, and takes the time of each answer.
//!
//! It runs on a thread of its own and writes HTTP by hand, so that it takes little of the machine that is measured, and
//! what it takes can be left out of the server's share.

use std::{
    cell::Cell,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use futures::future::try_join_all;
use segue_channels::whatsapp::signature::{SIGNATURE_HEADER, sign};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::usage::cpu_time_of_thread;

/// Each message whose number is a multiple of this is delivered twice, the second time at once after the first.
const TWICE_EVERY: u64 = 100;

/// Text messages of customers that write in turn, signed. The bodies are written anew when they are posted, so that
/// memory holds their signatures alone.
pub(super) struct Webhooks {
    customers: u64,
    /// Seconds since 1970 that the messages bear.
    seconds: i64,
    /// What keeps a run's message ids apart from those of another.
    run: String,
    /// The header's value for each message.
    signatures: Vec<String>,
}

impl Webhooks {
    /// `messages` different ones of `customers` customers.
    pub(super) fn signed(messages: u64, customers: u64, seconds: i64, run: String, app_secret: &str) -> Self {
        let mut webhooks = Self { customers, seconds, run, signatures: Vec::new() };
        webhooks.signatures =
            (0..messages).map(|number| sign(app_secret.as_bytes(), webhooks.body(number).as_bytes())).collect();
        webhooks
    }

    fn messages(&self) -> u64 {
        self.signatures.len() as u64
    }

    /// How many deliveries there are, those that repeat a message among them.
    fn deliveries(&self) -> u64 {
        self.messages() + self.messages().div_ceil(TWICE_EVERY)
    }

    /// Which message is delivered when.
    const fn message_of(delivery: u64) -> u64 {
        let (block, place) = (delivery / (TWICE_EVERY + 1), delivery % (TWICE_EVERY + 1));
        block * TWICE_EVERY + place.saturating_sub(1)
    }

    /// A text message as Meta sends it since customers have ids of their own (Cloud API, webhooks, `messages`).
    fn body(&self, number: u64) -> String {
        let customer = number % self.customers;
        let (phone, user_id) = (15_550_000_000 + customer, 13_491_208_655_302_741_918_u64.wrapping_add(customer));
        let (run, seconds) = (&self.run, self.seconds);
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"106540352242922"}},"contacts":[{{"profile":{{"name":"Sheena Nelson"}},"wa_id":"{phone}","user_id":"US.{user_id}"}}],"messages":[{{"from":"{phone}","from_user_id":"US.{user_id}","id":"wamid.HBgL{run}{number:016X}","timestamp":"{seconds}","type":"text","text":{{"body":"Hi! I have a question about the June offer: does it come in another color?"}}}}]}},"field":"messages"}}]}}]}}"#
        )
    }

    fn request(&self, path: &str, number: u64) -> anyhow::Result<String> {
        let (body, index) = (self.body(number), usize::try_from(number)?);
        let (signature, length) = (&self.signatures[index], body.len());
        Ok(format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{SIGNATURE_HEADER}: \
             {signature}\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    }
}

/// What posting gave.
pub(super) struct Posted {
    /// Deliveries that were acknowledged: all of them.
    pub deliveries: u64,
    /// From the first request to the last answer.
    pub took: Duration,
    /// Processor time of the thread that posted.
    pub cpu: Duration,
    /// From each request to its answer, the shortest first.
    waits: Vec<Duration>,
}

impl Posted {
    /// The wait that this part of the deliveries (0 to 1) did not exceed.
    pub(super) fn quantile(&self, part: f64) -> Duration {
        quantile(&self.waits, part)
    }
}

/// The wait that this part (0 to 1) did not exceed, of waits the shortest of which comes first.
pub(super) fn quantile(waits: &[Duration], part: f64) -> Duration {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list, from a part of it"
    )]
    let rank = (waits.len() as f64 * part).ceil() as usize;
    waits.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// Posts everything, on the calling thread alone: on so many connections, each of which posts the next delivery as soon
/// as it has the answer to its last one.
///
/// # Errors
/// When the server cannot be reached, or any answer is not 200.
pub(super) fn post(server: SocketAddr, path: &str, webhooks: &Webhooks, connections: u32) -> anyhow::Result<Posted> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let streams = try_join_all((0..connections).map(|_| connect(server))).await.context("cannot connect")?;
        let (cpu, started, next) = (cpu_time_of_thread(), Instant::now(), Cell::new(0));
        let waits = try_join_all(streams.into_iter().map(|stream| post_on(stream, path, webhooks, &next))).await?;
        let (took, cpu) = (started.elapsed(), cpu_time_of_thread().saturating_sub(cpu));
        let mut waits = waits.concat();
        waits.sort_unstable();
        Ok(Posted { deliveries: webhooks.deliveries(), took, cpu, waits })
    })
}

async fn connect(server: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn post_on(
    mut stream: TcpStream,
    path: &str,
    webhooks: &Webhooks,
    next: &Cell<u64>,
) -> anyhow::Result<Vec<Duration>> {
    let (mut waits, mut answer) = (Vec::new(), Vec::new());
    loop {
        let delivery = next.get();
        if delivery >= webhooks.deliveries() {
            return Ok(waits);
        }
        next.set(delivery + 1);
        let request = webhooks.request(path, Webhooks::message_of(delivery))?;
        let started = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        answer.clear();
        while !is_whole(&answer)? {
            if stream.read_buf(&mut answer).await? == 0 {
                bail!("the server closed a connection that was in use");
            }
        }
        waits.push(started.elapsed());
    }
}

/// Whether all of an answer is there, which must be a 200.
fn is_whole(answer: &[u8]) -> anyhow::Result<bool> {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return Ok(false) };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    let whole = body.len() >= length.context("an answer without its length")??;
    if whole && !head.starts_with("HTTP/1.1 200 ") {
        bail!("a webhook was not taken: {text}");
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use segue_channels::whatsapp::{WebhookItem, parse_webhook, verify_signature};

    use super::*;

    fn webhooks(messages: u64) -> Webhooks {
        Webhooks::signed(messages, 7, 1_749_416_383, "RUN".to_owned(), "secret")
    }

    #[test]
    fn each_message_is_delivered_and_each_hundredth_twice() {
        for messages in [1, 2, 99, 100, 101, 250] {
            let webhooks = webhooks(messages);
            let mut times = vec![0_u64; usize::try_from(messages).unwrap()];
            for delivery in 0..webhooks.deliveries() {
                times[usize::try_from(Webhooks::message_of(delivery)).unwrap()] += 1;
            }
            for (number, times) in times.into_iter().enumerate() {
                assert_eq!(times, if number % 100 == 0 { 2 } else { 1 }, "message {number} of {messages}");
            }
        }
    }

    #[test]
    fn bodies_are_what_the_receiver_reads_and_signed() {
        let webhooks = webhooks(20);
        let mut subjects = std::collections::BTreeSet::new();
        let mut ids = std::collections::BTreeSet::new();
        for (number, signature) in webhooks.signatures.iter().enumerate() {
            let body = webhooks.body(number as u64);
            assert!(body.is_ascii(), "Meta escapes everything else");
            assert_eq!(verify_signature(&["secret"], [signature.as_bytes()], body.as_bytes()), Ok(()));
            let items = parse_webhook(body.as_bytes()).unwrap();
            assert!(matches!(&items[..], [WebhookItem::Message(_)]), "{items:?}");
            subjects.insert(items[0].subject());
            ids.insert(items[0].external_id());
        }
        assert_eq!((subjects.len(), ids.len()), (7, 20));
    }

    #[test]
    fn only_a_whole_200_counts() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        assert!(is_whole(whole).unwrap());
        for cut in 0..whole.len() {
            assert!(!is_whole(&whole[..cut]).unwrap_or(false), "cut at {cut}");
        }
        assert!(is_whole(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").is_err());
    }

    #[test]
    fn a_quantile_is_the_wait_not_exceeded() {
        let waits = (1..=100).map(Duration::from_millis).collect();
        let posted = Posted { deliveries: 100, took: Duration::ZERO, cpu: Duration::ZERO, waits };
        assert_eq!(posted.quantile(0.5), Duration::from_millis(50));
        assert_eq!(posted.quantile(0.99), Duration::from_millis(99));
        assert_eq!(posted.quantile(1.0), Duration::from_millis(100));
    }
}
