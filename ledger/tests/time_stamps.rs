//! The query that a time-stamp authority answers, and what its answer says. The golden files are made by OpenSSL:
//! testkit/scripts/timestamp_response.sh.
use ledger::{Error, SignedCheckpoint, TimestampResponse, timestamp_query};

const CHECKPOINT: &str = include_str!("golden/timestamp.checkpoint.txt");
const KEY: &str = include_str!("golden/timestamp.vkey");
const QUERY: &[u8] = include_bytes!("golden/timestamp.tsq");
const RESPONSE: &[u8] = include_bytes!("golden/timestamp.tsr");

fn checkpoint() -> SignedCheckpoint {
    SignedCheckpoint::open(CHECKPOINT, &KEY.trim().parse().expect("a key")).expect("a checkpoint")
}

#[test]
fn an_authority_answers_our_query_and_we_read_it() -> Result<(), Error> {
    assert_eq!(timestamp_query(&checkpoint()), QUERY);
    let response = TimestampResponse::read(RESPONSE)?;
    let time = response.time_of(&checkpoint())?;
    assert!(time.len() == 20 && time.starts_with("20") && time.ends_with('Z'), "{time}");
    Ok(())
}

#[test]
fn another_checkpoint_a_refusal_and_damaged_bytes_are_no_time_stamp() {
    // The imprint stands in the answer as it does in the query.
    let imprint = &QUERY[QUERY.len() - 35..QUERY.len() - 3];
    let place = RESPONSE.windows(32).position(|window| window == imprint).expect("the imprint");
    let mut other = RESPONSE.to_vec();
    other[place] ^= 1;
    let error = TimestampResponse::read(&other).and_then(|response| response.time_of(&checkpoint()).map(str::to_owned));
    assert!(error.is_err_and(|error| error.to_string().contains("something else")));
    // PKIStatus 2: rejection (RFC 3161 §2.4.2).
    let rejection = [0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02];
    assert!(TimestampResponse::read(&rejection).is_err_and(|error| error.to_string().contains("did not grant")));
    for length in 0..RESPONSE.len() {
        assert!(TimestampResponse::read(&RESPONSE[..length]).is_err(), "{length} bytes");
    }
    for place in 0..RESPONSE.len() {
        let mut changed = RESPONSE.to_vec();
        changed[place] = changed[place].wrapping_add(0x80);
        // Whatever it says, it says it without a panic.
        let _ = TimestampResponse::read(&changed);
    }
}
