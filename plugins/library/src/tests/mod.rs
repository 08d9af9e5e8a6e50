//! Tests of transactions, which need trees of files.
mod corpus;
mod crash;
mod imported;
mod property;
mod rollback;
mod tree;
