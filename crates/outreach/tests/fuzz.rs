//! The fuzz targets with mutated samples: as many cases as fit into a few seconds, the same ones in every run.
//!
//! `SEGUE_FUZZ_SECONDS=600 cargo test --release -p segue-outreach --test fuzz -- --nocapture` runs each for ten minutes.
//! `fuzz/README.md` says how to run the same targets under a coverage-guided fuzzer.

use std::time::{Duration, Instant};

/// Most cases of one target.
const CASES: u64 = 1_000_000;
/// Longest input, in octets.
const LONGEST: usize = 2_048;

/// A sequence that looks random and is the same in every run (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next_u32(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or_default()
    }
}

/// Calls `target` with mutations of `samples` until time or cases run out; the input of a failure is shown in hexadecimal.
fn run(name: &str, samples: &[&[u8]], target: impl Fn(&[u8]) + std::panic::RefUnwindSafe) {
    let seconds = std::env::var("SEGUE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut rng = Chance(7);
    let mut cases = 0u64;
    while cases < CASES && Instant::now() < end {
        for _ in 0..64 {
            let input = mutated(samples, &mut rng);
            if std::panic::catch_unwind(|| target(&input)).is_err() {
                let hex: String = input.iter().map(|octet| format!("{octet:02x}")).collect();
                panic!("{name} fails after {cases} cases with {hex}");
            }
            cases += 1;
        }
    }
    println!("{name}: {cases} cases");
    assert!(cases >= 64, "{name}: only {cases} cases in the time");
}

fn mutated(samples: &[&[u8]], rng: &mut Chance) -> Vec<u8> {
    let below = |rng: &mut Chance, limit: usize| rng.next_u32() as usize % limit.max(1);
    let mut input = samples[below(rng, samples.len())].to_vec();
    for _ in 0..below(rng, 6) {
        let at = below(rng, input.len() + 1);
        match below(rng, 8) {
            0 if at < input.len() => input[at] = rng.next_u32().to_be_bytes()[0],
            1 if at < input.len() => input[at] ^= 1 << below(rng, 8),
            2 => input.insert(at, rng.next_u32().to_be_bytes()[0]),
            3 if at < input.len() => drop(input.remove(at)),
            4 => input.truncate(at),
            5 => {
                // A piece of another sample.
                let other = samples[below(rng, samples.len())];
                let (from, to) = (below(rng, other.len() + 1), below(rng, other.len() + 1));
                input.splice(at..at, other[from.min(to)..from.max(to)].iter().copied());
            }
            6 => {
                let (from, to) = (below(rng, input.len() + 1), at);
                let piece = input[from.min(to)..from.max(to)].to_vec();
                input.extend(piece);
            }
            _ => input.extend((0..below(rng, 40)).map(|_| rng.next_u32().to_be_bytes()[0])),
        }
        input.truncate(LONGEST);
    }
    input
}

const DELIVER: &[u8] =
    b"\0\0\0\x66\0\0\0\x05\0\0\0\0\0\0\0\x09\0\x01\x0115550001111\0\x03\x0034567\0\x04\0\0\0\0\0\0\0\0\x34\
id:77 sub:001 dlvrd:001 stat:DELIVRD err:000 text:hi";
const PART: &[u8] =
    b"\0\0\0\x3d\0\0\0\x05\0\0\0\0\0\0\0\x09\0\x01\x0115550001111\0\x03\x0034567\0\x40\0\0\0\0\0\0\x08\0\x08\
\x05\0\x03\x07\x02\x01\x04\x4f";

#[test]
fn smpp_streams() {
    run("smpp_stream", &[DELIVER, PART, &[DELIVER, PART].concat(), &[0, 0, 0, 16]], segue_channels::fuzz::smpp_stream);
}

#[test]
fn receipts() {
    let samples: [&[u8]; 4] = [
        b"id:0123456789 sub:001 dlvrd:001 submit date:2611231000 done date:2611231001 stat:DELIVRD err:000 text:Hello",
        b"id:77,sub:001,dlvrd:001,submit date:2611231000,done date:2611231001,stat:DELIVRD,err:000,text:Hi",
        b"stat:2 id=ff err:11B Text: id:9 stat:UNDELIV",
        b"",
    ];
    run("receipt", &samples, segue_channels::fuzz::receipt);
}

#[test]
fn gsm_octets() {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    run("gsm_alphabet", &[&all, b"\x1b\x65\x1b\x1b", b"hellohello", &PART[53..]], segue_channels::fuzz::gsm_alphabet);
}

#[test]
fn message_texts() {
    let long = "Grüße {aus} Köln – 😀 für 5 € ".repeat(12);
    let plain = "[x] ".repeat(45);
    run("message_text", &[long.as_bytes(), plain.as_bytes(), b"a", "я".as_bytes()], segue_channels::fuzz::message_text);
}

#[test]
fn contact_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("contacts.csv");
    let samples: [&[u8]; 4] = [
        b"phone,first_name,email\n+15550100,Ana,a@example.com\n\"+1 555 0101\",\"O\"\"Neil\",=1+1\n",
        b"\xEF\xBB\xBFTelefon;Name\r\n+4915112345678;J\xC3\xB6rg\r\n",
        b"phone\tname\n+15550100\tM\xFCller\n",
        b"\xFF\xFEp\0h\0",
    ];
    run("contact_file", &samples, |octets| segue_outreach::fuzz::contact_file(&path, octets));
}

