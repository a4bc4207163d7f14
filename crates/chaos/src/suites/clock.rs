//! Quiet hours in every time zone, across the changes of daylight saving time, and with a clock that jumps.
//!
//! Promise: nobody is texted between 21:00 and 8:00 of his own clock, and everybody is texted once when the night is over.
//!
//! The real binary has no way to move its clock, on purpose; so this suite runs the same server in this process, with
//! the clock as the parameter it is everywhere. One contact lives in each zone of the IANA database. A campaign begins an
//! hour before a change of daylight saving time; then time goes on in steps, each once to the last millisecond before
//! and once to the moment itself, until all nights of the world are over.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use jiff::{Timestamp, tz::TimeZone};
use segue::{config::Config, server::Server};
use segue_model::{Ctx, ManualClock};
use segue_sandbox::{SandboxClock, SandboxConfig};
use serde_json::json;

use crate::{
    api::{Api, KEY},
    books::Balance,
    campaign::{self, TEXT},
    carrier::Carrier,
    engine::Engine,
    lab::{Lab, Size},
    line::{Begun, Line},
    product::{Product, Setup},
};

const QUIET: (&str, &str) = ("21:00", "08:00");
/// Hours of the day at which a message may arrive.
const AWAKE: std::ops::Range<i8> = 8..21;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// How far time goes on after the campaign's start: every night is over by then, also after a jump into the next.
const HORIZON: i64 = 50 * HOUR;
/// Changes further ahead than a year are not looked for.
const MOST_HOURS_AHEAD: i64 = 9_000;
const CONTROL: &str = "the product is told that everybody lives in UTC";

/// A run.
#[derive(Debug, Clone)]
struct Case {
    name: &'static str,
    /// The change of daylight saving time, or any other moment.
    at: Timestamp,
    jump: Jump,
}

/// What the product's clock does besides going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Jump {
    None,
    /// An hour into the campaign it leaps by 26 hours, as after a suspended machine, into the next night of many; two
    /// hours later it is set back by ten minutes.
    AheadAndBack,
}

/// Runs every case on each engine in the large size, and some on one in the small.
///
/// # Errors
/// When a run could not be carried out.
pub async fn run(lab: &Lab) -> anyhow::Result<()> {
    let cases = cases(lab.size)?;
    let first = cases.first().context("no zone changes its clocks")?;
    for engine in lab.engines().await? {
        // The rule is the same on both; in the small size one case shows it on the second engine.
        let most = if matches!(engine, Engine::Postgres(_)) { lab.size.pick(1, cases.len()) } else { cases.len() };
        let mut lines: Vec<Line> = Vec::new();
        for some in cases[..most].chunks(4) {
            let runs = some.iter().map(|case| once(lab, &engine, case, None));
            for line in futures::future::try_join_all(runs).await? {
                match lines.iter_mut().find(|kept| kept.is_repeated_by(&line)) {
                    Some(kept) => kept.add(&line),
                    None => lines.push(line),
                }
            }
        }
        for line in lines {
            lab.record(&line)?;
        }
    }
    lab.record(&once(lab, &Engine::Sqlite, first, Some(CONTROL)).await?)
}

/// The next changes of daylight saving time, forward and back: of one zone each in the small size, of all of them in the
/// large one.
fn cases(size: Size) -> anyhow::Result<Vec<Case>> {
    let zones = match size {
        Size::Small => vec!["America/New_York".to_owned(), "Europe/Berlin".to_owned()],
        Size::Large => zones(),
    };
    // Consents are recorded by the real clock, so the runs are in its future. A change is a moment, whatever zones share it.
    let (now, mut changes) = (Timestamp::now(), BTreeMap::new());
    for name in &zones {
        let zone = TimeZone::get(name)?;
        for change in zone.following(now).take(2) {
            let before = zone.to_offset(change.timestamp() - jiff::SignedDuration::from_secs(1));
            let forward = change.offset() > before;
            if change.timestamp().duration_since(now).as_hours() < MOST_HOURS_AHEAD
                && (size == Size::Large || forward == name.starts_with("America"))
            {
                changes.insert(change.timestamp(), forward);
            }
        }
    }
    let name = |forward| if forward { "clocks go forward" } else { "clocks go back" };
    let mut cases: Vec<Case> =
        changes.into_iter().map(|(at, forward)| Case { name: name(forward), at, jump: Jump::None }).collect();
    let at = cases.first().context("no zone changes its clocks")?.at;
    cases.push(Case { name: "the clock leaps 26 h ahead, later 10 min back", at, jump: Jump::AheadAndBack });
    Ok(cases)
}

