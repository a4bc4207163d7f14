//! Long texts of people are read once and whole, whatever becomes of their parts on the way.

use segue_channels::{
    smpp::MobileOriginated,
    text::{Charset, Concatenation, ReceivedPart, ReferenceWidth},
};
use segue_delivery::long_text::{self, KEEP_PARTS, LongText, READ_LONG_TEXT, WAIT};
use segue_model::{InboxId, time};
use segue_store::{Sql, channel::Channel};
use segue_testkit::{TestStore, engines};
use serde_json::Value;

static JOBS: Sql =
    Sql::portable("JOBS", "SELECT payload, run_at FROM jobs WHERE workspace_id = $1 AND kind = $2 ORDER BY run_at, id");
static KEPT: Sql = Sql::portable("KEPT", "SELECT COUNT(*) FROM inbound_parts WHERE workspace_id = $1");

struct Line {
    test: TestStore,
    channel: Channel,
}

async fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        lines.push(Line { test, channel });
    }
    lines
}

fn part(reference: u16, total: u8, number: u8, octets: &[u8], charset: Charset) -> MobileOriginated {
    MobileOriginated {
        from: "12125550101".to_owned(),
        is_national: false,
        to: "15550000000".to_owned(),
        text: segue_channels::text::decode(octets, charset),
        part: ReceivedPart { total, number, charset, octets: octets.to_vec() },
        concatenation: (total > 1).then_some(Concatenation { reference, width: ReferenceWidth::Eight, total, number }),
        data_coding: 0,
    }
}

fn plain(reference: u16, total: u8, number: u8, text: &str) -> MobileOriginated {
    part(reference, total, number, text.as_bytes(), Charset::Gsm7)
}

impl Line {
    async fn deliver(&self, message: MobileOriginated) -> Vec<String> {
        let (ctx, channel, came) = (self.test.ctx.clone(), self.channel.clone(), self.test.now());
        let id: InboxId = ctx.id();
        let texts = self.test.store.write(move |tx| long_text::take_in(tx, &ctx, &channel, (id, came), &message)).await;
        texts.unwrap().into_iter().map(|text| text.text).collect()
    }

    async fn jobs(&self) -> Vec<(Value, segue_model::Timestamp)> {
        let workspace_id = self.test.workspace_id();
        let jobs = self
            .test
            .store
            .read(move |tx| tx.query(&JOBS, &[&workspace_id, &READ_LONG_TEXT], |row| Ok((row.json()?, row.next()?))));
        jobs.await.unwrap()
    }

    /// What the jobs that are due read.
    async fn wait(&self) -> Vec<LongText> {
        let mut texts = Vec::new();
        for (payload, run_at) in self.jobs().await {
            if run_at > self.test.now() {
                continue;
            }
            let (ctx, workspace_id) = (self.test.ctx.clone(), self.test.workspace_id());
            let read = self.test.store.write(move |tx| long_text::read_what_came(tx, &ctx, workspace_id, &payload));
            texts.extend(read.await.unwrap().map(|(_, text)| text));
        }
        texts
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_in_any_order_and_twice_make_one_text() {
    for line in lines().await {
        assert_eq!(line.deliver(plain(0, 1, 1, "short")).await, ["short"], "{}", line.test.engine);
        assert!(line.deliver(plain(7, 3, 3, "texts.")).await.is_empty());
        assert!(line.deliver(plain(7, 3, 1, "Please stop ")).await.is_empty());
        assert!(line.deliver(plain(7, 3, 1, "Please stop ")).await.is_empty(), "the same part again");
        assert!(line.deliver(plain(8, 2, 2, "else")).await.is_empty(), "a part of another text");
        assert_eq!(line.deliver(plain(7, 3, 2, "sending ")).await, ["Please stop sending texts."]);
        assert!(line.deliver(plain(7, 3, 2, "sending ")).await.is_empty(), "delivered again after it was read");
        line.test.clock.advance(WAIT);
        let left = line.wait().await;
        assert_eq!(left.len(), 1, "{}: only the other text", line.test.engine);
        assert_eq!(left[0].text, "else");
        assert!(!format!("{left:?}").contains("else"), "what people write is not shown in logs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_was_split_between_two_parts_is_whole_again() {
    for line in lines().await {
        let octets: Vec<u8> = "ok😀ok".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert!(line.deliver(part(9, 2, 2, &octets[6..], Charset::Ucs2)).await.is_empty());
        assert_eq!(line.deliver(part(9, 2, 1, &octets[..6], Charset::Ucs2)).await, ["ok😀ok"], "{}", line.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_is_read_when_the_wait_is_over_and_a_late_part_by_itself() {
    for line in lines().await {
        line.deliver(plain(7, 4, 1, "STOP ")).await;
        line.deliver(plain(7, 4, 2, "now ")).await;
        line.deliver(plain(7, 4, 4, "bye")).await;
        assert_eq!(line.jobs().await.len(), 1, "{}: one job for one text", line.test.engine);
        line.test.clock.advance(WAIT - 1);
        assert!(line.wait().await.is_empty(), "not yet");
        line.test.clock.advance(1);
        let read = line.wait().await;
        assert_eq!(read.iter().map(|text| text.text.as_str()).collect::<Vec<_>>(), ["STOP now  … bye"]);
        assert!(line.wait().await.is_empty(), "{}: once", line.test.engine);
        assert_eq!(line.deliver(plain(7, 4, 3, "or never ")).await, ["or never "], "{}", line.test.engine);
        assert!(line.deliver(plain(7, 4, 3, "or never ")).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_text_under_the_same_reference_is_no_part_of_the_first() {
    for line in lines().await {
        line.deliver(plain(7, 2, 1, "old one")).await;
        line.test.clock.advance(time::SECOND);
        assert_eq!(line.deliver(plain(7, 2, 1, "new ")).await, ["old one"], "{}: as far as it came", line.test.engine);
        assert_eq!(line.deliver(plain(7, 2, 2, "one")).await, ["new one"], "{}", line.test.engine);
        assert!(line.deliver(plain(7, 2, 1, "third ")).await.is_empty(), "what was read is not read again");
        assert_eq!(line.deliver(plain(7, 2, 2, "one")).await, ["third one"], "{}", line.test.engine);
        line.test.clock.advance(WAIT);
        assert!(line.wait().await.is_empty(), "{}: the jobs find nothing left", line.test.engine);
        let (workspace_id, now) = (line.test.workspace_id(), line.test.now());
        let kept = line.test.store.write(move |tx| {
            tx.delete_old_inbound_parts(workspace_id, now.plus(KEEP_PARTS))?;
            tx.query_one(&KEPT, &[&workspace_id], |row| row.next::<i64>())
        });
        assert_eq!(kept.await.unwrap(), 0, "{}: a day later nothing is kept", line.test.engine);
    }
}

#[test]
fn what_is_no_text_is_told_without_what_it_says() {
    let binary = |total| part(7, total, 1, &[1, 2, 3], Charset::Binary);
    let why = long_text::unreadable(&MobileOriginated { data_coding: 4, ..binary(1) }).expect("it cannot be read");
    assert!(why.contains("0x04") && why.contains("3 octets"), "{why}");
    assert_eq!(long_text::unreadable(&binary(2)), None, "the others may be text");
    assert_eq!(long_text::unreadable(&plain(7, 1, 1, "STOP")), None);
}
