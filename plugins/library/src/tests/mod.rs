//! Tests of transactions, which need trees of files.
mod crash;
mod property;
mod rollback;
mod tree;
