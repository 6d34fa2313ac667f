//! The record of everything that was generated or refused: an append-only Merkle log.
//!
//! [`Ledger::append`] takes a stored picture and gives back a [`Recorded`] one, the only thing that the store releases;
//! [`Ledger::append_refusal`] records what the policy gate refused, [`Ledger::append_withheld`] what an examiner withheld. Leaves live
//! behind the port `spec::LogStorage`.
//!
//! # Format v3
//!
//! ```text
//! row   = hash ‖ leaf                       what the storage keeps for each index
//! leaf  = {"version":"danqing.ledger.v3","index":…,"time":…,"record":{"kind":"produced",…},"personal":{…}}
//!         UTF-8 JSON, no white space, keys in the order of the structs in `Entry`; time in ms since 1970
//!         kinds: produced, refused, withheld, relabelled (a file passed on or converted); stopped, resumed; suspended, lifted;
//!         applied, approved, delivered; shredded
//!         request of produced, refused, withheld, delivered = {"model":…,"texts":{"prompt":…,…},"seed":…,"count":…,"run":{"dtype":…},
//!                                                             "asked":{"kind":"picture","width":…,…} or {"kind":"design","problem":…,…}}
//!         personal (with a vault) = {"account":"<pseudonym>","key":"<id>","sealed":"<base64>","digests":[…]}
//! hash  = SHA-256(0x00 ‖ leaf)              32 bytes (RFC 6962 §2.1)
//! node  = SHA-256(0x01 ‖ left ‖ right)
//! key   = the ProduceID, the id of a relabelled file, or `refused:`, `withheld:`, `event:<hash in hexadecimal>`
//! tags  = `content:<SHA-256 of the file>`; of a watermarked picture also `mark:<ProduceId::mark, 12 hexadecimal digits>`;
//!         `switch`, `standing`, `application`; `picture:`, `refusal:`, `standing:<pseudonym>`; `approval:`, `delivery:<index>`
//!
//! head  = danqing.ledger.v1 ⏎               the body of a C2SP tlog-checkpoint
//!         <number of leaves> ⏎
//!         <base64 of the root> ⏎
//!         frontier <base64> ⏎               extension lines, only in the saved head: the roots of the perfect subtrees,
//!         …                                 largest first, from which an append goes on in O(log n)
//!
//! signed checkpoint = the head's first three lines, a blank line, and
//!         — danqing.ledger.v1 <base64 of key id and Ed25519 signature> ⏎        C2SP signed-note
//!
//! proof = {"format": "danqing.ledger.proof.v1", "index": …, "leaf": "<the leaf as a string>",
//!          "audit_path": ["<hash in hexadecimal>", …], "checkpoint": "<signed checkpoint>"}
//!         indented by two spaces, one line feed at the end; the path goes from the leaf up (RFC 6962 §2.1.1)
//! ```
//!
//! Version 2 had requests in one flat object, which holds pictures alone; version 1 had the kinds `produced` and `refused` besides, and no
//! personal fields. Their leaves are read for ever, as they are, and may precede others. The name of the log in heads and checkpoints is
//! that of its beginning, whatever the version of its leaves.
//!
//! # Personal fields
//!
//! ```text
//! id, record key = 16 and 32 random bytes, new for each record
//! sealed         = nonce ‖ XChaCha20-Poly1305(record key, nonce, personal fields as JSON, associated data = id)
//! secret         = nonce ‖ XChaCha20-Poly1305(vault's key, nonce, record key, associated data = id)     beside the log, removable
//! digests        = HMAC-SHA-256(record key, "danqing.text.v1" 0x00 ‖ text)
//! pseudonym      = first 16 bytes of HMAC-SHA-256(vault's key, "danqing.account.v1" 0x00 ‖ account)
//! ```
//!
//! The account and an article 9 recipient are always sealed; prompts and the words that verdicts quote are taken out of the record,
//! and sealed or only digested, where [`PromptStorage`] says so. [`Ledger::shred`] removes the secrets of old records, never inside their
//! term: the leaf stays, its hash and every proof with it, and what was sealed in it is noise.
//!
//! # What officers decide
//!
//! Stops, suspensions and article 9 are records like any other, and there is no other place that says them: [`Ledger::halt`] and
//! [`Ledger::history`] read them back from the leaves, never from the storage's tags. While the last word is a stop, [`Ledger::append`]
//! takes no file; without an [`Article9Grant`] none is taken that lacks its explicit label.
//!
//! Each row keeps its own hash so that verification can say *which* leaf was changed; the head covers all of them, so
//! that a row rewritten together with its hash is found too (then only the fact, not the place). What nobody can find
//! without a copy of an earlier checkpoint is a log rewritten whole, head included: keep signed checkpoints elsewhere, and
//! compare by [`Snapshot::check_continues`].
//!
//! # Signatures
//!
//! [`Snapshot::read`] verifies a ledger, [`KeyFiles::sign`] signs what it found, [`Snapshot::prove`] makes a proof of one
//! entry, and [`InclusionProof::verify`] checks it with nothing but the [`VerifierKey`]. The saved head is not signed: a
//! process that only appends needs no key. The key never lies in the ledger's database; before it signs, the ledger must
//! continue what it signed last.
//!
//! # What is trusted when
//!
//! [`Ledger::open`] reads every leaf once, checks its hash and that together they give the saved head, and keeps an index of what finds
//! which leaf in memory. An entry that is handed out later is checked against the hash that it had then. Keys and tags in the storage are
//! written for other readers and decide nothing: whoever can write to the file can remove a row from them. [`verify`] recomputes
//! everything, compares keys and tags row by row and in number, looks for the key of every sealed record and at the storage's guards, and
//! writes nothing; [`verify_against`] opens every sealed record too, and asks that the ledger continue the checkpoint beside its signing
//! key.
//!
//! Several processes may append to one ledger: an append that lost its turn catches up and tries again. A leaf, the
//! secret that it refers to and the head with it are written together; a head that is behind the leaves all the same, the next append or
//! opening brings up.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod account;
mod append;
mod article9;
mod checkpoint;
mod discrepancy;
mod entry;
mod error;
mod event;
mod findable;
mod history;
mod inclusion;
mod index;
mod key_files;
mod log;
mod merkle;
mod note;
mod notice;
mod proof;
mod recorded;
mod report;
mod seals;
mod shred;
mod snapshot;
mod statistics;
mod timestamp;
mod vault;
mod vault_key;
mod versions;

