//! Every documented error code of the Cloud API: what to do, and what to tell a person.

use std::time::Duration;

use crate::ErrorClass;

/// What to do with the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Try again soon, with growing waits.
    Retry,
    /// Try again only after a long wait or an event: minutes to days.
    Later,
    /// Never again.
    Final,
    /// Keep it, stop sending and tell an admin: nothing works until someone acts.
    Alert,
}

/// A code in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// What to do with the message.
    pub act: Act,
    /// Whether an admin must hear of it, whatever happens to the message.
    pub alert: bool,
    /// The kind of failure.
    pub class: ErrorClass,
    /// What happened, for a person.
    pub reason: &'static str,
    /// What the person can do.
    pub advice: &'static str,
}

const fn says(act: Act, class: ErrorClass, reason: &'static str, advice: &'static str) -> Meaning {
    Meaning { act, alert: matches!(act, Act::Alert), class, reason, advice }
}

const fn alerting(meaning: Meaning) -> Meaning {
    Meaning { alert: true, ..meaning }
}

const WAIT: &str = "Nothing to do: it is tried again by itself.";
const ASK_ADMIN: &str = "Tell an admin; sending stops until it is solved.";
const FIX_CONTENT: &str = "Change the message and send it again.";
const FIX_TEMPLATE: &str = "Choose another template or correct its values.";
const OTHER_WAY: &str = "Reach the customer another way.";

