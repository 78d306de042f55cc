//! Pictures for the README.
