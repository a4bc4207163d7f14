use std::collections::BTreeMap;

use super::*;

/// language, label (revoke, no), text.
const LABELLED: &str = include_str!("../tests/revocations.tsv");
/// The same, and no pattern was ever changed because of one of these: what to expect of texts nobody has seen yet.
const UNSEEN: &str = include_str!("../tests/revocations_unseen.tsv");

struct Labelled {
    language: &'static str,
    is_revocation: bool,
    text: &'static str,
}

fn labelled(set: &'static str) -> Vec<Labelled> {
    set.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let [language, label, text] = cells[..] else { panic!("{line}") };
            assert!(matches!(label, "revoke" | "no"), "{line}");
            Labelled { language, is_revocation: label == "revoke", text }
        })
        .collect()
}

#[test]
fn the_set_is_large_and_covers_twelve_languages() {
    let set = labelled(LABELLED);
    assert!(set.len() >= 200, "{}", set.len());
    let mut by_language: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for row in &set {
        by_language.entry(row.language).or_default()[usize::from(row.is_revocation)] += 1;
    }
    assert_eq!(by_language.len(), 12);
    assert!(by_language.values().all(|[no, revoke]| *no >= 8 && *revoke >= 12), "{by_language:?}");
}

/// Recall of at least 0.98; of what means no opt-out at most 1 % is taken for one, and at most 10 % goes to a person.
#[test]
fn recall_and_false_opt_outs_stay_within_their_bounds() {
    let set = labelled(LABELLED);
    let (mut missed, mut at_once, mut false_opt_outs, mut false_reviews) = (Vec::new(), 0, Vec::new(), Vec::new());
    let revocations = set.iter().filter(|row| row.is_revocation).count();
    let others = set.len() - revocations;
    for row in &set {
        let reading = read(row.text);
        match (row.is_revocation, reading.verdict) {
            (true, RevocationVerdict::No) => missed.push(row.text),
            (true, RevocationVerdict::Revoke) => at_once += 1,
            (false, RevocationVerdict::Revoke) => false_opt_outs.push((row.text, reading.said)),
            (false, RevocationVerdict::Review) => false_reviews.push((row.text, reading.said)),
            (true, RevocationVerdict::Review) | (false, RevocationVerdict::No) => {}
        }
    }
    let share = |count: usize, of: usize| count * 1_000 / of;
    let report = format!("missed {missed:#?}\nfalse opt-outs {false_opt_outs:#?}\nfalse reviews {false_reviews:#?}");
    assert!(share(revocations - missed.len(), revocations) >= 980, "{report}");
    assert!(share(at_once, revocations) >= 800, "{at_once} of {revocations} are clear\n{report}");
    assert!(share(false_opt_outs.len(), others) <= 10, "{report}");
    assert!(share(false_reviews.len(), others) <= 100, "{report}");
}

#[test]
fn a_reading_says_what_led_to_it_and_is_always_the_same() {
    let reading = read("Which bus stop? Please stop texting me.");
    assert_eq!(reading.verdict, RevocationVerdict::Revoke);
    assert_eq!(reading.said[0].words, "stop texting");
    assert_eq!(reading.innocent[0].words, "bus stop");
    assert_eq!(read("Which bus stop? Please stop texting me."), reading);
    assert_eq!(read("").verdict, RevocationVerdict::No);
    assert_eq!(read(&"a ".repeat(100_000)).verdict, RevocationVerdict::No);
}

#[test]
fn punctuation_case_and_accents_do_not_matter() {
    for text in
        ["PLEASE STOP TEXTING ME!!!", "please — stop \u{201c}texting\u{201d} me", "Ple\u{301}ase stop texting me"]
    {
        assert_eq!(read(text).verdict, RevocationVerdict::Revoke, "{text}");
    }
}

#[test]
fn texts_that_the_patterns_were_not_tuned_on_are_read_nearly_as_well() {
    let set = labelled(UNSEEN);
    let missed: Vec<_> = set
        .iter()
        .filter(|row| row.is_revocation && read(row.text).verdict == RevocationVerdict::No)
        .map(|row| row.text)
        .collect();
    let wrong: Vec<_> = set
        .iter()
        .filter(|row| !row.is_revocation && read(row.text).verdict == RevocationVerdict::Revoke)
        .map(|row| row.text)
        .collect();
    let revocations = set.iter().filter(|row| row.is_revocation).count();
    // Measured when the set was written: 35 of 39 found, and none of the others taken for an opt-out.
    assert!(missed.len() * 20 <= revocations * 3, "{} of {revocations}: {missed:#?}", missed.len());
    assert!(wrong.len() * 20 <= set.len() - revocations, "{wrong:#?}");
}
