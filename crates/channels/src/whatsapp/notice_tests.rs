use serde_json::json;

use super::*;

/// Field, value, severity, and what a person reads.
fn documented() -> Vec<(&'static str, Value, Severity, &'static str)> {
    use Severity::{Critical, Information, Warning};
    let template = |more: Value| {
        let mut value =
            json!({"message_template_id": 41, "message_template_name": "june", "message_template_language": "en-US"});
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        value
    };
    vec![
        (
            "message_template_quality_update",
            template(json!({"previous_quality_score": "GREEN", "new_quality_score": "RED"})),
            Warning,
            "The quality of the template june (en_US) is RED, before it was GREEN. WhatsApp will pause it if this goes on: change its text or send it to fewer people.",
        ),
        (
            "message_template_quality_update",
            template(json!({"new_quality_score": "green"})),
            Information,
            "The quality of the template june (en_US) is GREEN.",
        ),
        (
            "template_category_update",
            template(
                json!({"new_category": "UTILITY", "correct_category": "MARKETING", "category_update_timestamp": "1800000000"}),
            ),
            Warning,
            "WhatsApp will move the template june (en_US) from UTILITY to MARKETING. Its price and the consent it needs follow.",
        ),
        (
            "template_category_update",
            template(json!({"previous_category": "UTILITY", "new_category": "MARKETING"})),
            Warning,
            "WhatsApp moved the template june (en_US) from UTILITY to MARKETING. Its price and the consent it needs follow.",
        ),
        (
            "message_template_components_update",
            template(json!({"message_template_element": "Hi {{1}}", "message_template_footer": "Bye"})),
            Information,
            "The text of the template june (en_US) was changed at WhatsApp.",
        ),
        (
            "phone_number_quality_update",
            json!({"display_phone_number": "1555", "event": "FLAGGED", "current_limit": "TIER_2K"}),
            Warning,
            "The number 1555 is flagged: customers block or report it. Pause campaigns and check what they receive. Its limit is TIER_2K.",
        ),
        (
            "phone_number_quality_update",
            json!({"event": "UPGRADE", "max_daily_conversations_per_business": "TIER_10K", "current_limit": "TIER_2K"}),
            Information,
            "WhatsApp raised what the number may send. Its limit is TIER_10K.",
        ),
        (
            "business_capability_update",
            json!({"max_daily_conversations_per_business": 2000, "max_phone_numbers_per_waba": "25"}),
            Information,
            "What the business may do has changed. Its limit of conversations it may start in 24 hours is 2000. It may have 25 numbers.",
        ),
        (
            "business_capability_update",
            json!({"max_daily_conversation_per_phone": -1}),
            Information,
            "What the business may do has changed. It may start any number of conversations a day.",
        ),
        (
            "account_update",
            json!({"event": "ACCOUNT_RESTRICTION", "restriction_info": [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1_800_000_000}], "violation_info": {"violation_type": "SPAM"}}),
            Critical,
            "WhatsApp restricted the account: RESTRICTED_BIZ_INITIATED_MESSAGING. Reason: SPAM. See WhatsApp Manager.",
        ),
        (
            "account_update",
            json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE", "waba_ban_date": "July 9, 2026"}}),
            Critical,
            "WhatsApp will disable the account on July 9, 2026. Ask for a review in WhatsApp Manager.",
        ),
        (
            "account_update",
            json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}}),
            Information,
            "WhatsApp reinstated the account.",
        ),
        (
            "account_update",
            json!({"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "ADULT"}}),
            Critical,
            "WhatsApp says the account broke a policy. Reason: ADULT.",
        ),
        ("account_update", json!({"event": "ACCOUNT_DELETED"}), Critical, "The WhatsApp account was deleted."),
        ("account_update", json!({"event": "ACCOUNT_OFFBOARDED"}), Critical, "The account was taken off this app."),
        ("account_update", json!({"event": "ACCOUNT_RECONNECTED"}), Information, "The account is connected again."),
        (
            "account_update",
            json!({"event": "MM_LITE_TERMS_SIGNED"}),
            Information,
            "WhatsApp says MM_LITE_TERMS_SIGNED about the account.",
        ),
        (
            "account_alerts",
            json!({"entity_type": "WABA", "entity_id": 1, "alert_info": {"alert_severity": "CRITICAL", "alert_status": "ACTIVE", "alert_type": "OBA_REJECTED", "alert_description": "Not enough press."}}),
            Critical,
            "WhatsApp alerts (OBA_REJECTED): Not enough press.",
        ),
        (
            "account_review_update",
            json!({"decision": "REJECTED"}),
            Warning,
            "WhatsApp's review of the account ended: REJECTED.",
        ),
        (
            "phone_number_name_update",
            json!({"display_phone_number": "1555", "decision": "APPROVED", "requested_verified_name": "Acme", "rejection_reason": null}),
            Information,
            "The display name \u{201c}Acme\u{201d} of the number 1555: APPROVED.",
        ),
        (
            "security",
            json!({"display_phone_number": "1555", "event": "PIN_RESET_REQUEST", "requester": 7}),
            Warning,
            "Somebody asked to reset the two-step PIN of the number 1555. If it was not you, act now.",
        ),
        (
            "flows",
            json!({"event": "FLOW_STATUS_CHANGE", "message": "It changed", "flow_id": 770, "old_status": "PUBLISHED",
                "new_status": "DEPRECATED"}),
            Warning,
            "The form 770 is DEPRECATED at WhatsApp, before it was PUBLISHED. It is not offered; bots go on as if it had not been filled in.",
        ),
        (
            "flows",
            json!({"event": "FLOW_STATUS_CHANGE", "flow_id": "770", "new_status": "PUBLISHED"}),
            Information,
            "The form 770 is PUBLISHED at WhatsApp. Take the forms over in Setup, Templates, if it is not among them.",
        ),
        (
            "business_username_updates",
            json!({"display_phone_number": "1555", "username": "acme", "status": "approved"}),
            Information,
            "The username @acme of the number 1555: approved.",
        ),
    ]
}

