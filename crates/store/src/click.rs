//! Clicks: every request for a link, with who asked and on what device.
//!
//! They come in batches. A batch is stored in a few statements however many clicks it holds, and storing it again
//! changes nothing, because every click has its id: whoever wrote it and does not know whether it was committed writes
//! it once more.

use std::collections::{BTreeMap, BTreeSet};

use segue_model::{CampaignId, ClickId, Timestamp, WorkspaceId, time};
use serde::Serialize;
use serde_json::json;

use crate::{StoreError, Tx, recipient::Stamp, tx::json_text};

segue_model::text_enum! {
    /// Who asked for a link, as far as the request tells.
    pub enum Verdict {
        /// Nothing speaks against a person.
        Person = "person",
        /// A crawler, scanner or script.
        Robot = "robot",
        /// A messenger or mail program that shows a preview, or a browser that loads ahead.
        Preview = "preview",
        /// A HEAD request: somebody looks whether the link works.
        Head = "head",
        /// Sooner after the message left than anybody can read: a scanner on its way that calls itself a browser.
        Early = "early",
    }
}

segue_model::text_enum! {
    /// What a link was opened on, as far as the request tells.
    pub enum Device {
        Android = "android",
        Iphone = "iphone",
        Tablet = "tablet",
        Desktop = "desktop",
        Other = "other",
    }
}

/// Milliseconds after the message left within which nobody has received, read and tapped it.
pub const EARLY: i64 = 2 * time::SECOND;

/// A request for a link.
#[derive(Debug, Clone)]
pub struct NewClick {
    pub workspace_id: WorkspaceId,
    pub campaign_id: CampaignId,
    pub id: ClickId,
    pub position: u32,
    /// Which link of the text.
    pub link: u8,
    pub verdict: Verdict,
    pub device: Device,
    pub user_agent: Option<String>,
    pub at: Timestamp,
}

/// How many requests there were for a campaign's links in a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ClickBucket {
    /// When the stretch begins.
    pub at: Timestamp,
    /// Requests of any kind.
    pub raw: i64,
    /// Those that nothing speaks against being people's.
    pub filtered: i64,
    /// Recipients whose chat opened in it.
    pub confirmed: i64,
}

/// How many taps of people came from a kind of device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DeviceCount {
    pub device: Device,
    pub count: i64,
}

/// How many requests there were for one link of a campaign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkCount {
    pub raw: i64,
    pub filtered: i64,
}

/// How many requests of a kind there were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct VerdictCount {
    pub verdict: Verdict,
    pub count: i64,
}

