//! How much something that a provider tells of an account matters.

crate::text_enum! {
    /// How much a notice matters.
    pub enum Severity {
        /// For the record.
        Information = "information",
        /// Somebody should look at it.
        Warning = "warning",
        /// Sending is at stake; somebody must act.
        Critical = "critical",
    }
}
