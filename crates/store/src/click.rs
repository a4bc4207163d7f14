//! Clicks: every request for a link, with who asked and on what device.
//!
//! They come in batches, and storing a batch again changes nothing, because every click has its id: whoever wrote it
//! and does not know whether it was committed writes it once more. Clicks stand in the order of their ids by campaign
//! and nothing looks for those of one recipient: what has to be known of them is kept with the recipient, as the first
//! tap, the last one, and the first that came too soon.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use segue_model::{
    CampaignId, ClickId, Timestamp, WorkspaceId,
    code::{CHAT_LINK, POSTER},
    time,
};
use serde::Serialize;

use crate::{Bind as _, Param, StoreError, Tx, recipient::Stamp, tx::json_text};

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
    /// Those of people who came by the QR code.
    pub scanned: i64,
}

/// How many requests of a kind there were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct VerdictCount {
    pub verdict: Verdict,
    pub count: i64,
}

/// Milliseconds to which a recipient's last tap is kept. Writing each of somebody who taps again and again would serve
/// nothing: it only tells in which campaign he was last, for hours.
pub const TAP_ACCURACY: i64 = 10 * time::SECOND;

/// A recipient about whom a further tap tells something.
struct Tapped {
    is_first: bool,
    /// When the message left, while a tap can be too early.
    submitted_at: Option<Timestamp>,
}

/// A tap, as far as it is kept with the recipient.
#[derive(Clone, Copy)]
struct Tap {
    at: Timestamp,
    device: Device,
    link: u8,
}

/// A recipient's taps in a batch.
#[derive(Default)]
struct Taps {
    first: Option<Tap>,
    last_chat: Option<Timestamp>,
    early: Option<Tap>,
}

impl Taps {
    fn add(&mut self, click: &NewClick, verdict: Verdict) {
        let tap = Tap { at: click.at, device: click.device, link: click.link };
        let earlier = |known: Option<Tap>| Some(known.filter(|known| known.at <= tap.at).unwrap_or(tap));
        match verdict {
            Verdict::Person => {
                self.first = earlier(self.first);
                if click.link == CHAT_LINK {
                    self.last_chat = self.last_chat.max(Some(click.at));
                }
            }
            Verdict::Early => self.early = earlier(self.early),
            Verdict::Robot | Verdict::Preview | Verdict::Head => {}
        }
    }
}

