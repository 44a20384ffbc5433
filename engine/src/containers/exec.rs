//! Commands in a running container.

use super::check_id;
use crate::{
    client::Engine,
    error::EngineError,
    output::Output,
    wire::{decode, within},
};
use http::Method;
use serde::Deserialize;
use serde_json::json;

const SMALL: usize = 1024 * 1024;

/// A command to be run in a container.
#[derive(Clone, Debug, Default)]
pub struct ExecSpec {
    pub command: Vec<String>,
    pub user: Option<String>,
    pub workdir: Option<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecState {
    pub running: bool,
    /// Nothing before it has ended, and nothing when it was never started.
    pub exit_code: Option<i64>,
}

impl Engine {
    /// Prepares a command and gives its id; nothing is run yet.
    ///
    /// # Errors
    /// `Conflict` when the container does not run, and anything else of [`EngineError`].
    pub async fn exec_create(&self, id: &str, spec: &ExecSpec) -> Result<String, EngineError> {
        const OPERATION: &str = "prepare the command";
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Created {
            id: String,
        }
        check_id(id)?;
        self.ready().await?;
        let mut body = json!({
            "AttachStdout": true,
            "AttachStderr": true,
            "Cmd": spec.command,
            "Env": spec.env,
        });
        if let Some(user) = &spec.user {
            body["User"] = json!(user);
        }
        if let Some(workdir) = &spec.workdir {
            body["WorkingDir"] = json!(workdir);
        }
        let request = self
            .wire
            .order(Method::POST, &format!("/containers/{id}/exec"), Some(&body))?;
        let answer = self
            .wire
            .ordered(OPERATION, request, SMALL, self.options().action)
            .await?;
        Ok(decode::<Created>(OPERATION, &answer)?.id)
    }

    /// Starts a prepared command and gives its output as it comes.
    ///
    /// # Errors
    /// Any of [`EngineError`]; ask `outcome_unknown()` whether it may have been started all the same.
    pub async fn exec_start(&self, exec: &str) -> Result<Output, EngineError> {
        const OPERATION: &str = "run the command";
        check_id(exec)?;
        self.ready().await?;
        let body = json!({ "Detach": false, "Tty": false });
        let request = self
            .wire
            .order(Method::POST, &format!("/exec/{exec}/start"), Some(&body))?;
        let response = within(OPERATION, self.options().action, async {
            self.wire.accepted(OPERATION, request).await
        })
        .await?;
        Ok(Output::new(OPERATION, response))
    }

    /// Whether a command runs, and how it ended.
    ///
    /// # Errors
    /// `NotFound` some minutes after its end, and anything else of [`EngineError`].
    pub async fn exec_state(&self, exec: &str) -> Result<ExecState, EngineError> {
        const OPERATION: &str = "describe the command";
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Described {
            #[serde(default)]
            running: bool,
            exit_code: Option<i64>,
        }
        check_id(exec)?;
        self.ready().await?;
        let found: Described = self
            .wire
            .get(OPERATION, &format!("/exec/{exec}/json"), SMALL)
            .await?;
        Ok(ExecState {
            running: found.running,
            exit_code: found.exit_code.filter(|_| !found.running),
        })
    }
}
