use super::*;

#[test]
fn table() {
    use Keyword::{Help, Start, Stop};
    for (text, sms, chat) in [
        ("STOP", Some(Stop), Some(Stop)),
        ("stop", Some(Stop), Some(Stop)),
        (" Stop. ", Some(Stop), Some(Stop)),
        ("\"STOP\"", Some(Stop), Some(Stop)),
        ("“Stop”", Some(Stop), Some(Stop)),
        ("'stop'!!!", Some(Stop), Some(Stop)),
        ("S T O P", Some(Stop), Some(Stop)),
        ("stop\n", Some(Stop), Some(Stop)),
        ("STOP ALL", Some(Stop), Some(Stop)),
        ("stopall", Some(Stop), Some(Stop)),
        ("Please stop", Some(Stop), Some(Stop)),
        ("quit", Some(Stop), Some(Stop)),
        ("End", Some(Stop), Some(Stop)),
        ("REVOKE", Some(Stop), Some(Stop)),
        ("opt out", Some(Stop), Some(Stop)),
        ("OPT-OUT", Some(Stop), Some(Stop)),
        ("optout", Some(Stop), Some(Stop)),
        ("Cancel", Some(Stop), Some(Stop)),
        ("unsubscribe", Some(Stop), Some(Stop)),
        ("ARRET", Some(Stop), Some(Stop)),
        ("arrêt", Some(Stop), Some(Stop)),
        ("arre\u{302}t", Some(Stop), Some(Stop)),
        ("Baja", Some(Stop), Some(Stop)),
        ("PARAR", Some(Stop), Some(Stop)),
        ("STOPP", Some(Stop), Some(Stop)),
        ("СТОП", Some(Stop), Some(Stop)),
        ("توقف", Some(Stop), Some(Stop)),
        ("बंद करें", Some(Stop), Some(Stop)),
        ("退订", Some(Stop), Some(Stop)),
        ("수신 거부", Some(Stop), Some(Stop)),
        ("START", Some(Start), Some(Start)),
        ("unstop", Some(Start), Some(Start)),
        ("Alta", Some(Start), Some(Start)),
        ("YES", Some(Start), None),
        ("yes!", Some(Start), None),
        ("HELP", Some(Help), Some(Help)),
        ("info?", Some(Help), Some(Help)),
        ("Aide", Some(Help), Some(Help)),
        ("", None, None),
        ("!?", None, None),
        ("don't stop", None, None),
        ("yes please", None, None),
        ("stop by the shop", None, None),
        ("cancel my order", None, None),
        ("I would like to know whether the shop is open on the weekend", None, None),
    ] {
        assert_eq!(Keyword::read(text, Medium::Sms), sms, "{text}");
        assert_eq!(Keyword::read(text, Medium::WhatsApp), chat, "{text} in a chat");
    }
}

#[test]
fn case_accents_quotes_emoji_and_signatures_do_not_matter() {
    for text in [
        "STOP 🛑",
        "🛑STOP🛑",
        "«Stop»",
        "stop…",
        "Stop!!!",
        "STOP\n--\nAna Lopez",
        "Stop\nAna",
        "Stop - Ana Lopez",
        "STOP. Thanks",
        "Stop, thank you very much",
        "STOP\n\nSent from my iPhone",
        "opt-out\nRegards, Ana",
        "𝗦𝗧𝗢𝗣",
        "Désabonner.",
        "desabonner",
        "ÇIKIŞ",
        "cikis",
        "KÜNDIGEN",
        "kundigen",
        "\u{200e}توقف",
        "रोकें।",
        "Przestań!",
    ] {
        assert_eq!(Keyword::read(text, Medium::Sms), Some(Keyword::Stop), "{text}");
    }
    for text in [
        "Stop, and look at this offer",
        "End. The rest of the story follows below",
        "cancel - my order is late",
        "yes, Ana",
        "stop\nby the shop at nine",
    ] {
        assert_eq!(Keyword::read(text, Medium::Sms), None, "{text}");
    }
}

#[test]
fn twelve_languages_have_all_three_families() {
    let languages = ["en", "es", "fr", "de", "it", "pt", "nl", "pl", "tr", "ar", "hi", "id"];
    for language in languages {
        let family = FAMILIES.iter().find(|family| family.language == language).unwrap();
        assert!(family.stop.len() >= 8 && family.start.len() >= 4 && !family.help.is_empty(), "{language}");
    }
    for word in
        ["STOP", "QUIT", "END", "REVOKE", "OPT OUT", "CANCEL", "UNSUBSCRIBE", "STOPALL", "ARRET", "REMOVE", "TD"]
    {
        assert_eq!(Keyword::read(word, Medium::Sms), Some(Keyword::Stop), "{word}");
    }
    assert_eq!(Keyword::find("baja", Medium::Sms, &[]).unwrap().language, "es");
}

#[test]
fn a_workspace_adds_words_and_takes_none_away() {
    let extra = [ExtraWord { language: "sv".to_owned(), keyword: Keyword::Stop, word: "Sluta!".to_owned() }];
    assert_eq!(Keyword::find("sluta", Medium::WhatsApp, &extra).unwrap().language, "sv");
    assert_eq!(Keyword::find("sluta", Medium::Sms, &[]), None);
    // A word that asks for two things is taken as the stricter.
    let both = [ExtraWord { language: "en".to_owned(), keyword: Keyword::Start, word: "stop".to_owned() }];
    assert_eq!(Keyword::find("stop", Medium::Sms, &both).unwrap().keyword, Keyword::Stop);
    assert_eq!(Keyword::is_taken("Stopp", &[]), Some(Keyword::Stop));
    assert_eq!(Keyword::is_taken("JOIN", &[]), None);
}

#[test]
fn no_word_asks_for_two_things_and_none_is_too_long() {
    let of = |keyword: Keyword| {
        FAMILIES.iter().flat_map(move |family| match keyword {
            Keyword::Stop => family.stop,
            Keyword::Start => family.start,
            Keyword::Help => family.help,
        })
    };
    for keyword in Keyword::ALL {
        for word in of(*keyword) {
            assert!(word.chars().count() < LONGEST);
            let others = Keyword::ALL.iter().filter(|other| *other != keyword);
            let twice = others.flat_map(|other| of(*other)).any(|other| compact(other) == compact(word));
            assert!(!twice, "{word}");
            assert_eq!(Keyword::read(word, Medium::Sms), Some(*keyword), "{word}");
        }
    }
}
