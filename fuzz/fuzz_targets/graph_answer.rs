#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| segue_channels::fuzz::graph_answer(octets));
