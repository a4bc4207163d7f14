//! The tables of time zones and places by phone number, made from libphonenumber's public data.
//!
//! The input is the unpacked Python package `phonenumbers` (Apache-2.0), which carries libphonenumber's tables as text:
//! `tzdata/data0.py` (prefix to time zones) and `geodata/data*.py` (prefix to names of places). Nothing of Python runs:
//! the lines are read as they are.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

use anyhow::{Context, bail};

use crate::run::root;

type Zones = BTreeSet<String>;

/// Writes `crates/model/data/phone_zones.txt` and `phone_places.txt` from the package in `directory`.
///
/// # Errors
/// When the package cannot be read or is not what it was.
pub fn write(directory: &str) -> anyhow::Result<()> {
    let package = Path::new(directory).join("phonenumbers");
    let version = version(&read(&package.join("__init__.py"))?)?;
    let additions = read(&root().join("crates/model/data/phone_zones_additions.txt"))?;
    let zones = zones(&read(&package.join("tzdata/data0.py"))?, &additions)?;
    let places = places(&package)?;
    let data = root().join("crates/model/data");
    std::fs::write(data.join("phone_zones.txt"), zones_text(&zones, &version))?;
    std::fs::write(data.join("phone_places.txt"), places_text(&places, &version))?;
    println!(
        "{} prefixes with time zones, {} area codes with places, libphonenumber {version}",
        zones.len(),
        places.len()
    );
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn version(text: &str) -> anyhow::Result<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("__version__ = \""));
    Ok(line.and_then(|rest| rest.strip_suffix('"')).context("the package names no version")?.to_owned())
}

/// The quoted texts of a line such as ` '1208':('America/Boise', 'America/Los_Angeles'),`.
fn quoted(line: &str) -> Vec<&str> {
    line.split('\'').skip(1).step_by(2).collect()
}

fn zones(data: &str, additions: &str) -> anyhow::Result<BTreeMap<String, Zones>> {
    let mut zones: BTreeMap<String, Zones> = BTreeMap::new();
    for line in data.lines().filter(|line| line.starts_with(" '")) {
        let words = quoted(line);
        let Some((prefix, found)) = words.split_first() else { continue };
        if found.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            bail!("not a line of time zones: {line}");
        }
        // A North American number keeps its area code when its owner changes the carrier or moves, so the exchange
        // behind the area code says nothing: all zones of the area code count.
        let key = if prefix.starts_with('1') { &prefix[..prefix.len().min(4)] } else { prefix };
        zones.entry(key.to_owned()).or_default().extend(found.iter().map(|&zone| zone.to_owned()));
    }
    if zones.len() < 1_000 {
        bail!("only {} prefixes: this is not the table of time zones", zones.len());
    }
    for line in additions.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let (prefixes, names) = line.split_once(':').with_context(|| format!("no colon: {line}"))?;
        let names: Zones = names.split_whitespace().map(str::to_owned).collect();
        for prefix in prefixes.split_whitespace() {
            zones.entry(prefix.to_owned()).or_default().extend(names.iter().cloned());
        }
    }
    // What the next shorter prefix says already need not be said again.
    let all = zones.clone();
    zones.retain(|prefix, zones| {
        let parent = (1..prefix.len()).rev().find_map(|length| all.get(&prefix[..length]));
        parent != Some(zones)
    });
    Ok(zones)
}

fn zones_text(zones: &BTreeMap<String, Zones>, version: &str) -> String {
    let mut by_list: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (prefix, zones) in zones {
        let list = zones.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        by_list.entry(list).or_default().push(prefix);
    }
    let mut text = format!(
        "# Time zones a phone number may be in: <IANA zones>: <first digits of the number>; the longest match wins.\n\
         # Made by `cargo xtask phone-data` from libphonenumber {version} (Apache-2.0, The Libphonenumber Authors) and\n\
         # phone_zones_additions.txt. Do not edit.\n"
    );
    for (list, prefixes) in by_list {
        let _ = writeln!(text, "{list}: {}", prefixes.join(" "));
    }
    text
}

/// Area codes of the North American plan (four digits with the 1) and the state or province they belong to.
fn places(package: &Path) -> anyhow::Result<BTreeMap<String, &'static str>> {
    let mut places = BTreeMap::new();
    // Where only the exchanges are named ("Bridgeport, CT"), the area code belongs to the state that most are in.
    let mut exchanges: BTreeMap<String, BTreeMap<&'static str, u32>> = BTreeMap::new();
    for number in 0.. {
        let path = package.join(format!("geodata/data{number}.py"));
        if !path.exists() {
            break;
        }
        for line in read(&path)?.lines().filter(|line| line.starts_with(" '1") && line.contains("'en'")) {
            let words = quoted(line);
            let (Some(prefix), Some(name)) =
                (words.first(), words.iter().position(|word| *word == "en").and_then(|at| words.get(at + 1)))
            else {
                continue;
            };
            if prefix.len() == 4 {
                let place = place(name).with_context(|| format!("unknown place {name} of +{prefix}"))?;
                places.insert((*prefix).to_owned(), place);
            } else if let (Some(area), Some((_, state))) = (prefix.get(..4), name.rsplit_once(", "))
                && let Some(place) = place(state)
            {
                *exchanges.entry(area.to_owned()).or_default().entry(place).or_default() += 1;
            }
        }
    }
    for (area, states) in exchanges {
        if let Some((place, _)) = states.into_iter().max_by_key(|(_, count)| *count) {
            places.entry(area).or_insert(place);
        }
    }
    if places.len() < 380 {
        bail!("only {} area codes with places", places.len());
    }
    Ok(places)
}

