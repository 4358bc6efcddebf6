//! Machine, nested and in-process tests.
