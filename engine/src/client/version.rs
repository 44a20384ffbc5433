//! Versions of the Docker API.

use crate::error::EngineError;
use std::{fmt, str::FromStr};

/// A version of the Docker API: `1.41`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ApiVersion {
    major: u16,
    minor: u16,
}

impl ApiVersion {
    /// The oldest that is supported: Docker 20.10's, and what Podman's compatible API speaks.
    pub(crate) const OLDEST: Self = Self { major: 1, minor: 41 };

    /// From here on unused volumes mean anonymous ones only, unless named ones are asked for (Docker 23).
    pub(crate) const SPARES_VOLUMES: Self = Self { major: 1, minor: 42 };

    /// The newest this program knows.
    fn newest() -> Self {
        let known = bollard::API_DEFAULT_VERSION;
        Self {
            major: known.major_version as u16,
            minor: known.minor_version as u16,
        }
    }

    /// The version to speak with an engine whose newest is `self`.
    pub(crate) fn agreed(self) -> Result<Self, EngineError> {
        if self < Self::OLDEST {
            return Err(EngineError::TooOld {
                found: self.to_string(),
                needed: Self::OLDEST.to_string(),
            });
        }
        Ok(self.min(Self::newest()))
    }

    pub(crate) fn pack(self) -> u32 {
        u32::from(self.major) << 16 | u32::from(self.minor)
    }

    pub(crate) fn unpack(packed: u32) -> Option<Self> {
        (packed != 0).then_some(Self {
            major: (packed >> 16) as u16,
            minor: packed as u16,
        })
    }
}

impl FromStr for ApiVersion {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (major, minor) = text.trim().split_once('.').ok_or(())?;
        Ok(Self {
            major: major.parse().map_err(|_| ())?,
            minor: minor.parse().map_err(|_| ())?,
        })
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_agreed_on() {
        let agreed = |text: &str| {
            text.parse::<ApiVersion>()
                .expect("a version")
                .agreed()
                .map(|v| v.to_string())
        };
        assert_eq!(agreed("1.41"), Ok("1.41".into()));
        assert_eq!(agreed("1.45"), Ok("1.45".into()));
        assert_eq!(agreed("1.999"), Ok(ApiVersion::newest().to_string()));
        let error = agreed("1.40").expect_err("too old");
        assert_eq!(error.code(), "engine_too_old");
        assert!(error.to_string().contains("speaks API 1.40"), "{error}");
        assert!("latest".parse::<ApiVersion>().is_err());
        assert_eq!(
            ApiVersion::unpack(ApiVersion::OLDEST.pack()),
            Some(ApiVersion::OLDEST)
        );
    }
}
