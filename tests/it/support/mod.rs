//! What tests share. Each file is one family of helpers; helpers return values, tests assert.

pub(crate) mod env;
pub(crate) mod http;
pub(crate) mod keys;
pub(crate) mod pty;
pub(crate) mod screen;
pub(crate) mod wait;
pub(crate) mod world;
