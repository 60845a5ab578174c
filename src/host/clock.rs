//! The one call to the system clock.

use crate::domain::time::Timestamp;

/// The time now. Nothing in a release build can change the answer: a fake clock would open freezes.
#[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
pub fn now() -> Timestamp {
    #[cfg(feature = "test-hooks")]
    if let Some(fixed) = super::environment::test_hook("RELMAN_TEST_NOW") {
        return fixed.parse().expect("RELMAN_TEST_NOW is an RFC 3339 time");
    }
    Timestamp::new(chrono::Utc::now())
}

/// The zone this machine shows times in, for views of people who set none.
pub fn local_zone() -> Option<crate::domain::time::Tz> {
    iana_time_zone::get_timezone().ok()?.parse().ok()
}

/// Lets time pass, where there is no event to wait for.
#[expect(clippy::disallowed_methods, reason = "waiting without an event goes through here, to be findable")]
pub fn wait(time: std::time::Duration) {
    std::thread::sleep(time);
}