crate::sql! {
    /// Of the taps in a batch those that came too soon. A chat that opened proves that it was a person all the same.
    EARLY_TAPS =
        sqlite: "SELECT e.value ->> 0 FROM json_each($3) e
            JOIN recipients r ON r.workspace_id = $1 AND r.campaign_id = $2 AND r.position = e.value ->> 1
            JOIN outbox o ON o.workspace_id = r.workspace_id AND o.id = r.message_id
            WHERE r.chat_at IS NULL AND o.submitted_at > (e.value ->> 2) - $4",
        postgres: "SELECT CAST(e.value ->> 0 AS BIGINT) FROM json_array_elements(CAST(CAST($3 AS TEXT) AS JSON)) e(value)
            JOIN recipients r ON r.workspace_id = $1 AND r.campaign_id = $2
                AND r.position = CAST(e.value ->> 1 AS BIGINT)
            JOIN outbox o ON o.workspace_id = r.workspace_id AND o.id = r.message_id
            WHERE r.chat_at IS NULL AND o.submitted_at > CAST(e.value ->> 2 AS BIGINT) - $4";
    INSERT_CLICKS =
        sqlite: "INSERT INTO clicks (workspace_id, campaign_id, id, position, link, verdict, device, user_agent, at)
            SELECT $1, $2, unhex(e.value ->> 0), e.value ->> 1, e.value ->> 2, e.value ->> 3, e.value ->> 4,
                e.value ->> 5, e.value ->> 6
            FROM json_each($3) e WHERE true ON CONFLICT (workspace_id, id) DO NOTHING",
        postgres: "INSERT INTO clicks (workspace_id, campaign_id, id, position, link, verdict, device, user_agent, at)
            SELECT $1, $2, CAST(e.value ->> 0 AS UUID), CAST(e.value ->> 1 AS BIGINT), CAST(e.value ->> 2 AS BIGINT),
                e.value ->> 3, e.value ->> 4, e.value ->> 5, CAST(e.value ->> 6 AS BIGINT)
            FROM json_array_elements(CAST(CAST($3 AS TEXT) AS JSON)) e(value)
            ON CONFLICT (workspace_id, id) DO NOTHING";
    STAMP_FIRST_TAPS =
        sqlite: "UPDATE recipients SET first_tap_at = t.at
            FROM (SELECT e.value ->> 0 AS position, e.value ->> 1 AS at FROM json_each($3) e) t
            WHERE recipients.workspace_id = $1 AND recipients.campaign_id = $2 AND recipients.position = t.position
                AND recipients.first_tap_at IS NULL",
        postgres: "UPDATE recipients SET first_tap_at = t.at
            FROM (SELECT CAST(e.value ->> 0 AS BIGINT) AS position, CAST(e.value ->> 1 AS BIGINT) AS at
                FROM json_array_elements(CAST(CAST($3 AS TEXT) AS JSON)) e(value)) t
            WHERE recipients.workspace_id = $1 AND recipients.campaign_id = $2 AND recipients.position = t.position
                AND recipients.first_tap_at IS NULL";
    CLICKS_OVER_TIME = "SELECT at - at % $3, COUNT(*), COUNT(CASE WHEN verdict = 'person' THEN 1 END) FROM clicks
        WHERE workspace_id = $1 AND campaign_id = $2 GROUP BY at - at % $3 ORDER BY 1 DESC LIMIT $4";
    CHATS_OVER_TIME = "SELECT chat_at - chat_at % $3, COUNT(*) FROM recipients
        WHERE workspace_id = $1 AND campaign_id = $2 AND chat_at IS NOT NULL
        GROUP BY chat_at - chat_at % $3 ORDER BY 1 DESC LIMIT $4";
    CLICKS_BY_DEVICE = "SELECT device, COUNT(*) FROM clicks
        WHERE workspace_id = $1 AND campaign_id = $2 AND verdict = 'person' GROUP BY device ORDER BY 2 DESC, 1";
    CLICKS_BY_VERDICT = "SELECT verdict, COUNT(*) FROM clicks
        WHERE workspace_id = $1 AND campaign_id = $2 GROUP BY verdict ORDER BY 2 DESC, 1";
    CLICKS_BY_LINK = "SELECT link, COUNT(*), COUNT(CASE WHEN verdict = 'person' THEN 1 END) FROM clicks
        WHERE workspace_id = $1 AND campaign_id = $2 GROUP BY link";
}

