use std::path::Path;

use super::*;

fn read(vars: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    read_as(vars, false)
}

fn read_as(vars: &[(&str, &str)], root: bool) -> Result<Settings, SettingsError> {
    Settings::from_vars(vars.iter().map(|(name, value)| (name.into(), value.into())), root)
}

fn refusal(vars: &[(&str, &str)]) -> String {
    read(vars).unwrap_err().to_string()
}

#[test]
fn defaults_for_a_person_and_for_root() {
    let settings = read(&[("HOME", "/home/ada"), ("XDG_RUNTIME_DIR", "/run/user/1000")]).unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:3000");
    assert_eq!(settings.data_dir, Path::new("/home/ada/.local/share/chrontainer"));
    assert_eq!(settings.runtime_dir, Path::new("/run/user/1000/chrontainer"));
    assert_eq!(
        settings.pools,
        PoolSizes {
            records: 10,
            queue: 4,
            listen: 2
        }
    );
    assert_eq!(settings.run_lease, Duration::from_secs(15));
    assert!(settings.database.is_none());
    assert_eq!(settings.log_filter, "info,sqlx::postgres::notice=warn");
    assert_eq!(
        parse::log_filter(&settings.log_filter),
        Ok(settings.log_filter.clone())
    );

    let settings = read(&[("HOME", "/home/ada"), ("XDG_DATA_HOME", "/data")]).unwrap();
    assert_eq!(settings.data_dir, Path::new("/data/chrontainer"));
    assert!(settings.runtime_dir.starts_with("/tmp"));

    let settings = read_as(&[("HOME", "/root"), ("XDG_DATA_HOME", "/root/x")], true).unwrap();
    assert_eq!(settings.data_dir, Path::new("/var/lib/chrontainer"));
    assert_eq!(settings.runtime_dir, Path::new("/run/chrontainer"));
}

