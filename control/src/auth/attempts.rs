//! Failed sign-ins: each further one makes the next wait longer. Shared by all servers through the database.
//!
//! Two counts: one per (account, address), so that nobody can keep the owner out from elsewhere, and one per
//! address over all accounts, against guessing names. An attempt is counted before its password is looked at, so that a
//! thousand at once are a thousand; a good one takes its count back.

use crate::{Control, error::Result};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::errors::{ErrorClass, Problem};
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv6Addr};

/// Failures that cost nothing: people mistype.
const FREE_ACCOUNT: i32 = 5;
const FREE_ADDRESS: i32 = 20;
/// The longest wait, in seconds. Short enough for somebody who shares an address with an attacker.
const LONGEST_WAIT: i32 = 120;

/// The two counts of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    account: String,
    address: String,
}

impl Attempt {
    /// Without an address (a unix socket, a test) all strangers count as one.
    pub fn new(name: &str, address: Option<&str>) -> Self {
        let from = place(address.unwrap_or_default());
        // Only a digest: what is typed into a name field is now and then a password.
        let digest = Sha256::digest(format!("{}\0{from}", name.trim().to_lowercase()));
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self {
            account: format!("account:{hex}"),
            address: format!("address:{from}"),
        }
    }

    /// Of guessing the code of an account whose password is known: counted for the account alone, wherever it comes from.
    pub fn of_code(user: &str) -> Self {
        Self {
            account: format!("code:{user}"),
            address: format!("codes:{user}"),
        }
    }

    /// Of signing in with a passkey alone: whose it is comes with the answer, so it is counted for the address.
    pub fn of_passkey(address: Option<&str>) -> Self {
        let from = place(address.unwrap_or_default());
        Self {
            account: format!("passkey:{from}"),
            address: format!("address:{from}"),
        }
    }

    /// Counts the attempt, or refuses it.
    ///
    /// # Errors
    /// 429 `too_many_attempts` with `retry_after` in seconds.
    pub async fn begin(&self, control: &Control) -> Result<()> {
        let mut conn = control.db().conn().await?;
        for (bucket, free) in [(&self.address, FREE_ADDRESS), (&self.account, FREE_ACCOUNT)] {
            if !count(&mut conn, bucket, free).await? {
                return Err(refusal(wait(&mut conn, bucket).await?).into());
            }
        }
        Ok(())
    }

    /// It was a good one: the account's count ends, the address gets its one back.
    pub async fn succeeded(&self, conn: &mut AsyncPgConnection) -> Result<()> {
        diesel::sql_query(
            "with one as (delete from login_failures where bucket = $1) \
             update login_failures set failures = greatest(failures - 1, 0), blocked_until = null where bucket = $2",
        )
        .bind::<Text, _>(&self.account)
        .bind::<Text, _>(&self.address)
        .execute(conn)
        .await?;
        Ok(())
    }
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Integer)]
    #[expect(dead_code, reason = "only whether there is a row counts")]
    failures: i32,
}

/// Counts in one statement; no row comes back while the bucket is blocked. An hour of peace clears it.
async fn count(conn: &mut AsyncPgConnection, bucket: &str, free: i32) -> Result<bool> {
    let row: Option<Counted> = diesel::sql_query(
        "insert into login_failures as f (bucket, failures) values ($1, 1) \
         on conflict (bucket) do update set last_at = now(), \
           failures = case when f.last_at < now() - interval '1 hour' then 1 else f.failures + 1 end, \
           blocked_until = case \
             when f.last_at < now() - interval '1 hour' or f.failures + 1 < $2 then null \
             else now() + least($3, 2 ^ least(f.failures + 1 - $2, 20)) * interval '1 second' end \
         where f.blocked_until is null or f.blocked_until <= now() \
         returning failures",
    )
    .bind::<Text, _>(bucket)
    .bind::<Integer, _>(free)
    .bind::<Integer, _>(LONGEST_WAIT)
    .get_result(conn)
    .await
    .optional()?;
    Ok(row.is_some())
}

#[derive(QueryableByName)]
struct Wait {
    #[diesel(sql_type = BigInt)]
    seconds: i64,
}

async fn wait(conn: &mut AsyncPgConnection, bucket: &str) -> Result<u64> {
    let wait: Option<Wait> = diesel::sql_query(
        "select greatest(1, ceil(extract(epoch from max(blocked_until) - now())))::bigint as seconds \
         from login_failures where bucket = any($1) and blocked_until is not null having count(*) > 0",
    )
    .bind::<Array<Text>, _>(vec![bucket])
    .get_result(conn)
    .await
    .optional()?;
    Ok(wait.map_or(1, |wait| wait.seconds.unsigned_abs()))
}

fn refusal(seconds: u64) -> Problem {
    let unit = if seconds == 1 { "second" } else { "seconds" };
    Problem::new(
        ErrorClass::TooMany,
        "too_many_attempts",
        format!("There were too many attempts to sign in from here. Wait {seconds} {unit}, then try again."),
    )
    .with("retry_after", seconds)
}

/// An IPv6 network of 64 bits is one place: each home has that many addresses to itself.
fn place(address: &str) -> String {
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.to_string(),
            None => {
                let [a, b, c, d, ..] = v6.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        },
        Ok(v4) => v4.to_string(),
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_place() {
        assert_eq!(place("2001:db8:1:2::5"), place("2001:db8:1:2:ffff::1"));
        assert_ne!(place("2001:db8:1:2::5"), place("2001:db8:1:3::5"));
        assert_eq!(place("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(place("nonsense"), "unknown");
    }

    #[test]
    fn the_name_counts_without_case_and_is_not_kept() {
        let a = Attempt::new("Ada ", Some("192.0.2.7"));
        assert_eq!(a, Attempt::new("ada", Some("192.0.2.7")));
        assert_ne!(a, Attempt::new("ada", Some("192.0.2.8")));
        assert!(!a.account.contains("ada"));
    }
}