#[test]
fn templates() {
    let samples: [&[u8]; 4] = [
        b"Hi {{ first_name | default('there') }}, {% if city == \"Berlin\" %}yes{% else %}no{% endif %}",
        b"{% for i in range(100000) %}{{ i }}{% endfor %}",
        b"{# a comment #}{{ 'a' * 10 }}{{ first_name | upper | replace('A', 'b') }}",
        b"plain",
    ];
    run("template", &samples, segue_outreach::fuzz::template);
}

#[test]
fn conditions() {
    let samples: [&[u8]; 4] = [
        b"contact.city == \"Berlin\" && (clicked(30) || !has(contact.email))",
        b"contact[\"loyalty level\"] in [\"gold\", \"silver\"] && int(contact.points) >= 100",
        b"consent(\"sms\") == \"granted\" && contact.first_name.matches(\"^A.*\")",
        b"true",
    ];
    run("condition", &samples, segue_outreach::fuzz::condition);
}

#[test]
fn webhooks() {
    let samples: [&[u8]; 6] = [
        br#"{"object":"whatsapp_business_account","entry":[{"id":"55","time":1800000000,"changes":[{"field":"messages","value":{"metadata":{"display_phone_number":"15550783881","phone_number_id":"7"},"contacts":[{"profile":{"name":"Eva"},"wa_id":"4915112345678","user_id":"DE.9"}],"messages":[{"from":"4915112345678","id":"wamid.A","timestamp":"1800000001","type":"text","text":{"body":"Hi"},"context":{"id":"wamid.0"},"referral":{"source_url":"https://a.example","source_id":1}},{"from_user_id":"DE.9","id":"wamid.B","type":"location","location":{"latitude":52.52,"longitude":"13.4"}}]}}]}]}"#,
        br#"{"object":"whatsapp_business_account","entry":[{"id":"55","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"7"},"statuses":[{"id":"wamid.A","status":"failed","timestamp":1800000002,"recipient_id":"4915112345678","errors":[{"code":131047,"title":"t","error_data":{"details":"d"}}],"pricing":{"billable":true,"category":"service"},"biz_opaque_callback_data":"msg_1"}],"errors":[{"code":130429}]}}]}]}"#,
        br#"{"entry":{"id":55,"changes":{"field":"history","value":{"metadata":{"display_phone_number":"1"},"history":[{"threads":[{"id":"9","messages":[{"from":"9","id":"h1","type":"text"},{"from":"1","to":"9","id":"h2"},7]}]},{"errors":[{"code":2593109}]}]}}}}"#,
        br#"{"entry":[{"id":"55","time":"1","changes":[{"field":"user_preferences","value":{"user_preferences":[{"wa_id":"9","category":"marketing_messages","value":"stop","timestamp":1}]}},{"field":"user_id_update","value":{"user_id_update":[{"user_id":{"previous":"DE.1","current":"DE.2"}}]}},{"field":"account_update","value":{"event":"ACCOUNT_RESTRICTION","restriction_info":[{"restriction_type":"R","expiration":1}]}},{"field":"message_template_status_update","value":{"event":"APPROVED","message_template_id":1,"message_template_name":"a","message_template_language":"en-US"}}]}]}"#,
        br#"{"entry":[{"changes":[{"field":"messages","value":{"messages":[{"id":"w","from":"9","type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"response_json":"{\"a\":1}"}}},{"id":"x","type":"order","order":{"product_items":[{"quantity":2,"item_price":1.5}]}},{"id":"y","type":"contacts","contacts":[{"name":{},"phones":[{"phone":"+1","wa_id":"1"}]}]},{"id":"z","type":"reaction","reaction":{"message_id":"w"}}],"calls":[{"id":"c","from":"9","event":"connect"}]}}]}]}"#,
        br#"[{"object":"page"},null,true,"text",1e3,-0.0,{"entry":[]}]"#,
    ];
    run("webhook", &samples, segue_channels::fuzz::webhook);
}

#[test]
fn graph_answers() {
    // Two octets of status first: 100 and what they say, modulo 500.
    let samples: [&[u8]; 6] = [
        b"\0\x64{\"contacts\":[{\"input\":\"+1\",\"wa_id\":\"1\"}],\"messages\":[{\"id\":\"wamid.1\",\"message_status\":\"accepted\"}]}",
        b"\x01\x2c{\"error\":{\"message\":\"Malformed access token EAATokenOfTheTest\",\"code\":190,\"error_data\":{\"details\":\"EAATokenOfTheTest\"}}}",
        b"\x01\x2c{\"error\":{\"message\":\"(#131047)\",\"code\":\"131047\",\"is_transient\":true,\"error_data\":\"plain\"}}",
        b"\x01\x90{\"error\":{\"code\":130429,\"error_user_title\":\"EAATokenOfTheTest\"}}",
        b"\0\x64{\"data\":[{\"id\":1,\"name\":\"a\",\"language\":\"en-US\",\"status\":\"APPROVED\",\"components\":null}],\"block_users\":{\"failed_users\":[{\"errors\":[{\"message\":\"EAATokenOfTheTest\"}]}]}}",
        b"\x01\x91<html>Bad Gateway</html>",
    ];
    run("graph_answer", &samples, segue_channels::fuzz::graph_answer);
}
