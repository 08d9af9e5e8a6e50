//! Proofs for acceptance gates.