#[test]
fn values_are_read() {
    let settings = read(&[
        ("CHRONTAINER_LISTEN", "[::]:8080"),
        ("CHRONTAINER_PUBLIC_URL", "https://fleet.example.org/"),
        ("CHRONTAINER_DATABASE_POOL", "40"),
        ("CHRONTAINER_TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("CHRONTAINER_SESSION_IDLE", "90m"),
        ("CHRONTAINER_RUN_LEASE", "2s"),
        ("CHRONTAINER_LOG_FORMAT", "json"),
        ("CHRONTAINER_SETUP_USER", "ada"),
        ("CHRONTAINER_SETUP_PASSWORD_FILE", "/run/secrets/owner"),
        ("CHRONTAINER_WORKERS", ""),
        ("CHRONTAINER_TEST_POSTGRES", "ignored"),
        ("PATH", "/bin"),
    ])
    .unwrap();
    assert_eq!(settings.listen.port(), 8080);
    let public = settings.public_url.unwrap();
    assert_eq!(
        (public.origin(), public.host(), public.is_https()),
        ("https://fleet.example.org", "fleet.example.org", true)
    );
    assert_eq!(
        settings.pools,
        PoolSizes {
            records: 28,
            queue: 10,
            listen: 2
        }
    );
    assert_eq!(settings.trusted_proxies.len(), 2);
    assert!(settings.trusted_proxies[1].contains(&"::1".parse::<std::net::IpAddr>().unwrap()));
    assert_eq!(settings.session_idle, Duration::from_secs(5400));
    assert_eq!(settings.run_lease, Duration::from_secs(2));
    assert_eq!(settings.log_format, LogFormat::Json);
    assert_eq!(settings.setup.unwrap().user, "ada");
    assert_eq!(settings.workers, 64);
}

#[test]
fn bad_values_name_the_variable_the_value_and_what_is_allowed() {
    let cases = [
        ("CHRONTAINER_LISTEN", "3000", "an address and a port"),
        (
            "CHRONTAINER_PUBLIC_URL",
            "fleet.example.org",
            "https://chrontainer.example.org",
        ),
        (
            "CHRONTAINER_PUBLIC_URL",
            "https://example.org/chrontainer",
            "nothing may follow the host",
        ),
        ("CHRONTAINER_DATABASE_POOL", "2", "from 6 to 500"),
        ("CHRONTAINER_POSTGRES_BIN", "/nonexistent", "no such directory"),
        ("CHRONTAINER_BACKUP_KEEP", "0", "from 1 to 1000"),
        (
            "CHRONTAINER_TRUSTED_PROXIES",
            "10.0.0.0/8,proxy",
            "`proxy` is no network",
        ),
        ("CHRONTAINER_SESSION_IDLE", "3000d", "from 1m to 700d, such as"),
        ("CHRONTAINER_RUN_LEASE", "1s", "from 2s to 10m"),
        ("CHRONTAINER_RUN_LEASE", "soon", "such as 90s"),
        ("CHRONTAINER_LOG", "server=loud", "a level (error, warn"),
        ("CHRONTAINER_LOG_FORMAT", "xml", "text or json"),
    ];
    for (name, value, expected) in cases {
        let text = refusal(&[(name, value)]);
        assert!(text.starts_with(&format!("{name} is `{value}`: ")), "{text}");
        assert!(text.contains(expected), "{text}");
        assert!(text.ends_with('.'), "{text}");
    }
    let long = format!("/tmp/{}", "x".repeat(90));
    assert!(refusal(&[("CHRONTAINER_RUNTIME_DIR", &long)]).contains("may have 80"));
}

#[test]
fn an_unknown_variable_stops_the_start_and_the_nearest_is_named() {
    assert_eq!(
        refusal(&[("CHRONTAINER_DATABSE_URL", "postgres://u:hunter2@h/d")]),
        "CHRONTAINER_DATABSE_URL is not a setting of Chrontainer; did you mean CHRONTAINER_DATABASE_URL?"
    );
    assert!(refusal(&[("CHRONTAINER_ZZZZZZZZ", "1")]).contains("docs/OPERATIONS.md"));
}

#[test]
fn every_problem_is_told_at_once() {
    let error = read(&[
        ("CHRONTAINER_WORKERS", "many"),
        ("CHRONTAINER_NOPE", "1"),
        ("CHRONTAINER_SETUP_USER", "ada"),
    ])
    .unwrap_err();
    assert_eq!(error.problems.len(), 3, "{error}");
    assert!(refusal(&[("CHRONTAINER_SESSION_IDLE", "60d")]).contains("CHRONTAINER_SESSION_MAX"));
}

#[test]
fn the_database_url_is_never_shown() {
    let text = refusal(&[(
        "CHRONTAINER_DATABASE_URL",
        "postgres://u:hunter2@h/d?sslmode=maybe",
    )]);
    assert!(
        text.starts_with("CHRONTAINER_DATABASE_URL cannot be used: its sslmode is `maybe`"),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
    let settings = read(&[("CHRONTAINER_DATABASE_URL", "postgres://u:hunter2@h/d")]).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn both_drivers_get_the_same_database() {
    let url = "postgres://u:p@db:6000/fleet?sslmode=verify-full&application_name=a";
    let settings = read(&[("CHRONTAINER_DATABASE_URL", url)]).unwrap();
    let options = sqlx_options(settings.database.as_ref().unwrap());
    assert_eq!((options.get_host(), options.get_port()), ("db", 6000));
    assert_eq!(
        (options.get_username(), options.get_database()),
        ("u", Some("fleet"))
    );
    assert!(matches!(
        options.get_ssl_mode(),
        sqlx::postgres::PgSslMode::VerifyFull
    ));

    let socket = sqlx_options(&ConnectSpec::socket("/run/x", 5432, "chrontainer", "chrontainer"));
    assert_eq!(
        socket.get_socket().map(PathBuf::as_path),
        Some(Path::new("/run/x"))
    );
}

#[test]
fn the_reference_knows_exactly_what_is_read() {
    // What nobody reads is called unknown; that every name read is documented is asserted by the reader itself.
    for setting in Settings::reference() {
        if let Err(error) = read(&[(setting.name, "\u{1}")]) {
            assert!(!error.to_string().contains("is not a setting"), "{error}");
        }
    }
}
