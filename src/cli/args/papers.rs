//! What relman tells about itself: keys and manual.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::tui::model::Pane;

#[derive(Debug, Args)]
pub struct Keys {
    /// Only those that mean something in this pane
    #[arg(value_enum)]
    pub pane: Option<PaneName>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum PaneName {
    Board,
    Approvals,
    Calendar,
    Log,
}

impl From<PaneName> for Pane {
    fn from(name: PaneName) -> Self {
        match name {
            PaneName::Board => Self::Board,
            PaneName::Approvals => Self::Approvals,
            PaneName::Calendar => Self::Calendar,
            PaneName::Log => Self::Log,
        }
    }
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// Where all pages are written (otherwise the page of the program goes to stdout)
    pub directory: Option<PathBuf>,
}
