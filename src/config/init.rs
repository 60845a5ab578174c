//! The file `relman init` writes: the smallest that carries a release to production, with the rest as comments.

/// A commented starter configuration for a service of this name.
pub fn starter(service: &str) -> String {
    include_str!("../../assets/starter.toml").replace("SERVICE", service)
}
