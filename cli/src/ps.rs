//! `chrontainer ps`: the fleet as a table or JSON.

use crate::{
    client::{Client, Error},
    table::table,
};
use clap::Args;
use domain::containers::{Container, ContainerPage, ContainerState};

#[derive(Args)]
pub struct Ps {
    /// A selector, such as `host:nas state:running` or a part of a name.
    query: Vec<String>,
    /// Also those that do not run.
    #[arg(short, long)]
    all: bool,
    /// Print JSON, one container per line.
    #[arg(long)]
    json: bool,
}

pub async fn run(client: &Client, ps: Ps) -> Result<(), Error> {
    let mut cursor: Option<String> = None;
    let mut containers: Vec<Container> = Vec::new();
    loop {
        let mut query = vec![("query", ps.query.join(" ")), ("limit", "500".to_owned())];
        if let Some(cursor) = cursor {
            query.push(("cursor", cursor));
        }
        let page: ContainerPage = client.get("/api/v1/containers", &query).await?;
        containers.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    if !ps.all {
        containers.retain(|c| {
            !matches!(
                c.state,
                ContainerState::Exited | ContainerState::Created | ContainerState::Dead
            )
        });
    }
    print(&containers, ps.json);
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the command's output")]
fn print(containers: &[Container], json: bool) {
    if json {
        for container in containers {
            println!("{}", serde_json::json!(container));
        }
        return;
    }
    let rows = containers.iter().map(|c| {
        let health = c
            .health
            .map_or_else(String::new, |health| format!(" ({})", health.as_str()));
        let ports: Vec<String> = c
            .ports
            .iter()
            .map(|p| format!("{}->{}/{}", p.public, p.private, p.protocol))
            .collect();
        [
            c.host.name.clone(),
            c.name.clone(),
            c.image.clone(),
            format!("{}{health}", c.state.as_str()),
            ports.join(", "),
        ]
    });
    print!("{}", table(["HOST", "NAME", "IMAGE", "STATE", "PORTS"], rows));
}
