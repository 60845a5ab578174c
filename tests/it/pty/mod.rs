//! The panes in a real terminal: what no test without one can see.

mod detached;
mod editor;
mod journey;
mod looks;
mod quiet;
mod restored;
mod rules;
mod seven_stages;
mod together;
mod wire;