fn place(name: &str) -> Option<&'static str> {
    let short = name.rsplit(", ").next().unwrap_or(name);
    PLACES.iter().find(|(names, _)| names.contains(&short)).map(|(_, code)| *code)
}

fn places_text(places: &BTreeMap<String, &str>, version: &str) -> String {
    let mut by_place: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (prefix, place) in places {
        by_place.entry(place).or_default().push(&prefix[1..]);
    }
    let mut text = format!(
        "# States and provinces (ISO 3166-2) by area code of the North American plan.\n\
         # Made by `cargo xtask phone-data` from libphonenumber {version} (Apache-2.0, The Libphonenumber Authors). Do not\n\
         # edit.\n"
    );
    for (place, prefixes) in by_place {
        let _ = writeln!(text, "{place}: {}", prefixes.join(" "));
    }
    text
}

/// Names in libphonenumber's data and ISO 3166-2 codes. Two provinces that share an area code have none of their own.
const PLACES: &[(&[&str], &str)] = &[
    (&["Alabama", "AL"], "US-AL"),
    (&["Alaska", "AK"], "US-AK"),
    (&["Arizona", "AZ"], "US-AZ"),
    (&["Arkansas", "AR"], "US-AR"),
    (&["California", "CA"], "US-CA"),
    (&["Colorado", "CO"], "US-CO"),
    (&["Connecticut", "CT"], "US-CT"),
    (&["Delaware", "DE"], "US-DE"),
    (&["Florida", "FL"], "US-FL"),
    (&["Georgia", "GA"], "US-GA"),
    (&["Hawaii", "HI"], "US-HI"),
    (&["Idaho", "ID"], "US-ID"),
    (&["Illinois", "IL"], "US-IL"),
    (&["Indiana", "IN"], "US-IN"),
    (&["Iowa", "IA"], "US-IA"),
    (&["Kansas", "KS"], "US-KS"),
    (&["Kentucky", "KY"], "US-KY"),
    (&["Louisiana", "LA"], "US-LA"),
    (&["Maine", "ME"], "US-ME"),
    (&["Maryland", "MD"], "US-MD"),
    (&["Massachusetts", "MA"], "US-MA"),
    (&["Michigan", "MI"], "US-MI"),
    (&["Minnesota", "MN"], "US-MN"),
    (&["Mississippi", "MS"], "US-MS"),
    (&["Missouri", "MO"], "US-MO"),
    (&["Montana", "MT"], "US-MT"),
    (&["Nebraska", "NE"], "US-NE"),
    (&["Nevada", "NV"], "US-NV"),
    (&["New Hampshire", "NH"], "US-NH"),
    (&["New Jersey", "NJ"], "US-NJ"),
    (&["New Mexico", "NM"], "US-NM"),
    (&["New York", "NY"], "US-NY"),
    (&["North Carolina", "NC"], "US-NC"),
    (&["North Dakota", "ND"], "US-ND"),
    (&["Ohio", "OH"], "US-OH"),
    (&["Oklahoma", "OK"], "US-OK"),
    (&["Oregon", "OR"], "US-OR"),
    (&["Pennsylvania", "PA"], "US-PA"),
    (&["Rhode Island", "RI"], "US-RI"),
    (&["South Carolina", "SC"], "US-SC"),
    (&["South Dakota", "SD"], "US-SD"),
    (&["Tennessee", "TN"], "US-TN"),
    (&["Texas", "TX"], "US-TX"),
    (&["Utah", "UT"], "US-UT"),
    (&["Vermont", "VT"], "US-VT"),
    (&["Virginia", "VA"], "US-VA"),
    (&["Washington State", "WA"], "US-WA"),
    (&["West Virginia", "WV"], "US-WV"),
    (&["Wisconsin", "WI"], "US-WI"),
    (&["Wyoming", "WY"], "US-WY"),
    (&["Washington D.C.", "DC"], "US-DC"),
    (&["Alberta", "AB"], "CA-AB"),
    (&["Manitoba", "MB"], "CA-MB"),
    (&["New Brunswick", "NB"], "CA-NB"),
    (&["Newfoundland and Labrador", "NL"], "CA-NL"),
    (&["Ontario", "ON"], "CA-ON"),
    (&["Quebec", "QC"], "CA-QC"),
    (&["Saskatchewan", "SK"], "CA-SK"),
    (&["British Columbia", "British Colombia", "BC"], "CA-BC"),
    (&["Nova Scotia/Prince Edward Island", "Northwest Territories/Nunavut/Yukon"], "CA"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_code_has_the_zones_of_all_its_exchanges_and_additions_join_in() {
        let mut data =
            String::from(" '1208':('America/Boise',),\n '1208201':('America/Denver', 'America/Los_Angeles'),\n");
        for number in 2_000..3_100 {
            data.push_str(&format!(" '{number}':('Europe/Berlin',),\n"));
        }
        let zones = zones(&data, "# why\n1555 1208: America/New_York\n").unwrap();
        let of = |prefix: &str| zones[prefix].iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(of("1208"), ["America/Boise", "America/Denver", "America/Los_Angeles", "America/New_York"]);
        assert_eq!(of("1555"), ["America/New_York"]);
        assert!(!zones.contains_key("1208201"));
    }

    #[test]
    fn a_city_stands_for_its_state() {
        assert_eq!(place("Palm Beach, FL"), Some("US-FL"));
        assert_eq!(place("Nova Scotia/Prince Edward Island"), Some("CA"));
        assert_eq!(place("Atlantis"), None);
    }
}