impl Tx<'_> {
    /// Stores requests for links, and the first tap of each recipient among them. Clicks that are there already stay as
    /// they are.
    ///
    /// # Errors
    /// When the store fails.
    pub fn record_clicks(&mut self, clicks: &[NewClick]) -> Result<(), StoreError> {
        let mut campaigns: BTreeMap<(WorkspaceId, CampaignId), Vec<&NewClick>> = BTreeMap::new();
        for click in clicks {
            campaigns.entry((click.workspace_id, click.campaign_id)).or_default().push(click);
        }
        for ((workspace_id, campaign_id), clicks) in campaigns {
            self.record_campaign_clicks(workspace_id, campaign_id, &clicks)?;
        }
        Ok(())
    }

    fn record_campaign_clicks(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        clicks: &[&NewClick],
    ) -> Result<(), StoreError> {
        let people = clicks.iter().enumerate().filter(|(_, click)| click.verdict == Verdict::Person);
        let asked: Vec<_> = people.map(|(index, click)| json!([index, click.position, click.at.0])).collect();
        let early: BTreeSet<usize> = if asked.is_empty() {
            BTreeSet::new()
        } else {
            let asked = json_text(&asked)?;
            let key: [&dyn crate::Bind; 4] = [&workspace_id, &campaign_id, &asked, &EARLY];
            self.query(&EARLY_TAPS, &key, |row| row.next())?.into_iter().collect()
        };
        let mut first_taps: BTreeMap<u32, i64> = BTreeMap::new();
        let mut rows = Vec::with_capacity(clicks.len());
        for (index, click) in clicks.iter().enumerate() {
            let verdict = if early.contains(&index) { Verdict::Early } else { click.verdict };
            if verdict == Verdict::Person {
                let first = first_taps.entry(click.position).or_insert(click.at.0);
                *first = click.at.0.min(*first);
            }
            let id = click.id.0.simple().to_string();
            rows.push(json!([id, click.position, click.link, verdict, click.device, click.user_agent, click.at.0]));
        }
        self.execute(&INSERT_CLICKS, &[&workspace_id, &campaign_id, &json_text(&rows)?])?;
        let Some(last) = clicks.iter().map(|click| click.at).max() else { return Ok(()) };
        if !first_taps.is_empty() {
            let first_taps = json_text(&first_taps.into_iter().collect::<Vec<_>>())?;
            let stamped = self.execute(&STAMP_FIRST_TAPS, &[&workspace_id, &campaign_id, &first_taps])?;
            if stamped > 0 {
                let stamped = i64::try_from(stamped).unwrap_or(i64::MAX);
                self.tally(workspace_id, campaign_id, Stamp::FirstTap.tally(), stamped);
                self.tell_campaign_progress(workspace_id, campaign_id, last);
            }
        }
        Ok(())
    }

    /// Requests for a campaign's links over time, oldest first: the last `limit` stretches of `width` milliseconds in
    /// which there were any.
    ///
    /// # Errors
    /// When the store fails.
    pub fn clicks_over_time(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        width: i64,
        limit: i64,
    ) -> Result<Vec<ClickBucket>, StoreError> {
        let key: [&dyn crate::Bind; 4] = [&workspace_id, &campaign_id, &width, &limit];
        let mut buckets: BTreeMap<Timestamp, ClickBucket> = BTreeMap::new();
        let nothing = |at| ClickBucket { at, raw: 0, filtered: 0, confirmed: 0 };
        self.each(&CLICKS_OVER_TIME, &key, |row| {
            let at = row.next()?;
            let bucket = ClickBucket { raw: row.next()?, filtered: row.next()?, ..nothing(at) };
            buckets.insert(at, bucket);
            Ok(())
        })?;
        self.each(&CHATS_OVER_TIME, &key, |row| {
            let at = row.next()?;
            buckets.entry(at).or_insert_with(|| nothing(at)).confirmed = row.next()?;
            Ok(())
        })?;
        let skipped = buckets.len().saturating_sub(usize::try_from(limit).unwrap_or_default());
        Ok(buckets.into_values().skip(skipped).collect())
    }

    /// Taps of people by the device they were made on, most first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn clicks_by_device(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
    ) -> Result<Vec<DeviceCount>, StoreError> {
        self.query(&CLICKS_BY_DEVICE, &[&workspace_id, &campaign_id], |row| {
            Ok(DeviceCount { device: row.word()?, count: row.next()? })
        })
    }

    /// Requests by who made them, most first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn clicks_by_verdict(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
    ) -> Result<Vec<VerdictCount>, StoreError> {
        self.query(&CLICKS_BY_VERDICT, &[&workspace_id, &campaign_id], |row| {
            Ok(VerdictCount { verdict: row.word()?, count: row.next()? })
        })
    }

    /// Requests for each link of a campaign that was asked for.
    ///
    /// # Errors
    /// When the store fails.
    pub fn clicks_by_link(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
    ) -> Result<BTreeMap<u8, LinkCount>, StoreError> {
        let counts = self.query(&CLICKS_BY_LINK, &[&workspace_id, &campaign_id], |row| {
            Ok((row.next()?, LinkCount { raw: row.next()?, filtered: row.next()? }))
        })?;
        Ok(counts.into_iter().collect())
    }
}
