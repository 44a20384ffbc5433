//! Runs a short command on the other side and reads what it says.

use super::session::Session;
use russh::ChannelMsg;
use std::time::Duration;

/// How long a command may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// How much of its output is read, in bytes.
const LIMIT: usize = 64 * 1024;

/// What a command said.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) status: Option<u32>,
    pub(super) output: String,
    pub(super) complaint: String,
    /// The server does not run commands at all.
    pub(super) refused: bool,
}

/// Runs a script by the other side's `/bin/sh`, whatever the user's own shell is.
pub(super) async fn script(session: &Session, script: &str) -> Result<Said, russh::Error> {
    command(session, &format!("/bin/sh -c {}", quoted(script))).await
}

async fn command(session: &Session, line: &str) -> Result<Said, russh::Error> {
    let run = async {
        let (mut channel, _counted) = session.command(line).await?;
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut said = Said::default();
        while let Some(message) = channel.wait().await {
            match message {
                ChannelMsg::Data { data } if out.len() < LIMIT => out.extend_from_slice(&data),
                ChannelMsg::ExtendedData { data, .. } if err.len() < LIMIT => err.extend_from_slice(&data),
                ChannelMsg::ExitStatus { exit_status } => said.status = Some(exit_status),
                ChannelMsg::Failure => {
                    said.refused = true;
                    break;
                }
                ChannelMsg::Close => break,
                _ => {}
            }
        }
        let _ = channel.close().await;
        said.output = String::from_utf8_lossy(&out).trim().to_owned();
        said.complaint = String::from_utf8_lossy(&err).trim().to_owned();
        Ok(said)
    };
    tokio::time::timeout(DEADLINE, run)
        .await
        .unwrap_or(Err(russh::Error::ConnectionTimeout))
}

/// One word for a POSIX shell, whatever it holds.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_one_word() {
        assert_eq!(quoted("/opt/my docker"), "'/opt/my docker'");
        assert_eq!(quoted("it's; rm -rf /"), r"'it'\''s; rm -rf /'");
    }
}
