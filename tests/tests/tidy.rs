//! The habits of this repository, checked by a machine: each habit is one test, and each finding
//! names file, line and fix.
//!
//! Never: a habit that a reader has to remember.

#![expect(clippy::expect_used, reason = "a check that cannot look has to fail")]

#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/guests.rs"]
mod guests;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/manifests.rs"]
mod manifests;
#[path = "tidy/repository.rs"]
mod repository;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/wit.rs"]
mod wit;
