//! HTTP, as much of it as webhooks and change systems need: one request, bounded in time and size.
//!
//! Redirects are not followed: a token must not go where somebody else says. Certificates are checked as this machine
//! checks them, so that hosts inside a company work.

use std::io::Read as _;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use crate::domain::hook::host_of;

/// The most that is read of an answer.
const LARGEST: u64 = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Patch,
}

pub(super) struct Request<'a> {
    pub method: Method,
    pub url: &'a str,
    pub headers: Vec<(String, String)>,
    pub body: Option<&'a str>,
    pub timeout: Duration,
}

pub(super) struct Response {
    pub status: u16,
    /// Where it was sent on to.
    pub location: Option<String>,
    pub body: String,
}

impl Response {
    pub(super) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// `200`, `302: sent on to https://elsewhere.example, which is not followed`.
    pub(super) fn outcome(&self) -> String {
        match &self.location {
            Some(to) if (300..400).contains(&self.status) => {
                format!("{}: sent on to {}, which is not followed", self.status, host_of(to))
            }
            _ => self.status.to_string(),
        }
    }
}

/// Sends it and waits for the answer, no longer than its timeout in all. `Err`: there was none, and why.
pub(super) fn send(request: &Request<'_>) -> Result<Response, String> {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(request.timeout))
        .user_agent(concat!("relman/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build()
        .into();
    let named = |error: ureq::Error| explain(request, &error);
    let mut response = match request.method {
        Method::Get => {
            let mut call = agent.get(request.url);
            for (name, value) in &request.headers {
                call = call.header(name, value);
            }
            call.call().map_err(named)?
        }
        Method::Post | Method::Patch => {
            let mut call = match request.method {
                Method::Post => agent.post(request.url),
                _ => agent.patch(request.url),
            };
            for (name, value) in &request.headers {
                call = call.header(name, value);
            }
            call.content_type("application/json").send(request.body.unwrap_or_default()).map_err(named)?
        }
    };
    let location =
        response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = response.status().as_u16();
    let mut bytes = Vec::new();
    // The status has been said: what is missing of the rest changes nothing about it.
    let _rest = response.body_mut().as_reader().take(LARGEST).read_to_end(&mut bytes);
    Ok(Response { status, location, body: String::from_utf8_lossy(&bytes).into_owned() })
}

fn explain(request: &Request<'_>, error: &ureq::Error) -> String {
    let host = host_of(request.url);
    match error {
        ureq::Error::Timeout(_) => {
            format!("no answer from {host} within {}", crate::domain::time::span(request.timeout))
        }
        ureq::Error::HostNotFound => format!("there is no host {host}"),
        ureq::Error::ConnectionFailed => format!("{host} takes no connection"),
        // Errors of libraries may quote what was sent.
        ureq::Error::Io(why) => format!("{host} could not be reached: {}", why.kind()),
        other => format!("{host} could not be asked: {}", short(&other.to_string())),
    }
}

fn short(text: &str) -> String {
    crate::domain::text::fit(&crate::domain::text::one_line(text), 200)
}

/// `Basic` or `Bearer`, for the header Authorization.
pub(super) fn authorization(user: Option<&str>, token: &str) -> String {
    use base64::Engine as _;
    match user {
        Some(user) => {
            let both = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{token}"));
            format!("Basic {both}")
        }
        None => format!("Bearer {token}"),
    }
}

/// A text as part of a query.
pub(super) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_hold_nothing_that_ends_them() {
        assert_eq!(escaped("a=Deploy \"x\"&b^é"), "a%3DDeploy%20%22x%22%26b%5E%C3%A9");
    }

    #[test]
    fn a_user_makes_it_basic() {
        assert_eq!(authorization(Some("Aladdin"), "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(authorization(None, "t"), "Bearer t");
    }
}
