//! Containers that are made for one task: made, followed to their end, and removed.

use super::check_id;
use crate::{
    client::Engine,
    error::EngineError,
    output::Output,
    wire::{decode, within},
};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SMALL: usize = 1024 * 1024;

/// A container to be made.
#[derive(Clone, Debug, Default)]
pub struct OnceSpec {
    pub image: String,
    /// In place of the image's own command when not empty.
    pub command: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    pub labels: BTreeMap<String, String>,
    /// Source, place in the container, read-only. A source that begins with a slash is a path of the host.
    pub mounts: Vec<(String, String, bool)>,
    pub network: Option<String>,
    pub memory: Option<i64>,
    pub nano_cpus: Option<i64>,
    pub pids: Option<u32>,
}

impl OnceSpec {
    fn body(&self) -> Value {
        let mounts: Vec<Value> = self
            .mounts
            .iter()
            .map(|(source, target, read_only)| {
                let kind = if source.starts_with('/') { "bind" } else { "volume" };
                json!({ "Type": kind, "Source": source, "Target": target, "ReadOnly": read_only })
            })
            .collect();
        let mut host = json!({
            "Mounts": mounts,
            // One whose log can be read again, whatever the engine's default is; old output is let go of.
            "LogConfig": { "Type": "json-file", "Config": { "max-size": "20m", "max-file": "2" } },
        });
        if let Some(network) = &self.network {
            host["NetworkMode"] = json!(network);
        }
        if let Some(memory) = self.memory {
            host["Memory"] = json!(memory);
        }
        if let Some(cpus) = self.nano_cpus {
            host["NanoCpus"] = json!(cpus);
        }
        if let Some(pids) = self.pids {
            host["PidsLimit"] = json!(pids);
        }
        let mut body = json!({
            "Image": self.image,
            "Env": self.env,
            "Labels": self.labels,
            "HostConfig": host,
        });
        if !self.command.is_empty() {
            body["Cmd"] = json!(self.command);
        }
        body
    }
}

impl Engine {
    /// Makes a container under a name and gives its id; it is not started.
    ///
    /// # Errors
    /// `NotFound` when the host does not have the image, `Conflict` when the name is taken, and anything else of
    /// [`EngineError`].
    pub async fn create(&self, name: &str, spec: &OnceSpec) -> Result<String, EngineError> {
        const OPERATION: &str = "make the container";
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Created {
            id: String,
        }
        check_id(name)?;
        self.ready().await?;
        let request = self.wire.order(
            Method::POST,
            &format!("/containers/create?name={name}"),
            Some(&spec.body()),
        )?;
        let answer = self
            .wire
            .ordered(OPERATION, request, SMALL, self.options().action)
            .await?;
        Ok(decode::<Created>(OPERATION, &answer)?.id)
    }

    /// What a container has written from its beginning, and what it writes until its end.
    ///
    /// # Errors
    /// Anything of [`EngineError`].
    pub async fn follow(&self, id: &str) -> Result<Output, EngineError> {
        const OPERATION: &str = "follow the container's output";
        check_id(id)?;
        self.ready().await?;
        let request = self
            .wire
            .question(&format!("/containers/{id}/logs?follow=1&stdout=1&stderr=1"))?;
        let response = within(OPERATION, self.options().action, async {
            self.wire.accepted(OPERATION, request).await
        })
        .await?;
        Ok(Output::new(OPERATION, response))
    }
}
