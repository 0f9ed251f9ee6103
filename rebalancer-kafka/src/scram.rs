//! SCRAM (RFC 5802) as Kafka speaks it: SCRAM-SHA-256 and SCRAM-SHA-512 without channel binding. Pure, but for the nonce.

use std::num::NonZeroU32;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

/// Fewer rounds would let the password be guessed from one exchange; more than this are no broker's, but would keep us busy.
const ROUNDS: std::ops::RangeInclusive<u32> = 4096..=1_000_000;
/// "No channel binding", in base 64.
const NO_BINDING: &str = "biws";

/// Which hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    fn pbkdf2(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }

    fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        }
    }

    fn mac(self, key: &[u8], text: &[u8]) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(self.hmac(), key), text)
    }
}

/// Why an exchange ends. Nothing of a secret is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ScramError {
    /// The server's message is not one of SCRAM's.
    Malformed(&'static str),
    /// The server does not know the password.
    NotProven,
}

/// An exchange that has begun.
pub(crate) struct Scram {
    hash: Hash,
    nonce: String,
    first: String,
}

impl Scram {
    /// With a nonce of printable characters without a comma, new for each exchange.
    pub(crate) fn new(hash: Hash, username: &str, nonce: String) -> Self {
        let name = username.replace('=', "=3D").replace(',', "=2C");
        let first = format!("n={name},r={nonce}");
        Self { hash, nonce, first }
    }

    pub(crate) fn client_first(&self) -> String {
        format!("n,,{}", self.first)
    }

    /// Answers the server's first message, and tells what its last one must prove.
    pub(crate) fn client_final(
        &self,
        server_first: &[u8],
        password: &SecretString,
    ) -> Result<(String, Proof), ScramError> {
        let text = std::str::from_utf8(server_first).map_err(|_| ScramError::Malformed("no UTF-8"))?;
        let nonce = attribute(text, "r=").ok_or(ScramError::Malformed("no nonce"))?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(ScramError::Malformed("the nonce of another exchange"));
        }
        let salt = attribute(text, "s=").and_then(|salt| STANDARD.decode(salt).ok());
        let salt = salt.ok_or(ScramError::Malformed("no salt"))?;
        let rounds = attribute(text, "i=").and_then(|rounds| rounds.parse().ok());
        let rounds = rounds.filter(|rounds: &NonZeroU32| ROUNDS.contains(&rounds.get()));
        let rounds =
            rounds.ok_or(ScramError::Malformed("an iteration count that is missing, too low or too high"))?;

        let mut salted = vec![0; self.hash.digest().output_len()];
        pbkdf2::derive(self.hash.pbkdf2(), rounds, &salt, password.expose_secret().as_bytes(), &mut salted);
        let without_proof = format!("c={NO_BINDING},r={nonce}");
        let signed = format!("{},{text},{without_proof}", self.first);
        let client_key = self.hash.mac(&salted, b"Client Key");
        let stored_key = digest::digest(self.hash.digest(), client_key.as_ref());
        let signature = self.hash.mac(stored_key.as_ref(), signed.as_bytes());
        let proof: Vec<u8> = client_key.as_ref().iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        let server_key = self.hash.mac(&salted, b"Server Key");
        let expected = self.hash.mac(server_key.as_ref(), signed.as_bytes());
        Ok((format!("{without_proof},p={}", STANDARD.encode(proof)), Proof(expected.as_ref().to_vec())))
    }
}

/// What only a server that knows the password can send.
pub(crate) struct Proof(Vec<u8>);

impl Proof {
    /// Compares it with the server's last message.
    pub(crate) fn check(&self, server_final: &[u8]) -> Result<(), ScramError> {
        let text = std::str::from_utf8(server_final).map_err(|_| ScramError::Malformed("no UTF-8"))?;
        let sent = attribute(text, "v=").and_then(|sent| STANDARD.decode(sent).ok());
        let sent = sent.ok_or(ScramError::NotProven)?;
        verify_slices_are_equal(&self.0, &sent).map_err(|_| ScramError::NotProven)
    }
}

/// A nonce: 24 random bytes.
pub(crate) fn nonce() -> Result<String, ScramError> {
    let mut bytes = [0; 24];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| ScramError::Malformed("no randomness"))?;
    Ok(STANDARD.encode(bytes))
}

fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(',').find_map(|part| part.strip_prefix(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange of RFC 7677.
    const SERVER_FIRST: &[u8] =
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    const SERVER_FINAL: &[u8] = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    fn scram() -> Scram {
        Scram::new(Hash::Sha256, "user", "rOprNGfwEbeRWgbNEkqO".to_owned())
    }

    #[test]
    fn the_exchange_of_the_standard_is_spoken_word_for_word() {
        assert_eq!(scram().client_first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let (last, proof) = scram().client_final(SERVER_FIRST, &"pencil".into()).unwrap();
        assert_eq!(
            last,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(proof.check(SERVER_FINAL), Ok(()));
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_found_out() {
        let (_, proof) = scram().client_final(SERVER_FIRST, &"another".into()).unwrap();
        assert_eq!(proof.check(SERVER_FINAL), Err(ScramError::NotProven));
        assert_eq!(proof.check(b"e=other-error"), Err(ScramError::NotProven));
    }

    #[test]
    fn a_message_of_another_exchange_or_with_few_rounds_is_refused() {
        for bad in [
            &b"r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"[..],
            b"r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            b"r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1",
            b"r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4000000000",
            b"r=rOprNGfwEbeRWgbNEkqOx,s=?,i=4096",
            b"\xff",
            b"",
        ] {
            assert!(
                matches!(scram().client_final(bad, &"pencil".into()), Err(ScramError::Malformed(_))),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn commas_and_equals_signs_in_names_are_written_otherwise() {
        assert_eq!(Scram::new(Hash::Sha512, "a,b=c", "x".to_owned()).client_first(), "n,,n=a=2Cb=3Dc,r=x");
    }
}