#[test]
fn every_documented_event_is_read_judged_and_told_in_words() {
    for (name, value, severity, words) in documented() {
        let notice = Notice::of(name, &value).unwrap_or_else(|| panic!("{name}: {value}"));
        assert_eq!((notice.severity(), notice.text().as_str()), (severity, words), "{value}");
        let stored = serde_json::to_string(&notice).unwrap();
        assert_eq!(serde_json::from_str::<Notice>(&stored).unwrap(), notice, "{stored}");
    }
}

#[test]
fn only_what_takes_the_account_away_stops_sending() {
    let stops = |value: Value| Notice::of("account_update", &value).unwrap().stops_sending();
    for event in ["ACCOUNT_DELETED", "ACCOUNT_RESTRICTION", "DISABLED_UPDATE", "ACCOUNT_OFFBOARDED"] {
        assert!(stops(json!({"event": event})), "{event}");
    }
    for event in ["ACCOUNT_RECONNECTED", "PARTNER_ADDED", "VOLUME_BASED_PRICING_TIER_UPDATE", "BRAND_NEW"] {
        assert!(!stops(json!({"event": event})), "{event}");
    }
    for state in ["REINSTATE", "SCHEDULE_FOR_DISABLE"] {
        assert!(!stops(json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": state}})), "{state}");
    }
    let warning = Notice::of("account_update", &json!({"event": "ACCOUNT_VIOLATION"})).unwrap();
    assert_eq!((warning.stops_sending(), warning.severity()), (false, Severity::Critical), "an alert, and no stop");
    let alert = json!({"alert_info": {"alert_severity": "CRITICAL", "alert_type": "x"}});
    assert!(!Notice::of("account_alerts", &alert).unwrap().stops_sending());
}

#[test]
fn what_lacks_its_essential_part_is_none() {
    for name in [
        "message_template_quality_update",
        "template_category_update",
        "message_template_components_update",
        "phone_number_quality_update",
        "business_capability_update",
        "account_update",
        "account_alerts",
        "account_review_update",
        "phone_number_name_update",
        "security",
        "business_username_updates",
        "brand_new",
    ] {
        for value in [json!({}), json!(null), json!(7), json!([]), json!({"event": {}})] {
            assert_eq!(Notice::of(name, &value), None, "{name} {value}");
        }
    }
}