crate::sql! {
    /// What is known of the recipients who tapped, where a further tap can change it: whether it would be the first,
    /// and when their message left while that still matters. A chat that opened proves that the taps were a person's.
    TAPPED =
        sqlite: "SELECT r.position, r.first_tap_at IS NULL, CASE WHEN r.first_tap_at IS NULL AND r.chat_at IS NULL THEN
                (SELECT o.submitted_at FROM outbox o WHERE o.workspace_id = r.workspace_id AND o.id = r.message_id) END
            FROM json_each($3) e
            JOIN recipients r ON r.workspace_id = $1 AND r.campaign_id = $2 AND r.position = e.value
            WHERE r.first_tap_at IS NULL OR r.last_chat_tap_at IS NULL OR r.last_chat_tap_at < $4",
        postgres: "SELECT r.position, CAST(CAST(r.first_tap_at IS NULL AS INT) AS BIGINT),
                CASE WHEN r.first_tap_at IS NULL AND r.chat_at IS NULL THEN (SELECT o.submitted_at FROM outbox o
                    WHERE o.workspace_id = r.workspace_id AND o.id = r.message_id) END
            FROM json_array_elements_text(CAST(CAST($3 AS TEXT) AS JSON)) e(value)
            JOIN recipients r ON r.workspace_id = $1 AND r.campaign_id = $2 AND r.position = CAST(e.value AS BIGINT)
            WHERE r.first_tap_at IS NULL OR r.last_chat_tap_at IS NULL OR r.last_chat_tap_at < $4";
    INSERT_CLICK = "INSERT INTO clicks
            (workspace_id, campaign_id, id, position, link, verdict, device, user_agent, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (workspace_id, campaign_id, id) DO NOTHING";
    STAMP_TAP = "UPDATE recipients SET first_tap_at = $4, first_tap_device = $5, first_tap_link = $6
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3 AND first_tap_at IS NULL";
    STAMP_CHAT_TAP = "UPDATE recipients SET last_chat_tap_at = $4
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3
            AND (last_chat_tap_at IS NULL OR last_chat_tap_at < $4)";
    STAMP_EARLY_TAP = "UPDATE recipients SET early_tap_at = $4, early_tap_device = $5, early_tap_link = $6
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3
            AND (early_tap_at IS NULL OR early_tap_at > $4)";
    CLICKS_OVER_TIME = "SELECT at - at % $3, COUNT(*), COUNT(CASE WHEN verdict = 'person' THEN 1 END) FROM clicks
        WHERE workspace_id = $1 AND campaign_id = $2 GROUP BY at - at % $3 ORDER BY 1 DESC LIMIT $4";
    CHATS_OVER_TIME = "SELECT chat_at - chat_at % $3, COUNT(*) FROM recipients
        WHERE workspace_id = $1 AND campaign_id = $2 AND chat_at IS NOT NULL
        GROUP BY chat_at - chat_at % $3 ORDER BY 1 DESC LIMIT $4";
    CLICKS_BY_DEVICE = "SELECT device, COUNT(*) FROM clicks
        WHERE workspace_id = $1 AND campaign_id = $2 AND verdict = 'person' GROUP BY device ORDER BY 2 DESC, 1";
    CLICKS_BY_VERDICT = "SELECT verdict, COUNT(*) FROM clicks
        WHERE workspace_id = $1 AND campaign_id = $2 GROUP BY verdict ORDER BY 2 DESC, 1";
    CLICKS_BY_LINK = "SELECT link, COUNT(*), COUNT(CASE WHEN verdict = 'person' THEN 1 END),
            COUNT(CASE WHEN verdict = 'person' AND position = $3 THEN 1 END)
        FROM clicks
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
        let Some(last) = clicks.iter().map(|click| click.at).max() else { return Ok(()) };
        let tapped = self.tapped(workspace_id, campaign_id, clicks, last)?;
        let verdicts = clicks.iter().map(|click| match tapped.get(&click.position) {
            Some(Tapped { submitted_at: Some(submitted_at), .. })
                if click.verdict == Verdict::Person && submitted_at.0 > click.at.0 - EARLY =>
            {
                Verdict::Early
            }
            _ => click.verdict,
        });
        let judged: Vec<(&NewClick, Verdict)> = clicks.iter().copied().zip(verdicts).collect();
        self.execute_each(&INSERT_CLICK, &judged, |(click, verdict)| {
            [
                workspace_id.bind(),
                campaign_id.bind(),
                click.id.bind(),
                click.position.bind(),
                Param::Int(click.link.into()),
                Param::Text(verdict.as_str()),
                Param::Text(click.device.as_str()),
                click.user_agent.bind(),
                click.at.bind(),
            ]
        })?;

        let mut taps: BTreeMap<u32, Taps> = BTreeMap::new();
        for (click, verdict) in &judged {
            if tapped.contains_key(&click.position) {
                taps.entry(click.position).or_default().add(click, *verdict);
            }
        }
        let stamps = |pick: fn(&Taps) -> Option<Tap>| {
            taps.iter().filter_map(move |(position, taps)| Some((position, pick(taps)?)))
        };
        let chats = taps.iter().filter_map(|(position, taps)| Some((position, taps.last_chat?)));
        let params = |(position, tap): (&u32, Tap)| {
            let (device, link) = (Param::Text(tap.device.as_str()), Param::Int(tap.link.into()));
            [
                workspace_id.bind(),
                campaign_id.bind(),
                Param::Int(i64::from(*position)),
                Param::Int(tap.at.0),
                device,
                link,
            ]
        };
        let chat_params = |(position, at): (&u32, Timestamp)| {
            [workspace_id.bind(), campaign_id.bind(), Param::Int(i64::from(*position)), Param::Int(at.0)]
        };
        let is_first = |(position, _): &(&u32, Tap)| tapped.get(position).is_some_and(|tapped| tapped.is_first);
        self.execute_each(&STAMP_EARLY_TAP, stamps(|taps| taps.early), params)?;
        self.execute_each(&STAMP_CHAT_TAP, chats, chat_params)?;
        let stamped = self.execute_each(&STAMP_TAP, stamps(|taps| taps.first).filter(is_first), params)?;
        let stamped: u64 = stamped.into_iter().sum();
        if stamped > 0 {
            let stamped = i64::try_from(stamped).unwrap_or(i64::MAX);
            self.tally(workspace_id, campaign_id, Stamp::FirstTap.tally(), stamped);
            self.tell_campaign_progress(workspace_id, campaign_id, last);
        }
        Ok(())
    }

    /// What is known of those whose taps are in the batch, where these taps can change anything.
    fn tapped(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        clicks: &[&NewClick],
        last: Timestamp,
    ) -> Result<HashMap<u32, Tapped>, StoreError> {
        let people = clicks.iter().filter(|click| click.verdict == Verdict::Person);
        let positions: BTreeSet<u32> = people.map(|click| click.position).collect();
        if positions.is_empty() {
            return Ok(HashMap::new());
        }
        let (positions, newer) = (json_text(&positions)?, last.plus(-TAP_ACCURACY));
        let rows = self.query(&TAPPED, &[&workspace_id, &campaign_id, &positions, &newer], |row| {
            let position = row.next()?;
            let is_first = row.next::<i64>()? == 1;
            Ok((position, Tapped { is_first, submitted_at: row.next()? }))
        })?;
        Ok(rows.into_iter().collect())
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
        let counts = self.query(&CLICKS_BY_LINK, &[&workspace_id, &campaign_id, &POSTER], |row| {
            Ok((row.next()?, LinkCount { raw: row.next()?, filtered: row.next()?, scanned: row.next()? }))
        })?;
        Ok(counts.into_iter().collect())
    }
}