/// What `code` means. A code not listed is final: guessing at a retry could send twice.
#[must_use]
pub const fn meaning(code: i64) -> Meaning {
    use Act::{Alert, Final, Later, Retry};
    use ErrorClass as C;
    match code {
        0 => says(Alert, C::Authentication, "WhatsApp could not check our access.", ASK_ADMIN),
        1 => says(Retry, C::ProviderDown, "WhatsApp reports an unknown error.", WAIT),
        2 => says(Retry, C::ProviderDown, "WhatsApp is temporarily down.", WAIT),
        3 | 10 | 200..=299 => says(Alert, C::Authentication, "The access token lacks a permission.", ASK_ADMIN),
        4 | 17 | 80_007 => says(Retry, C::Throttled, "Too many requests to WhatsApp.", WAIT),
        33 => says(Alert, C::AccountBlocked, "The WhatsApp number was deleted or is not valid.", ASK_ADMIN),
        100 => says(Final, C::ContentInvalid, "WhatsApp refused a value of the message.", FIX_CONTENT),
        104 => says(Alert, C::Authentication, "The access token is missing.", ASK_ADMIN),
        190 => says(Alert, C::Authentication, "The access token has expired or is not valid.", ASK_ADMIN),
        368 => says(Alert, C::AccountBlocked, "WhatsApp blocked the account for a policy violation.", ASK_ADMIN),
        613 | 138_000..=138_018 => says(Final, C::NotSupported, "WhatsApp refused the call.", OTHER_WAY),
        803 => says(Final, C::ContentInvalid, "WhatsApp does not know the object.", FIX_CONTENT),
        130_403 => says(Final, C::InvalidRecipient, "You blocked this customer.", "Unblock the customer first."),
        130_429 => says(Retry, C::Throttled, "The number sends faster than WhatsApp allows.", WAIT),
        130_472 => says(Final, C::Filtered, "WhatsApp left the customer out as part of an experiment.", OTHER_WAY),
        130_497 => alerting(says(Final, C::Filtered, "Messages to this country are restricted.", OTHER_WAY)),
        131_000 => says(Retry, C::ProviderDown, "Something went wrong at WhatsApp.", WAIT),
        131_005 => says(Alert, C::Authentication, "WhatsApp denied access.", ASK_ADMIN),
        131_008 => says(Final, C::ContentInvalid, "The message lacks a required value.", FIX_CONTENT),
        131_009 => says(Final, C::ContentInvalid, "A value of the message is not valid.", FIX_CONTENT),
        131_016 => says(Retry, C::ProviderDown, "WhatsApp is temporarily unavailable.", WAIT),
        131_020 | 131_041 | 131_059 | 131_200..=131_299 => {
            says(Final, C::NotSupported, "WhatsApp refused the group message.", OTHER_WAY)
        }
        131_021 => {
            says(Final, C::InvalidRecipient, "Sender and recipient are the same number.", "Choose another recipient.")
        }
        131_026 => says(
            Final,
            C::InvalidRecipient,
            "The message cannot be delivered: the number is not on WhatsApp, uses an old version or has not agreed to WhatsApp's terms.",
            "Check the number or reach the customer another way.",
        ),
        131_030 => says(
            Final,
            C::InvalidRecipient,
            "A test number may only write to numbers on its list.",
            "Add the recipient to the test list.",
        ),
        131_031 => says(Alert, C::AccountBlocked, "The WhatsApp account is locked.", ASK_ADMIN),
        131_037 => says(Alert, C::SenderNotRegistered, "The display name is not approved.", ASK_ADMIN),
        131_042 => says(Alert, C::AccountBlocked, "There is a problem with the payment method.", ASK_ADMIN),
        131_044 => says(Alert, C::AccountBlocked, "The account is not eligible to send.", ASK_ADMIN),
        131_045 => says(Alert, C::SenderNotRegistered, "The number's registration is not valid.", ASK_ADMIN),
        131_047 => says(
            Final,
            C::WindowClosed,
            "More than 24 hours have passed since the customer last wrote.",
            "Send a template to go on.",
        ),
        131_048 => alerting(says(
            Final,
            C::Filtered,
            "WhatsApp limits the number because customers blocked or reported it.",
            "Pause campaigns and check what customers receive.",
        )),
        131_049 => says(
            Later,
            C::Filtered,
            "WhatsApp holds back marketing to this customer for now.",
            "Wait at least a day; sending again sooner makes it worse.",
        ),
        131_050 => {
            says(Final, C::OptedOut, "The customer stopped marketing from you on WhatsApp.", "Do not send marketing.")
        }
        131_051 => says(Final, C::NotSupported, "WhatsApp does not support this type of message.", FIX_CONTENT),
        131_052 => says(
            Final,
            C::ContentInvalid,
            "A file from the customer could not be downloaded.",
            "Ask the customer to send it again or another way.",
        ),
        131_053 => {
            says(Final, C::ContentInvalid, "WhatsApp could not take the file.", "Check the file's type and size.")
        }
        131_055 => says(Final, C::NotSupported, "This way of sending marketing is not allowed.", ASK_ADMIN),
        131_056 => says(Retry, C::Throttled, "Too many messages to this customer in a short time.", WAIT),
        131_057 => says(Retry, C::ProviderDown, "The account is in maintenance for about a minute.", WAIT),
        131_062 => says(
            Final,
            C::NotSupported,
            "This message needs the customer's phone number.",
            "Ask the customer for the phone number.",
        ),
        131_063 => says(Alert, C::NotSupported, "Marketing is switched off on this interface.", ASK_ADMIN),
        131_064 => alerting(says(
            Later,
            C::Filtered,
            "WhatsApp limits the account because templates were in the wrong category.",
            "Tell an admin to check the template categories.",
        )),
        132_000 => says(Final, C::ContentInvalid, "The number of values does not fit the template.", FIX_TEMPLATE),
        132_001 => says(
            Final,
            C::TemplateUnavailable,
            "The template does not exist in this language or is not approved.",
            FIX_TEMPLATE,
        ),
        132_005 => says(Final, C::ContentInvalid, "The template's text with its values is too long.", FIX_TEMPLATE),
        132_007 => says(Final, C::TemplateUnavailable, "The template breaks a WhatsApp policy.", FIX_TEMPLATE),
        132_008 | 132_012 | 132_018 => {
            says(Final, C::ContentInvalid, "A value does not have the form the template wants.", FIX_TEMPLATE)
        }
        132_015 => says(
            Later,
            C::TemplateUnavailable,
            "WhatsApp paused the template because customers disliked it.",
            "Wait some hours or choose another template.",
        ),
        132_016 => {
            alerting(says(Final, C::TemplateUnavailable, "WhatsApp disabled the template for good.", FIX_TEMPLATE))
        }
        132_068 => says(Final, C::NotSupported, "WhatsApp blocked the form.", "Choose another form."),
        132_069 => says(Later, C::Throttled, "WhatsApp limits the form to a few messages an hour.", WAIT),
        133_000 | 133_004 => says(Retry, C::ProviderDown, "WhatsApp's registration is busy.", WAIT),
        133_005 | 133_008 | 133_009 => {
            says(Alert, C::Authentication, "The number's two-step PIN is wrong or was tried too often.", ASK_ADMIN)
        }
        133_006 => says(Alert, C::SenderNotRegistered, "The number must be verified first.", ASK_ADMIN),
        133_010 => says(Alert, C::SenderNotRegistered, "The number is not registered.", ASK_ADMIN),
        133_015 | 133_016 => {
            says(Later, C::SenderNotRegistered, "The number was registered or deleted too recently.", WAIT)
        }
        134_011 => says(Alert, C::AccountBlocked, "WhatsApp's payment terms are not accepted.", ASK_ADMIN),
        134_100 => says(Final, C::TemplateUnavailable, "The template is not a marketing template.", FIX_TEMPLATE),
        134_101 => says(Retry, C::TemplateUnavailable, "The template is being prepared; this takes minutes.", WAIT),
        134_102 => says(Final, C::TemplateUnavailable, "The template cannot be used here.", FIX_TEMPLATE),
        135_000 => says(Final, C::ContentInvalid, "WhatsApp refused a value of the message.", FIX_CONTENT),
        136_024 => says(Later, C::SenderNotRegistered, "The verification code could not be requested.", WAIT),
        137_000 => says(Final, C::InvalidRecipient, "The customer's identity changed.", "Confirm who the customer is."),
        139_000..=139_004 => says(Final, C::NotSupported, "WhatsApp refused the form.", "Check the form."),
        139_100..=139_103 => says(Final, C::NotSupported, "WhatsApp could not block or unblock the customer.", WAIT),
        139_200 => says(Alert, C::AccountBlocked, "Direct sending is blocked for the account.", ASK_ADMIN),
        147_001..=147_005 => {
            says(Final, C::ContentInvalid, "WhatsApp refused the username.", "Choose another username.")
        }
        200_002 | 2_388_000..=2_388_999 => {
            says(Final, C::ContentInvalid, "WhatsApp refused the template.", "Correct the template.")
        }
        2_494_100 => says(Retry, C::ProviderDown, "The number is in maintenance.", WAIT),
        2_593_107..=2_593_109 => says(Final, C::NotSupported, "The chat history cannot be loaded.", "Nothing to do."),
        _ => says(Final, C::Unknown, "WhatsApp refused with an unknown code.", "Look the code up with WhatsApp."),
    }
}

