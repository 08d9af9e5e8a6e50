//! Words of other parts that a scenario may use.
//!
//! Never: a word that those parts do not have; a test holds them together.

/// How an attempt can end, as in the JSON form of an outcome.
pub const STATUSES: [&str; 10] = [
    "succeeded",
    "failed",
    "rejected",
    "invalid-input",
    "denied",
    "unavailable",
    "timed-out",
    "cancelled",
    "plugin-fault",
    "internal",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_an_outcome_is_a_word() {
        let error = serde_json::from_str::<crate::outcome::Outcome>(r#"{"status": "?"}"#);
        let message = error.unwrap_err().to_string();
        let named: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
        assert_eq!(named, STATUSES);
    }
}
