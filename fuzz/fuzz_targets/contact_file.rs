#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| segue_outreach::fuzz::contact_file(&std::env::temp_dir().join(format!("segue-fuzz-{}.csv", std::process::id())), octets));
