//! Proofs for summaries.
