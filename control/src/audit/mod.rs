//! Audit: every change, who made it, before and after.