/// When a message that `code` refused may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Not before so long; the general schedule when that is later.
    After(Duration),
    /// Not by itself: waiting longer than anybody would want a message to wait, or making it worse.
    Never,
}

/// When to try again what `code` refused, after `attempts` earlier attempts. The wait of the pair limit (131056) depends
/// on the customer and is kept by [`super::SendPace`].
#[must_use]
pub const fn again(code: i64, attempts: u32) -> Again {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    let seconds = match code {
        131_057 | 2_494_100 => MINUTE,
        133_015 => 5 * MINUTE,
        134_101 => 10 * MINUTE,
        // Only marketing stands still, so nothing else stops for it.
        131_063 => 15 * MINUTE,
        132_069 | 136_024 => HOUR,
        // Paused for three hours, then for six; a third pause disables it.
        132_015 => match attempts {
            0 => 3 * HOUR,
            1 => 6 * HOUR,
            _ => return Again::Never,
        },
        // Early repeats make it worse, and a day later the message is another one.
        131_049 | 131_064 | 133_016 => return Again::Never,
        _ => match meaning(code).act {
            Act::Retry | Act::Alert => 0,
            Act::Later | Act::Final => return Again::Never,
        },
    };
    Again::After(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The documented codes and acts, written apart from the table: R retry, L later, F final, A alert; two letters are
    /// what happens to the message and that an admin hears of it.
    const DOCUMENTED: &[(&str, &[i64])] = &[
        ("A", &[0, 3, 10, 33, 104, 190, 200, 210, 299, 368, 131_005, 131_031, 131_037, 131_042, 131_044, 131_045]),
        ("A", &[131_063, 133_005, 133_006, 133_008, 133_009, 133_010, 134_011, 139_200]),
        (
            "R",
            &[1, 2, 4, 17, 80_007, 130_429, 131_000, 131_016, 131_056, 131_057, 133_000, 133_004, 134_101, 2_494_100],
        ),
        ("F", &[100, 803, 130_403, 130_472, 131_008, 131_009, 131_020, 131_021, 131_026, 131_030, 131_041, 131_047]),
        ("F", &[131_050, 131_051, 131_052, 131_053, 131_055, 131_059, 131_062, 131_200, 131_215, 132_000, 132_001]),
        ("F", &[132_005, 132_007, 132_008, 132_012, 132_018, 132_068, 134_100, 134_102, 135_000, 137_000, 138_000]),
        ("F", &[138_018, 613, 139_000, 139_004, 139_100, 139_103, 147_001, 147_005, 200_002, 2_388_019, 2_388_039]),
        ("F", &[2_388_040, 2_388_047, 2_388_072, 2_388_073, 2_388_293, 2_388_299, 2_593_107, 2_593_109]),
        ("L", &[131_049, 132_015, 132_069, 133_015, 133_016, 136_024]),
        ("FA", &[130_497, 131_048, 132_016]),
        ("LA", &[131_064]),
    ];

    #[test]
    fn every_documented_code_is_known_and_acts_as_documented() {
        let mut count = 0;
        for (letters, codes) in DOCUMENTED {
            let (act, alert) = match *letters {
                "A" => (Act::Alert, true),
                "R" => (Act::Retry, false),
                "L" => (Act::Later, false),
                "F" => (Act::Final, false),
                "FA" => (Act::Final, true),
                "LA" => (Act::Later, true),
                other => panic!("{other}"),
            };
            for code in *codes {
                let found = meaning(*code);
                assert_eq!((found.act, found.alert), (act, alert), "code {code}");
                assert_ne!(found.class, ErrorClass::Unknown, "code {code}");
                assert!(found.reason.ends_with('.') && found.advice.ends_with('.'), "code {code}");
                count += 1;
            }
        }
        assert!(count > 90);
    }

    #[test]
    fn codes_with_a_consequence_have_their_class() {
        for (code, class) in [
            (131_047, ErrorClass::WindowClosed),
            (131_050, ErrorClass::OptedOut),
            (131_026, ErrorClass::InvalidRecipient),
            (131_056, ErrorClass::Throttled),
            (130_429, ErrorClass::Throttled),
            (132_001, ErrorClass::TemplateUnavailable),
            (132_015, ErrorClass::TemplateUnavailable),
            (132_000, ErrorClass::ContentInvalid),
            (190, ErrorClass::Authentication),
            (131_031, ErrorClass::AccountBlocked),
            (131_049, ErrorClass::Filtered),
        ] {
            assert_eq!(meaning(code).class, class, "code {code}");
        }
    }

    #[test]
    fn each_refusal_waits_as_long_as_it_takes_and_no_marketing_is_pressed() {
        let hours = |hours: u64| Again::After(Duration::from_secs(hours * 3_600));
        for (code, attempts, expected) in [
            (131_049, 0, Again::Never),
            (131_064, 0, Again::Never),
            (133_016, 0, Again::Never),
            (131_026, 0, Again::Never),
            (99_999, 0, Again::Never),
            (132_015, 0, hours(3)),
            (132_015, 1, hours(6)),
            (132_015, 2, Again::Never),
            (132_069, 0, hours(1)),
            (131_057, 3, Again::After(Duration::from_secs(60))),
            (134_101, 0, Again::After(Duration::from_secs(600))),
            (130_429, 0, Again::After(Duration::ZERO)),
            (190, 0, Again::After(Duration::ZERO)),
        ] {
            assert_eq!(again(code, attempts), expected, "code {code} after {attempts}");
        }
        for (letters, codes) in DOCUMENTED {
            for code in *codes {
                let is_final = letters.starts_with('F');
                assert!(!is_final || again(*code, 0) == Again::Never, "{code} is final");
                assert!(!letters.starts_with('R') || again(*code, 0) != Again::Never, "{code} is tried again");
            }
        }
    }

    #[test]
    fn an_unknown_code_is_final() {
        for code in [-1, 5, 99_999, 131_999, i64::MAX] {
            assert_eq!((meaning(code).act, meaning(code).class), (Act::Final, ErrorClass::Unknown), "code {code}");
        }
    }
}
