#![no_main]

libfuzzer_sys::fuzz_target!(|value: &[u8]| scalekit_vmcp_engine::fuzzing::token(value));
