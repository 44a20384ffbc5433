//! Names of time zones. Browsers give some zones a name that the time zone database (IANA) has replaced, since Unicode's
//! CLDR never changes one; people know their city by the new one.

/// The replaced names that browsers still use (CLDR's `timezone.xml`), and what they are called now (tzdata's `backward`).
const REPLACED: &[(&str, &str)] = &[
    ("Africa/Asmera", "Africa/Asmara"),
    ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
    ("America/Catamarca", "America/Argentina/Catamarca"),
    ("America/Coral_Harbour", "America/Atikokan"),
    ("America/Cordoba", "America/Argentina/Cordoba"),
    ("America/Godthab", "America/Nuuk"),
    ("America/Indianapolis", "America/Indiana/Indianapolis"),
    ("America/Jujuy", "America/Argentina/Jujuy"),
    ("America/Louisville", "America/Kentucky/Louisville"),
    ("America/Mendoza", "America/Argentina/Mendoza"),
    ("Asia/Calcutta", "Asia/Kolkata"),
    ("Asia/Katmandu", "Asia/Kathmandu"),
    ("Asia/Rangoon", "Asia/Yangon"),
    ("Asia/Saigon", "Asia/Ho_Chi_Minh"),
    ("Atlantic/Faeroe", "Atlantic/Faroe"),
    ("Europe/Kiev", "Europe/Kyiv"),
    ("Pacific/Enderbury", "Pacific/Kanton"),
    ("Pacific/Ponape", "Pacific/Pohnpei"),
    ("Pacific/Truk", "Pacific/Chuuk"),
];

/// What the zone is called now.
pub fn current_name(name: String) -> String {
    match REPLACED.iter().find(|(old, _)| *old == name) {
        Some((_, new)) => (*new).to_owned(),
        None => name,
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn every_new_name_is_the_same_zone() {
        let now = jiff::Timestamp::now();
        for (old, new) in REPLACED {
            assert_eq!(current_name((*old).to_owned()), *new);
            assert_eq!(current_name((*new).to_owned()), *new);
            let (was, is) = (
                jiff::tz::TimeZone::get(old).unwrap(),
                jiff::tz::TimeZone::get(new).unwrap(),
            );
            assert_eq!(was.to_offset(now), is.to_offset(now), "{old} and {new}");
        }
    }
}
