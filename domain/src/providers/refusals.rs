//! Why a sign-in through a provider did not work. The address of the sign-in page carries the code alone, so that nobody can
//! put words of their own on it.

/// The sentence of a code; nothing for one that is not known.
pub fn refusal(code: &str) -> Option<&'static str> {
    Some(match code {
        "provider_unknown" => {
            "There is no such way to sign in here. It may have been removed or switched off: choose another one."
        }
        "provider_unreachable" => "The provider does not answer. Try again in a moment.",
        "provider_misconfigured" => {
            "This way to sign in is not set up right. Ask a server administrator: its test in Settings, Sign-in says what is \
             wrong."
        }
        "provider_refused" => {
            "The provider did not sign you in, or you cancelled. Try again, or choose another way."
        }
        "state_invalid" => {
            "This sign-in took longer than 10 minutes, was used already, or began in another browser. Begin again."
        }
        "code_refused" => "The provider did not confirm this sign-in. Begin again.",
        "token_signature" => "The provider's answer is not signed by it, so it was refused. Begin again.",
        "token_issuer" => "The answer comes from another issuer than it should, so it was refused.",
        "token_audience" => "The provider's answer is meant for another application, so it was refused.",
        "token_nonce" => "The provider's answer belongs to another sign-in, so it was refused. Begin again.",
        "token_expired" => {
            "The provider's answer is out of date, so it was refused. If it happens again, the clocks of this server and of \
             the provider differ."
        }
        "token_invalid" => "The provider's answer cannot be used, so it was refused.",
        "email_unverified" => {
            "The provider has not verified your e-mail address, and this server asks for that. Confirm it there first."
        }
        "email_ambiguous" => {
            "Your e-mail address belongs to more than one account here. Sign in another way and link this one in your profile."
        }
        "domain_not_allowed" => "Your e-mail address is not of a domain that may sign in here.",
        "not_invited" => {
            "Your account is not invited. Ask an admin for an invitation, or sign in another way and link this one in your \
             profile."
        }
        "no_organisation" => {
            "Your account belongs to no organisation here, or to none any more. Ask an owner to add you."
        }
        "account_disabled" => "This account is switched off. Ask an admin.",
        "invitation_invalid" => {
            "This invitation is not valid: it was used or taken back, or its time is over. Ask for a new one."
        }
        "identity_taken" => "That account of the provider is linked to somebody else here already.",
        "session_changed" => {
            "You signed out or in as somebody else meanwhile, so nothing was linked. Try again."
        }
        "too_many_attempts" => {
            "There were too many attempts to sign in from here. Wait two minutes, then try again."
        }
        "database_unavailable" => {
            "The database does not answer. It may be restarting: try again in a few seconds."
        }
        "internal" => "Something went wrong inside Chrontainer. The server's log has the details. Try again.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_codes_have_words() {
        assert!(refusal("not_invited").is_some_and(|text| text.starts_with("Your account is not invited")));
        assert_eq!(refusal("<b>call us</b>"), None);
        assert_eq!(refusal(""), None);
    }
}