pub use account::Account;
pub use article9::Article9Grant;
pub use checkpoint::{Checkpoint, ORIGIN};
pub use discrepancy::Discrepancy;
pub use entry::{Copied, Entry, Produced, Record, Refused, Version, Withheld};
pub use error::{Error, Result};
pub use event::{Agreement, Application, Approval, Decision, Delivery, Shredding, Suspension, SuspensionCause};
pub use history::{Halt, History, PastRefusal};
pub use inclusion::{InclusionProof, Proven};
pub use key_files::{KeyFiles, KeyNotice, Signed};
pub use log::Ledger;
pub use merkle::{Frontier, leaf_hash, node_hash, tree_root};
pub use note::{ParseKeyError, SecretKey, SignedCheckpoint, VerifierKey};
pub use notice::Notice;
pub use proof::{consistency_proof, inclusion_proof, verify_consistency, verify_inclusion};
pub use recorded::Recorded;
pub use report::{Evidence, Head, LeafFault, Problem, Report, verify, verify_against};
pub use shred::Revealed;
pub use snapshot::Snapshot;
pub use statistics::Statistics;
pub use timestamp::{TimestampResponse, timestamp_query};
pub use vault::{MINIMUM_RETENTION_DAYS, Personal, PromptStorage, Recipient, Sealed, VaultSettings};
