#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| scalekit_vmcp_engine::fuzzing::settings(text));
