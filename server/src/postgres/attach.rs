//! The private database for commands: through the server that runs, or for as long as the command takes.

use super::{
    ClusterError, ClusterOptions, DATABASE, PORT, Plan, PrivateCluster, postmaster, programs, versions,
};
use control::db::connect::ConnectSpec;

/// A private database that a command may use.
#[derive(Debug)]
pub struct Attached {
    pub spec: ConnectSpec,
    /// Started for this command alone.
    own: Option<PrivateCluster>,
}

impl Attached {
    /// Lets go; stops what was started for it.
    ///
    /// # Errors
    /// When Postgres could not be stopped; its data is safe all the same.
    pub async fn stop(self) -> Result<(), ClusterError> {
        match self.own {
            Some(cluster) => cluster.stop().await,
            None => Ok(()),
        }
    }
}

/// Uses the running private database, or starts it. Makes none.
///
/// # Errors
/// When there is no private database yet, or Postgres does not start.
pub async fn attach(options: &ClusterOptions) -> Result<Attached, ClusterError> {
    let installed = programs::installed(options.bin.as_deref()).await?;
    match versions::plan(&options.root(), &options.backups(), &installed)? {
        Plan::Use { dir, .. } => {
            if let Some(socket_dir) = postmaster::running_socket_dir(&dir) {
                let spec = ConnectSpec::socket(socket_dir, PORT, DATABASE, DATABASE);
                return Ok(Attached { spec, own: None });
            }
        }
        Plan::Create { .. } => {
            return Err(ClusterError::NoCluster {
                data_dir: options.data_dir.clone(),
            });
        }
        Plan::Upgrade { .. } => {}
    }
    let cluster = PrivateCluster::start(options).await?;
    Ok(Attached {
        spec: cluster.connect_spec().clone(),
        own: Some(cluster),
    })
}
