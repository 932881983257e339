//! What leaves the machine: schema v1, signature, receipt.