/// Every zone of the database, but those that are only there for machines.
fn zones() -> Vec<String> {
    let names = jiff::tz::db().available().map(|name| name.as_str().to_owned());
    names
        .filter(|name| name != "localtime" && name != "posixrules" && name != "Factory" && name != "Etc/Unknown")
        .collect()
}

/// The product in this process, its carrier, and one hand on both clocks.
struct World {
    server: Server,
    api: Api,
    carrier: Carrier,
    clock: Arc<ManualClock>,
}

impl World {
    /// Sets the product's clock and the carrier's, then waits until the product has done what is due.
    async fn go_to(&self, campaign: &str, at: i64) -> anyhow::Result<()> {
        self.carrier.move_clock(&json!({ "set": at })).await?;
        self.clock.set(segue_model::Timestamp(at));
        let started = Instant::now();
        loop {
            if !self.api.any(campaign, &["planned", "queued", "submitting"]).await? {
                return Ok(());
            }
            if started.elapsed() > Duration::from_secs(120) {
                bail!("What is due is not sent.");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn end(self) {
        self.server.shutdown().await;
        self.carrier.shutdown().await;
    }
}

async fn once(lab: &Lab, engine: &Engine, case: &Case, control: Option<&str>) -> anyhow::Result<Line> {
    let begun = Begun::new(lab, "clock", engine);
    let directory = tempfile::tempdir()?;
    let start = case.at.as_millisecond() - HOUR;
    let homes: BTreeMap<String, String> = campaign::audience(zones().len()).into_iter().zip(zones()).collect();
    let audience: Vec<String> = homes.keys().cloned().collect();
    let csv = homes.iter().fold("phone,time_zone\n".to_owned(), |mut csv, (number, zone)| {
        let told = if control.is_some() { "UTC" } else { zone };
        csv.push_str(&format!("{number},{told}\n"));
        csv
    });
    let world = world(lab, engine, &directory.path().join("data"), start, &csv).await?;
    let id = campaign::start(&world.api).await?;
    wait_until_planned(&world.api, &id, audience.len()).await?;

    let mut watch = Watch::new(&homes)?;
    for at in steps(start, case.jump) {
        world.go_to(&id, at).await?;
        watch.look(&world.carrier, at).await?;
        if watch.arrived.len() == audience.len() {
            break;
        }
    }
    world.carrier.move_clock(&json!({ "advance_ms": HOUR })).await?;
    let patience = Duration::from_secs(20);
    let balance: Balance = campaign::wait_for_balance(&world.api, &world.carrier, &id, &audience, patience).await?;

    let mut line = begun
        .line(&balance)
        .with("changes", 1)
        .with("zones_with_a_change_in_the_run", watch.changed(start))
        .with("in_quiet_hours", watch.at_night)
        .with("most_hours_held", watch.most_held(start));
    line.case = Some(case.name.to_owned());
    line.passed = match control {
        Some(_) => watch.at_night > 0,
        None => watch.at_night == 0 && balance.is_exact() && balance.delivered == audience.len(),
    };
    line.control = control.map(str::to_owned);
    world.end().await;
    Ok(line)
}

/// The moments to look at: every half hour its last millisecond before, and the moment itself.
fn steps(start: i64, jump: Jump) -> Vec<i64> {
    let half_hours = (0..=HORIZON / (30 * MINUTE)).map(|count| start + count * 30 * MINUTE);
    let plain = half_hours.flat_map(|at| [at - 1, at]).skip(1);
    match jump {
        Jump::None => plain.collect(),
        Jump::AheadAndBack => plain
            .filter_map(|at| match at - start {
                before if before <= HOUR => Some(at),
                leaped if leaped < 27 * HOUR => None,
                ahead if ahead <= 29 * HOUR => Some(at),
                _ => Some(at - 10 * MINUTE),
            })
            .collect(),
    }
}

async fn world(
    lab: &Lab,
    engine: &Engine,
    directory: &std::path::Path,
    start: i64,
    csv: &str,
) -> anyhow::Result<World> {
    let carrier = Carrier::start(SandboxConfig { clock: SandboxClock::Virtual(start), ..Default::default() }).await?;
    let product = Product::new(lab, engine, directory, Vec::new(), &carrier).await?;
    product.set_up(&carrier, &Setup { per_second: 2_000, quiet_hours: QUIET, ..Setup::default() }, csv).await?;
    let clock = ManualClock::at(segue_model::Timestamp(start));
    let config = Config {
        listen: "127.0.0.1:0".parse()?,
        data_directory: directory.to_path_buf(),
        database_url: product.database_url().map(Into::into),
        api_key: Some(KEY.to_owned().into()),
        whatsapp_link_base: carrier.whatsapp_link_base().to_owned(),
        ..Config::default()
    };
    let server = Server::start(config, Ctx::seeded(clock.clone(), 7)).await?;
    let api = Api::new(format!("http://{}", server.address()))?;
    Ok(World { server, api, carrier, clock })
}

async fn wait_until_planned(api: &Api, campaign: &str, recipients: usize) -> anyhow::Result<()> {
    let started = Instant::now();
    while api.planned(campaign).await? < recipients {
        if started.elapsed() > Duration::from_secs(60) {
            bail!("The campaign is not planned.");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Who was texted when, by his own clock.
struct Watch {
    homes: BTreeMap<String, TimeZone>,
    seen: usize,
    arrived: BTreeSet<String>,
    last: i64,
    at_night: usize,
}

impl Watch {
    fn new(homes: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let homes = homes
            .iter()
            .map(|(number, zone)| Ok((number.clone(), TimeZone::get(zone)?)))
            .collect::<anyhow::Result<BTreeMap<_, _>>>()?;
        Ok(Self { homes, seen: 0, arrived: BTreeSet::new(), last: 0, at_night: 0 })
    }

    /// Takes in what the ledger has got since the last look: all of it was sent at `at` by the product's clock.
    async fn look(&mut self, carrier: &Carrier, at: i64) -> anyhow::Result<()> {
        let entries = carrier.entries().await?;
        for entry in &entries[self.seen..] {
            if entry["kind"] != "sms_accepted" || entry["text"] != TEXT {
                continue;
            }
            let number = entry["to"].as_str().unwrap_or_default();
            let home = self.homes.get(number).context("a number nobody has")?;
            let local = home.to_datetime(Timestamp::from_millisecond(at)?);
            self.at_night += usize::from(!AWAKE.contains(&local.hour()));
            self.arrived.insert(number.to_owned());
            self.last = self.last.max(at);
        }
        self.seen = entries.len();
        Ok(())
    }

    /// How many zones changed their clocks between the start and the last message.
    fn changed(&self, start: i64) -> usize {
        let (Ok(start), Ok(end)) = (Timestamp::from_millisecond(start), Timestamp::from_millisecond(self.last)) else {
            return 0;
        };
        let changes = |zone: &&TimeZone| zone.following(start).next().is_some_and(|change| change.timestamp() <= end);
        self.homes.values().filter(changes).count()
    }

    fn most_held(&self, start: i64) -> i64 {
        (self.last - start) / HOUR
    }
}
