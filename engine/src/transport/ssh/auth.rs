//! Signing in: key, agent, password, in this order.

use super::{Ssh, session::Checker};
use crate::transport::TransportError;
use russh::{
    MethodKind, MethodSet,
    client::{AuthResult, Handle, KeyboardInteractiveAuthResponse},
    keys::{
        HashAlg, PrivateKeyWithHashAlg, PublicKey,
        agent::{AgentIdentity, client::AgentClient},
    },
};
use secrecy::ExposeSecret;

/// How many of an agent's keys are tried; servers end the connection after a few refused ones.
const AGENT_KEYS: usize = 5;
/// How many rounds of questions a keyboard-interactive server may ask.
const ROUNDS: usize = 4;

pub(super) async fn sign_in(handle: &mut Handle<Checker>, ssh: &Ssh) -> Result<(), TransportError> {
    let mut attempt = Attempt {
        handle,
        ssh,
        at: ssh.target.at(),
        offered: Vec::new(),
    };
    let mut refused = None;
    if ssh.key.is_some() {
        match attempt.key().await? {
            None => return Ok(()),
            Some(error) => refused = Some(error),
        }
    }
    if ssh.settings.use_agent {
        match attempt.agent().await {
            Ok(None) => return Ok(()),
            Ok(Some(error)) | Err(error) => refused = refused.or(Some(error)),
        }
    }
    let password = ssh.settings.password.as_ref().map(|words| words.expose_secret());
    if let Some(password) = password.filter(|words| !words.is_empty()) {
        match attempt.password(password).await? {
            None => return Ok(()),
            Some(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| TransportError::NoCredentials {
        at: ssh.target.at(),
        user: ssh.target.user.clone(),
    }))
}

struct Attempt<'a> {
    handle: &'a mut Handle<Checker>,
    ssh: &'a Ssh,
    at: String,
    /// What the server said it would take, after the last refusal.
    offered: Vec<String>,
}

impl Attempt<'_> {
    fn user(&self) -> String {
        self.ssh.target.user.clone()
    }

    fn broke(&self, error: &russh::Error) -> TransportError {
        TransportError::SshGone {
            at: self.at.clone(),
            why: super::session::lower(&error.to_string()),
        }
    }

    /// `None` when signed in; the server's refusal otherwise.
    fn judge(&mut self, result: AuthResult) -> Result<Option<()>, TransportError> {
        match result {
            AuthResult::Success => Ok(None),
            AuthResult::Failure {
                remaining_methods,
                partial_success,
            } => {
                self.offered = words(&remaining_methods);
                if partial_success {
                    return Err(TransportError::SecondFactor {
                        at: self.at.clone(),
                        offered: self.offered.clone(),
                    });
                }
                Ok(Some(()))
            }
        }
    }

    async fn rsa_hash(&mut self, rsa: bool) -> Result<Option<HashAlg>, TransportError> {
        if !rsa {
            return Ok(None);
        }
        let best = self.handle.best_supported_rsa_hash().await;
        // Servers that do not say take SHA-2 as well, unless they are ancient.
        Ok(best
            .map_err(|error| self.broke(&error))?
            .unwrap_or(Some(HashAlg::Sha256)))
    }

    async fn key(&mut self) -> Result<Option<TransportError>, TransportError> {
        let Some(key) = self.ssh.key.clone() else {
            return Ok(None);
        };
        let hash = self.rsa_hash(key.0.algorithm().is_rsa()).await?;
        let with_hash = PrivateKeyWithHashAlg::new(key.0.clone(), hash);
        let result = self.handle.authenticate_publickey(self.user(), with_hash).await;
        let result = result.map_err(|error| self.broke(&error))?;
        Ok(self.judge(result)?.map(|()| TransportError::KeyRefused {
            at: self.at.clone(),
            user: self.user(),
            fingerprint: key.fingerprint(),
            offered: self.offered.clone(),
        }))
    }

    async fn agent(&mut self) -> Result<Option<TransportError>, TransportError> {
        let unavailable = |why: String| TransportError::AgentUnavailable {
            why: super::session::lower(&why),
        };
        let mut agent = AgentClient::connect_env()
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        let keys = agent
            .request_identities()
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        if keys.is_empty() {
            return Err(unavailable("it holds no key".to_owned()));
        }
        let mut tried = 0;
        for identity in keys.into_iter().take(AGENT_KEYS) {
            let AgentIdentity::PublicKey { key, .. } = identity else {
                continue;
            };
            tried += 1;
            let hash = self.rsa_hash(key.algorithm().is_rsa()).await?;
            let result = self.with_agent(&mut agent, key, hash).await?;
            if self.judge(result)?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(TransportError::AgentRefused {
            at: self.at.clone(),
            user: self.user(),
            tried,
        }))
    }

    async fn with_agent(
        &mut self,
        agent: &mut AgentClient<tokio::net::UnixStream>,
        key: PublicKey,
        hash: Option<HashAlg>,
    ) -> Result<AuthResult, TransportError> {
        self.handle
            .authenticate_publickey_with(self.ssh.target.user.clone(), key, hash, agent)
            .await
            .map_err(|error| TransportError::AgentUnavailable {
                why: super::session::lower(&error.to_string()),
            })
    }

    async fn password(&mut self, password: &str) -> Result<Option<TransportError>, TransportError> {
        let result = self.handle.authenticate_password(self.user(), password).await;
        let result = result.map_err(|error| self.broke(&error))?;
        if self.judge(result)?.is_none() {
            return Ok(None);
        }
        let offers = |attempt: &Self, word: &str| attempt.offered.iter().any(|one| one == word);
        let takes_passwords = offers(self, "password");
        if !takes_passwords && offers(self, "keyboard-interactive") && self.answer(password).await? {
            return Ok(None);
        }
        let (at, user, offered) = (self.at.clone(), self.user(), self.offered.clone());
        Ok(Some(if takes_passwords || offers(self, "keyboard-interactive") {
            TransportError::PasswordRefused { at, user, offered }
        } else {
            TransportError::PasswordNotAllowed { at, user, offered }
        }))
    }

    /// Answers a server's hidden questions with the password: many servers ask for it in no other way.
    async fn answer(&mut self, password: &str) -> Result<bool, TransportError> {
        let user = self.user();
        let started = self
            .handle
            .authenticate_keyboard_interactive_start(user, None::<String>)
            .await;
        let mut reply = started.map_err(|error| self.broke(&error))?;
        for _ in 0..ROUNDS {
            reply = match reply {
                KeyboardInteractiveAuthResponse::Success => return Ok(true),
                KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                    let answers = prompts
                        .iter()
                        .map(|prompt| {
                            if prompt.echo {
                                String::new()
                            } else {
                                password.to_owned()
                            }
                        })
                        .collect();
                    let answered = self
                        .handle
                        .authenticate_keyboard_interactive_respond(answers)
                        .await;
                    answered.map_err(|error| self.broke(&error))?
                }
            };
        }
        Ok(false)
    }
}

fn words(methods: &MethodSet) -> Vec<String> {
    methods
        .iter()
        .map(|method: &MethodKind| <&'static str>::from(method).to_owned())
        .collect()
}
