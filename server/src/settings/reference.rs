//! The text for people. docs/OPERATIONS.md lists the same names.

pub(super) const PREFIX: &str = "CHRONTAINER_";

/// One variable as the documentation shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingDoc {
    /// The whole name, `CHRONTAINER_…`.
    pub name: &'static str,
    /// The default, or in brackets what happens without a value.
    pub default: &'static str,
    pub help: &'static str,
    /// Its value never appears in a message.
    pub secret: bool,
}

const fn doc(name: &'static str, default: &'static str, help: &'static str) -> SettingDoc {
    SettingDoc {
        name,
        default,
        help,
        secret: false,
    }
}

pub(super) const SETTINGS: &[SettingDoc] = &[
    doc(
        "CHRONTAINER_LISTEN",
        "127.0.0.1:3000",
        "Address and port to serve on; 0.0.0.0:3000 serves every network.",
    ),
    doc(
        "CHRONTAINER_TLS_CERT_FILE",
        "(plain HTTP)",
        "PEM file of the certificate to serve with over TLS, the server's own first, then its chain; needs \
         CHRONTAINER_TLS_KEY_FILE. A renewed file is taken within seconds.",
    ),
    doc(
        "CHRONTAINER_TLS_KEY_FILE",
        "(plain HTTP)",
        "PEM file of that certificate's private key, not encrypted, readable by the user that the server runs as.",
    ),
    doc(
        "CHRONTAINER_PUBLIC_URL",
        "(taken from each request)",
        "The address people use, an http or https origin. Decides links, Origin checks, Secure cookies and passkeys.",
    ),
    SettingDoc {
        name: "CHRONTAINER_DATABASE_URL",
        default: "(a private Postgres in the data directory)",
        help: "postgres://user:password@host:port/database of your own Postgres 15 or newer. Parameters: sslmode \
               (disable, prefer, require, verify-ca, verify-full), sslrootcert, host (a socket directory), port, user, \
               password, dbname, application_name, connect_timeout. A pooler in between must keep sessions.",
        secret: true,
    },
    doc(
        "CHRONTAINER_DATABASE_POOL",
        "16",
        "Database connections of this server in all, 6 to 500: 2 to listen, a quarter to the job queue, the rest to \
         everything else.",
    ),
    doc(
        "CHRONTAINER_DATA_DIR",
        "$XDG_DATA_HOME/chrontainer, ~/.local/share/chrontainer or, as root, /var/lib/chrontainer",
        "Where the private Postgres, its dumps and the secret key are kept.",
    ),
    doc(
        "CHRONTAINER_RUNTIME_DIR",
        "$XDG_RUNTIME_DIR/chrontainer, /tmp/chrontainer-<uid> or, as root, /run/chrontainer",
        "Where unix sockets are made; at most 80 bytes long.",
    ),
    doc(
        "CHRONTAINER_POSTGRES_BIN",
        "(found by itself)",
        "The directory of initdb and postgres for the private Postgres.",
    ),
    doc(
        "CHRONTAINER_BACKUP_KEEP",
        "7",
        "How many nightly dumps of the private Postgres are kept, 1 to 1000.",
    ),
    doc(
        "CHRONTAINER_SETUP_USER",
        "(a set-up link in the log)",
        "Name of the owner account made at the first start without a browser; needs CHRONTAINER_SETUP_PASSWORD_FILE.",
    ),
    doc(
        "CHRONTAINER_SETUP_PASSWORD_FILE",
        "(a set-up link in the log)",
        "File that holds the password of CHRONTAINER_SETUP_USER; read at the first start only, by the user that the \
         server runs as.",
    ),
    doc(
        "CHRONTAINER_SECRET_KEY_FILE",
        "(made once in the data directory)",
        "File that holds the key of the sealed secrets. Needed on every server of one database; without it the \
         secrets are lost.",
    ),
    doc(
        "CHRONTAINER_TRUSTED_PROXIES",
        "(none)",
        "Networks or addresses of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, separated \
         by commas.",
    ),
    doc(
        "CHRONTAINER_HTTP_ALLOW",
        "(public addresses only)",
        "Networks, addresses and host names inside your own networks that schedules may make requests to, separated by \
         commas: 192.168.1.0/24, hooks.lan.",
    ),
    doc(
        "CHRONTAINER_OIDC_ISSUER",
        "(providers are made in Settings, Sign-in)",
        "Issuer of a provider to sign in with, as it calls itself; needs CHRONTAINER_OIDC_CLIENT_ID. For GitHub the address \
         of its pages.",
    ),
    doc(
        "CHRONTAINER_OIDC_CLIENT_ID",
        "(none)",
        "This server's client id at that provider.",
    ),
    doc(
        "CHRONTAINER_OIDC_CLIENT_SECRET_FILE",
        "(a client without a secret)",
        "File that holds the client's secret; read at each start.",
    ),
    doc(
        "CHRONTAINER_OIDC_KIND",
        "oidc",
        "oidc, or github for GitHub and GitHub Enterprise.",
    ),
    doc(
        "CHRONTAINER_OIDC_NAME",
        "Single sign-on",
        "What the button of the sign-in page calls it: Continue with …",
    ),
    doc(
        "CHRONTAINER_OIDC_SLUG",
        "(made from the name)",
        "Its part of the callback's address, /auth/<slug>/callback.",
    ),
    doc(
        "CHRONTAINER_OIDC_API_URL",
        "(found from the issuer)",
        "Address of GitHub's REST API; github only.",
    ),
    doc(
        "CHRONTAINER_OIDC_SCOPES",
        "email profile",
        "What is asked for beside openid, separated by blanks. For github: read:user user:email, and read:org with roles.",
    ),
    doc(
        "CHRONTAINER_OIDC_DOMAINS",
        "(all)",
        "Domains of e-mail addresses that may sign in, separated by commas; the provider must have verified the address.",
    ),
    doc(
        "CHRONTAINER_OIDC_SIGN_UP",
        "invite_only",
        "invite_only, or auto_create for accounts that are made at the first sign-in for whoever gets a role.",
    ),
    doc(
        "CHRONTAINER_OIDC_LINK_BY_EMAIL",
        "no",
        "yes, if a verified e-mail address may find an account that is not linked yet.",
    ),
    doc(
        "CHRONTAINER_OIDC_ROLE_CLAIM",
        "(none)",
        "The claim whose values give roles, such as groups or realm_access.roles.",
    ),
    doc(
        "CHRONTAINER_OIDC_ROLES",
        "(none)",
        "Which value gives which role, separated by semicolons: ops=admin; media=operator@Family; *=viewer. What follows the @ is \
         an organisation, * is everybody whom the provider lets in.",
    ),
    doc(
        "CHRONTAINER_SESSION_IDLE",
        "7d",
        "How long a browser stays signed in without a visit.",
    ),
    doc(
        "CHRONTAINER_SESSION_MAX",
        "30d",
        "How long a browser stays signed in at most.",
    ),
    doc(
        "CHRONTAINER_RATE_LIMIT",
        "3000",
        "Requests a minute for each API key or browser, and four times as many for each address; 0 is no limit.",
    ),
    doc(
        "CHRONTAINER_WORKERS",
        "64",
        "How many runs this server executes at once, 1 to 4096.",
    ),
    doc(
        "CHRONTAINER_RUN_LEASE",
        "15s",
        "How long a run stays with a server that stopped renewing it before another takes it over, 2s to 10m.",
    ),
    doc(
        "CHRONTAINER_SITE_ROOT",
        "site beside the program, /usr/share/chrontainer/site or target/site",
        "The directory of the built interface.",
    ),
    doc(
        "CHRONTAINER_LOG",
        super::parse::DEFAULT_LOG,
        "Level or filter of the log, such as debug or info,server=debug.",
    ),
    doc(
        "CHRONTAINER_LOG_FORMAT",
        "text",
        "text for people, json for collectors.",
    ),
];
