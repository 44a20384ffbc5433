//! Codes of an authenticator app: RFC 6238 with what every app takes, SHA-1, 30 seconds and six digits.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Seconds of one step.
const STEP: i64 = 30;
/// Steps before and after now that are taken: clocks differ, and people type.
const AROUND: i64 = 1;
const DIGITS: u32 = 1_000_000;
/// Bytes of a secret, as RFC 4226 recommends.
pub const SECRET: usize = 20;

/// The step of a time in seconds since 1970.
pub fn step(at: i64) -> i64 {
    at.div_euclid(STEP)
}

/// The code of a step.
pub(super) fn code(secret: &[u8], step: i64) -> Option<u32> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let offset = usize::from(hash[19] & 0x0f);
    let part: [u8; 4] = hash.get(offset..offset + 4)?.try_into().ok()?;
    Some((u32::from_be_bytes(part) & 0x7fff_ffff) % DIGITS)
}

/// The step whose code this is, among those around now and after the last one that was taken.
pub fn matching(secret: &[u8], typed: &str, now: i64, last: i64) -> Option<i64> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let typed: u32 = digits.parse().ok()?;
    let now = step(now);
    // Every step is looked at, so that the time tells nothing.
    (now - AROUND..=now + AROUND)
        .filter(|step| code(secret, *step) == Some(typed) && *step > last)
        .max()
}

/// Base32 (RFC 4648) without padding, as apps and people type it.
pub fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in bytes {
        buffer = buffer << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(LETTERS[(buffer >> bits & 31) as usize]));
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(LETTERS[(buffer << (5 - bits) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B.
    const RFC: &[u8] = b"12345678901234567890";

    #[test]
    fn the_codes_are_those_of_the_rfc() {
        for (at, expected) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            // The RFC lists eight digits; six of them are the last ones.
            assert_eq!(code(RFC, step(at)), Some(expected % DIGITS), "{at}");
        }
    }

    #[test]
    fn a_code_is_taken_once_and_only_around_its_time() {
        let now = 1_111_111_109;
        assert_eq!(matching(RFC, "081 804", now, 0), Some(step(now)));
        assert_eq!(matching(RFC, "081804", now + 30, 0), Some(step(now)));
        assert_eq!(matching(RFC, "081804", now + 90, 0), None);
        assert_eq!(matching(RFC, "081804", now, step(now)), None, "replayed");
        assert_eq!(matching(RFC, "81804", now, 0), None);
        assert_eq!(matching(RFC, "+81804", now, 0), None);
    }

    #[test]
    fn base32_is_that_of_the_rfc() {
        for (plain, coded) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(plain.as_bytes()), coded);
        }
    }
}
